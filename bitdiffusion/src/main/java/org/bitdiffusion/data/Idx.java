package org.bitdiffusion.data;

import java.io.BufferedInputStream;
import java.io.DataInputStream;
import java.io.EOFException;
import java.io.IOException;
import java.io.InputStream;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.stream.IntStream;
import java.util.zip.GZIPInputStream;
import java.util.zip.ZipException;
import org.bitdiffusion.DataException;

/** The files of MNIST and its relatives (IDX), gzip or not: grey images and labels. */
final class Idx {
  private static final int IMAGES = 0x803; // unsigned bytes in three dimensions
  private static final int LABELS = 0x801; // unsigned bytes in one dimension

  private Idx() {}

  /**
   * @param path a folder with {@code train-images-idx3-ubyte} and so on, or an image file itself
   * @param split {@code train} or {@code test}
   */
  static ImagesInMemory open(Path path, String split) {
    var images = path;
    if (Files.isDirectory(path)) {
      images = find(path, (split.equals("train") ? "train" : "t10k") + "-images-idx3-ubyte");
      if (images == null) {
        throw new DataException(
            "%s has no file %s-images-idx3-ubyte or the same with .gz"
                .formatted(path, split.equals("train") ? "train" : "t10k"));
      }
    }
    var labelName =
        images
            .getFileName()
            .toString()
            .replace("-images-idx3-ubyte", "-labels-idx1-ubyte")
            .replaceFirst("\\.gz$", "");
    var labels =
        labelName.equals(images.getFileName().toString().replaceFirst("\\.gz$", ""))
            ? null
            : find(images.toAbsolutePath().getParent(), labelName);
    return read(images, labels);
  }

  private static Path find(Path folder, String name) {
    for (var ending : List.of("", ".gz")) {
      if (Files.isRegularFile(folder.resolve(name + ending))) {
        return folder.resolve(name + ending);
      }
    }
    return null;
  }

  private static ImagesInMemory read(Path imageFile, Path labelFile) {
    byte[][] images;
    int height;
    int width;
    try (var in = open(imageFile)) {
      requireMagic(imageFile, in.readInt(), IMAGES, "images");
      var count = in.readInt();
      height = in.readInt();
      width = in.readInt();
      if (count < 1 || height < 1 || width < 1 || height > 4096 || width > 4096) {
        throw new DataException(
            "%s is damaged: it claims %d images of %dx%d"
                .formatted(imageFile, count, height, width));
      }
      var all = new ArrayList<byte[]>();
      for (var i = 0; i < count; i++) {
        var image = in.readNBytes(height * width);
        if (image.length < height * width) {
          throw new DataException(
              "%s is cut off: it claims %d images, but ends in image %d"
                  .formatted(imageFile, count, i + 1));
        }
        all.add(image);
      }
      images = all.toArray(byte[][]::new);
    } catch (IOException e) {
      throw unreadable(imageFile, e);
    }
    var labels = labelFile == null ? null : labels(labelFile, images.length);
    var classes =
        labels == null
            ? List.<String>of()
            : IntStream.rangeClosed(0, IntStream.of(labels).max().orElse(0))
                .mapToObj(Integer::toString)
                .toList();
    return new ImagesInMemory(
        imageFile.getFileName() + " %dx%d".formatted(height, width),
        new ImageFormat(1, height, width, 256, List.of()),
        images,
        labels,
        classes);
  }

  private static int[] labels(Path file, int images) {
    try (var in = open(file)) {
      requireMagic(file, in.readInt(), LABELS, "labels");
      var count = in.readInt();
      if (count != images) {
        throw new DataException("%s has %d labels for %d images".formatted(file, count, images));
      }
      var bytes = in.readNBytes(count);
      if (bytes.length < count) {
        throw new DataException(
            "%s is cut off: it claims %d labels, but has %d".formatted(file, count, bytes.length));
      }
      var labels = new int[count];
      for (var i = 0; i < count; i++) {
        labels[i] = bytes[i] & 255;
      }
      return labels;
    } catch (IOException e) {
      throw unreadable(file, e);
    }
  }

  private static void requireMagic(Path file, int magic, int expected, String content) {
    if (magic != expected) {
      throw new DataException(
          "%s is no IDX file of %s: it begins with %08x instead of %08x"
              .formatted(file, content, magic, expected));
    }
  }

  private static DataInputStream open(Path file) throws IOException {
    InputStream in = new BufferedInputStream(Files.newInputStream(file), 1 << 16);
    return new DataInputStream(
        file.toString().endsWith(".gz") ? new GZIPInputStream(in, 1 << 16) : in);
  }

  private static DataException unreadable(Path file, IOException e) {
    var reason =
        e instanceof EOFException
            ? "is cut off"
            : e instanceof ZipException
                ? "is no gzip file or damaged: " + e.getMessage()
                : "cannot be read: " + e.getMessage();
    return new DataException(file + " " + reason, e);
  }
}

package org.bitdiffusion.modality.image;

import java.io.BufferedInputStream;
import java.io.DataInputStream;
import java.io.EOFException;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.stream.IntStream;
import java.util.zip.GZIPInputStream;
import java.util.zip.ZipException;
import org.bitdiffusion.ConfigurationException;
import org.bitdiffusion.DataException;

/**
 * The files of MNIST and its relatives (IDX), gzip or not: grey images and labels. A file of images
 * is {@code NAME-images-idx3-ubyte}, its labels are in {@code NAME-labels-idx1-ubyte} beside it, if
 * that is there; both may end in {@code .gz}, and {@code .idx3-ubyte} is as good as {@code
 * -idx3-ubyte}. EMNIST has the rows of each image where all others have its columns, of which the
 * file says nothing.
 */
final class Idx {
  private static final int IMAGES = 0x803; // unsigned bytes in three dimensions
  private static final int LABELS = 0x801; // unsigned bytes in one dimension
  private static final int GZIP = 0x1f8b;

  private Idx() {}

  /**
   * @param path a folder with {@code train-images-idx3-ubyte} and so on, or a file of images
   * @param split {@code train} or {@code test}, of a folder
   * @param splitGiven whether the user asked for that split
   */
  static ImagesInMemory open(Path path, String split, boolean splitGiven) {
    if (!Files.isDirectory(path)) {
      if (splitGiven) {
        throw new ConfigurationException(
            "data idx: %s is a file, which has no split; leave split out, or name the folder"
                .formatted(path));
      }
      return read(path);
    }
    var name = split.equals("train") ? "train-images" : "t10k-images";
    var images = find(path, name, "idx3-ubyte");
    if (images == null) {
      throw new DataException(
          "%s has no file %s-idx3-ubyte, with or without .gz".formatted(path, name));
    }
    return read(images);
  }

  private static Path find(Path folder, String name, String type) {
    for (var separator : List.of("-", ".")) {
      for (var ending : List.of("", ".gz")) {
        var file = folder.resolve(name + separator + type + ending);
        if (Files.isRegularFile(file)) {
          return file;
        }
      }
    }
    return null;
  }

  private static ImagesInMemory read(Path imageFile) {
    var name = imageFile.getFileName().toString();
    var type = name.lastIndexOf("images");
    var labelFile =
        type < 0
            ? null
            : find(
                imageFile.toAbsolutePath().getParent(),
                name.substring(0, type) + "labels",
                "idx1-ubyte");
    try (var in = open(imageFile)) {
      requireMagic(imageFile, in.readInt(), IMAGES, "images");
      var count = in.readInt();
      var height = in.readInt();
      var width = in.readInt();
      if (count < 1 || height < 1 || width < 1 || height > 4096 || width > 4096) {
        throw new DataException(
            "%s is damaged: it claims %d images of %dx%d pixels"
                .formatted(imageFile, count, height, width));
      }
      var bytes = (long) count * height * width;
      if (bytes > Runtime.getRuntime().maxMemory() / 2) {
        throw new DataException(
            "%s claims %,d images of %dx%d pixels, which need more than half of Java's memory; raise -Xmx if that is so"
                .formatted(imageFile, count, height, width));
      }
      var images = records(imageFile, in, count, height * width, "images");
      var labels = labelFile == null ? new int[0] : labels(labelFile, imageFile, count);
      var classes =
          IntStream.rangeClosed(0, IntStream.of(labels).max().orElse(-1))
              .mapToObj(Integer::toString)
              .toList();
      return new ImagesInMemory(
          "%s %dx%d".formatted(name, height, width),
          new ImageFormat(1, height, width, 256, List.of()),
          images,
          labels,
          classes,
          List.of());
    } catch (IOException e) {
      throw unreadable(imageFile, e);
    }
  }

  private static int[] labels(Path file, Path imageFile, int images) {
    try (var in = open(file)) {
      requireMagic(file, in.readInt(), LABELS, "labels");
      var count = in.readInt();
      if (count != images) {
        throw new DataException(
            "%s has %,d labels for the %,d images of %s"
                .formatted(file, count, images, imageFile.getFileName()));
      }
      var labels = records(file, in, count, 1, "labels");
      return IntStream.range(0, count).map(i -> labels[i][0] & 255).toArray();
    } catch (IOException e) {
      throw unreadable(file, e);
    }
  }

  private static byte[][] records(
      Path file, DataInputStream in, int count, int length, String content) throws IOException {
    // A list, as a damaged count must not reserve memory for images that do not come.
    var records = new ArrayList<byte[]>();
    while (records.size() < count) {
      var record = in.readNBytes(length);
      if (record.length < length) {
        throw new DataException(
            "%s is cut off: it claims %,d %s, but has %,d"
                .formatted(file, count, content, records.size()));
      }
      records.add(record);
    }
    if (in.read() >= 0) {
      throw new DataException(
          "%s is damaged: it claims %,d %s, but has more".formatted(file, count, content));
    }
    return records.toArray(byte[][]::new);
  }

  private static void requireMagic(Path file, int magic, int expected, String content) {
    if (magic != expected) {
      throw new DataException(
          "%s is no IDX file of %s: it begins with %08x instead of %08x"
              .formatted(file, content, magic, expected));
    }
  }

  private static DataInputStream open(Path file) throws IOException {
    var in = new DataInputStream(new BufferedInputStream(Files.newInputStream(file), 1 << 16));
    try {
      in.mark(2);
      var gzip = in.readUnsignedShort() == GZIP;
      in.reset();
      return gzip
          ? new DataInputStream(new BufferedInputStream(new GZIPInputStream(in, 1 << 16), 1 << 16))
          : in;
    } catch (IOException e) {
      in.close();
      throw e;
    }
  }

  private static DataException unreadable(Path file, IOException e) {
    if (e instanceof EOFException) {
      return new DataException(file + " is cut off", e);
    }
    if (e instanceof ZipException) {
      return new DataException(file + " is damaged: " + e.getMessage(), e);
    }
    return DataException.cannotRead(file, e);
  }
}

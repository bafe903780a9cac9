package org.bitdiffusion.modality.image;

import static java.nio.charset.StandardCharsets.UTF_8;

import java.io.BufferedInputStream;
import java.io.DataInputStream;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.stream.IntStream;
import org.bitdiffusion.DataException;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * CIFAR-10 and CIFAR-100 in their binary files: 32x32 RGB images and labels. Each image is a record
 * of its label (two for CIFAR-100: coarse, then fine) and the planes of red, green and blue.
 */
final class Cifar {
  /** Height and width of all images. */
  static final int SIDE = 32;

  private static final int PIXELS = 3 * SIDE * SIDE;

  /** All published files hold so many images, or five times as many. */
  private static final int WHOLE = 10_000;

  private static final Logger LOGGER = LoggerFactory.getLogger(Cifar.class);

  private Cifar() {}

  /** {@code data_batch_1.bin} to {@code 5}, or {@code test_batch.bin}. */
  static ImagesInMemory open10(Path folder, String split) {
    var files =
        split.equals("train")
            ? IntStream.rangeClosed(1, 5).mapToObj(i -> "data_batch_" + i + ".bin").toList()
            : List.of("test_batch.bin");
    return read("cifar10 " + split, folder, files, new int[] {10}, 0, "batches.meta.txt");
  }

  /** {@code train.bin} or {@code test.bin}, with the 20 coarse or the 100 fine labels. */
  static ImagesInMemory open100(Path folder, String split, String labels) {
    return read(
        "cifar100 %s, %s".formatted(split, labels),
        folder,
        List.of(split + ".bin"),
        new int[] {20, 100},
        labels.equals("coarse") ? 0 : 1,
        labels + "_label_names.txt");
  }

  /**
   * @param classes number of classes of each of a record's labels
   * @param chosen the label to take
   */
  private static ImagesInMemory read(
      String name, Path folder, List<String> files, int[] classes, int chosen, String namesFile) {
    var images = new ArrayList<byte[]>();
    var labels = new ArrayList<Integer>();
    var record = classes.length + PIXELS;
    for (var fileName : files) {
      var file = folder.resolve(fileName);
      if (!Files.isRegularFile(file)) {
        throw new DataException(
            "%s has no file %s; it must be the folder of the binary version"
                .formatted(folder, fileName));
      }
      var size = size(file);
      if (size == 0 || size % record != 0) {
        throw new DataException(
            "%s is cut off: %,d bytes are no multiple of the %,d of an image"
                .formatted(file, size, record));
      }
      if (size / record % WHOLE != 0) {
        LOGGER.warn(
            "{} holds {} images; as published it holds a multiple of {}: is it cut off?",
            file,
            size / record,
            WHOLE);
      }
      // One by one, as the bytes of the whole file would stay resident for hours.
      try (var in = new DataInputStream(new BufferedInputStream(Files.newInputStream(file)))) {
        for (var number = 1; number <= size / record; number++) {
          for (var i = 0; i < classes.length; i++) {
            var label = in.readUnsignedByte();
            if (label >= classes[i]) {
              throw new DataException(
                  "%s is damaged: image %d has the label %d, but labels are 0 to %d"
                      .formatted(file, number, label, classes[i] - 1));
            }
            if (i == chosen) {
              labels.add(label);
            }
          }
          var image = new byte[PIXELS];
          in.readFully(image);
          images.add(image);
        }
      } catch (IOException e) {
        throw DataException.cannotRead(file, e);
      }
    }
    return new ImagesInMemory(
        name,
        new ImageFormat(3, SIDE, SIDE, 256, List.of()),
        images.toArray(byte[][]::new),
        labels.stream().mapToInt(Integer::intValue).toArray(),
        names(folder.resolve(namesFile), classes[chosen]),
        List.of());
  }

  private static long size(Path file) {
    try {
      return Files.size(file);
    } catch (IOException e) {
      throw DataException.cannotRead(file, e);
    }
  }

  /** The classes' names from the file that comes with the images; numbers if it does not. */
  private static List<String> names(Path file, int classes) {
    if (Files.isRegularFile(file)) {
      var names = text(file).lines().map(String::strip).filter(line -> !line.isEmpty()).toList();
      if (names.size() == classes) {
        return names;
      }
    }
    return IntStream.range(0, classes).mapToObj(Integer::toString).toList();
  }

  /** A file as UTF-8; what is not stays readable. */
  private static String text(Path file) {
    try {
      return new String(Files.readAllBytes(file), UTF_8);
    } catch (IOException e) {
      throw DataException.cannotRead(file, e);
    }
  }
}

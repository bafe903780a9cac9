package org.bitdiffusion.data;

import static java.nio.charset.StandardCharsets.UTF_8;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.stream.IntStream;
import org.bitdiffusion.DataException;

/** CIFAR-10 and CIFAR-100 in their binary files: 32x32 RGB images and labels. */
final class Cifar {
  private static final int PIXELS = 3 * 32 * 32;

  private Cifar() {}

  /** {@code data_batch_1.bin} to {@code 5}, or {@code test_batch.bin}. */
  static ImagesInMemory open10(Path folder, String split) {
    var files =
        split.equals("train")
            ? IntStream.rangeClosed(1, 5).mapToObj(i -> "data_batch_" + i + ".bin").toList()
            : List.of("test_batch.bin");
    return read("cifar10 " + split, folder, files, 1, 0, 10, "batches.meta.txt");
  }

  /** {@code train.bin} or {@code test.bin}, with the 20 coarse or the 100 fine labels. */
  static ImagesInMemory open100(Path folder, String split, String labels) {
    var coarse = labels.equals("coarse");
    return read(
        "cifar100 " + split,
        folder,
        List.of(split + ".bin"),
        2,
        coarse ? 0 : 1,
        coarse ? 20 : 100,
        labels + "_label_names.txt");
  }

  /** Records of label bytes followed by the pixels, plane by plane. */
  private static ImagesInMemory read(
      String name,
      Path folder,
      List<String> files,
      int labelBytes,
      int labelAt,
      int classes,
      String namesFile) {
    var images = new ArrayList<byte[]>();
    var labels = new ArrayList<Integer>();
    var record = labelBytes + PIXELS;
    for (var fileName : files) {
      var file = folder.resolve(fileName);
      if (!Files.isRegularFile(file)) {
        throw new DataException(
            "%s has no file %s; it must be the folder of the binary version"
                .formatted(folder, fileName));
      }
      var bytes = bytes(file);
      if (bytes.length == 0 || bytes.length % record != 0) {
        throw new DataException(
            "%s is cut off: %,d bytes are no multiple of the %,d bytes of an image"
                .formatted(file, bytes.length, record));
      }
      for (var at = 0; at < bytes.length; at += record) {
        var label = bytes[at + labelAt] & 255;
        if (label >= classes) {
          throw new DataException(
              "%s is damaged: image %d has label %d, but there are %d classes"
                  .formatted(file, at / record + 1, label, classes));
        }
        labels.add(label);
        images.add(Arrays.copyOfRange(bytes, at + labelBytes, at + record));
      }
    }
    return new ImagesInMemory(
        name + " 32x32",
        new ImageFormat(3, 32, 32, 256, List.of()),
        images.toArray(byte[][]::new),
        labels.stream().mapToInt(Integer::intValue).toArray(),
        names(folder.resolve(namesFile), classes));
  }

  private static List<String> names(Path file, int classes) {
    if (Files.isRegularFile(file)) {
      var names =
          new String(bytes(file), UTF_8)
              .lines()
              .map(String::strip)
              .filter(line -> !line.isEmpty())
              .toList();
      if (names.size() == classes) {
        return names;
      }
    }
    return IntStream.range(0, classes).mapToObj(Integer::toString).toList();
  }

  private static byte[] bytes(Path file) {
    try {
      return Files.readAllBytes(file);
    } catch (IOException e) {
      throw new DataException(file + " cannot be read: " + e.getMessage(), e);
    }
  }
}

package org.bitdiffusion.modality.image;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import java.io.ByteArrayOutputStream;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Arrays;
import java.util.stream.IntStream;
import org.bitdiffusion.DataException;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

class CifarTest {
  @TempDir private Path folder;

  /** Labels, then pixels that differ by position, channel and image. */
  private static byte[] record(int image, int... labels) {
    var record = new byte[labels.length + 3072];
    for (var i = 0; i < labels.length; i++) {
      record[i] = (byte) labels[i];
    }
    for (var i = 0; i < 3072; i++) {
      record[labels.length + i] = (byte) pixel(image, i);
    }
    return record;
  }

  private static int pixel(int image, int i) {
    return (i * 7 + image * 31 + i / 1024 * 50) & 255;
  }

  private static byte[] join(byte[]... records) {
    var all = new ByteArrayOutputStream();
    Arrays.stream(records).forEach(all::writeBytes);
    return all.toByteArray();
  }

  private void assertBroken(String source, String file, String message) {
    assertThatThrownBy(() -> ImageSourcesTest.open(source + ":" + folder))
        .isInstanceOf(DataException.class)
        .hasMessage(folder.resolve(file) + message);
  }

  @BeforeEach
  void writeFiles() throws Exception {
    for (var i = 1; i <= 5; i++) {
      Files.write(
          folder.resolve("data_batch_" + i + ".bin"),
          join(record(2 * i - 2, i), record(2 * i - 1, i + 4)));
    }
    Files.write(folder.resolve("test_batch.bin"), record(99, 0));
    Files.write(folder.resolve("train.bin"), join(record(0, 19, 99), record(1, 0, 5)));
    Files.write(folder.resolve("test.bin"), record(9, 3, 4));
  }

  @Test
  void readsCifar10() throws Exception {
    try (var train = ImageSourcesTest.open("cifar10:" + folder);
        var test = ImageSourcesTest.open("cifar10:" + folder + ",split=test")) {
      assertThat(train.size()).isEqualTo(10);
      assertThat(train.schema().space().shape()).containsExactly(3, 32, 32);
      assertThat(train.schema().space().categories()).containsExactly(256);
      assertThat(IntStream.range(0, 10).map(train::label))
          .containsExactly(1, 5, 2, 6, 3, 7, 4, 8, 5, 9);
      for (var i = 0; i < 10; i++) {
        var image = i;
        assertThat(ImageSourcesTest.read(train, i))
            .isEqualTo(IntStream.range(0, 3072).map(j -> pixel(image, j)).toArray());
      }
      ImageSourcesTest.assertAsExpected("cifar10:" + folder, train);
      assertThat(train.classes()).containsExactly("0", "1", "2", "3", "4", "5", "6", "7", "8", "9");
      assertThat(test.size()).isEqualTo(1);
      assertThat(test.label(0)).isZero();
      ImageSourcesTest.assertSafeForSeveralThreads(train);
    }
  }

  @Test
  void readsBothLabelsOfCifar100() {
    try (var fine = ImageSourcesTest.open("cifar100:" + folder);
        var coarse = ImageSourcesTest.open("cifar100:" + folder + ",labels=coarse");
        var test = ImageSourcesTest.open("cifar100:" + folder + ",split=test")) {
      assertThat(fine.classes()).hasSize(100);
      assertThat(IntStream.range(0, 2).map(fine::label)).containsExactly(99, 5);
      assertThat(coarse.classes()).hasSize(20);
      ImageSourcesTest.assertAsExpected("cifar100:" + folder + ",labels=coarse", coarse);
      assertThat(IntStream.range(0, 2).map(coarse::label)).containsExactly(19, 0);
      assertThat(ImageSourcesTest.read(coarse, 1)).startsWith(pixel(1, 0), pixel(1, 1));
      assertThat(test.label(0)).isEqualTo(4);
    }
  }

  @Test
  void takesTheNamesOfClassesThatComeWithIt() throws Exception {
    Files.writeString(folder.resolve("batches.meta.txt"), "a\nb\nc\nd\ne\nf\ng\nh\ni\nj\n\n");
    try (var source = ImageSourcesTest.open("cifar10:" + folder)) {
      assertThat(source.classes())
          .containsExactly("a", "b", "c", "d", "e", "f", "g", "h", "i", "j");
    }
  }

  @Test
  void averagesToSmallerSizes() {
    try (var source = ImageSourcesTest.open("cifar10:" + folder + ",size=16")) {
      assertThat(source.schema().space().shape()).containsExactly(3, 16, 16);
      ImageSourcesTest.assertAsExpected("cifar10:" + folder + ",size=16", source);
      var image = ImageSourcesTest.read(source, 3);
      for (var c = 0; c < 3; c++) {
        for (var y = 0; y < 16; y++) {
          for (var x = 0; x < 16; x++) {
            var at = (c * 32 + 2 * y) * 32 + 2 * x;
            var sum = pixel(3, at) + pixel(3, at + 1) + pixel(3, at + 32) + pixel(3, at + 33);
            assertThat(image[(c * 16 + y) * 16 + x]).isEqualTo((sum + 2) / 4);
          }
        }
      }
    }
  }

  @Test
  void namesBadFiles() throws Exception {
    Files.write(
        folder.resolve("data_batch_3.bin"), Arrays.copyOf(join(record(0, 1), record(0, 2)), 5000));
    assertBroken(
        "cifar10",
        "data_batch_3.bin",
        " is cut off: 5,000 bytes are no multiple of the 3,073 of an image");
    Files.write(folder.resolve("data_batch_3.bin"), new byte[0]);
    assertBroken(
        "cifar10",
        "data_batch_3.bin",
        " is cut off: 0 bytes are no multiple of the 3,073 of an image");
    Files.write(folder.resolve("data_batch_3.bin"), join(record(0, 1), record(0, 10)));
    assertBroken(
        "cifar10",
        "data_batch_3.bin",
        " is damaged: image 2 has the label 10, but labels are 0 to 9");
    Files.delete(folder.resolve("data_batch_3.bin"));
    assertBroken(
        "cifar10",
        "",
        " has no file data_batch_3.bin; it must be the folder of the binary version");

    Files.write(folder.resolve("train.bin"), record(0, 20, 5));
    assertBroken(
        "cifar100", "train.bin", " is damaged: image 1 has the label 20, but labels are 0 to 19");
    Files.write(folder.resolve("train.bin"), record(0, 3, 200));
    assertBroken(
        "cifar100", "train.bin", " is damaged: image 1 has the label 200, but labels are 0 to 99");
  }
}

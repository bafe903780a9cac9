package org.bitdiffusion.modality.image;

import static java.nio.charset.StandardCharsets.US_ASCII;
import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import java.io.ByteArrayOutputStream;
import java.io.DataOutputStream;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Arrays;
import java.util.zip.GZIPOutputStream;
import org.bitdiffusion.ConfigurationException;
import org.bitdiffusion.DataException;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

class IdxTest {
  @TempDir private Path folder;

  private static byte[] idx(int magic, int[] sizes, int... values) throws IOException {
    var bytes = new ByteArrayOutputStream();
    var out = new DataOutputStream(bytes);
    out.writeInt(magic);
    for (var size : sizes) {
      out.writeInt(size);
    }
    for (var value : values) {
      out.writeByte(value);
    }
    return bytes.toByteArray();
  }

  private static byte[] images(int count, int height, int width, int... values) throws IOException {
    return idx(0x803, new int[] {count, height, width}, values);
  }

  private static byte[] labels(int... values) throws IOException {
    return idx(0x801, new int[] {values.length}, values);
  }

  private static byte[] gzip(byte[] bytes) throws IOException {
    var compressed = new ByteArrayOutputStream();
    try (var out = new GZIPOutputStream(compressed)) {
      out.write(bytes);
    }
    return compressed.toByteArray();
  }

  private void write(String name, byte[] bytes) throws IOException {
    Files.write(folder.resolve(name), bytes);
  }

  private ImageSource open(String options) {
    return ImageSourcesTest.open("idx:" + folder + options);
  }

  private void assertBroken(String file, String message) {
    assertThatThrownBy(() -> open(""))
        .isInstanceOf(DataException.class)
        .hasMessage(folder.resolve(file) + " " + message);
  }

  @Test
  void readsImagesAndLabelsOfBothSplits() throws Exception {
    write(
        "train-images-idx3-ubyte", images(2, 2, 3, 1, 2, 3, 4, 5, 6, 250, 251, 252, 253, 254, 255));
    write("train-labels-idx1-ubyte", labels(9, 3));
    write("t10k-images-idx3-ubyte.gz", gzip(images(1, 1, 1, 77)));
    write("t10k-labels-idx1-ubyte.gz", gzip(labels(0)));
    try (var train = open("");
        var test = open(",split=test")) {
      assertThat(train.size()).isEqualTo(2);
      assertThat(train.schema().space().shape()).containsExactly(1, 2, 3);
      assertThat(train.schema().space().categories()).containsExactly(256);
      assertThat(train.classes()).hasSize(10).startsWith("0").endsWith("9");
      assertThat(train.label(0)).isEqualTo(9);
      assertThat(train.label(1)).isEqualTo(3);
      assertThat(ImageSourcesTest.read(train, 0)).containsExactly(1, 2, 3, 4, 5, 6);
      assertThat(ImageSourcesTest.read(train, 1)).containsExactly(250, 251, 252, 253, 254, 255);
      assertThat(ImageSourcesTest.read(test, 0)).containsExactly(77);
      assertThat(test.label(0)).isZero();
      ImageSourcesTest.assertSafeForSeveralThreads(train);
    }
  }

  @Test
  void readsOneFileWhateverItsEndingSays() throws Exception {
    write("letters-images.idx3-ubyte", gzip(images(1, 1, 2, 8, 9)));
    write("letters-labels.idx1-ubyte", gzip(labels(2)));
    try (var source = ImageSourcesTest.open("idx:" + folder.resolve("letters-images.idx3-ubyte"))) {
      assertThat(ImageSourcesTest.read(source, 0)).containsExactly(8, 9);
      assertThat(source.label(0)).isEqualTo(2);
    }
    write("alone", images(1, 1, 1, 5));
    try (var source = ImageSourcesTest.open("idx:" + folder.resolve("alone"))) {
      assertThat(ImageSourcesTest.read(source, 0)).containsExactly(5);
      assertThat(source.label(0)).isEqualTo(-1);
      assertThat(source.classes()).isEmpty();
    }
    assertThatThrownBy(
            () -> ImageSourcesTest.open("idx:" + folder.resolve("alone") + ",split=test"))
        .isInstanceOf(ConfigurationException.class)
        .hasMessage(
            "data idx: %s is a file, which has no split; leave split out, or name the folder",
            folder.resolve("alone"));
  }

  /** As EMNIST's letters must be. */
  @Test
  void rowsBecomeColumnsWhereThatIsAskedFor() throws Exception {
    write("train-images-idx3-ubyte", images(2, 2, 3, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12));
    write("train-labels-idx1-ubyte", labels(9, 3));
    try (var source = open(",transpose=true")) {
      assertThat(source.schema().space().shape()).containsExactly(1, 3, 2);
      assertThat(ImageSourcesTest.read(source, 0)).containsExactly(1, 4, 2, 5, 3, 6);
      assertThat(ImageSourcesTest.read(source, 1)).containsExactly(7, 10, 8, 11, 9, 12);
      assertThat(source.label(1)).isEqualTo(3);
    }
  }

  @Test
  void largerSizesGetABlackBorder() throws Exception {
    write("train-images-idx3-ubyte", images(1, 2, 2, 1, 2, 3, 4));
    try (var source = open(",size=5")) {
      assertThat(source.schema().space().shape()).containsExactly(1, 5, 5);
      ImageSourcesTest.assertAsExpected("idx:" + folder + ",size=5", source);
      assertThat(ImageSourcesTest.read(source, 0))
          .containsExactly(
              0, 0, 0, 0, 0, //
              0, 1, 2, 0, 0, //
              0, 3, 4, 0, 0, //
              0, 0, 0, 0, 0, //
              0, 0, 0, 0, 0);
    }
  }

  @Test
  void smallerSizesAreMeansOfAreas() throws Exception {
    // 3x3 to 2x2: a new pixel covers one old one, half of two and a quarter of another.
    write("train-images-idx3-ubyte", images(1, 3, 3, 90, 0, 0, 0, 0, 0, 0, 0, 90));
    try (var source = open(",size=2")) {
      assertThat(ImageSourcesTest.read(source, 0)).containsExactly(40, 0, 0, 40);
    }
  }

  @Test
  void imagesThatAreNoSquaresKeepTheirProportions() throws Exception {
    write("train-images-idx3-ubyte", images(1, 2, 4, 10, 10, 20, 20, 10, 10, 20, 20));
    try (var source = open(",size=2")) { // a row of black above and below, then means of 2x2
      assertThat(ImageSourcesTest.read(source, 0)).containsExactly(5, 10, 5, 10);
    }
    try (var source = open(",size=4")) {
      assertThat(ImageSourcesTest.read(source, 0))
          .containsExactly(0, 0, 0, 0, 10, 10, 20, 20, 10, 10, 20, 20, 0, 0, 0, 0);
    }
  }

  @Test
  void levelsDivideTheRangeEvenly() throws Exception {
    write("train-images-idx3-ubyte", images(1, 1, 6, 0, 42, 43, 127, 128, 255));
    try (var source = open(",levels=4")) { // steps of 85: the nearest
      assertThat(source.schema().space().categories()).containsExactly(4);
      assertThat(ImageSourcesTest.read(source, 0)).containsExactly(0, 0, 1, 1, 2, 3);
    }
    try (var source = open(",levels=2")) {
      assertThat(ImageSourcesTest.read(source, 0)).containsExactly(0, 0, 0, 0, 1, 1);
    }
  }

  @Test
  void namesFilesThatAreCutOff() throws Exception {
    var name = "train-images-idx3-ubyte";
    write(name, images(3, 2, 2, 1, 2, 3, 4, 5));
    assertBroken(name, "is cut off: it claims 3 images, but has 1");
    write(name, images(Integer.MAX_VALUE, 1, 1, 1));
    assertBroken(
        name,
        "claims 2,147,483,647 images of 1x1 pixels, which need more than half of Java's memory; raise -Xmx if that is so");
    write(name, Arrays.copyOf(images(1, 1, 1, 1), 10));
    assertBroken(name, "is cut off");
    write(name, new byte[1]);
    assertBroken(name, "is cut off");
    Files.delete(folder.resolve(name));
    var whole = gzip(images(1, 1, 100, new int[100]));
    write(name + ".gz", Arrays.copyOf(whole, whole.length - 12));
    assertBroken(name + ".gz", "is cut off");
    whole[whole.length - 6] ^= 1; // the checksum
    write(name + ".gz", whole);
    assertBroken(name + ".gz", "is damaged: Corrupt GZIP trailer");
  }

  @Test
  void namesFilesThatAreOtherThanTheyClaim() throws Exception {
    var name = "train-images-idx3-ubyte";
    write(name, idx(0x801, new int[] {2}, 1, 2));
    assertBroken(name, "is no IDX file of images: it begins with 00000801 instead of 00000803");
    write(name, "P5 28 28 255 pixels".getBytes(US_ASCII));
    assertBroken(name, "is no IDX file of images: it begins with 50352032 instead of 00000803");
    write(name, images(1, 1, 1, 1, 2));
    assertBroken(name, "is damaged: it claims 1 images, but has more");
    write(name, images(0, 28, 28));
    assertBroken(name, "is damaged: it claims 0 images of 28x28 pixels");
    write(name, images(1, -1, 28));
    assertBroken(name, "is damaged: it claims 1 images of -1x28 pixels");

    write(name, images(2, 1, 1, 1, 2));
    write("train-labels-idx1-ubyte", labels(1, 2, 3));
    assertBroken("train-labels-idx1-ubyte", "has 3 labels for the 2 images of " + name);
    write("train-labels-idx1-ubyte", images(1, 1, 1, 1));
    assertBroken(
        "train-labels-idx1-ubyte",
        "is no IDX file of labels: it begins with 00000803 instead of 00000801");
    write("train-labels-idx1-ubyte", idx(0x801, new int[] {2}, 1));
    assertBroken("train-labels-idx1-ubyte", "is cut off: it claims 2 labels, but has 1");
  }
}

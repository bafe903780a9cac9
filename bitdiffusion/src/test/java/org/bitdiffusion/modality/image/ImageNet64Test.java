package org.bitdiffusion.modality.image;

import static java.nio.charset.StandardCharsets.ISO_8859_1;
import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.attribute.FileTime;
import java.util.Arrays;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Random;
import java.util.stream.IntStream;
import java.util.zip.CRC32;
import java.util.zip.ZipEntry;
import java.util.zip.ZipOutputStream;
import org.bitdiffusion.DataException;
import org.bitdiffusion.io.NpyTest;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

class ImageNet64Test {
  private static final int PIXELS = 3 * 64 * 64;

  @TempDir private Path folder;

  private static byte[] pixels(int images, long seed) {
    var pixels = new byte[images * PIXELS];
    new Random(seed).nextBytes(pixels);
    return pixels;
  }

  private static byte[] data(int images, long seed) {
    return NpyTest.npy("|u1", "(%d, 12288)".formatted(images), pixels(images, seed));
  }

  private static byte[] labels(int... labels) {
    var bytes = ByteBuffer.allocate(8 * labels.length).order(ByteOrder.LITTLE_ENDIAN);
    IntStream.of(labels).forEach(bytes::putLong);
    return NpyTest.npy("<i8", "(%d,)".formatted(labels.length), bytes.array());
  }

  private Path write(String name, boolean compressed, Map<String, byte[]> arrays) throws Exception {
    var file = folder.resolve(name);
    try (var zip = new ZipOutputStream(Files.newOutputStream(file))) {
      for (var array : arrays.entrySet()) {
        var entry = new ZipEntry(array.getKey() + ".npy");
        if (!compressed) {
          var crc = new CRC32();
          crc.update(array.getValue());
          entry.setMethod(ZipEntry.STORED);
          entry.setSize(array.getValue().length);
          entry.setCrc(crc.getValue());
        }
        zip.putNextEntry(entry);
        zip.write(array.getValue());
        zip.closeEntry();
      }
    }
    return file;
  }

  /** Arrays in an order in which the wanted one comes after another. */
  private static Map<String, byte[]> arrays(byte[] data, byte[] labels) {
    var arrays = new LinkedHashMap<String, byte[]>();
    arrays.put("mean", NpyTest.npy("<f8", "(1,)", new byte[8]));
    arrays.put("labels", labels);
    arrays.put("data", data);
    return arrays;
  }

  private ImageSource open() {
    return ImageSourcesTest.open("imagenet64:" + folder);
  }

  private static void assertImage(ImageSource source, int index, long seed, int image) {
    var bytes = pixels(image + 1, seed);
    var expected =
        IntStream.range(image * PIXELS, (image + 1) * PIXELS).map(i -> bytes[i] & 255).toArray();
    assertThat(ImageSourcesTest.read(source, index)).isEqualTo(expected);
  }

  private void assertBroken(Path file, String message) {
    assertThatThrownBy(() -> open().close())
        .isInstanceOf(DataException.class)
        .hasMessage(file + message);
  }

  @Test
  void readsSeveralFilesStoredOrCompressed() throws Exception {
    write("train_data_batch_1.npz", false, arrays(data(3, 1), labels(1, 1000, 500)));
    write("train_data_batch_2.npz", true, arrays(data(2, 2), labels(7, 8)));
    write("train_data_batch_3.npz", false, arrays(data(1, 3), labels(9)));
    write("val_data.npz", false, arrays(data(1, 4), labels(2)));
    try (var train = open();
        var val = ImageSourcesTest.open("imagenet64:" + folder + ",split=val")) {
      assertThat(train.size()).isEqualTo(6);
      assertThat(train.schema().space().shape()).containsExactly(3, 64, 64);
      ImageSourcesTest.assertAsExpected("imagenet64:" + folder, train);
      assertThat(train.schema().space().categories()).containsExactly(256);
      assertThat(train.classes()).hasSize(1000).startsWith("1").endsWith("1000");
      assertThat(IntStream.range(0, 6).map(train::label)).containsExactly(0, 999, 499, 6, 7, 8);
      for (var i = 0; i < 3; i++) {
        assertImage(train, i, 1, i);
      }
      assertImage(train, 3, 2, 0);
      assertImage(train, 4, 2, 1);
      assertImage(train, 5, 3, 0);
      ImageSourcesTest.assertSafeForSeveralThreads(train);
      assertThat(val.size()).isEqualTo(1);
      assertImage(val, 0, 4, 0);
    }
  }

  /** Sizes that follow the bytes instead of preceding them, as where NumPy writes to a pipe. */
  @Test
  void findsAnArrayBehindACompressedOne() throws Exception {
    var file = folder.resolve("a.npz");
    var data = data(2, 5);
    try (var zip = new ZipOutputStream(Files.newOutputStream(file))) {
      zip.putNextEntry(new ZipEntry("labels.npy")); // deflated, with a data descriptor
      zip.write(labels(3, 4));
      zip.closeEntry();
      var crc = new CRC32();
      crc.update(data);
      var entry = new ZipEntry("data.npy");
      entry.setMethod(ZipEntry.STORED);
      entry.setSize(data.length);
      entry.setCrc(crc.getValue());
      zip.putNextEntry(entry);
      zip.write(data);
    }
    try (var source = open()) {
      assertImage(source, 1, 5, 1);
      assertThat(source.label(1)).isEqualTo(3);
    }
  }

  private static String unpacked(byte[] data) {
    var crc = new CRC32();
    crc.update(data);
    return "a.npz.data-%08x.npy".formatted(crc.getValue());
  }

  @Test
  void compressedImagesAreUnpackedOnce() throws Exception {
    write("a.npz", true, arrays(data(1, 1), labels(1)));
    var unpacked = folder.resolve(unpacked(data(1, 1)));
    try (var source = open()) {
      assertImage(source, 0, 1, 0);
    }
    assertThat(unpacked).hasBinaryContent(data(1, 1));
    var before = FileTime.fromMillis(0);
    Files.setLastModifiedTime(unpacked, before);
    try (var source = open()) {
      assertImage(source, 0, 1, 0);
    }
    assertThat(Files.getLastModifiedTime(unpacked)).isEqualTo(before);
  }

  /** Whatever its time: what was unpacked of the former one must not go with its labels. */
  @ParameterizedTest
  @ValueSource(longs = {-60_000, 0, 60_000})
  void anotherArchiveHasOtherImages(long later) throws Exception {
    var archive = write("a.npz", true, arrays(data(1, 1), labels(1)));
    var time = Files.getLastModifiedTime(archive).toMillis();
    Files.write(folder.resolve("a.npz.data.npy"), data(1, 1)); // of an earlier version
    open().close();
    write("a.npz", true, arrays(data(1, 2), labels(2)));
    Files.setLastModifiedTime(archive, FileTime.fromMillis(time + later));
    try (var source = open()) {
      assertImage(source, 0, 2, 0);
      assertThat(source.label(0)).isEqualTo(1);
    }
    assertThat(folder.toFile().list()).containsExactlyInAnyOrder("a.npz", unpacked(data(1, 2)));
  }

  @Test
  void whatWasUnpackedIsNotBelievedIfItIsDamaged() throws Exception {
    write("a.npz", true, arrays(data(1, 1), labels(1)));
    open().close();
    var unpacked = folder.resolve(unpacked(data(1, 1)));
    var bytes = data(1, 1);
    bytes[5000] ^= 1;
    Files.write(unpacked, bytes);
    try (var source = open()) {
      assertImage(source, 0, 1, 0);
    }
    assertThat(unpacked).hasBinaryContent(data(1, 1));
  }

  @Test
  void storedImagesOfAnotherChecksumAreDamaged() throws Exception {
    var file = write("a.npz", false, arrays(data(1, 1), labels(1)));
    var bytes = Files.readAllBytes(file);
    var at = new String(bytes, ISO_8859_1).indexOf(new String(pixels(1, 1), ISO_8859_1));
    bytes[at + 700] ^= 1;
    Files.write(file, bytes);
    assertBroken(file, ": data is damaged: its checksum is not what the archive has of it");
  }

  @Test
  void imagesThatLieColumnByColumnAreRefused() throws Exception {
    var data = new String(data(1, 1), ISO_8859_1).replace("False", "True ").getBytes(ISO_8859_1);
    var file = write("a.npz", false, arrays(data, labels(1)));
    assertBroken(
        file,
        ": data lies column by column, of which no image can be read alone; save it again, of"
            + " numpy.ascontiguousarray(data)");
  }

  /** The reader of batches is interrupted when training ends; the source may go on. */
  @Test
  void readingOnAfterAnInterruption() throws Exception {
    write("a.npz", false, arrays(data(1, 1), labels(1)));
    try (var source = open()) {
      Thread.currentThread().interrupt();
      assertImage(source, 0, 1, 0);
      assertThat(Thread.interrupted()).isTrue();
      assertImage(source, 0, 1, 0);
    }
  }

  @Test
  void namesWhatIsWrongWithAFile() throws Exception {
    var file = write("a.npz", false, Map.of("labels", labels(1)));
    assertBroken(file, " has no array 'data'; it is no file of ImageNet 64x64");
    write("a.npz", false, Map.of("data", data(1, 1)));
    assertBroken(file, " has no array 'labels'; it is no file of ImageNet 64x64");
    write("a.npz", false, arrays(NpyTest.npy("|u1", "(1, 3072)", new byte[3072]), labels(1)));
    assertBroken(file, ": data is |u1 of shape [1, 3072]; it must be |u1 of shape [N, 12288]");
    write(
        "a.npz", false, arrays(NpyTest.npy("<f4", "(1, 12288)", new byte[4 * PIXELS]), labels(1)));
    assertBroken(file, ": data is <f4 of shape [1, 12288]; it must be |u1 of shape [N, 12288]");
    write("a.npz", false, arrays(NpyTest.npy("|u1", "(2, 12288)", pixels(1, 1)), labels(1, 2)));
    assertBroken(file, " is damaged: data has 12,416 bytes instead of 24,704");
    write("a.npz", false, arrays(data(2, 1), labels(1)));
    assertBroken(file, " has 1 labels for 2 images");
    // Few bytes, compressed, may be many labels.
    write("a.npz", true, arrays(data(2, 1), NpyTest.npy("<i8", "(200000000,)", new byte[800])));
    assertBroken(file, " has 200,000,000 labels for 2 images");
    write("a.npz", false, arrays(data(2, 1), NpyTest.npy("|u1", "(2, 1)", new byte[2])));
    assertBroken(file, ": labels has the shape [2, 1]; it must be [N]");
    write("a.npz", false, arrays(data(2, 1), labels(1, 0)));
    assertBroken(file, ": labels is damaged: image 2 has the label 0, but labels are 1 to 1000");
    write("a.npz", false, arrays(data(1, 1), labels(1001)));
    assertBroken(file, ": labels is damaged: image 1 has the label 1001, but labels are 1 to 1000");
    write("a.npz", false, arrays(data(1, 1), NpyTest.npy("<f8", "(1,)", new byte[8])));
    assertBroken(file, ": labels holds values of type <f8; integers are needed");
    write("a.npz", false, arrays(data(0, 1), labels()));
    assertThatThrownBy(() -> open().close())
        .isInstanceOf(DataException.class)
        .hasMessage(folder + " holds npz files without images");
  }

  @Test
  void namesDamagedArchives() throws Exception {
    var file = write("a.npz", false, arrays(data(2, 1), labels(1, 2)));
    var bytes = Files.readAllBytes(file);
    Files.write(file, Arrays.copyOf(bytes, bytes.length / 2));
    assertBroken(file, " is no npz archive, or damaged: zip END header not found");
    Files.write(file, new byte[0]);
    assertBroken(file, " is no npz archive, or damaged: zip file is empty");
    bytes[0] = 'x';
    Files.write(file, bytes);
    assertBroken(file, " is damaged: no array where one should begin");

    write("a.npz", true, arrays(data(2, 1), labels(1, 2)));
    bytes = Files.readAllBytes(file);
    Arrays.fill(bytes, 5000, 9000, (byte) 0xff);
    Files.write(file, bytes);
    assertBroken(file, ": data cannot be unpacked, as the archive is damaged: invalid block type");
    assertThat(folder.toFile().list()).containsExactly("a.npz");
  }

  /** Of many archives, the one that is bad is named, and what was opened before is closed. */
  @Test
  void namesTheBadOneOfSeveralArchives() throws Exception {
    write("train_1.npz", false, arrays(data(1, 1), labels(1)));
    write("train_3.npz", false, arrays(data(1, 3), labels(3)));
    var bad = write("train_2.npz", true, arrays(data(1, 2), labels(2000)));
    assertBroken(bad, ": labels is damaged: image 1 has the label 2000, but labels are 1 to 1000");
    Files.write(bad, Arrays.copyOf(Files.readAllBytes(bad), 9_000));
    assertBroken(bad, " is no npz archive, or damaged: zip END header not found");
    Files.delete(bad);
    Files.createSymbolicLink(bad, folder.resolve("gone"));
    assertBroken(bad, " cannot be read: it or its folder does not exist");
    Files.delete(bad);
    Files.createDirectory(bad);
    assertBroken(bad, " cannot be read: Is a directory");
  }

  @Test
  void namesTheArrayThatCannotBeUnpacked() throws Exception {
    var labels = IntStream.rangeClosed(1, 100).toArray();
    for (var array : List.of("labels", "data")) {
      var file = write("a.npz", true, arrays(data(100, 1), labels(labels)));
      var bytes = Files.readAllBytes(file);
      var at = new String(bytes, ISO_8859_1).indexOf(array + ".npy") + array.length() + 4;
      bytes[at] = 7; // a block of type 3, which there is not
      Files.write(file, bytes);
      assertBroken(
          file,
          ": %s cannot be unpacked, as the archive is damaged: invalid block type"
              .formatted(array));
    }
  }

  @Test
  void namesTheArrayOfAnotherChecksum() throws Exception {
    for (var array : List.of("labels", "data")) {
      var file = write("a.npz", true, arrays(data(1, 1), labels(1)));
      var bytes = Files.readAllBytes(file);
      // The directory at the end has it 30 bytes before the name.
      bytes[new String(bytes, ISO_8859_1).lastIndexOf(array + ".npy") - 30] ^= 1;
      Files.write(file, bytes);
      assertBroken(
          file,
          ": %s cannot be unpacked, as the archive is damaged: the checksum of %s.npy is wrong"
              .formatted(array, array));
    }
  }

  @Test
  void namesTheArchiveThatIsCutOffWhileItIsOpen() throws Exception {
    write("a.npz", false, arrays(data(1, 1), labels(1)));
    var file = write("b.npz", false, arrays(data(1, 2), labels(2)));
    try (var source = open()) {
      Files.write(file, new byte[100]);
      assertImage(source, 0, 1, 0);
      assertThatThrownBy(() -> ImageSourcesTest.read(source, 1))
          .isInstanceOf(DataException.class)
          .hasMessage(file + " cannot be read: it ends too early");
    }
  }

  @Test
  void theSplitAskedForMustBeThere() throws Exception {
    write("train_data_batch_1.npz", false, arrays(data(1, 1), labels(1)));
    assertThatThrownBy(() -> ImageSourcesTest.open("imagenet64:" + folder + ",split=val"))
        .isInstanceOf(DataException.class)
        .hasMessage("%s holds no npz files of ImageNet 64x64 for the split val", folder);
  }
}

package org.bitdiffusion.modality.image;

import static java.nio.charset.StandardCharsets.ISO_8859_1;
import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import com.sun.management.ThreadMXBean;
import java.io.ByteArrayOutputStream;
import java.io.IOException;
import java.lang.management.ManagementFactory;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Arrays;
import java.util.zip.CRC32;
import java.util.zip.DeflaterOutputStream;
import org.assertj.core.api.ThrowableAssert.ThrowingCallable;
import org.bitdiffusion.DataException;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.junit.jupiter.params.provider.ValueSource;

/** Small files, of which a careless reader makes much work: they cost no more than others. */
class CostlyPicturesTest {
  private static final ThreadMXBean THREADS = (ThreadMXBean) ManagementFactory.getThreadMXBean();
  private static final long MB = 1L << 20;

  @TempDir private Path folder;

  private static byte[] picture(String name) throws IOException {
    try (var in =
        CostlyPicturesTest.class.getResourceAsStream("/org/bitdiffusion/pictures/" + name)) {
      return in.readAllBytes();
    }
  }

  private Path file(byte[]... pieces) throws IOException {
    return Files.write(folder.resolve("a"), joined(pieces));
  }

  private static byte[] joined(byte[]... pieces) {
    var all = new ByteArrayOutputStream();
    for (var piece : pieces) {
      all.writeBytes(piece);
    }
    return all.toByteArray();
  }

  /** With bytes put in at a place. */
  private static byte[] with(byte[] file, int at, byte[] more) {
    return joined(Arrays.copyOf(file, at), more, Arrays.copyOfRange(file, at, file.length));
  }

  private static void assertBad(Path file, String message) {
    assertThatThrownBy(() -> ImageFiles.whole(file))
        .isInstanceOf(DataException.class)
        .hasMessage(file + " " + message);
  }

  /** Bytes of Java's memory that are asked for. */
  private static long allocated(ThrowingCallable reading) throws IOException {
    try {
      reading.call(); // what classes need
      var before = THREADS.getCurrentThreadAllocatedBytes();
      reading.call();
      return THREADS.getCurrentThreadAllocatedBytes() - before;
    } catch (IOException | RuntimeException | Error e) {
      throw e;
    } catch (Throwable e) {
      throw new AssertionError(e);
    }
  }

  private static ByteBuffer little(int bytes) {
    return ByteBuffer.allocate(bytes).order(ByteOrder.LITTLE_ENDIAN);
  }

  /** Java's reader believes the size, and decodes what is inside without looking at its scans. */
  @ParameterizedTest
  @CsvSource({
    "40, 4, progressive.jpg, 0",
    "40, 5, rgb-8.png, 0",
    "108, 4, progressive.jpg, 0",
    "124, 5, rgb-8.png, 0",
    "40, 4, progressive.jpg, 2147483632"
  })
  void aBmpOfAnotherFormatIsBad(int header, int compression, String inside, int size)
      throws Exception {
    var picture = picture(inside);
    var begin = 14 + header;
    var bmp = little(begin + picture.length).put((byte) 'B').put((byte) 'M');
    bmp.putInt(bmp.capacity()).putInt(0).putInt(begin);
    bmp.putInt(header).putInt(9).putInt(6).putShort((short) 1).putShort((short) 0);
    bmp.putInt(compression).putInt(size == 0 ? picture.length : size);
    assertBad(
        file(bmp.position(begin).put(picture).array()),
        "holds a JPEG or PNG inside of a BMP; save it as one");
  }

  /**
   * EXIF of the orientation 6 behind tags of which each says that all bytes are its own.
   *
   * @param tags so many
   */
  private static byte[] exif(int tags) {
    var bytes = 8 + 2 + 12 * (tags + 1) + 4;
    var exif = little(bytes).put((byte) 'I').put((byte) 'I').putShort((short) 42).putInt(8);
    exif.putShort((short) (tags + 1));
    for (var i = 0; i < tags; i++) {
      exif.putShort((short) (0x8000 + i)).putShort((short) 7).putInt(bytes - 8).putInt(8);
    }
    return exif.putShort((short) 0x112).putShort((short) 3).putInt(1).putInt(6).array();
  }

  @Test
  void tagsOfTheSameBytesAreNotCopied() throws Exception {
    var exif = joined("Exif\0\0".getBytes(ISO_8859_1), exif(5_000));
    var length =
        ByteBuffer.allocate(4).putShort((short) 0xffe1).putShort((short) (exif.length + 2));
    var jpeg = file(with(picture("444.jpg"), 2, joined(length.array(), exif)));
    assertThat(allocated(() -> ImageFiles.whole(jpeg))).isLessThan(4 * MB);
    assertThat(ImageFiles.partial(jpeg).image().width())
        .isEqualTo(ImageFiles.whole(jpeg).height())
        .isNotEqualTo(ImageFiles.whole(jpeg).width());
  }

  @Test
  void tagsOfTheSameBytesAreNotCopiedFromAPng() throws Exception {
    var png = file(with(picture("rgb-8.png"), 33, chunk("eXIf", exif(30_000))));
    assertThat(allocated(() -> ImageFiles.whole(png))).isLessThan(8 * MB);
    assertThat(ImageFiles.partial(png).image().width()).isEqualTo(ImageFiles.whole(png).height());
  }

  /** Offsets, counts and ends that lie, of which none notes an orientation. */
  @ParameterizedTest
  @CsvSource({"0, 0", "4, -1", "4, 2147483647", "4, 60", "8, 18022399", "14, 2", "12, 262402"})
  void exifThatLiesNotesNone(int at, int value) throws Exception {
    var exif = ByteBuffer.wrap(exif(0)).order(ByteOrder.LITTLE_ENDIAN);
    var whole = file(with(picture("rgb-8.png"), 33, chunk("eXIf", exif.array())));
    assertThat(ImageFiles.partial(whole).image().width())
        .isEqualTo(ImageFiles.whole(whole).height());
    exif.putInt(at, value);
    var file = file(with(picture("rgb-8.png"), 33, chunk("eXIf", exif.array())));
    assertThat(ImageFiles.partial(file).image().width())
        .isEqualTo(at == 8 ? ImageFiles.whole(file).height() : ImageFiles.whole(file).width());
  }

  private static byte[] chunk(String type, byte[] data) {
    var body = joined(type.getBytes(ISO_8859_1), data);
    var crc = new CRC32();
    crc.update(body);
    return joined(
        ByteBuffer.allocate(4).putInt(data.length).array(),
        body,
        ByteBuffer.allocate(4).putInt((int) crc.getValue()).array());
  }

  private static byte[] deflated(byte[] bytes) throws IOException {
    var out = new ByteArrayOutputStream();
    try (var deflater = new DeflaterOutputStream(out)) {
      deflater.write(bytes);
    }
    return out.toByteArray();
  }

  private static byte[] extension(int label, byte[] blocks) {
    return joined(new byte[] {0x21, (byte) label}, blocks, new byte[1]);
  }

  @ParameterizedTest
  @ValueSource(
      strings = {
        "whole.gif",
        "transparent.gif",
        "interlaced.gif",
        "larger-than-screen.gif",
        "smaller-than-screen.gif",
        "smaller-than-screen-transparent.gif"
      })
  void extensionsOfManyBlocksArePassedOver(String name) throws Exception {
    var gif = picture(name);
    var expected = ImageFiles.partial(file(gif));
    var ones = new byte[2 * 30_000];
    Arrays.fill(ones, (byte) 1);
    var more =
        joined(
            extension(0xfe, ones),
            extension(0xff, joined(new byte[] {11}, "NETSCAPE2.0".getBytes(ISO_8859_1), ones)),
            extension(0x01, joined(new byte[] {12}, new byte[12], ones)));
    var file = file(with(gif, 13 + 3 * (2 << (gif[10] & 7)), more));
    assertThat(allocated(() -> ImageFiles.whole(file))).isLessThan(4 * MB);
    var actual = ImageFiles.partial(file);
    assertThat(actual.image().rgb()).isEqualTo(expected.image().rgb());
    assertThat(actual.transparent()).isEqualTo(expected.transparent());
  }
}

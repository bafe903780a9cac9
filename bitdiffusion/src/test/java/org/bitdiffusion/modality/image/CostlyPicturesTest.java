package org.bitdiffusion.modality.image;

import static java.nio.charset.StandardCharsets.ISO_8859_1;
import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;
import static org.assertj.core.api.Assertions.catchThrowableOfType;

import com.sun.management.ThreadMXBean;
import java.awt.image.BufferedImage;
import java.io.ByteArrayInputStream;
import java.io.ByteArrayOutputStream;
import java.io.IOException;
import java.lang.management.ManagementFactory;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Arrays;
import java.util.HexFormat;
import java.util.List;
import java.util.zip.CRC32;
import java.util.zip.DeflaterOutputStream;
import java.util.zip.InflaterInputStream;
import javax.imageio.IIOImage;
import javax.imageio.ImageIO;
import javax.imageio.ImageWriteParam;
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

  @Test
  void compressedTextIsUnpackedOnceAndNotWhole() throws Exception {
    var text = new byte[1 << 20];
    Arrays.fill(text, (byte) 'a');
    var data = joined("Raw profile type exif\0\0".getBytes(ISO_8859_1), deflated(text));
    var texts = new byte[200][];
    Arrays.fill(texts, chunk("zTXt", data));
    var png = file(with(picture("rgb-8.png"), 33, joined(texts)));
    assertThat(allocated(() -> ImageFiles.whole(png))).isLessThan(6 * MB);
  }

  /** The last of them. */
  @Test
  void textWithExifIsReadWhereThereIsNoOther() throws Exception {
    var digits = HexFormat.of().formatHex(exif(0));
    var text = "\nexif\n      %d\n%s\n".formatted(exif(0).length, digits).getBytes(ISO_8859_1);
    var name = "Raw profile type exif\0".getBytes(ISO_8859_1);
    var empty = chunk("tEXt", name);
    for (var raw :
        new byte[][] {
          chunk("tEXt", joined(name, text)),
          chunk("zTXt", joined(name, new byte[1], deflated(text)))
        }) {
      var png = file(with(picture("rgb-8.png"), 33, joined(empty, raw)));
      assertThat(ImageFiles.partial(png).image().width()).isEqualTo(ImageFiles.whole(png).height());
      png = file(with(picture("rgb-8.png"), 33, joined(raw, empty)));
      assertThat(ImageFiles.partial(png).image().width()).isEqualTo(ImageFiles.whole(png).width());
    }
  }

  /**
   * A PNG of which the checksum around the data is wrong, and that of the data right.
   *
   * @param more bytes of data than the image has
   */
  private static byte[] doubtful(byte[] png, int more) throws IOException {
    var data = new String(png, ISO_8859_1).indexOf("IDAT") + 4;
    var length = ByteBuffer.wrap(png).getInt(data - 8);
    byte[] unpacked;
    try (var in = new InflaterInputStream(new ByteArrayInputStream(png, data, length))) {
      unpacked = in.readAllBytes();
    }
    var chunk = chunk("IDAT", deflated(Arrays.copyOf(unpacked, unpacked.length + more)));
    chunk[chunk.length - 1] ^= 1;
    return joined(Arrays.copyOf(png, data - 8), chunk, chunk("IEND", new byte[0]));
  }

  private static byte[] png(int width, int height, int type, boolean interlaced)
      throws IOException {
    var image = new BufferedImage(width, height, type);
    image.setRGB(width - 1, height - 1, 0xffffffff);
    var out = new ByteArrayOutputStream();
    var writer = ImageIO.getImageWritersByFormatName("png").next();
    var settings = writer.getDefaultWriteParam();
    settings.setProgressiveMode(
        interlaced ? ImageWriteParam.MODE_DEFAULT : ImageWriteParam.MODE_DISABLED);
    try (var stream = ImageIO.createImageOutputStream(out)) {
      writer.setOutput(stream);
      writer.write(null, new IIOImage(image, null, null), settings);
    } finally {
      writer.dispose();
    }
    return out.toByteArray();
  }

  /** No more data are unpacked than the header asks for, so their checksum must follow there. */
  @ParameterizedTest
  @CsvSource({
    "1, 1", "2, 3", "3, 2", "4, 4", "5, 1", "1, 5", "5, 5", "8, 8", "9, 9", "17, 6", "6, 19"
  })
  void dataBehindThatOfTheImageIsNotUnpacked(int width, int height) throws Exception {
    for (var type :
        new int[] {
          BufferedImage.TYPE_BYTE_BINARY,
          BufferedImage.TYPE_BYTE_INDEXED,
          BufferedImage.TYPE_USHORT_GRAY,
          BufferedImage.TYPE_INT_RGB,
          BufferedImage.TYPE_INT_ARGB
        }) {
      for (var interlaced : List.of(true, false)) {
        var png = png(width, height, type, interlaced);
        var expected = ImageFiles.whole(file(png)).rgb();
        assertThat(ImageFiles.whole(file(doubtful(png, 0))).rgb()).isEqualTo(expected);
        assertBad(file(doubtful(png, 1)), "is damaged: the checksum of its chunk IDAT is wrong");
      }
    }
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

  /**
   * Each passes over the whole image.
   *
   * @param scans so many more than there are; the data of the image end too early
   */
  @ParameterizedTest
  @CsvSource({"19, 80, false", "4000, 4, false", "4000, 60, true"})
  void manyScansOfManyPixelsAreBad(int side, int scans, boolean tooMany) throws Exception {
    var bytes = picture("progressive.jpg");
    var frame = 0;
    while (ByteBuffer.wrap(bytes).getShort(frame) != (short) 0xffc2) {
      frame++;
    }
    ByteBuffer.wrap(bytes).putShort(frame + 5, (short) side).putShort(frame + 7, (short) side);
    var more = new byte[scans][];
    Arrays.fill(more, new byte[] {(byte) 0xff, (byte) 0xda, 0, 8, 1, 1, 0, 0, 0, 0, 0});
    var jpeg = file(with(bytes, bytes.length - 2, joined(more)));
    var told = " scans of 4,000 x 4,000 pixels, and would take too long to decode; save it anew";
    var refused = catchThrowableOfType(DataException.class, () -> ImageFiles.whole(jpeg));
    assertThat(refused != null && refused.getMessage().endsWith(told)).isEqualTo(tooMany);
  }
}

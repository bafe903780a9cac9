package org.bitdiffusion.modality.image;

import static java.nio.charset.StandardCharsets.ISO_8859_1;
import static java.nio.charset.StandardCharsets.US_ASCII;

import java.io.ByteArrayInputStream;
import java.io.IOException;
import java.nio.ByteBuffer;
import java.util.Arrays;
import java.util.HexFormat;
import java.util.List;
import java.util.zip.CRC32;
import java.util.zip.DataFormatException;
import java.util.zip.Inflater;
import java.util.zip.InflaterInputStream;

/**
 * PNG. Java's reader is given the chunks alone that hold the image: it looks at no checksums,
 * refuses some texts, and what it makes of transparent colours differs between versions.
 */
final class PngFile {
  private static final int SIGNATURE = 8;
  private static final int AROUND = 12; // length, type and checksum of a chunk

  /** Digits of EXIF, and what is around them: as much as a segment of JPEG holds, twice. */
  private static final int MOST_TEXT = 1 << 17;

  private static final String RAW_EXIF = "Raw profile type exif\0";
  private static final String XMP = "XML:com.adobe.xmp\0";

  /**
   * Pixels of an image that come together.
   *
   * @param left the first column
   * @param right from one column to the next
   * @param top the first row
   * @param below from one row to the next
   */
  private record Pass(int left, int right, int top, int below) {}

  private static final List<Pass> ALL_AT_ONCE = List.of(new Pass(0, 1, 0, 1));

  /** Adam7's: PNG's third edition, section 8.2. */
  private static final List<Pass> PASSES =
      List.of(
          new Pass(0, 8, 0, 8),
          new Pass(4, 8, 0, 8),
          new Pass(0, 4, 4, 8),
          new Pass(2, 4, 0, 4),
          new Pass(0, 2, 2, 4),
          new Pass(1, 2, 0, 2),
          new Pass(0, 1, 1, 2));

  /** The chunks that are needed. */
  private final ByteBuffer kept;

  private byte[] header = {};
  private byte[] palette = {};
  private byte[] transparency = {};
  private byte[] exif = {};
  private byte[] rawExif = {}; // what follows the name of a text
  private boolean compressed; // rawExif
  private byte[] xmp = {};

  /** What is wrong with the image's data, unless it proves to be whole; or null. */
  private String doubt;

  private PngFile(int length) {
    kept = ByteBuffer.allocate(length + 2 * AROUND); // and an end
  }

  static Encoded open(byte[] file) throws IOException {
    var png = new PngFile(file.length);
    png.keep(ByteBuffer.wrap(file));
    var colours = png.colours(false);
    var pillow = png.colours(true);
    var orientation = Orientation.of(png.exif.length > 0 ? png.exif : png.rawExif(), png.xmp);
    var reader = new JdkReader("png", png.kept.array(), 0, png.kept.position());
    return Encoded.of(
        reader,
        orientation,
        opened -> {
          if (png.doubt != null) {
            png.requireWholeData(png.dataBytes(opened.width(), opened.height()));
          }
          return new Pixels(opened.image().getRaster(), colours, pillow);
        });
  }

  private void keep(ByteBuffer file) throws BadPicture {
    kept.put(file.slice(0, SIGNATURE));
    file.position(SIGNATURE);
    var type = "";
    while (file.remaining() >= SIGNATURE && !type.equals("IEND")) {
      var length = file.getInt();
      var name = new byte[4];
      file.get(name);
      type = new String(name, ISO_8859_1);
      var cut = length < 0 || length > file.remaining() - 4;
      var data = new byte[cut ? file.remaining() : length];
      file.get(data);
      var wrong = cut || file.getInt() != checksum(name, data);
      switch (type) {
        case "IHDR", "PLTE", "tRNS", "eXIf" -> {
          if (cut) {
            throw BadPicture.damaged("it ends too early");
          }
          if (wrong) {
            throw BadPicture.damaged("the checksum of its chunk %s is wrong".formatted(type));
          }
        }
        case "IDAT" -> {
          if (wrong) {
            doubt = cut ? "it ends too early" : "the checksum of its chunk IDAT is wrong";
          }
        }
        default -> {}
      }
      look(type, data);
    }
    put("IEND", new byte[0]);
    if (header.length != 13) {
      throw BadPicture.damaged("it begins with no header");
    }
  }

  private void look(String type, byte[] data) {
    switch (type) {
      case "IHDR" -> {
        header = data;
        put(type, data);
      }
      case "PLTE" -> {
        palette = data;
        put(type, data);
      }
      case "IDAT" -> put(type, data);
      case "tRNS" -> transparency = data;
      case "eXIf" -> exif = data;
      case "iTXt" -> {
        if (new String(data, ISO_8859_1).startsWith(XMP)) {
          xmp = data;
        }
      }
      case "tEXt", "zTXt" -> {
        if (new String(data, ISO_8859_1).startsWith(RAW_EXIF)) {
          rawExif = Arrays.copyOfRange(data, RAW_EXIF.length(), data.length);
          compressed = type.equals("zTXt");
        }
      }
      default -> {}
    }
  }

  private void put(String type, byte[] data) {
    var name = type.getBytes(US_ASCII);
    kept.putInt(data.length).put(name).put(data).putInt(checksum(name, data));
  }

  private static int checksum(byte[] name, byte[] data) {
    var crc = new CRC32();
    crc.update(name);
    crc.update(data);
    return (int) crc.getValue();
  }

  /** EXIF as ImageMagick kept it before PNG had a chunk for it: a length, and digits. */
  private byte[] rawExif() {
    var packed = new ByteArrayInputStream(rawExif);
    if (compressed) {
      packed.skip(1); // the method
    }
    try (var in = compressed ? new InflaterInputStream(packed) : packed) {
      var text = new String(in.readNBytes(MOST_TEXT), ISO_8859_1);
      var lines = text.split("\n", 4); // empty, exif, length, digits
      return lines.length < 4
          ? new byte[0]
          : HexFormat.of().parseHex(lines[3].replaceAll("\\s", ""));
    } catch (IOException | IllegalArgumentException e) {
      return new byte[0]; // it says nothing of the image
    }
  }

  /** Bytes that the image is unpacked to: of each row its filter, and its samples. */
  private long dataBytes(int width, int height) {
    var interlaced = header[12] != 0;
    var bytes = 0L;
    for (var pass : interlaced ? PASSES : ALL_AT_ONCE) {
      var across = (width - pass.left() + pass.right() - 1L) / pass.right();
      var down = (height - pass.top() + pass.below() - 1L) / pass.below();
      if (across > 0 && down > 0) {
        bytes += down * (1 + (across * header[8] * channels() + 7) / 8);
      }
    }
    return bytes;
  }

  private int channels() {
    return switch (header[9]) {
      case 2 -> 3;
      case 4 -> 2;
      case 6 -> 4;
      default -> 1;
    };
  }

  /**
   * As the data has a checksum of its own, what is around it may be wrong.
   *
   * @param bytes that it is unpacked to; if there are more, the checksum is too far away
   */
  private void requireWholeData(long bytes) throws BadPicture {
    var inflater = new Inflater();
    try {
      var unpacked = new byte[1 << 16];
      for (var at = SIGNATURE; at < kept.position(); at += AROUND + kept.getInt(at)) {
        if (kept.getInt(at + 4) == 0x49444154) { // IDAT
          inflater.setInput(kept.array(), at + 8, kept.getInt(at));
          while (!inflater.finished() && inflater.inflate(unpacked) > 0) {
            // The last bytes are compared with the checksum.
            if (inflater.getBytesWritten() > bytes) {
              throw BadPicture.damaged(doubt);
            }
          }
        }
      }
      if (!inflater.finished()) {
        throw BadPicture.damaged(doubt);
      }
    } catch (DataFormatException e) {
      throw BadPicture.damaged(doubt);
    } finally {
      inflater.end();
    }
  }

  /**
   * @param pillow whether 16 bits of grey are cut off at 255, as {@code convert("RGB")} of Pillow
   *     does, instead of being divided
   */
  private Pixels.Colours colours(boolean pillow) throws BadPicture {
    var depth = header[8];
    return switch (header[9]) {
      case 0 -> grey(depth, pillow);
      case 2 -> rgb(depth);
      case 3 -> Pixels.palette(entries());
      case 4 ->
          (samples, argb) -> {
            for (var i = 0; i < argb.length; i++) {
              var value = samples[2 * i] >> depth - 8;
              argb[i] = Pixels.argb(samples[2 * i + 1] >> depth - 8, value, value, value);
            }
          };
      case 6 ->
          (samples, argb) -> {
            for (var i = 0; i < argb.length; i++) {
              var at = 4 * i;
              argb[i] =
                  Pixels.argb(
                      samples[at + 3] >> depth - 8,
                      samples[at] >> depth - 8,
                      samples[at + 1] >> depth - 8,
                      samples[at + 2] >> depth - 8);
            }
          };
      default -> throw BadPicture.damaged("there is no colour type " + header[9]);
    };
  }

  private Pixels.Colours grey(int depth, boolean pillow) {
    var key =
        transparency.length >= 2
            ? ByteBuffer.wrap(transparency).getShort(0) & (1 << depth) - 1
            : -1; // of no sample
    return (samples, argb) -> {
      for (var i = 0; i < argb.length; i++) {
        var sample = samples[i];
        var value =
            depth == 16
                ? pillow ? Math.min(sample, 255) : sample >> 8
                : sample * 255 / ((1 << depth) - 1);
        argb[i] = Pixels.argb(sample == key ? 0 : 255, value, value, value);
      }
    };
  }

  private Pixels.Colours rgb(int depth) {
    var most = (1 << depth) - 1;
    var key = new int[] {-1, -1, -1};
    if (transparency.length >= 6) {
      Arrays.setAll(key, c -> ByteBuffer.wrap(transparency).getShort(2 * c) & most);
    }
    return (samples, argb) -> {
      for (var i = 0; i < argb.length; i++) {
        var red = samples[3 * i];
        var green = samples[3 * i + 1];
        var blue = samples[3 * i + 2];
        var seen = red != key[0] || green != key[1] || blue != key[2];
        argb[i] =
            Pixels.argb(seen ? 255 : 0, red >> depth - 8, green >> depth - 8, blue >> depth - 8);
      }
    };
  }

  private int[] entries() throws BadPicture {
    if (palette.length < 3) {
      throw BadPicture.damaged("it has no palette");
    }
    var entries = new int[Math.min(palette.length / 3, 256)];
    for (var i = 0; i < entries.length; i++) {
      entries[i] =
          Pixels.argb(
              i < transparency.length ? transparency[i] & 255 : 255,
              palette[3 * i] & 255,
              palette[3 * i + 1] & 255,
              palette[3 * i + 2] & 255);
    }
    return entries;
  }
}

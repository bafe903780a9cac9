package org.bitdiffusion.modality.image;

import static java.nio.charset.StandardCharsets.ISO_8859_1;

import java.io.ByteArrayOutputStream;
import java.io.IOException;
import java.util.Arrays;

/**
 * JPEG. Its colours are decided here and not by Java's reader, which is given the file without
 * application segments and decodes the components as they are: it guesses otherwise than libjpeg,
 * converts by profiles, and refuses files for damage in segments that say nothing of the image.
 */
final class JpegFile {
  /**
   * Each scan of a progressive file passes over the whole image, so that a small file of thousands
   * takes minutes. Honest ones have about ten.
   */
  private static final int MOST_SCANS = 100;

  /** Of a picture of any size; libjpeg's own script for colours has ten. */
  private static final int USUAL_SCANS = 15;

  /** Pixels of all scans together, of more scans than are usual. */
  private static final long MOST_PIXELS = 1L << 30;

  private static final int START_OF_SCAN = 0xda;
  private static final int END_OF_IMAGE = 0xd9;
  private static final int COMMENT = 0xfe;

  /** What is known of a file before its first scan. */
  private boolean jfif;

  private int adobe = -1;
  private int width;
  private int height;
  private byte[] components = {};
  private final ByteArrayOutputStream exif = new ByteArrayOutputStream();
  private byte[] xmp = {};
  private int scans;

  private JpegFile() {}

  /**
   * @param file is overwritten by what is left of it
   */
  static Encoded open(byte[] file) throws IOException {
    var header = new JpegFile();
    var length = header.strip(file);
    header.requireFewScans();
    var colours = header.colours();
    var orientation = Orientation.of(header.exif.toByteArray(), header.xmp);
    var reader = new JdkReader("jpeg", file, 0, length);
    return Encoded.of(reader, orientation, opened -> new Pixels(opened.raster(), colours));
  }

  /**
   * Looks at the segments, and moves those together that decoding needs.
   *
   * @return how many bytes these take
   */
  private int strip(byte[] file) {
    var kept = 2; // the start of the image
    var at = 2;
    while (true) {
      while (at < file.length && file[at] != (byte) 0xff) {
        at++; // what does not belong here
      }
      while (at < file.length && file[at] == (byte) 0xff) {
        at++;
      }
      if (at >= file.length) {
        return kept;
      }
      var marker = file[at++] & 255;
      if (marker == 0) {
        continue;
      }
      var start = at;
      if (hasSegment(marker)) {
        var length = at + 1 < file.length ? (file[at] & 255) << 8 | file[at + 1] & 255 : 2;
        at = Math.min(at + length, file.length);
        if (scans == 0) {
          look(marker, Arrays.copyOfRange(file, Math.min(start + 2, at), at));
        }
        if (marker >= 0xe0 && marker <= 0xef || marker == COMMENT) {
          continue;
        }
      }
      if (marker == START_OF_SCAN) {
        scans++;
        at = endOfScan(file, at);
      }
      file[kept++] = (byte) 0xff;
      file[kept++] = (byte) marker;
      System.arraycopy(file, start, file, kept, at - start);
      kept += at - start;
      if (marker == END_OF_IMAGE) {
        return kept;
      }
    }
  }

  private void requireFewScans() throws BadPicture {
    if (scans > MOST_SCANS) {
      throw new BadPicture(
          "has %,d scans, more than %d, and would take too long to decode; save it anew"
              .formatted(scans, MOST_SCANS));
    }
    if (scans > USUAL_SCANS && (long) scans * width * height > MOST_PIXELS) {
      throw new BadPicture(
          "has %d scans of %,d x %,d pixels, and would take too long to decode; save it anew"
              .formatted(scans, width, height));
    }
  }

  private static boolean hasSegment(int marker) {
    return marker != 1 && (marker < 0xd0 || marker > END_OF_IMAGE);
  }

  /** The next marker that does not belong to the scan. */
  private static int endOfScan(byte[] file, int at) {
    while (at + 1 < file.length) {
      if (file[at] == (byte) 0xff) {
        var next = file[at + 1] & 255;
        if (next != 0 && (next < 0xd0 || next > 0xd7)) {
          return at;
        }
      }
      at++;
    }
    return file.length;
  }

  private void look(int marker, byte[] segment) {
    var text = new String(segment, 0, Math.min(segment.length, 32), ISO_8859_1);
    if (marker == 0xe0 && segment.length >= 12 && text.startsWith("JFIF\0")) {
      jfif = true;
    } else if (marker == 0xee && segment.length >= 12 && text.startsWith("Adobe")) {
      adobe = segment[11] & 255;
    } else if (marker == 0xe1 && text.startsWith("Exif\0\0")) {
      exif.write(segment, 6, segment.length - 6);
    } else if (marker == 0xe1 && text.startsWith("http://ns.adobe.com/xap/1.0/\0")) {
      xmp = segment;
    } else if (isFrame(marker) && segment.length >= 6) {
      height = (segment[1] & 255) << 8 | segment[2] & 255;
      width = (segment[3] & 255) << 8 | segment[4] & 255;
      components = new byte[Math.min(segment[5] & 255, (segment.length - 6) / 3)];
      for (var i = 0; i < components.length; i++) {
        components[i] = segment[6 + 3 * i];
      }
    }
  }

  /** SOF0 to SOF15, but for DHT, JPG and DAC between them. */
  private static boolean isFrame(int marker) {
    return marker >= 0xc0 && marker <= 0xcf && marker != 0xc4 && marker != 0xc8 && marker != 0xcc;
  }

  /** By the rules of libjpeg (jdapimin.c, default_decompress_parms). */
  private Pixels.Colours colours() throws BadPicture {
    return switch (components.length) {
      case 1 -> JpegFile::grey;
      case 3 -> {
        var rgb =
            !jfif
                && (adobe >= 0
                    ? adobe == 0
                    : Arrays.equals(components, new byte[] {'R', 'G', 'B'}));
        yield rgb ? JpegFile::rgb : JpegFile::luminance;
      }
      case 4 -> adobe > 0 ? JpegFile::ycck : JpegFile::cmyk;
      case 0 -> throw BadPicture.damaged("it has no frame of an image");
      default ->
          throw new BadPicture(
              "has %d components; grey, colours and CMYK have 1, 3 and 4"
                  .formatted(components.length));
    };
  }

  private static void grey(int[] samples, int[] argb) {
    for (var i = 0; i < argb.length; i++) {
      argb[i] = Pixels.argb(255, samples[i], samples[i], samples[i]);
    }
  }

  private static void rgb(int[] samples, int[] argb) {
    for (var i = 0; i < argb.length; i++) {
      var at = 3 * i;
      argb[i] = Pixels.argb(255, samples[at], samples[at + 1], samples[at + 2]);
    }
  }

  private static void luminance(int[] samples, int[] argb) {
    for (var i = 0; i < argb.length; i++) {
      var at = 3 * i;
      argb[i] = rgb(samples[at], samples[at + 1], samples[at + 2]);
    }
  }

  private static final int HALF = 1 << 15;

  /** The YCbCr of JFIF, in libjpeg's 16 bits after the point. */
  private static int rgb(int y, int cb, int cr) {
    var blue = cb - 128;
    var red = cr - 128;
    return Pixels.argb(
        255,
        clip(y + ((91_881 * red + HALF) >> 16)),
        clip(y + ((-22_554 * blue - 46_802 * red + HALF) >> 16)),
        clip(y + ((116_130 * blue + HALF) >> 16)));
  }

  private static int clip(int value) {
    return Math.max(0, Math.min(255, value));
  }

  /** Inverted, as Adobe's programs began to write it: 255 is no ink. */
  private static void cmyk(int[] samples, int[] argb) {
    for (var i = 0; i < argb.length; i++) {
      var at = 4 * i;
      argb[i] =
          printed(255 - samples[at], 255 - samples[at + 1], 255 - samples[at + 2], samples[at + 3]);
    }
  }

  /** The inverse of inverted C, M and Y, as R, G and B of YCbCr, and inverted K. */
  private static void ycck(int[] samples, int[] argb) {
    for (var i = 0; i < argb.length; i++) {
      var at = 4 * i;
      var cmy = rgb(samples[at], samples[at + 1], samples[at + 2]);
      argb[i] = printed(cmy >> 16 & 255, cmy >> 8 & 255, cmy & 255, samples[at + 3]);
    }
  }

  /**
   * @param light what black lets through: 255 - K
   */
  private static int printed(int c, int m, int y, int light) {
    return Pixels.argb(
        255, light - product(c, light), light - product(m, light), light - product(y, light));
  }

  /** Of parts of 255, rounded. */
  private static int product(int a, int b) {
    var product = a * b + 128;
    return ((product >> 8) + product) >> 8;
  }
}

package org.bitdiffusion.modality.image;

import static java.nio.charset.StandardCharsets.ISO_8859_1;

import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.util.regex.Pattern;

/**
 * How a stored image is turned and mirrored to stand upright, as a camera notes it: the tag
 * Orientation of EXIF 2.3.
 *
 * @param turned whether its rows are the upright image's columns
 * @param fromRight whether the upright image's pixels begin at the last stored column
 * @param fromBottom whether they begin at the last stored row
 */
record Orientation(boolean turned, boolean fromRight, boolean fromBottom) {
  static final Orientation AS_STORED = new Orientation(false, false, false);

  private static final String PREFIX = "Exif\0\0";
  private static final int ENTRY = 12; // tag, type, number of values, and a value or its place
  private static final short ORIENTATION = 0x112;
  private static final short SHORT = 3;
  private static final short LONG = 4;
  private static final Pattern XMP = Pattern.compile("tiff:Orientation(?:=\"|>)([0-9])");

  /**
   * @param number 1 to 8; others are taken for 1, as stored
   */
  static Orientation of(int number) {
    return switch (number) {
      case 2 -> new Orientation(false, true, false);
      case 3 -> new Orientation(false, true, true);
      case 4 -> new Orientation(false, false, true);
      case 5 -> new Orientation(true, false, false);
      case 6 -> new Orientation(true, false, true);
      case 7 -> new Orientation(true, true, true);
      case 8 -> new Orientation(true, true, false);
      default -> AS_STORED;
    };
  }

  /**
   * Looks in EXIF, and where that notes none in XMP, as Pillow does. What is damaged there notes
   * none.
   *
   * @param exif a TIFF file of tags, which may follow the prefix that JPEG has there, or empty
   * @param xmp a packet of XMP, or empty
   */
  static Orientation of(byte[] exif, byte[] xmp) {
    var noted = noted(exif);
    if (noted < 0) {
      var match = XMP.matcher(new String(xmp, ISO_8859_1));
      return match.find() ? of(Integer.parseInt(match.group(1))) : AS_STORED;
    }
    return of(noted);
  }

  /**
   * The number of EXIF's first directory (TIFF 6.0, section 2), or -1 where there is none. No other
   * tag is looked at: their values may be damaged, or many times as large as the file.
   */
  private static int noted(byte[] exif) {
    var begin = 0;
    while (new String(exif, begin, Math.min(6, exif.length - begin), ISO_8859_1).equals(PREFIX)) {
      begin += PREFIX.length();
    }
    var tiff = ByteBuffer.wrap(exif, begin, exif.length - begin).slice();
    if (tiff.remaining() < 8) {
      return -1;
    }
    switch (tiff.getShort(0)) {
      case 0x4949 -> tiff.order(ByteOrder.LITTLE_ENDIAN);
      case 0x4d4d -> tiff.order(ByteOrder.BIG_ENDIAN);
      default -> {
        return -1;
      }
    }
    var directory = Integer.toUnsignedLong(tiff.getInt(4));
    if (tiff.getShort(2) != 42 || directory + 2 > tiff.limit()) {
      return -1;
    }
    var noted = -1;
    var entries = tiff.position((int) directory).getShort() & 0xffff;
    for (var i = 0; i < entries && tiff.remaining() >= ENTRY; i++) {
      var entry = tiff.position();
      if (tiff.getShort(entry) == ORIENTATION && tiff.getInt(entry + 4) == 1) {
        noted =
            switch (tiff.getShort(entry + 2)) {
              case SHORT -> tiff.getShort(entry + 8) & 0xffff;
              case LONG -> tiff.getInt(entry + 8);
              default -> noted;
            };
      }
      tiff.position(entry + ENTRY);
    }
    return noted;
  }

  /** Where the column of a square of the upright image's middle begins as stored. */
  int left(int width, int side) {
    return middle(width - side, fromRight);
  }

  /** Where its row begins as stored. */
  int top(int height, int side) {
    return middle(height - side, fromBottom);
  }

  /** Of an odd number of pixels one more is cut off at the upright image's right or bottom. */
  private static int middle(int cut, boolean fromEnd) {
    return fromEnd ? cut - cut / 2 : cut / 2;
  }

  int uprightWidth(int width, int height) {
    return turned ? height : width;
  }

  int uprightHeight(int width, int height) {
    return turned ? width : height;
  }

  /**
   * The places of the upright image's pixels among those stored.
   *
   * @param width as stored
   * @param height as stored
   * @return row-major, of the upright image
   */
  int[] places(int width, int height) {
    var across = uprightWidth(width, height);
    var places = new int[width * height];
    for (var i = 0; i < places.length; i++) {
      var x = turned ? i / across : i % across;
      var y = turned ? i % across : i / across;
      places[i] = (fromBottom ? height - 1 - y : y) * width + (fromRight ? width - 1 - x : x);
    }
    return places;
  }
}

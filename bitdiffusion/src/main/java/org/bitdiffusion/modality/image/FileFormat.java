package org.bitdiffusion.modality.image;

import java.io.IOException;
import java.util.Arrays;
import java.util.List;

/**
 * A format that is read, known by the bytes that a file begins with, whatever its name says.
 *
 * @param magic of which -1 may be any
 */
record FileFormat(List<Integer> magic, Opening opening) {
  /** Begins to read a file's bytes. */
  interface Opening {
    Encoded open(byte[] file) throws IOException;
  }

  /** How many bytes tell the format. */
  static final int MAGIC = 18;

  private static final List<FileFormat> ALL =
      List.of(
          new FileFormat(List.of(0x89, 0x50, 0x4e, 0x47, 0x0d, 0x0a, 0x1a, 0x0a), PngFile::open),
          new FileFormat(List.of(0xff, 0xd8, 0xff), JpegFile::open),
          new FileFormat(List.of(0x47, 0x49, 0x46, 0x38, 0x37, 0x61), GifFile::open),
          new FileFormat(List.of(0x47, 0x49, 0x46, 0x38, 0x39, 0x61), GifFile::open),
          bmp(12),
          bmp(40),
          bmp(52),
          bmp(56),
          bmp(64),
          bmp(108),
          bmp(124));

  /** Two letters are too few: the length of the second header is looked at too. */
  private static FileFormat bmp(int header) {
    return new FileFormat(
        List.of(0x42, 0x4d, -1, -1, -1, -1, -1, -1, -1, -1, -1, -1, -1, -1, header, 0, 0, 0),
        BmpFile::open);
  }

  /**
   * Whether a file is of a format that is read.
   *
   * @param head its first {@link #MAGIC} bytes, or all where there are fewer
   */
  static boolean isKnown(byte[] head) {
    return ALL.stream().anyMatch(format -> format.isOf(head));
  }

  /**
   * @param file of a format that {@link #isKnown}; may be changed
   */
  static Encoded open(byte[] file) throws IOException {
    var head = Arrays.copyOf(file, Math.min(file.length, MAGIC));
    var format = ALL.stream().filter(known -> known.isOf(head)).findFirst().orElseThrow();
    return format.opening().open(file);
  }

  private boolean isOf(byte[] head) {
    for (var i = 0; i < magic.size(); i++) {
      if (i >= head.length || magic.get(i) >= 0 && magic.get(i) != (head[i] & 255)) {
        return false;
      }
    }
    return true;
  }
}

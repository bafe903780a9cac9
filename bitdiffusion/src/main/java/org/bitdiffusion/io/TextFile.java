package org.bitdiffusion.io;

import java.io.BufferedReader;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;

/** Text files in UTF-8, with or without the byte order mark with which some editors begin them. */
public final class TextFile {
  private static final char BYTE_ORDER_MARK = '\ufeff';

  private TextFile() {}

  /**
   * A reader of a file's text, behind the byte order mark.
   *
   * @throws IOException if it cannot be read, or begins with no UTF-8
   */
  public static BufferedReader open(Path file) throws IOException {
    var reader = Files.newBufferedReader(file);
    try {
      reader.mark(1);
      if (reader.read() != BYTE_ORDER_MARK) {
        reader.reset();
      }
      return reader;
    } catch (IOException | RuntimeException e) {
      reader.close();
      throw e;
    }
  }
}

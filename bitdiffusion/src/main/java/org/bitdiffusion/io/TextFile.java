package org.bitdiffusion.io;

import static java.nio.charset.StandardCharsets.UTF_8;

import java.io.BufferedReader;
import java.io.IOException;
import java.nio.ByteBuffer;
import java.nio.file.FileSystemException;
import java.nio.file.Files;
import java.nio.file.Path;

/** Text files in UTF-8, with or without the byte order mark with which some editors begin them. */
public final class TextFile {
  private static final char BYTE_ORDER_MARK = '\ufeff';

  private TextFile() {}

  /**
   * A file's text, behind the byte order mark.
   *
   * @param longest number of bytes that such a text may have; no more are read
   * @throws IOException if it cannot be read, is no UTF-8 or longer
   */
  public static String read(Path file, int longest) throws IOException {
    byte[] bytes;
    try (var in = Files.newInputStream(file)) {
      bytes = in.readNBytes(longest + 1);
    }
    if (bytes.length > longest) {
      throw new FileSystemException(
          file.toString(), null, "it is longer than %,d bytes".formatted(longest));
    }
    var text = UTF_8.newDecoder().decode(ByteBuffer.wrap(bytes));
    return (!text.isEmpty() && text.charAt(0) == BYTE_ORDER_MARK
            ? text.subSequence(1, text.length())
            : text)
        .toString();
  }

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

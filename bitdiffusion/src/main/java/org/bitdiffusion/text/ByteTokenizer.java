package org.bitdiffusion.text;

import static java.nio.charset.StandardCharsets.UTF_8;

import java.nio.file.Path;
import org.bitdiffusion.DataException;
import org.bitdiffusion.io.WholeFile;

/**
 * The bytes of UTF-8: 8 bits a position, and no vocabulary to learn. Text does not hold the byte 0,
 * which therefore is both the end and the padding.
 */
public final class ByteTokenizer implements Tokenizer {
  static final String TYPE = "bytes";

  @Override
  public int vocabulary() {
    return 256;
  }

  @Override
  public int end() {
    return 0;
  }

  @Override
  public int padding() {
    return 0;
  }

  @Override
  public String token(int id) {
    return id > ' ' && id < 127 ? Character.toString(id) : "0x%02x".formatted(id);
  }

  @Override
  public int count(String text) {
    return bytes(text).length;
  }

  /** As the interface has it; what is cut off are whole characters. */
  @Override
  public Tokens encode(String text, int length) {
    Tokens.requireRoom(length);
    var bytes = bytes(text);
    var kept = Math.min(bytes.length, length - 1);
    while (kept > 0 && kept < bytes.length && continues(bytes[kept])) {
      kept--;
    }
    var content = new int[bytes.length];
    for (var i = 0; i < bytes.length; i++) {
      content[i] = Byte.toUnsignedInt(bytes[i]);
    }
    return Tokens.of(content, kept, length, end(), padding());
  }

  private static byte[] bytes(String text) {
    if (text.indexOf(0) >= 0) {
      throw new DataException(
          "a caption holds U+0000, which is the end of text among bytes; remove it: "
              + text.replaceAll("\\p{Cntrl}", "\ufffd"));
    }
    return text.getBytes(UTF_8);
  }

  /** Whether a byte is the second, third or fourth of a character. */
  private static boolean continues(byte b) {
    return (b & 0xc0) == 0x80;
  }

  /** As the interface has it; bytes that are no UTF-8 become U+FFFD. */
  @Override
  public String decode(int[] ids, int offset, int length) {
    var content = Tokens.content(ids, offset, length, vocabulary(), end(), padding());
    var bytes = new byte[content.length];
    for (var i = 0; i < bytes.length; i++) {
      bytes[i] = (byte) content[i];
    }
    return new String(bytes, UTF_8);
  }

  @Override
  public void save(Path file) {
    WholeFile.write(file, out -> out.write("{\"type\": \"bytes\"}\n".getBytes(UTF_8)));
  }

  @Override
  public void close() {}
}

package org.bitdiffusion.text;

/**
 * The 256 characters that stand for bytes in the vocabularies of byte-level tokenizers. Printable
 * characters of Latin-1 stand for themselves; the other bytes take the characters from U+0100 on,
 * in their order, so that no token has a blank or a control character in it.
 */
final class ByteAlphabet {
  private ByteAlphabet() {}

  /** The character of each byte. */
  static String characters() {
    var characters = new StringBuilder();
    var next = 0x100;
    for (var b = 0; b < 256; b++) {
      var printable = b > ' ' && b < 0x7f || b > 0xa0 && b != 0xad; // 0xad is the soft hyphen
      characters.append((char) (printable ? b : next++));
    }
    return characters.toString();
  }
}

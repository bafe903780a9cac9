package org.bitdiffusion.text;

import java.util.Arrays;

/**
 * The tokens of one text: those of its content, then the end token, then padding.
 *
 * @param ids [length], each in 0 .. K-1; at least one of them is the end token
 * @param cut whether the text has more tokens than there was room for
 */
@SuppressWarnings("ArrayRecordComponent") // for reading, not for comparing
public record Tokens(int[] ids, boolean cut) {
  /**
   * Fills a row of {@code length} tokens.
   *
   * @param content the tokens of the text
   * @param kept how many of them are taken, at most length - 1
   * @param end the token after them
   * @param padding the token that fills the row
   */
  static Tokens of(int[] content, int kept, int length, int end, int padding) {
    var ids = Arrays.copyOf(content, length);
    ids[kept] = end;
    Arrays.fill(ids, kept + 1, length, padding);
    return new Tokens(ids, kept < content.length);
  }

  /** The tokens before the first end token that are no padding. */
  static int[] content(int[] ids, int offset, int length, int vocabulary, int end, int padding) {
    var content = new int[length];
    var count = 0;
    for (var i = offset; i < offset + length; i++) {
      if (ids[i] < 0 || ids[i] >= vocabulary) {
        throw new IllegalArgumentException(
            "a token is %d, not in 0 to %d".formatted(ids[i], vocabulary - 1));
      }
      if (ids[i] == end) {
        break;
      }
      if (ids[i] != padding) {
        content[count++] = ids[i];
      }
    }
    return Arrays.copyOf(content, count);
  }

  /** A row must have room for the end token. */
  static void requireRoom(int length) {
    if (length < 1) {
      throw new IllegalArgumentException("length is %d; it must be at least 1".formatted(length));
    }
  }
}

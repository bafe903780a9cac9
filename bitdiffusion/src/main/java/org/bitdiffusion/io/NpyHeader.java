package org.bitdiffusion.io;

import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;

/**
 * What a npy file begins with.
 *
 * @param type as NumPy writes it, such as {@code <u2}
 * @param columnMajor whether the first index runs fastest (Fortran's order), not the last
 * @param shape of the array, the number of whose values fits in a long
 * @param bytes length of all that comes before the values
 */
@SuppressWarnings("ArrayRecordComponent") // for reading, not for comparing
public record NpyHeader(String type, boolean columnMajor, int[] shape, int bytes) {
  private static final int LONGEST_TEXT = 100;
  private static final int MOST_SIDES = 64; // as NumPy has it

  /** Number of values. */
  public long count() {
    return Arrays.stream(shape).asLongStream().reduce(1, Math::multiplyExact);
  }

  /**
   * @param bytes length of all that comes before the values
   * @throws IllegalArgumentException if the text is no such dictionary; the message says why
   */
  static NpyHeader parse(String text, int bytes) {
    return new Dictionary(text).read(bytes);
  }

  /**
   * Reads a dictionary as Python writes it: {@code {'descr': '<f4', 'fortran_order': False,
   * 'shape': (3, 4), }}. Once from its beginning to its end, and without recursion, so that no text
   * takes long.
   */
  private static final class Dictionary {
    private final String text;
    private int at;

    Dictionary(String text) {
      this.text = text;
    }

    NpyHeader read(int bytes) {
      String type = null;
      Boolean columnMajor = null;
      int[] shape = null;
      expect('{');
      while (!next('}')) {
        var key = quoted();
        expect(':');
        switch (key) {
          case "descr" -> type = type();
          case "fortran_order" -> columnMajor = truth();
          case "shape" -> shape = sides();
          default -> throw new IllegalArgumentException("it has a key that is not understood");
        }
        if (!next(',')) {
          expect('}');
          break;
        }
      }
      if (peek() != 0 || type == null || columnMajor == null || shape == null) {
        throw new IllegalArgumentException("it is not just descr, fortran_order and shape");
      }
      return new NpyHeader(type, columnMajor, shape, bytes);
    }

    /** The next character that is no blank, or 0 at the end. */
    private char peek() {
      while (at < text.length() && (text.charAt(at) == ' ' || text.charAt(at) == '\n')) {
        at++;
      }
      return at < text.length() ? text.charAt(at) : 0;
    }

    private boolean next(char c) {
      if (peek() != c) {
        return false;
      }
      at++;
      return true;
    }

    private void expect(char c) {
      if (!next(c)) {
        throw new IllegalArgumentException(
            "it lacks the sign %s after %d characters".formatted(c, at));
      }
    }

    private String quoted() {
      var quote = peek();
      var end = quote == '\'' || quote == '"' ? text.indexOf(quote, at + 1) : -1;
      if (end < 0 || end - at > LONGEST_TEXT) {
        throw new IllegalArgumentException(
            "it lacks a text in quotes after %d characters".formatted(at));
      }
      var content = text.substring(at + 1, end);
      at = end + 1;
      return content;
    }

    private String type() {
      if (peek() == '[') {
        throw new IllegalArgumentException(
            "its values have fields; save each field as an array of its own");
      }
      return quoted();
    }

    private boolean truth() {
      peek();
      for (var value : List.of("False", "True")) {
        if (text.startsWith(value, at)) {
          at += value.length();
          return value.equals("True");
        }
      }
      throw new IllegalArgumentException("its fortran_order is neither True nor False");
    }

    private int[] sides() {
      expect('(');
      var sides = new ArrayList<Integer>();
      while (!next(')')) {
        sides.add(side());
        if (sides.size() > MOST_SIDES) {
          throw new IllegalArgumentException("its shape has more than " + MOST_SIDES + " sides");
        }
        if (!next(',')) {
          expect(')');
          break;
        }
      }
      return sides.stream().mapToInt(Integer::intValue).toArray();
    }

    private int side() {
      peek();
      var begin = at;
      while (at < text.length() && text.charAt(at) >= '0' && text.charAt(at) <= '9') {
        at++;
      }
      // More digits than a long has are as wrong as none.
      var side = at == begin || at - begin > 18 ? -1 : Long.parseLong(text, begin, at, 10);
      if (side < 0 || side > Integer.MAX_VALUE) {
        throw new IllegalArgumentException(
            "a side of its shape is not in 0 to %d".formatted(Integer.MAX_VALUE));
      }
      next('L'); // Python 2 wrote it behind large numbers
      return (int) side;
    }
  }
}

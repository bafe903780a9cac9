package org.bitdiffusion.modality.table;

import java.math.BigDecimal;
import java.util.regex.Pattern;

/** Numbers as tables write them. */
final class Numbers {
  /** No zeros in front, which codes have: 007 is no number. */
  private static final Pattern NUMBER =
      Pattern.compile("[-+]?(?:0|[1-9][0-9]{0,39})?(?:\\.[0-9]{0,40})?(?:[eE][-+]?[0-9]{1,3})?");

  private Numbers() {}

  /**
   * The number that a cell holds, with as many decimals as it has there; null if it is none.
   *
   * @param sign between whole and decimals, a point or a comma
   */
  static BigDecimal parse(String cell, char sign) {
    if (cell.isEmpty() || cell.length() > 90 || sign != '.' && cell.indexOf('.') >= 0) {
      return null;
    }
    var plain = sign == '.' ? cell : cell.replace(sign, '.');
    if (!NUMBER.matcher(plain).matches()) {
      return null;
    }
    try {
      return new BigDecimal(plain);
    } catch (NumberFormatException e) {
      return null; // such as "-" and "."
    }
  }

  /**
   * @throws IllegalArgumentException if decimals cannot be behind it
   */
  static void requireSign(char sign) {
    if (sign != '.' && sign != ',') {
      throw new IllegalArgumentException("decimals behind '" + sign + "'");
    }
  }

  /** A number as text, without exponent where it is of a usual size. */
  static String text(BigDecimal number) {
    var digits = number.precision() - number.scale(); // before the point
    return digits > 16 || digits < -5 ? number.toString() : number.toPlainString();
  }
}

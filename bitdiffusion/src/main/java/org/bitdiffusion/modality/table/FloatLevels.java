package org.bitdiffusion.modality.table;

import java.math.BigDecimal;
import java.math.MathContext;
import java.math.RoundingMode;
import java.util.Map;

/**
 * Numbers that are too far apart for equal distances, such as 1e-12 to 1e9: those of 32-bit
 * floating point, which are denser near 0. The bits of floats of one sign are in the order of the
 * numbers.
 *
 * @param first the least, see {@link #key}
 * @param count how many
 * @param shift of so many bits at the end only zeros are had
 * @param decimals at most, as written
 * @param exact texts by level, of values that are not written as their float would be
 * @param sign between whole and decimals, a point or a comma
 */
record FloatLevels(
    int first, int count, int shift, int decimals, Map<Integer, String> exact, char sign)
    implements Levels {
  FloatLevels {
    exact = Map.copyOf(exact);
    Numbers.requireSign(sign);
    if (count < 1 || shift < 0 || shift >= Integer.SIZE || decimals < 0) {
      throw new IllegalArgumentException("%d levels shifted by %d".formatted(count, shift));
    }
    var last = first + ((long) count - 1 << shift);
    if (last > key(BigDecimal.valueOf(Float.MAX_VALUE))
        || first < key(BigDecimal.valueOf(-Float.MAX_VALUE))) {
      throw new IllegalArgumentException("%d levels are no floats".formatted(count));
    }
    for (var text : exact.values()) {
      if (Numbers.parse(text, sign) == null) {
        throw new IllegalArgumentException("'%s' is no number".formatted(text));
      }
    }
  }

  /** Floats as whole numbers in the same order; 0 of 0. */
  static int key(BigDecimal number) {
    var value =
        Math.max(-Float.MAX_VALUE, Math.min(Float.MAX_VALUE, number.floatValue())) + 0f; // no -0
    var bits = Float.floatToIntBits(value);
    return bits >= 0 ? bits : Integer.MIN_VALUE - bits;
  }

  private static float value(int key) {
    return Float.intBitsToFloat(key >= 0 ? key : Integer.MIN_VALUE - key);
  }

  private long steps(BigDecimal number) {
    return ((long) key(number) - first) >> shift;
  }

  @Override
  public int level(String cell) {
    var number = Numbers.parse(cell, sign);
    if (number == null) {
      return -1;
    }
    var steps = steps(number);
    return steps < 0 || steps >= count ? -1 : (int) steps;
  }

  @Override
  public int nearest(String cell) {
    var number = Numbers.parse(cell, sign);
    return number == null ? -1 : (int) Math.max(0, Math.min(count - 1L, steps(number)));
  }

  @Override
  public String text(int level) {
    var known = exact.get(level);
    return known != null ? known : plain(level);
  }

  /** How a level is written unless a value of the data stands there. */
  String plain(int level) {
    var number = shortest(value((int) (first + ((long) level << shift))));
    if (number.scale() > decimals) {
      number = number.setScale(decimals, RoundingMode.HALF_EVEN);
    }
    number = number.signum() == 0 ? BigDecimal.ZERO : number.stripTrailingZeros();
    var text = number.scale() <= 0 && decimals == 0 ? number.toPlainString() : Numbers.text(number);
    return sign == '.' ? text : text.replace('.', sign);
  }

  /** The fewest digits that give the same float. */
  private static BigDecimal shortest(float value) {
    var exact = new BigDecimal(value);
    for (var digits = 1; digits < 9; digits++) {
      var rounded = exact.round(new MathContext(digits, RoundingMode.HALF_EVEN));
      if (rounded.floatValue() == value) {
        return rounded;
      }
    }
    return exact.round(new MathContext(9, RoundingMode.HALF_EVEN));
  }

  @Override
  public double number(int level) {
    return Numbers.parse(text(level), sign).doubleValue();
  }

  @Override
  public double value(String cell) {
    var number = Numbers.parse(cell, sign);
    return number == null ? Double.NaN : number.doubleValue();
  }
}

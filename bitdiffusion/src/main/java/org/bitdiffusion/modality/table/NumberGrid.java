package org.bitdiffusion.modality.table;

import java.math.BigDecimal;
import java.math.BigInteger;
import java.math.RoundingMode;

/**
 * Numbers of a fixed number of decimals, at equal distances.
 *
 * @param first the least, in units of the last decimal
 * @param step from one to the next, in the same units
 * @param count how many
 * @param decimals of the numbers, at most
 * @param fewest decimals that are written also if they are zeros
 * @param sign between whole and decimals, a point or a comma
 */
record NumberGrid(long first, long step, int count, int decimals, int fewest, char sign)
    implements Levels {
  /** Those of the least number that is read, such as 1e-999. */
  private static final int MOST_DECIMALS = 1100;

  NumberGrid {
    Levels.requireGrid(first, step, count);
    if (decimals < 0 || decimals > MOST_DECIMALS || fewest < 0 || fewest > decimals) {
      throw new IllegalArgumentException("%d to %d decimals".formatted(fewest, decimals));
    }
    Numbers.requireSign(sign);
  }

  @Override
  public int level(String cell) {
    var number = Numbers.parse(cell, sign);
    if (number == null || number.compareTo(value(0)) < 0 || number.compareTo(last()) > 0) {
      return -1;
    }
    var steps = steps(number);
    return steps.stripTrailingZeros().scale() > 0 ? -1 : steps.intValueExact();
  }

  @Override
  public int nearest(String cell) {
    var number = Numbers.parse(cell, sign);
    if (number == null) {
      return -1;
    }
    return number.compareTo(value(0)) <= 0
        ? 0
        : number.compareTo(last()) >= 0
            ? count - 1
            : steps(number).setScale(0, RoundingMode.HALF_UP).intValueExact();
  }

  /** How many steps a number is from the first one; a few decimals tell whether it is a whole. */
  private BigDecimal steps(BigDecimal number) {
    var units = number.movePointRight(decimals).subtract(BigDecimal.valueOf(first));
    var whole = units.divideToIntegralValue(BigDecimal.valueOf(step));
    var rest = units.subtract(whole.multiply(BigDecimal.valueOf(step)));
    return rest.signum() == 0
        ? whole
        : whole.add(rest.divide(BigDecimal.valueOf(step), 3, RoundingMode.HALF_UP).max(LEAST));
  }

  private static final BigDecimal LEAST = BigDecimal.valueOf(1, 3);

  BigDecimal value(int level) {
    return new BigDecimal(BigInteger.valueOf(first + step * level), decimals);
  }

  private BigDecimal last() {
    return value(count - 1);
  }

  @Override
  public String text(int level) {
    var value = value(level);
    if (fewest < decimals) {
      var shortest = value.signum() == 0 ? BigDecimal.ZERO : value.stripTrailingZeros();
      value = shortest.setScale(Math.max(fewest, shortest.scale()), RoundingMode.UNNECESSARY);
    }
    var text = value.toPlainString();
    return sign == '.' ? text : text.replace('.', sign);
  }

  @Override
  public double number(int level) {
    return value(level).doubleValue();
  }

  @Override
  public double value(String cell) {
    var number = Numbers.parse(cell, sign);
    return number == null ? Double.NaN : number.doubleValue();
  }
}

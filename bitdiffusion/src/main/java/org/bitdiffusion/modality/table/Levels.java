package org.bitdiffusion.modality.table;

/**
 * The values that a column may have besides missing, in their order, numbered from 0. Those of
 * numbers are a grid, of which the data may have few.
 */
sealed interface Levels permits Words, NumberGrid, FloatLevels, DateGrid {
  /** The largest number of levels: with missing, a symbol is below 2^30. */
  int MOST = (1 << 30) - 1;

  /**
   * Complains unless whole numbers at equal distances can be these.
   *
   * @throws IllegalArgumentException if they cannot
   */
  static void requireGrid(long first, long step, int count) {
    try {
      if (step >= 1 && count >= 1 && count <= MOST) {
        Math.addExact(first, Math.multiplyExact(step, (long) count));
        return;
      }
    } catch (ArithmeticException e) {
      // as those below
    }
    throw new IllegalArgumentException(
        "%d levels from %d in steps of %d".formatted(count, first, step));
  }

  /** How many there are. */
  int count();

  /** The level that a cell means, or -1 if it is none of these. */
  int level(String cell);

  /** The level nearest to what a cell means, within these; -1 if it is of another kind. */
  default int nearest(String cell) {
    return level(cell);
  }

  /** How a level is written. */
  String text(int level);

  /**
   * A level as a number: of dates days since 1970 (UTC), or seconds where there is a time of day;
   * of other words NaN.
   */
  double number(int level);

  /** What a cell means, to compare it with {@link #order}; NaN if it is of another kind. */
  double value(String cell);

  /** A level as a number that rises from level to level. */
  default double order(int level) {
    return number(level);
  }
}

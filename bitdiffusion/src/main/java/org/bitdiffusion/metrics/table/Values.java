package org.bitdiffusion.metrics.table;

import java.util.Arrays;
import org.bitdiffusion.DataException;

/** The values of one column, a value for each row, as measures see them. */
public sealed interface Values {
  /** How many values there are. */
  int rows();

  /**
   * The values of some rows.
   *
   * @param rows which, in their order; a row may come more than once
   */
  Values take(int... rows);

  /** Whether nothing is known of a row. */
  boolean isMissing(int row);

  /**
   * Numbers, and what is as good as numbers: dates as days or seconds.
   *
   * @param values one for each row; NaN where it is missing; the array is not copied
   */
  record Numbers(double[] values) implements Values {
    /**
     * @throws DataException if a value is infinite
     */
    public Numbers {
      for (var row = 0; row < values.length; row++) {
        if (Double.isInfinite(values[row])) {
          throw new DataException(
              "row %d of a column of numbers is infinite; leave it empty (NaN)".formatted(row));
        }
      }
    }

    @Override
    public int rows() {
      return values.length;
    }

    @Override
    public Numbers take(int... rows) {
      return new Numbers(Arrays.stream(rows).mapToDouble(row -> values[row]).toArray());
    }

    @Override
    public boolean isMissing(int row) {
      return Double.isNaN(values[row]);
    }

    /** The values that are not missing, in their order. */
    double[] present() {
      return Arrays.stream(values).filter(value -> !Double.isNaN(value)).toArray();
    }
  }

  /**
   * Categories. A code stands for the same category in all tables that are compared.
   *
   * @param codes one for each row, 0 .. count - 1, or {@link #MISSING}; the array is not copied
   * @param count how many categories there are
   */
  record Categories(int[] codes, int count) implements Values {
    /** The code of a missing value: to most measures a category like others. */
    public static final int MISSING = -1;

    /**
     * @throws DataException if a code is neither a category nor missing
     */
    public Categories {
      for (var row = 0; row < codes.length; row++) {
        if (codes[row] < MISSING || codes[row] >= count) {
          throw new DataException(
              "row %d has the category %d; there are %d, from 0, and %d for a missing one"
                  .formatted(row, codes[row], count, MISSING));
        }
      }
    }

    @Override
    public int rows() {
      return codes.length;
    }

    @Override
    public Categories take(int... rows) {
      return new Categories(Arrays.stream(rows).map(row -> codes[row]).toArray(), count);
    }

    @Override
    public boolean isMissing(int row) {
      return codes[row] == MISSING;
    }

    /** How many rows each category has; the last number is that of the missing ones. */
    int[] counts() {
      var counts = new int[count + 1];
      for (var code : codes) {
        counts[place(code)]++;
      }
      return counts;
    }

    /** A code from 0, where missing is the last one. */
    int place(int code) {
      return code == MISSING ? count : code;
    }
  }
}

package org.bitdiffusion.metrics.table;

import java.util.Arrays;
import java.util.stream.IntStream;
import org.bitdiffusion.metrics.table.Values.Categories;
import org.bitdiffusion.metrics.table.Values.Numbers;

/**
 * How alike the columns of two tables are, one by one, as the "Column Shapes" of SDMetrics (0.32).
 *
 * <p>Of numbers the KS complement: 1 less the largest difference of the two empirical distribution
 * functions. Of categories the TV complement: 1 less half the sum of the differences of shares; a
 * category of the synthetic table that the real one lacks counts there as a millionth of a row.
 * Missing values are dropped from both. Numbers are rounded to 14 decimals first.
 *
 * <p>It is near 1 for columns that are drawn independently of one another, so it tells little
 * alone.
 *
 * @param scores one for each column, in [0, 1]; NaN where a table has no value in it
 * @param mean of those that are not NaN; NaN if there are none
 */
public record Shape(double[] scores, double mean) {
  private static final double DECIMALS = 1e14;
  private static final double ROWS_OF_UNSEEN = 1e-6;

  /**
   * Compares two tables.
   *
   * @throws org.bitdiffusion.DataException if their columns are not alike
   */
  public static Shape of(Table real, Table synthetic) {
    real.requireSameColumns(synthetic);
    var scores =
        IntStream.range(0, real.columns().size())
            .parallel()
            .mapToDouble(i -> of(real.column(i), synthetic.column(i)))
            .toArray();
    return new Shape(scores, meanOf(scores));
  }

  /** The mean of those that are numbers. */
  static double meanOf(double... scores) {
    return Arrays.stream(scores).filter(s -> !Double.isNaN(s)).average().orElse(Double.NaN);
  }

  private static double of(Values real, Values synthetic) {
    return real instanceof Numbers numbers
        ? kolmogorovSmirnovComplement(numbers.present(), ((Numbers) synthetic).present())
        : totalVariationComplement((Categories) real, (Categories) synthetic);
  }

  /** Values without missing ones; they are sorted in their places. */
  private static double kolmogorovSmirnovComplement(double[] real, double[] synthetic) {
    if (real.length == 0 || synthetic.length == 0) {
      return Double.NaN;
    }
    sortRounded(real);
    sortRounded(synthetic);
    var largest = 0.0;
    var i = 0;
    var j = 0;
    while (i < real.length && j < synthetic.length) {
      var value = Math.min(real[i], synthetic[j]);
      while (i < real.length && real[i] == value) {
        i++;
      }
      while (j < synthetic.length && synthetic[j] == value) {
        j++;
      }
      var difference = (double) i / real.length - (double) j / synthetic.length;
      largest = Math.max(largest, Math.abs(difference));
    }
    return 1 - largest;
  }

  private static void sortRounded(double[] values) {
    for (var i = 0; i < values.length; i++) {
      var rounded = Math.rint(values[i] * DECIMALS) / DECIMALS;
      // Of numbers so large that they have no such decimals the product may be infinite.
      values[i] = Double.isInfinite(rounded) ? values[i] : rounded + 0.0;
    }
    Arrays.sort(values);
  }

  private static double totalVariationComplement(Categories real, Categories synthetic) {
    var ofReal = real.counts();
    var ofSynthetic = synthetic.counts();
    var count = real.count();
    var sumOfReal = 0.0;
    var sumOfSynthetic = 0.0;
    var rows = new double[count];
    for (var v = 0; v < count; v++) {
      rows[v] = ofReal[v] == 0 && ofSynthetic[v] > 0 ? ROWS_OF_UNSEEN : ofReal[v];
      sumOfReal += rows[v];
      sumOfSynthetic += ofSynthetic[v];
    }
    if (sumOfSynthetic == 0 || ofReal[count] == real.rows()) {
      return Double.NaN;
    }
    var distance = 0.0;
    for (var v = 0; v < count; v++) {
      distance += Math.abs(ofSynthetic[v] / sumOfSynthetic - rows[v] / sumOfReal);
    }
    return 1 - distance / 2;
  }
}

package org.bitdiffusion.metrics.table;

import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.function.DoubleUnaryOperator;
import java.util.stream.IntStream;
import org.bitdiffusion.metrics.table.Values.Categories;
import org.bitdiffusion.metrics.table.Values.Numbers;

/**
 * Rows as points, between which there are distances: the sum over numbers of their absolute or
 * squared difference, and over categories of a weight where they differ. With the weight 2 it is
 * the distance of one-hot vectors. A missing number is {@link #MISSING_NUMBER}, and beside each
 * column that lacks some stands a category that tells which.
 *
 * @param numbers of each column of numbers the scaled values
 * @param categories of each other column the codes, as numbers
 * @param rows how many there are
 */
record Points(float[][] numbers, float[][] categories, int rows) {
  /** The weight that one-hot vectors give. */
  static final float ONE_HOT = 2;

  /** In the middle of what is scaled to [0, 1]. */
  static final float MISSING_NUMBER = 0.5f;

  /**
   * Of tables, whose numbers are scaled alike, to [0, 1] of a reference's lowest and highest.
   *
   * @return one for each table
   */
  static List<Points> minMax(Table reference, Table... tables) {
    return of(reference, Points::minMax, tables);
  }

  private static DoubleUnaryOperator minMax(double[] reference) {
    var summary = Arrays.stream(reference).summaryStatistics();
    var low = summary.getMin();
    var range = summary.getMax() - low;
    return range > 0 ? value -> (value - low) / range : value -> value - low;
  }

  /**
   * Of tables, whose numbers become their rank among a reference's: the share of these that is less
   * and half of the share that is equal.
   */
  static List<Points> quantiles(Table reference, Table... tables) {
    return of(
        reference,
        values -> {
          var sorted = values.clone();
          Arrays.sort(sorted);
          return value -> (first(sorted, value) + first(sorted, Math.nextUp(value))) / n(sorted);
        },
        tables);
  }

  private static double n(double[] sorted) {
    return 2.0 * sorted.length;
  }

  /** How many of sorted values are less. */
  private static int first(double[] sorted, double value) {
    var low = 0;
    var high = sorted.length;
    while (low < high) {
      var middle = (low + high) >>> 1;
      if (sorted[middle] < value) {
        low = middle + 1;
      } else {
        high = middle;
      }
    }
    return low;
  }

  /** Of tables, whose numbers are divided by a reference's standard deviation. */
  static List<Points> standardised(Table reference, Table... tables) {
    return of(
        reference,
        values -> {
          var mean = Arrays.stream(values).average().orElse(0);
          var deviation = deviation(values);
          return value -> MISSING_NUMBER + (deviation > 0 ? (value - mean) / deviation : 0);
        },
        tables);
  }

  static double deviation(double[] values) {
    var mean = Arrays.stream(values).average().orElse(0);
    return Math.sqrt(Arrays.stream(values).map(v -> (v - mean) * (v - mean)).average().orElse(0));
  }

  private interface Scaling {
    DoubleUnaryOperator of(double[] reference);
  }

  private static List<Points> of(Table reference, Scaling scaling, Table... tables) {
    var result = new ArrayList<Points>();
    for (var table : tables) {
      result.add(new Points(new float[0][], new float[0][], table.rows()));
    }
    for (var i = 0; i < reference.columns().size(); i++) {
      if (reference.column(i) instanceof Numbers numbers) {
        var index = i;
        var present = numbers.present();
        DoubleUnaryOperator scale = present.length == 0 ? value -> value : scaling.of(present);
        var lacks =
            Arrays.stream(tables)
                .anyMatch(t -> IntStream.range(0, t.rows()).anyMatch(t.column(index)::isMissing));
        for (var t = 0; t < tables.length; t++) {
          var values = ((Numbers) tables[t].column(i)).values();
          var scaled = new float[values.length];
          var isMissing = new float[values.length];
          for (var row = 0; row < values.length; row++) {
            isMissing[row] = Double.isNaN(values[row]) ? Categories.MISSING : 0;
            scaled[row] =
                Double.isNaN(values[row])
                    ? MISSING_NUMBER
                    : (float) scale.applyAsDouble(values[row]);
          }
          var points = result.get(t);
          result.set(
              t,
              new Points(
                  more(points.numbers, scaled),
                  lacks ? more(points.categories, isMissing) : points.categories,
                  points.rows));
        }
      } else {
        for (var t = 0; t < tables.length; t++) {
          var codes = ((Categories) tables[t].column(i)).codes();
          var values = new float[codes.length];
          for (var row = 0; row < codes.length; row++) {
            values[row] = codes[row];
          }
          var points = result.get(t);
          result.set(t, new Points(points.numbers, more(points.categories, values), points.rows));
        }
      }
    }
    return result;
  }

  private static float[][] more(float[][] columns, float[] column) {
    var more = Arrays.copyOf(columns, columns.length + 1);
    more[columns.length] = column;
    return more;
  }

  /**
   * The points of a table with NaN for all that is missing, with which {@link Neighbours} of them
   * compares nothing.
   */
  Points knownOf(Table table) {
    var known = new Points(copy(numbers), copy(categories), rows);
    var j = 0;
    for (var column : table.columns()) {
      if (column instanceof Numbers) {
        for (var row = 0; row < rows; row++) {
          known.numbers[j][row] = column.isMissing(row) ? Float.NaN : known.numbers[j][row];
        }
        j++;
      }
    }
    for (var codes : known.categories) {
      for (var row = 0; row < rows; row++) {
        codes[row] = codes[row] == Categories.MISSING ? Float.NaN : codes[row];
      }
    }
    return known;
  }

  private static float[][] copy(float[][] columns) {
    return Arrays.stream(columns).map(float[]::clone).toArray(float[][]::new);
  }
}

package org.bitdiffusion.metrics.table;

import java.util.Arrays;
import java.util.stream.IntStream;
import java.util.stream.LongStream;
import org.bitdiffusion.metrics.table.Values.Categories;
import org.bitdiffusion.metrics.table.Values.Numbers;

/**
 * How alike two tables are in what pairs of columns have to do with each other, as the "Column Pair
 * Trends" of SDMetrics (0.32).
 *
 * <ul>
 *   <li>Two columns of numbers: the correlation similarity, 1 - |r - s| / 2 of the Pearson
 *       correlations r of the real and s of the synthetic rows in which neither is missing. NaN
 *       where a column is constant in a table, or where r = 0.
 *   <li>Two of categories: the contingency similarity, 1 less half the sum of the differences of
 *       the shares of all pairs of values. Missing is a value.
 *   <li>One of each: the contingency similarity, with the numbers in 10 bins of equal width between
 *       the lowest and the highest number of the table that they are in, so that real and synthetic
 *       bins differ. The highest number is in a bin of its own, with those that are missing.
 * </ul>
 *
 * <p>SDMetrics looks at 50,000 random rows of larger tables where categories are; this takes all.
 *
 * @param scores [C][C], of column i and j, in [0, 1]; NaN where there is none, and of a column with
 *     itself
 * @param mean of the pairs that have one; NaN if there are none
 */
public record Trend(double[][] scores, double mean) {
  private static final int BINS = 10;

  /** The most pairs of values that are counted in an array. */
  private static final long MOST_CELLS = 1 << 22;

  /**
   * Which pairs count: those that have something to do with each other in the real table.
   *
   * @param correlation of two columns of numbers: the absolute correlation must be above it
   * @param association of others: Cramer's V must be above it; 0 counts all
   */
  public record Thresholds(double correlation, double association) {
    /** All pairs count, as SDMetrics had it when the tables of the field were measured. */
    public static final Thresholds NONE = new Thresholds(0, 0);

    /** Those of SDMetrics' quality report (0.32), which leaves most pairs of most tables out. */
    public static final Thresholds OF_QUALITY_REPORT = new Thresholds(0.5, 0.3);
  }

  /**
   * Compares two tables; all pairs count.
   *
   * @throws org.bitdiffusion.DataException if their columns are not alike
   */
  public static Trend of(Table real, Table synthetic) {
    return of(real, synthetic, Thresholds.NONE);
  }

  /**
   * Compares two tables.
   *
   * @throws org.bitdiffusion.DataException if their columns are not alike
   */
  public static Trend of(Table real, Table synthetic, Thresholds thresholds) {
    real.requireSameColumns(synthetic);
    var count = real.columns().size();
    var binsOfReal = binned(real);
    var binsOfSynthetic = binned(synthetic);
    var scores = new double[count][count];
    IntStream.range(0, count * count)
        .parallel()
        .forEach(
            pair -> {
              var i = pair / count;
              var j = pair % count;
              scores[i][j] = Double.NaN;
              if (i < j) {
                scores[i][j] =
                    real.column(i) instanceof Numbers && real.column(j) instanceof Numbers
                        ? correlations(real, synthetic, i, j, thresholds.correlation())
                        : contingency(
                            binsOfReal[i],
                            binsOfReal[j],
                            binsOfSynthetic[i],
                            binsOfSynthetic[j],
                            thresholds.association());
              }
            });
    var all = new double[count * (count - 1) / 2];
    var at = 0;
    for (var i = 0; i < count; i++) {
      for (var j = i + 1; j < count; j++) {
        scores[j][i] = scores[i][j];
        all[at++] = scores[i][j];
      }
    }
    return new Trend(scores, Shape.meanOf(all));
  }

  private static double correlations(Table real, Table synthetic, int i, int j, double threshold) {
    var x = ((Numbers) real.column(i)).values();
    var y = ((Numbers) real.column(j)).values();
    var u = ((Numbers) synthetic.column(i)).values();
    var v = ((Numbers) synthetic.column(j)).values();
    var r = correlation(x, y);
    // Not so where r is NaN, which gives NaN as well.
    return Math.abs(r) <= threshold ? Double.NaN : 1 - Math.abs(r - correlation(u, v)) / 2;
  }

  /** Pearson's, of the rows that have both; NaN of less than two, or where one is constant. */
  private static double correlation(double[] x, double[] y) {
    var rows =
        IntStream.range(0, x.length)
            .filter(row -> !Double.isNaN(x[row]) && !Double.isNaN(y[row]))
            .toArray();
    var meanX = IntStream.of(rows).mapToDouble(row -> x[row]).average().orElse(Double.NaN);
    var meanY = IntStream.of(rows).mapToDouble(row -> y[row]).average().orElse(Double.NaN);
    var xx = 0.0;
    var yy = 0.0;
    var xy = 0.0;
    var differ = false;
    var differY = false;
    for (var row : rows) {
      var dx = x[row] - meanX;
      var dy = y[row] - meanY;
      xx += dx * dx;
      yy += dy * dy;
      xy += dx * dy;
      differ |= x[row] != x[rows[0]];
      differY |= y[row] != y[rows[0]];
    }
    if (!differ || !differY) {
      return Double.NaN;
    }
    return Math.max(-1, Math.min(1, xy / Math.sqrt(xx) / Math.sqrt(yy)));
  }

  /** A column as values from 0; that of a missing one is the last. */
  private record Bins(int[] values, int count) {}

  private static Bins[] binned(Table table) {
    return table.columns().stream().parallel().map(Trend::binned).toArray(Bins[]::new);
  }

  private static Bins binned(Values column) {
    if (column instanceof Categories categories) {
      var places = IntStream.of(categories.codes()).map(categories::place).toArray();
      return new Bins(places, categories.count() + 1);
    }
    var values = ((Numbers) column).values();
    var edges = edges(((Numbers) column).present());
    var bins = new int[values.length];
    for (var row = 0; row < bins.length; row++) {
      // How many edges are not above; so for NaN all.
      var bin = 0;
      while (bin < edges.length && !(values[row] < edges[bin])) {
        bin++;
      }
      bins[row] = bin;
    }
    return new Bins(bins, edges.length + 1);
  }

  /** As numpy's histogram_bin_edges gives them, to the last bit. */
  private static double[] edges(double[] values) {
    var low = 0.0;
    var high = 1.0;
    if (values.length > 0) {
      var summary = Arrays.stream(values).summaryStatistics();
      low = summary.getMin();
      high = summary.getMax();
      if (low == high) {
        low -= 0.5;
        high += 0.5;
      }
    }
    var step = (high - low) / BINS;
    var edges = new double[BINS + 1];
    for (var i = 0; i < BINS; i++) {
      edges[i] = i * step + low;
    }
    edges[BINS] = high;
    return edges;
  }

  private static double contingency(
      Bins real, Bins realOther, Bins synthetic, Bins syntheticOther, double threshold) {
    if (threshold > 0 && !(association(real, realOther) > threshold)) {
      return Double.NaN;
    }
    var rows = real.values().length;
    var syntheticRows = synthetic.values().length;
    if (rows == 0 || syntheticRows == 0) {
      return Double.NaN;
    }
    var cells = Cells.of(real, realOther, synthetic, syntheticOther);
    var ofReal = cells.counts(real, realOther);
    var ofSynthetic = cells.counts(synthetic, syntheticOther);
    var distance = 0.0;
    for (var cell = 0; cell < ofReal.length; cell++) {
      distance +=
          Math.abs((double) ofReal[cell] / rows - (double) ofSynthetic[cell] / syntheticRows);
    }
    return 1 - distance / 2;
  }

  /** Cramer's V; NaN where one has one value only. */
  private static double association(Bins one, Bins other) {
    var rows = one.values().length;
    var cells = Cells.of(one, other, one, other);
    var counts = cells.counts(one, other);
    var ofOne = new int[one.count()];
    var ofOther = new int[other.count()];
    for (var row = 0; row < rows; row++) {
      ofOne[one.values()[row]]++;
      ofOther[other.values()[row]]++;
    }
    var sum = 0.0;
    for (var cell = 0; cell < counts.length; cell++) {
      if (counts[cell] > 0) {
        var key = cells.key(cell);
        var expected =
            (double) ofOne[(int) (key / other.count())] * ofOther[(int) (key % other.count())];
        sum += counts[cell] * (counts[cell] / expected);
      }
    }
    var fewer =
        Math.min(
            IntStream.of(ofOne).filter(n -> n > 0).count(),
            IntStream.of(ofOther).filter(n -> n > 0).count());
    return fewer < 2 ? Double.NaN : Math.sqrt(Math.max(0, sum - 1) / (fewer - 1));
  }

  /**
   * The pairs of values that are counted.
   *
   * @param columns how many values the second has
   * @param count of pairs
   * @param keys of those that there are, ascending, where all that could be are too many; or null
   */
  private record Cells(int columns, int count, long[] keys) {
    static Cells of(Bins one, Bins other, Bins synthetic, Bins syntheticOther) {
      var columns = other.count();
      var all = (long) one.count() * columns;
      if (all <= MOST_CELLS) {
        return new Cells(columns, (int) all, null);
      }
      var keys =
          LongStream.concat(keys(one, other, columns), keys(synthetic, syntheticOther, columns))
              .sorted()
              .distinct()
              .toArray();
      return new Cells(columns, keys.length, keys);
    }

    private static LongStream keys(Bins one, Bins other, int columns) {
      return IntStream.range(0, one.values().length)
          .mapToLong(row -> (long) one.values()[row] * columns + other.values()[row]);
    }

    long key(int cell) {
      return keys == null ? cell : keys[cell];
    }

    int[] counts(Bins one, Bins other) {
      var counts = new int[count];
      for (var row = 0; row < one.values().length; row++) {
        if (keys == null) {
          counts[one.values()[row] * columns + other.values()[row]]++;
        } else {
          var key = (long) one.values()[row] * columns + other.values()[row];
          counts[Arrays.binarySearch(keys, key)]++;
        }
      }
      return counts;
    }
  }
}

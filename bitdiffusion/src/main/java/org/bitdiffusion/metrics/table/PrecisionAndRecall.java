package org.bitdiffusion.metrics.table;

import java.util.Arrays;
import java.util.stream.IntStream;
import org.bitdiffusion.metrics.table.Neighbours.Metric;

/**
 * Alpha-precision and beta-recall (Alaa et al. 2022, arXiv 2102.08921), in the form without a
 * learned embedding that tables are compared by: that of synthcity, "naive" in its earlier
 * versions, over 30 levels 0, 1/29 .. 1 of alpha and beta.
 *
 * <p>A row is a vector of its numbers, as ranks among the real ones in [0, 1], and a one-hot vector
 * for each category; a missing number is 1/2, and a category more tells it. Distances are
 * Euclidean. (There, features are as one gives them; ranks keep a column with outliers from
 * deciding alone.)
 *
 * <ul>
 *   <li>P(alpha): the share of synthetic rows that are no farther from the mean of the real rows
 *       than the share alpha of real rows are. Alpha-precision is 1 less twice the mean difference
 *       of P(alpha) and alpha, which is its area times 2.
 *   <li>R(beta): the share of real rows for which the nearest synthetic row is no farther than the
 *       nearest other real row, and lies no farther from the mean of the synthetic rows than the
 *       share beta of such nearest rows do. Beta-recall likewise.
 * </ul>
 *
 * <p>For rows drawn from the same distribution alpha-precision is 1 and beta-recall 1/2, up to
 * sampling error, since either of two equally many sets has the nearest row as often: R(beta) =
 * beta/2. Copies of the real rows have a beta-recall of 1. So the best that a table can reach is
 * what real rows reach, a half, and more tells of copies.
 *
 * @param alphaPrecision at most 1
 * @param betaRecall at most 1; 1/2 of the same distribution
 */
public record PrecisionAndRecall(double alphaPrecision, double betaRecall) {
  private static final int LEVELS = 30;

  /**
   * Compares two tables, for a fair figure of equally many rows.
   *
   * @throws org.bitdiffusion.DataException if the columns are not alike, the real table has less
   *     than two rows or the synthetic one none
   */
  public static PrecisionAndRecall of(Table real, Table synthetic) {
    real.requireSameColumns(synthetic);
    real.requireRows(2, "beta-recall");
    synthetic.requireRows(1, "alpha-precision");
    var points = Points.quantiles(real, real, synthetic);
    var x = points.get(0);
    var y = points.get(1);
    var center = Center.of(x);
    var radii = levels(center.distances(x));
    var fromReal = center.distances(y);

    var toReal = Neighbours.of(x, x, Metric.SQUARED, Points.ONE_HOT, 1, true).nearest();
    var toSynthetic = Neighbours.of(x, y, Metric.SQUARED, Points.ONE_HOT, 1, false);
    var fromSynthetic = Center.of(y).distances(y);
    var nearest = IntStream.of(toSynthetic.rows()).mapToDouble(row -> fromSynthetic[row]).toArray();
    var radiiOfNearest = levels(nearest);

    var precision = 0.0;
    var recall = 0.0;
    for (var k = 0; k < LEVELS; k++) {
      var radius = radii[k];
      var radiusOfNearest = radiiOfNearest[k];
      var inside = Arrays.stream(fromReal).filter(d -> d <= radius).count();
      var covered =
          IntStream.range(0, nearest.length)
              .filter(row -> toSynthetic.distances()[row] <= toReal[row])
              .filter(row -> nearest[row] <= radiusOfNearest)
              .count();
      var level = level(k);
      precision += Math.abs(level - (double) inside / y.rows());
      recall += Math.abs(level - (double) covered / x.rows());
    }
    return new PrecisionAndRecall(1 - 2 * precision / (LEVELS - 1), 1 - 2 * recall / (LEVELS - 1));
  }

  private static double level(int k) {
    return (double) k / (LEVELS - 1);
  }

  private static double[] levels(double[] distances) {
    var sorted = distances.clone();
    Arrays.sort(sorted);
    return IntStream.range(0, LEVELS)
        .mapToDouble(k -> LogisticRegression.quantile(sorted, level(k)))
        .toArray();
  }

  /**
   * The mean of points.
   *
   * @param shares of each column of categories, by code plus 1
   * @param squares of each such column the sum of the squares of its shares
   */
  private record Center(double[] numbers, double[][] shares, double[] squares) {
    static Center of(Points points) {
      var numbers = Arrays.stream(points.numbers()).mapToDouble(column -> mean(column)).toArray();
      var shares = new double[points.categories().length][];
      var squares = new double[shares.length];
      for (var j = 0; j < shares.length; j++) {
        var most = 0;
        for (var code : points.categories()[j]) {
          most = Math.max(most, (int) code + 1);
        }
        shares[j] = new double[most + 1];
        for (var code : points.categories()[j]) {
          shares[j][(int) code + 1] += 1.0 / points.rows();
        }
        squares[j] = Arrays.stream(shares[j]).map(share -> share * share).sum();
      }
      return new Center(numbers, shares, squares);
    }

    private static double mean(float[] column) {
      var sum = 0.0;
      for (var value : column) {
        sum += value;
      }
      return sum / column.length;
    }

    /** The squared distance to a one-hot vector is 1 - 2 p_v + sum of p^2. */
    double[] distances(Points points) {
      var distances = new double[points.rows()];
      for (var row = 0; row < distances.length; row++) {
        var sum = 0.0;
        for (var j = 0; j < numbers.length; j++) {
          var difference = points.numbers()[j][row] - numbers[j];
          sum += difference * difference;
        }
        for (var j = 0; j < shares.length; j++) {
          var place = (int) points.categories()[j][row] + 1;
          var share = place < shares[j].length ? shares[j][place] : 0;
          sum += 1 - 2 * share + squares[j];
        }
        distances[row] = Math.sqrt(sum);
      }
      return distances;
    }
  }
}

package org.bitdiffusion.metrics.table;

import java.util.Arrays;
import java.util.stream.IntStream;
import org.bitdiffusion.metrics.table.Values.Numbers;

/**
 * Logistic regression with a penalty of half the sum of squares of the weights, without that of the
 * intercept, beside the sum of the rows' losses: what scikit-learn minimises with C = 1, behind its
 * SimpleImputer (missing numbers are the mean of others) and RobustScaler (numbers less their
 * median, all features over their interquartile range where that is not 0).
 *
 * <p>Minimised by Newton's method, whose equations are solved by conjugate gradients, as far as the
 * numbers allow.
 */
final class LogisticRegression {
  private static final int MOST_STEPS = 200;
  private static final double ENOUGH = 1e-12;
  private static final double EPSILON = 10 * Math.ulp(1.0);

  private final double[] means;
  private final double[] medians;
  private final double[] scales;

  /** Of the numbers, then of the categories, then the intercept. */
  private double[] weights;

  private LogisticRegression(double[] means, double[] medians, double[] scales) {
    this.means = means;
    this.medians = medians;
    this.scales = scales;
    weights = new double[scales.length + 1];
  }

  /**
   * Learns from some rows.
   *
   * @param isOfClass of all rows
   */
  static LogisticRegression fit(Features features, int[] rows, boolean[] isOfClass) {
    var count = features.numbers().length;
    var means = new double[count];
    var medians = new double[count];
    var scales = new double[features.width()];
    for (var j = 0; j < count; j++) {
      var values = new Numbers(features.numbers()[j]).take(rows);
      means[j] = Arrays.stream(values.present()).average().orElse(0);
      var mean = means[j];
      var imputed =
          Arrays.stream(values.values()).map(v -> Double.isNaN(v) ? mean : v).sorted().toArray();
      medians[j] = quantile(imputed, 0.5);
      scales[j] = scale(quantile(imputed, 0.75) - quantile(imputed, 0.25));
    }
    var ones = new int[features.features()];
    for (var column : features.categories()) {
      for (var row : rows) {
        if (column[row] != Features.NONE) {
          ones[column[row]]++;
        }
      }
    }
    for (var k = 0; k < ones.length; k++) {
      var zeros = rows.length - ones[k];
      scales[count + k] =
          scale(quantile(zeros, rows.length, 0.75) - quantile(zeros, rows.length, 0.25));
    }
    var regression = new LogisticRegression(means, medians, scales);
    regression.minimise(regression.scaled(features, rows), rows, isOfClass);
    return regression;
  }

  /** Of sorted values, between the two nearest in proportion, as numpy has it. */
  static double quantile(double[] sorted, double share) {
    var place = (sorted.length - 1) * share;
    var below = (int) place;
    var above = Math.min(below + 1, sorted.length - 1);
    return sorted[below] + (place - below) * (sorted[above] - sorted[below]);
  }

  /** Of so many zeros, and ones. */
  private static double quantile(int zeros, int rows, double share) {
    var place = (rows - 1) * share;
    var below = (int) place;
    if (below >= zeros) {
      return 1;
    }
    return below + 1 < zeros ? 0 : place - below;
  }

  private static double scale(double range) {
    return range < EPSILON ? 1 : range;
  }

  /** Rows of numbers, scaled, and of categories the features. */
  private record Scaled(double[][] numbers, int[][] categories) {}

  private Scaled scaled(Features features, int[] rows) {
    var numbers = new double[rows.length][means.length];
    var categories = new int[rows.length][features.categories().length];
    for (var i = 0; i < rows.length; i++) {
      for (var j = 0; j < means.length; j++) {
        var value = features.numbers()[j][rows[i]];
        numbers[i][j] = ((Double.isNaN(value) ? means[j] : value) - medians[j]) / scales[j];
      }
      for (var j = 0; j < categories[i].length; j++) {
        var feature = features.categories()[j][rows[i]];
        categories[i][j] = feature == Features.NONE ? Features.NONE : means.length + feature;
      }
    }
    return new Scaled(numbers, categories);
  }

  private double product(Scaled x, int row, double[] w) {
    var sum = w[w.length - 1];
    var numbers = x.numbers()[row];
    for (var j = 0; j < numbers.length; j++) {
      sum += numbers[j] * w[j];
    }
    for (var feature : x.categories()[row]) {
      if (feature != Features.NONE) {
        sum += w[feature] / scales[feature];
      }
    }
    return sum;
  }

  private void add(Scaled x, int row, double by, double[] sum) {
    var numbers = x.numbers()[row];
    for (var j = 0; j < numbers.length; j++) {
      sum[j] += numbers[j] * by;
    }
    for (var feature : x.categories()[row]) {
      if (feature != Features.NONE) {
        sum[feature] += by / scales[feature];
      }
    }
    sum[sum.length - 1] += by;
  }

  private void addSquares(Scaled x, int row, double by, double[] sum) {
    var numbers = x.numbers()[row];
    for (var j = 0; j < numbers.length; j++) {
      sum[j] += numbers[j] * numbers[j] * by;
    }
    for (var feature : x.categories()[row]) {
      if (feature != Features.NONE) {
        sum[feature] += by / scales[feature] / scales[feature];
      }
    }
    sum[sum.length - 1] += by;
  }

  private void minimise(Scaled x, int[] rows, boolean[] isOfClass) {
    var n = rows.length;
    var y = new double[n];
    for (var i = 0; i < n; i++) {
      y[i] = isOfClass[rows[i]] ? 1 : 0;
    }
    var loss = loss(x, y, weights);
    for (var step = 0; step < MOST_STEPS; step++) {
      var gradient = penalty(weights);
      var diagonal = new double[weights.length];
      Arrays.fill(diagonal, 0, diagonal.length - 1, 1);
      var curvature = new double[n];
      for (var i = 0; i < n; i++) {
        var p = 1 / (1 + Math.exp(-product(x, i, weights)));
        add(x, i, p - y[i], gradient);
        curvature[i] = p * (1 - p);
        addSquares(x, i, curvature[i], diagonal);
      }
      var direction = solve(x, curvature, diagonal, gradient);
      var slope = dot(direction, gradient);
      if (!(slope > ENOUGH * (1 + loss))) {
        return;
      }
      var length = 1.0;
      var next = weights;
      var nextLoss = Double.POSITIVE_INFINITY;
      while (length > 1e-10) {
        var tried = length;
        next =
            IntStream.range(0, weights.length)
                .mapToDouble(j -> weights[j] - tried * direction[j])
                .toArray();
        nextLoss = loss(x, y, next);
        if (nextLoss <= loss - 1e-4 * length * slope) {
          break;
        }
        length /= 2;
      }
      if (!(nextLoss < loss)) {
        return;
      }
      weights = next;
      loss = nextLoss;
    }
  }

  private static double[] penalty(double[] w) {
    var penalty = w.clone();
    penalty[w.length - 1] = 0;
    return penalty;
  }

  private double loss(Scaled x, double[] y, double[] w) {
    var sum = dot(penalty(w), w) / 2;
    for (var i = 0; i < y.length; i++) {
      var z = product(x, i, w);
      var against = y[i] == 1 ? -z : z;
      sum += Math.max(0, against) + Math.log1p(Math.exp(-Math.abs(against)));
    }
    return sum;
  }

  /** The direction d of H d = g, by conjugate gradients with H's diagonal as preconditioner. */
  private double[] solve(Scaled x, double[] curvature, double[] diagonal, double[] gradient) {
    var d = new double[gradient.length];
    var residual = gradient.clone();
    var z = over(residual, diagonal);
    var along = z.clone();
    var square = dot(residual, z);
    var enough = square * 1e-16;
    for (var i = 0; i < 2 * d.length + 50 && square > enough; i++) {
      var image = penalty(along);
      for (var row = 0; row < curvature.length; row++) {
        add(x, row, curvature[row] * product(x, row, along), image);
      }
      var length = square / dot(along, image);
      for (var j = 0; j < d.length; j++) {
        d[j] += length * along[j];
        residual[j] -= length * image[j];
      }
      z = over(residual, diagonal);
      var next = dot(residual, z);
      for (var j = 0; j < d.length; j++) {
        along[j] = z[j] + next / square * along[j];
      }
      square = next;
    }
    return d;
  }

  private static double[] over(double[] a, double[] b) {
    // A number that is so small everywhere that its square is 0 has no part in it.
    return IntStream.range(0, a.length).mapToDouble(j -> b[j] == 0 ? 0 : a[j] / b[j]).toArray();
  }

  private static double dot(double[] a, double[] b) {
    var sum = 0.0;
    for (var j = 0; j < a.length; j++) {
      sum += a[j] * b[j];
    }
    return sum;
  }

  /** The weights of the features, scaled, without the intercept. */
  double[] weights() {
    return Arrays.copyOf(weights, weights.length - 1);
  }

  /** The log odds that rows are of the class. */
  double[] logOdds(Features features, int[] rows) {
    var x = scaled(features, rows);
    return IntStream.range(0, rows.length).mapToDouble(i -> product(x, i, weights)).toArray();
  }
}

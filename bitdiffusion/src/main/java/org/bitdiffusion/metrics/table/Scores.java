package org.bitdiffusion.metrics.table;

import java.util.Arrays;
import java.util.Comparator;
import java.util.stream.IntStream;

/** How good predictions are. */
final class Scores {
  private Scores() {}

  /**
   * The area under the ROC curve: the probability that a row of the class has a higher score than
   * another one; of equal scores half counts.
   *
   * @return NaN where all rows are of the class, or none
   */
  static double areaUnderCurve(double[] scores, boolean[] isOfClass) {
    var order =
        IntStream.range(0, scores.length)
            .boxed()
            .sorted(Comparator.comparingDouble(row -> scores[row]))
            .mapToInt(Integer::intValue)
            .toArray();
    var positive = 0L;
    var rankSum = 0.0;
    for (var first = 0; first < order.length; ) {
      var end = first;
      var inTie = 0;
      while (end < order.length && scores[order[end]] == scores[order[first]]) {
        inTie += isOfClass[order[end]] ? 1 : 0;
        end++;
      }
      rankSum += inTie * ((first + 1 + end) / 2.0);
      positive += inTie;
      first = end;
    }
    var negative = scores.length - positive;
    return (rankSum - positive * (positive + 1) / 2.0) / ((double) positive * negative);
  }

  /** Twice the hits over the sum of the rows predicted to be of the class and those that are. */
  static double f1(boolean[] predicted, boolean[] isOfClass) {
    var hits = 0;
    var sum = 0;
    for (var row = 0; row < predicted.length; row++) {
      hits += predicted[row] && isOfClass[row] ? 1 : 0;
      sum += (predicted[row] ? 1 : 0) + (isOfClass[row] ? 1 : 0);
    }
    return sum == 0 ? 0 : 2.0 * hits / sum;
  }

  /** The root of the mean square of the differences. */
  static double rootMeanSquare(double[] predicted, double[] truth) {
    return Math.sqrt(
        IntStream.range(0, truth.length)
            .mapToDouble(row -> (predicted[row] - truth[row]) * (predicted[row] - truth[row]))
            .average()
            .orElse(Double.NaN));
  }

  /** The share of the truth's variance that is predicted: 1 at best, 0 of its mean, or less. */
  static double explained(double[] predicted, double[] truth) {
    var mean = Arrays.stream(truth).average().orElse(Double.NaN);
    var left = 0.0;
    var all = 0.0;
    for (var row = 0; row < truth.length; row++) {
      left += (predicted[row] - truth[row]) * (predicted[row] - truth[row]);
      all += (truth[row] - mean) * (truth[row] - mean);
    }
    return all == 0 ? Double.NaN : 1 - left / all;
  }
}

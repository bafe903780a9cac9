package org.bitdiffusion.metrics;

import java.util.stream.DoubleStream;
import org.apache.commons.statistics.distribution.TDistribution;

/**
 * What differences of pairs tell of the mean difference, such as those of two ways to train with
 * the same seeds: Student's t test and interval, which take them for independent and normal.
 *
 * @param mean of the differences
 * @param standardError of the mean: the deviation, with n - 1 in its denominator, over the root of
 *     n
 * @param count n, how many differences there are; at least 2
 */
public record PairedDifferences(double mean, double standardError, int count) {
  private static final double CONFIDENCE = 0.95;

  public PairedDifferences {
    if (count < 2) {
      throw new IllegalArgumentException(count + " differences have no deviation; it needs two");
    }
  }

  /**
   * Of differences.
   *
   * @param differences [N]
   * @throws IllegalArgumentException if there are less than two
   */
  public static PairedDifferences of(double... differences) {
    var n = differences.length;
    var mean = DoubleStream.of(differences).average().orElse(0);
    var squares = DoubleStream.of(differences).map(d -> (d - mean) * (d - mean)).sum();
    return new PairedDifferences(mean, Math.sqrt(squares / (n - 1) / n), n);
  }

  /** The mean in standard errors; 0 where all differences are 0, infinite where all are equal. */
  public double t() {
    return mean == 0 ? 0 : mean / standardError;
  }

  /** The probability of a mean as far from 0 as this one where the true one is 0, in [0, 1]. */
  public double p() {
    return Math.min(1, 2 * distribution().survivalProbability(Math.abs(t())));
  }

  /** The lower end of the 95% interval of the true mean. */
  public double low() {
    return mean - halfWidth();
  }

  /** The upper end of the 95% interval of the true mean. */
  public double high() {
    return mean + halfWidth();
  }

  /** The largest difference, in either direction, that the 95% interval leaves. */
  public double atMost() {
    return Math.abs(mean) + halfWidth();
  }

  private double halfWidth() {
    return distribution().inverseSurvivalProbability((1 - CONFIDENCE) / 2) * standardError;
  }

  private TDistribution distribution() {
    return TDistribution.of(count - 1);
  }
}

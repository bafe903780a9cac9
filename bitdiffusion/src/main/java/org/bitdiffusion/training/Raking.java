package org.bitdiffusion.training;

import java.util.Arrays;

/**
 * Weights of rows that give the parts of several columns the shares that they should have, and
 * leave all else as it is (Deming and Stephan 1940, iterative proportional fitting): each part of a
 * column has one factor, and the weight of a row is the product of those of the parts that it is
 * in. Of all weights that have these shares, they are the nearest to equal ones in Kullback-Leibler
 * divergence, and what parts of two columns have to do with each other, their odds ratios, stays as
 * it is within rows that are alike in all other columns (Csiszar 1975).
 */
final class Raking {
  private Raking() {}

  /**
   * The logarithms of the factors, [columns, parts].
   *
   * @param parts which one each row is in, [columns, rows]; -1 for none
   * @param shares that parts should have, [columns, parts]; of a column they add up to 1
   * @param prior above 0: of n rows where there should be a, (a + prior) / (n + prior) times as
   *     many are asked for, so that a part of few rows, whose number is mostly chance, moves little
   * @param rounds over all columns. With few, columns that say the same and are asked for different
   *     shares, which no weights have, do not move far apart
   */
  static double[][] logFactors(int[][] parts, double[][] shares, double prior, int rounds) {
    var weights = new double[parts[0].length];
    Arrays.fill(weights, 1);
    var logs = new double[parts.length][];
    var asked = new double[parts.length][];
    for (var column = 0; column < parts.length; column++) {
      var there = sums(parts[column], weights, shares[column].length);
      var rows = Arrays.stream(there).sum();
      var factors = factors(there, shares[column], rows, prior);
      asked[column] = new double[there.length];
      logs[column] = new double[there.length];
      for (var part = 0; part < there.length; part++) {
        asked[column][part] = there[part] * factors[part];
        if (there[part] == 0 && rows > 0) { // no weight moves it
          logs[column][part] = Math.log(factors[part]);
        }
      }
    }
    for (var round = 0; round < rounds; round++) {
      for (var column = 0; column < parts.length; column++) {
        var of = parts[column];
        var there = sums(of, weights, asked[column].length);
        var factors = new double[there.length];
        for (var part = 0; part < there.length; part++) {
          if (there[part] > 0) {
            factors[part] = asked[column][part] / there[part];
            logs[column][part] += Math.log(factors[part]);
          }
        }
        for (var row = 0; row < of.length; row++) {
          if (of[row] >= 0) {
            weights[row] *= factors[of[row]];
          }
        }
      }
    }
    return logs;
  }

  /** By which the rows of each part are to be more, so that they are as many together as before. */
  private static double[] factors(double[] there, double[] shares, double rows, double prior) {
    var factors = new double[there.length];
    var sum = 0.0;
    for (var part = 0; part < there.length; part++) {
      factors[part] = (shares[part] * rows + prior) / (there[part] + prior);
      sum += there[part] * factors[part];
    }
    var all = sum;
    return Arrays.stream(factors).map(factor -> factor * rows / all).toArray();
  }

  private static double[] sums(int[] parts, double[] weights, int count) {
    var sums = new double[count];
    for (var row = 0; row < parts.length; row++) {
      if (parts[row] >= 0) {
        sums[parts[row]] += weights[row];
      }
    }
    return sums;
  }
}

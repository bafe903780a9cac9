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
  private static final int ROUNDS = 20;

  private Raking() {}

  /**
   * The logarithms of the factors, [columns, parts].
   *
   * @param parts which one each row is in, [columns, rows]; -1 for none
   * @param shares that parts should have, [columns, parts]; of a column they add up to 1
   * @param prior rows by which each part is taken to have more than there are and more than there
   *     should be, so that a part of few rows, whose number is mostly chance, moves little; 0 for
   *     exact shares
   */
  static double[][] logFactors(int[][] parts, double[][] shares, double prior) {
    var rows = parts[0].length;
    var weights = new double[rows]; // 1 in the mean
    Arrays.fill(weights, 1);
    var logs = new double[parts.length][];
    for (var column = 0; column < parts.length; column++) {
      logs[column] = new double[shares[column].length];
    }
    for (var round = 0; round < ROUNDS; round++) {
      for (var column = 0; column < parts.length; column++) {
        var of = parts[column];
        var there = new double[shares[column].length];
        for (var row = 0; row < rows; row++) {
          if (of[row] >= 0) {
            there[of[row]] += weights[row];
          }
        }
        var factors = new double[there.length];
        for (var part = 0; part < there.length; part++) {
          var asked = shares[column][part] * rows;
          // What no row is in, or none should be in, no weight can move.
          var isMoved = there[part] + prior > 0 && asked + prior > 0;
          factors[part] = isMoved ? (asked + prior) / (there[part] + prior) : 1;
          logs[column][part] += Math.log(factors[part]);
        }
        for (var row = 0; row < rows; row++) {
          if (of[row] >= 0) {
            weights[row] *= factors[of[row]];
          }
        }
      }
    }
    return logs;
  }
}

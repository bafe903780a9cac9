package org.bitdiffusion.codec;

import java.util.Arrays;
import java.util.List;
import java.util.function.IntToDoubleFunction;
import java.util.stream.IntStream;

/**
 * How likely the values of one place are where something says of each of its bits by itself,
 * log-odds l_j, what it is: Bayes' rule as in {@link CodeWords}, code by code. Of code c
 *
 * <pre>
 * p(c) ~ share_c * product over j of exp(c_j l_j / 2)
 * </pre>
 *
 * <p>Nothing is drawn, so that what is expected has no error of sampling.
 */
public final class ValuePosterior {
  /** Of a code that several values have: points at which it is looked at. */
  private static final int PARTS = 16;

  private final Intervals intervals;
  private final List<Intervals.Piece> pieces;
  private final int total;
  private final int first;

  /** Of each number, the logarithm of how likely it is before anything is said. */
  private final double[] logShares;

  /**
   * @param total D, all bits of an example
   * @param first of them that is of this place
   * @param pieces of the values that are possible
   * @param shares of the numbers that these values have
   */
  ValuePosterior(
      Intervals intervals, List<Intervals.Piece> pieces, int total, int first, double[] shares) {
    this.intervals = intervals;
    this.pieces = pieces;
    this.total = total;
    this.first = first;
    logShares = Arrays.stream(shares).map(Math::log).toArray();
  }

  /**
   * The mean of what the values stand for.
   *
   * @param logOdds of the bits of some examples, row-major [N, D]
   * @param number that a value stands for
   * @return [N]
   */
  public double[] means(float[] logOdds, IntToDoubleFunction number) {
    var ofCode = new double[logShares.length];
    for (var code = 0; code < ofCode.length; code++) {
      if (isPossible(code)) {
        var at = code;
        ofCode[code] =
            IntStream.range(0, PARTS)
                .map(i -> value(at, i))
                .mapToDouble(number)
                .average()
                .orElseThrow();
      }
    }
    return rows(logOdds)
        .mapToDouble(
            row -> {
              var p = probabilities(logOdds, row);
              var mean = 0.0;
              for (var code = 0; code < p.length; code++) {
                mean += p[code] * ofCode[code];
              }
              return mean;
            })
        .toArray();
  }

  /**
   * The likeliest values.
   *
   * @param logOdds of the bits of some examples, row-major [N, D]
   * @return [N]
   */
  public int[] modes(float... logOdds) {
    var values = new int[logShares.length * PARTS]; // of each code
    for (var i = 0; i < values.length; i++) {
      values[i] = isPossible(i / PARTS) ? value(i / PARTS, i % PARTS) : -1;
    }
    return rows(logOdds)
        .map(
            row -> {
              var p = probabilities(logOdds, row);
              var best = -1;
              var bestShare = -1.0;
              var share = 0.0;
              for (var i = 0; i < values.length; i++) { // a value's codes are neighbours
                var isNew = i == 0 || values[i] != values[i - 1];
                share = (isNew ? 0 : share) + p[i / PARTS] / PARTS;
                if (values[i] >= 0 && share > bestShare) {
                  bestShare = share;
                  best = values[i];
                }
              }
              return best;
            })
        .toArray();
  }

  private IntStream rows(float... logOdds) {
    return IntStream.range(0, logOdds.length / total).parallel();
  }

  private boolean isPossible(int code) {
    return logShares[code] > Double.NEGATIVE_INFINITY;
  }

  private int value(int code, int part) {
    return intervals.value(pieces, code, (part + 0.5) / PARTS);
  }

  /** Of each number. */
  private double[] probabilities(float[] logOdds, int row) {
    var n = intervals.bits();
    var half = new double[] {0}; // of the beginnings of Gray codes
    for (var j = 0; j < n; j++) {
      var next = new double[2 * half.length];
      var l = logOdds[row * total + first + j] / 2.0;
      for (var i = 0; i < half.length; i++) {
        next[2 * i] = half[i] - l;
        next[2 * i + 1] = half[i] + l;
      }
      half = next;
    }
    var p = new double[half.length];
    for (var code = 0; code < p.length; code++) {
      p[code] = logShares[code] + half[Intervals.gray(code)];
    }
    var most = Arrays.stream(p).max().orElseThrow();
    var sum = 0.0;
    for (var code = 0; code < p.length; code++) {
      p[code] = Math.exp(p[code] - most);
      sum += p[code];
    }
    for (var code = 0; code < p.length; code++) {
      p[code] /= sum;
    }
    return p;
  }
}

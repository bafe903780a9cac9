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
 * p(c) ~ share_c * product over j of exp(c_j l_j / 2) * exp(a of the cell that c is in)
 * </pre>
 *
 * <p>Nothing is drawn, so that what is expected has no error of sampling.
 */
public final class ValuePosterior {
  /** Of a code that several values have: points at which it is looked at. */
  private static final int PARTS = 16;

  private final Intervals intervals;
  private final List<Intervals.Piece> pieces;
  private final int stride;
  private final int first;

  /** Of each number, where it is told what is said of its cell; -1 where nothing is. */
  private final int[] cellOf;

  /** Of each number, the logarithm of how likely it is before anything is said. */
  private final double[] logShares;

  /**
   * @param pieces of the values that are possible
   * @param shares of the numbers that these values have
   * @param stride how many numbers are said of an example: of all bits and all cells
   * @param first of them that is of a bit of this place
   * @param cellOf which of them is of the cell of each number, or -1
   */
  ValuePosterior(
      Intervals intervals,
      List<Intervals.Piece> pieces,
      double[] shares,
      int stride,
      int first,
      int[] cellOf) {
    this.intervals = intervals;
    this.pieces = pieces;
    this.stride = stride;
    this.first = first;
    this.cellOf = cellOf;
    logShares = Arrays.stream(shares).map(Math::log).toArray();
  }

  /**
   * The mean of what the values stand for.
   *
   * @param said of some examples: log-odds of bits, then of cells, row-major [N, D + cells]
   * @param number that a value stands for
   * @return [N]
   */
  public double[] means(float[] said, IntToDoubleFunction number) {
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
    return rows(said)
        .mapToDouble(
            row -> {
              var p = probabilities(said, row);
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
   * @param said of some examples: log-odds of bits, then of cells, row-major [N, D + cells]
   * @return [N]
   */
  public int[] modes(float... said) {
    var values = new int[logShares.length * PARTS]; // of each code
    for (var i = 0; i < values.length; i++) {
      values[i] = isPossible(i / PARTS) ? value(i / PARTS, i % PARTS) : -1;
    }
    return rows(said)
        .map(
            row -> {
              var p = probabilities(said, row);
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

  private IntStream rows(float... said) {
    return IntStream.range(0, said.length / stride).parallel();
  }

  private boolean isPossible(int code) {
    return logShares[code] > Double.NEGATIVE_INFINITY;
  }

  private int value(int code, int part) {
    return intervals.value(pieces, code, (part + 0.5) / PARTS);
  }

  /** Of each number. */
  private double[] probabilities(float[] said, int row) {
    var n = intervals.bits();
    var half = new double[] {0}; // of the beginnings of Gray codes
    for (var j = 0; j < n; j++) {
      var next = new double[2 * half.length];
      var l = said[row * stride + first + j] / 2.0;
      for (var i = 0; i < half.length; i++) {
        next[2 * i] = half[i] - l;
        next[2 * i + 1] = half[i] + l;
      }
      half = next;
    }
    var p = new double[half.length];
    for (var code = 0; code < p.length; code++) {
      var ofCell = cellOf[code] < 0 ? 0 : said[row * stride + cellOf[code]];
      p[code] = logShares[code] + half[Intervals.gray(code)] + ofCell;
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

package org.bitdiffusion.training;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.within;

import java.util.Random;
import java.util.stream.IntStream;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

class RakingTest {
  /** A prior that is nearly none. */
  private static final double SMALL = 1e-9;

  /**
   * The two columns of rows, of which there are so many with parts (0, 0), (0, 1), (1, 0), (1, 1).
   */
  private static int[][] rows(int... counts) {
    var cells =
        IntStream.range(0, 4)
            .flatMap(cell -> IntStream.range(0, counts[cell]).map(i -> cell))
            .toArray();
    return new int[][] {
      IntStream.of(cells).map(cell -> cell / 2).toArray(),
      IntStream.of(cells).map(cell -> cell % 2).toArray()
    };
  }

  private static double[][] shares(double ofFirst, double ofSecond) {
    return new double[][] {{ofFirst, 1 - ofFirst}, {ofSecond, 1 - ofSecond}};
  }

  /**
   * With equal shares everywhere, p00 = p11 and p01 = p10, and (p00 / p01)^2 is the odds ratio, 6.
   */
  @Test
  void sharesAreAsAskedAndTheOddsRatioStays() {
    var logs = Raking.logFactors(rows(30, 10, 20, 40), shares(0.5, 0.5), SMALL, 50);
    var expected = 0.5 * Math.sqrt(6) / (1 + Math.sqrt(6));
    assertThat(0.30 * Math.exp(logs[0][0] + logs[1][0])).isCloseTo(expected, within(1e-9));
    assertThat(0.10 * Math.exp(logs[0][0] + logs[1][1])).isCloseTo(0.5 - expected, within(1e-9));
    assertThat(0.20 * Math.exp(logs[0][1] + logs[1][0])).isCloseTo(0.5 - expected, within(1e-9));
    assertThat(0.40 * Math.exp(logs[0][1] + logs[1][1])).isCloseTo(expected, within(1e-9));
  }

  @Test
  void whatIsRightIsNotMoved() {
    var logs = Raking.logFactors(rows(30, 10, 20, 40), shares(0.4, 0.5), 4, 3);
    for (var of : logs) {
      assertThat(of).containsExactly(new double[2], within(1e-12));
    }
  }

  /**
   * Columns that depend on each other share what is to be moved: each alone would be moved twice.
   */
  @Test
  void copiesOfAColumnAreMovedOnce() {
    var logs = Raking.logFactors(rows(60, 0, 0, 40), shares(0.5, 0.5), SMALL, 50);
    var odds = logs[0][0] - logs[0][1] + logs[1][0] - logs[1][1];
    assertThat(odds).isCloseTo(Math.log(0.5 / 0.5) - Math.log(0.6 / 0.4), within(1e-9));
  }

  /**
   * One column of 100 rows, of which one should be none: (0 + 4) / (1 + 4), up to a common factor.
   */
  @Test
  void partsOfFewRowsMoveLittle() {
    var column = new int[1][100];
    column[0][0] = 1;
    var logs = Raking.logFactors(column, new double[][] {{1, 0}}, 4, 1)[0];
    assertThat(logs[1] - logs[0])
        .isCloseTo(Math.log(4 / 5.0) - Math.log(104 / 103.0), within(1e-9));
  }

  /**
   * 100 rows in one part, where 90 and 10 should be: (10 + 4) / (0 + 4) beside (90 + 4) / (100 +
   * 4).
   */
  @Test
  void partsOfNoRowsAreMovedOnce() {
    var logs = Raking.logFactors(rows(50, 50, 0, 0), shares(0.9, 0.5), 4, 50);
    assertThat(logs[0])
        .containsExactly(new double[] {0, Math.log(14 / 4.0) - Math.log(94 / 104.0)}, within(1e-9));
  }

  @Test
  void aColumnThatNoRowIsInIsNotMoved() {
    var logs = Raking.logFactors(new int[][] {{-1, -1, -1}}, shares(0.9, 0.5), 4, 3);
    assertThat(logs[0]).containsExactly(0, 0);
  }

  /** Rows are in the same parts of both columns, which are to have other shares: no weights do. */
  @Test
  void contradictionsStaySmall() {
    for (var of : Raking.logFactors(rows(500, 0, 0, 500), shares(0.5, 0.51), SMALL, 3)) {
      for (var log : of) {
        assertThat(log).isBetween(-0.1, 0.1);
      }
    }
  }

  @Test
  void rowsThatAreInNoPartMoveNothing() {
    var shares = new double[][] {{2 / 3.0, 1 / 3.0}};
    var logs = Raking.logFactors(new int[][] {{0, 0, 1, -1}}, shares, SMALL, 5);
    assertThat(logs[0]).containsExactly(new double[2], within(1e-12));
  }

  @ParameterizedTest
  @ValueSource(longs = {1, 2, 3})
  void manyColumnsHaveTheirShares(long seed) {
    var random = new Random(seed);
    var parts = new int[5][4000];
    for (var row = 0; row < 4000; row++) {
      var kind = random.nextInt(3);
      for (var column = 0; column < 5; column++) {
        parts[column][row] = random.nextBoolean() ? kind : random.nextInt(3);
      }
    }
    var shares = new double[5][];
    for (var column = 0; column < 5; column++) {
      var first = 0.2 + 0.2 * random.nextDouble();
      shares[column] = new double[] {first, 0.3, 0.7 - first};
    }
    var logs = Raking.logFactors(parts, shares, SMALL, 50);
    for (var column = 0; column < 5; column++) {
      var found = new double[3];
      for (var row = 0; row < 4000; row++) {
        var log = 0.0;
        for (var other = 0; other < 5; other++) {
          log += logs[other][parts[other][row]];
        }
        found[parts[column][row]] += Math.exp(log) / 4000;
      }
      assertThat(found).containsExactly(shares[column], within(1e-6));
    }
  }
}

package org.bitdiffusion.metrics.table;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;
import static org.assertj.core.api.Assertions.within;
import static org.bitdiffusion.metrics.table.Fixtures.categories;
import static org.bitdiffusion.metrics.table.Fixtures.numbers;
import static org.bitdiffusion.metrics.table.Fixtures.table;

import java.util.Arrays;
import java.util.Comparator;
import java.util.Random;
import java.util.stream.IntStream;
import org.bitdiffusion.DataException;
import org.bitdiffusion.metrics.table.Neighbours.Metric;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.EnumSource;
import org.junit.jupiter.params.provider.ValueSource;

/** What is measured by the nearest rows. */
class NeighboursTest {
  private static final double NONE = Double.NaN;

  @ParameterizedTest
  @ValueSource(strings = {"mixed", "adult"})
  void theyEqualThoseOfNumpy(String name) {
    var fixture = Fixtures.read("neighbours.json").get(name);
    var tables =
        Fixtures.tables(fixture.get("training"), fixture.get("held_out"), fixture.get("synthetic"));
    var expected = fixture.get("expected");
    var both = PrecisionAndRecall.of(tables.get(0), tables.get(2));
    assertThat(both.alphaPrecision()).isCloseTo(expected.get("alpha").asDouble(), within(1e-9));
    assertThat(both.betaRecall()).isCloseTo(expected.get("beta").asDouble(), within(1e-9));
    var closest = ClosestRecords.of(tables.get(0), tables.get(1), tables.get(2), 0);
    assertThat(closest.nearerToTraining())
        .isCloseTo(expected.get("nearer").asDouble(), within(1e-9));
    assertThat(closest.copies()).isEqualTo(expected.get("copies").asDouble());
    assertThat(closest.copiesOfHeldOut()).isEqualTo(expected.get("copies_of_held_out").asDouble());
  }

  private static Table random(int rows, long seed) {
    var random = new Random(seed);
    return table(
        numbers(random.doubles(rows).map(v -> v < 0.1 ? NONE : v).toArray()),
        numbers(random.ints(rows, 0, 9).mapToDouble(v -> v).toArray()),
        categories(4, random.ints(rows, -1, 4).toArray()));
  }

  /** More rows than are compared at once. */
  @ParameterizedTest
  @EnumSource
  void theyAreTheNearest(Metric metric) {
    var some = random(50, 1);
    var many = random(5000, 2);
    var points = Points.minMax(many, some, many);
    var found = Neighbours.of(points.get(0), points.get(1), metric, 2, 3, false);
    for (var query = 0; query < 50; query++) {
      var row = query;
      var distances =
          IntStream.range(0, 5000)
              .mapToDouble(other -> distance(points.get(0), row, points.get(1), other, metric))
              .toArray();
      var nearest =
          IntStream.range(0, 5000)
              .boxed()
              .sorted(Comparator.comparingDouble(other -> distances[other]))
              .limit(3)
              .mapToInt(other -> other)
              .toArray();
      for (var k = 0; k < 3; k++) {
        assertThat((double) found.distances()[3 * row + k])
            .isCloseTo(distances[nearest[k]], within(1e-5));
      }
    }
    var same = Neighbours.of(points.get(0), points.get(0), metric, 2, 50, true);
    for (var row = 0; row < 50; row++) {
      var others = Arrays.copyOfRange(same.rows(), 50 * row, 50 * (row + 1));
      assertThat(others).doesNotHaveDuplicates().doesNotContain(row).contains(-1);
    }
  }

  private static double distance(Points x, int row, Points y, int other, Metric metric) {
    var sum = 0.0;
    for (var j = 0; j < x.numbers().length; j++) {
      var difference = (double) x.numbers()[j][row] - y.numbers()[j][other];
      sum += metric == Metric.SQUARED ? difference * difference : Math.abs(difference);
    }
    for (var j = 0; j < x.categories().length; j++) {
      sum += x.categories()[j][row] == y.categories()[j][other] ? 0 : 2;
    }
    return sum;
  }

  /**
   * On [0, 10]: 1 is 0.1 from 0 and 0.4 from 5; 4 lies 0.4 and 0.1 from them; 2.5 as far from both.
   */
  @Test
  void closestRecordsByHand() {
    var training = table(numbers(0, 10), categories(2, 0, 0));
    var heldOut = table(numbers(5, 10), categories(2, 0, 0));
    var one = ClosestRecords.of(training, heldOut, table(numbers(1), categories(2, 0)), 0);
    assertThat(one).isEqualTo(new ClosestRecords(1, 0, 0.5));
    var all = table(numbers(1, 4, 2.5, 10), categories(2, 0, 0, 0, 0));
    assertThat(ClosestRecords.of(training, heldOut, all, 0))
        .isEqualTo(new ClosestRecords((1 + 0 + 0.5 + 0.5) / 4, 0.25, 0.5));
    // Another category is farther (2) than all of the range (1).
    var other = table(numbers(0, 10), categories(2, 1, 1));
    assertThat(ClosestRecords.of(training, other, table(numbers(10), categories(2, 1)), 0))
        .isEqualTo(new ClosestRecords(0, 0, 0));
  }

  @Test
  void missingValuesAreFarFromOthers() {
    var training = table(numbers(NONE, NONE));
    var heldOut = table(numbers(0, 1));
    assertThat(ClosestRecords.of(heldOut, training, table(numbers(0.5, NONE)), 0))
        .isEqualTo(new ClosestRecords(0.5, 0, 0));
    var none = table(numbers(NONE, NONE), categories(1, -1, -1), numbers(-0.0, 7));
    assertThat(ClosestRecords.of(none, none, none.with(2, numbers(0, 7)), 0))
        .isEqualTo(new ClosestRecords(0.5, 1, 1));
    assertThat(PrecisionAndRecall.of(none, none).betaRecall()).isNotNaN();
  }

  @Test
  void ofTheSameDistributionHalfIsNearer() {
    var closest = ClosestRecords.of(random(3000, 1), random(1000, 2), random(2000, 3), 0);
    // Ties are halves; so the error is below that of 2,000 coins.
    assertThat(closest.nearerToTraining()).isCloseTo(0.5, within(0.035));
    var copied = ClosestRecords.of(random(1000, 1), random(1000, 2), random(1000, 1), 0);
    assertThat(copied.nearerToTraining()).isGreaterThan(0.9);
    assertThat(copied.copies()).isEqualTo(1);
  }

  private static Table normal(int rows, double spread, long seed) {
    var random = new Random(seed);
    return table(
        numbers(random.doubles(rows).map(u -> spread * (u - 0.5)).toArray()),
        numbers(random.doubles(rows).map(u -> spread * (u - 0.5)).toArray()));
  }

  /** Of the same distribution 1 and 1/2; of copies 1 and 1. Collapse keeps the first at most. */
  @Test
  void precisionAndRecallOfKnownDistributions() {
    var real = normal(3000, 1, 1);
    var same = PrecisionAndRecall.of(real, normal(3000, 1, 2));
    assertThat(same.alphaPrecision()).isGreaterThan(0.96);
    assertThat(same.betaRecall()).isCloseTo(0.5, within(0.03));
    var copies = PrecisionAndRecall.of(real, real);
    assertThat(copies.alphaPrecision()).isGreaterThan(0.999);
    assertThat(copies.betaRecall()).isGreaterThan(0.999);
    // All in the middle: P is 1 from the first level where a real row is as near as they are.
    var collapsed = PrecisionAndRecall.of(real, normal(3000, 0.01, 3));
    assertThat(collapsed.betaRecall()).isLessThan(0.05);
    assertThat(collapsed.alphaPrecision()).isCloseTo(0, within(0.1));
    // Half of the square: covers half of the rows, each as often as not, or rather oftener.
    var half = normal(3000, 1, 4);
    var x = ((Values.Numbers) half.column(0)).values();
    var left = half.with(0, numbers(Arrays.stream(x).map(v -> -Math.abs(v)).toArray()));
    assertThat(PrecisionAndRecall.of(real, left).betaRecall()).isBetween(0.25, 0.4);
  }

  /** R(beta) of two rows that are copied is beta's step: 0 at 0 below the nearer one, then 1/2. */
  @Test
  void edges() {
    var two = table(numbers(1, 2));
    assertThat(PrecisionAndRecall.of(two, two).betaRecall()).isLessThanOrEqualTo(1);
    assertThat(PrecisionAndRecall.of(two, table(numbers(1))).betaRecall()).isNotNaN();
    var constant = table(numbers(3, 3, 3), categories(1, 0, 0, 0));
    assertThat(PrecisionAndRecall.of(constant, constant)).isNotNull();
    assertThatThrownBy(() -> PrecisionAndRecall.of(table(numbers(1)), two))
        .isInstanceOf(DataException.class)
        .hasMessage("beta-recall needs 2 rows at least, and there are 1");
    var one = table(numbers(1));
    assertThat(ClosestRecords.of(one, one, one, 0)).isEqualTo(new ClosestRecords(0.5, 1, 1));
    assertThatThrownBy(() -> ClosestRecords.of(one, one, table(numbers()), 0))
        .hasMessageContaining("needs 1 rows at least, and there are 0");
    // A category that the reference does not have.
    var known = table(categories(3, 0, 0));
    var unknown = table(categories(3, 2, 1));
    assertThat(PrecisionAndRecall.of(known, unknown).betaRecall()).isLessThan(0.1);
    assertThat(ClosestRecords.of(known, unknown, unknown, 0).nearerToTraining()).isZero();
  }
}

package org.bitdiffusion.metrics.table;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.within;
import static org.bitdiffusion.metrics.table.Fixtures.categories;
import static org.bitdiffusion.metrics.table.Fixtures.numbers;
import static org.bitdiffusion.metrics.table.Fixtures.table;

import java.util.Arrays;
import java.util.Random;
import java.util.stream.IntStream;
import org.junit.jupiter.api.Test;

class BaselinesTest {
  private static Table linked(int rows, long seed) {
    var random = new Random(seed);
    var code = random.ints(rows, 0, 3).toArray();
    var x = Arrays.stream(code).mapToDouble(c -> 10 * c + random.nextInt(50) / 10.0).toArray();
    return table(numbers(x), categories(3, code), categories(2, random.ints(rows, 0, 2).toArray()));
  }

  @Test
  void columnsThatAreIndependentKeepTheirShares() {
    var training = linked(300, 1);
    var drawn = Baselines.independent(training, 600, 2);
    assertThat(Shape.of(training, drawn).scores()).containsOnly(1);
    assertThat(Trend.of(training, drawn).mean()).isLessThan(0.8);
    assertThat(drawn.rows()).isEqualTo(600);
    assertThat(Baselines.independent(training, 10, 2).rows()).isEqualTo(10);
  }

  /** Numbers lie between those of two rows of the class, with the decimals of the column. */
  @Test
  void smoteStaysWithinItsClass() {
    var training = linked(300, 1);
    var drawn = Baselines.smote(training, 1, 900, 2);
    var x = ((Values.Numbers) drawn.column(0)).values();
    var code = ((Values.Categories) drawn.column(1)).codes();
    for (var row = 0; row < 900; row++) {
      assertThat(x[row]).isBetween(10.0 * code[row], 10.0 * code[row] + 5);
      assertThat(Math.rint(x[row] * 10) / 10).isEqualTo(x[row]);
    }
    assertThat(Shape.of(training, drawn).scores()[1]).isEqualTo(1);
    assertThat(Shape.of(training, drawn).scores()[0]).isGreaterThan(0.9);
    // Not copies alone: rows of the other number of a class are between.
    assertThat(Arrays.stream(x).distinct().count()).isGreaterThan(100);
  }

  /** Two rows of a class: each number is between, and the category is the other row's. */
  @Test
  void smoteByHand() {
    var training = table(numbers(0, 100, 7), categories(2, 0, 1, 1), categories(2, 0, 0, 1));
    var drawn = Baselines.smote(training, 2, 3, 1);
    var order = ((Values.Categories) drawn.column(2)).codes();
    for (var row = 0; row < 3; row++) {
      var value = ((Values.Numbers) drawn.column(0)).values()[row];
      if (order[row] == 1) {
        assertThat(value).isEqualTo(7);
        assertThat(((Values.Categories) drawn.column(1)).codes()[row]).isEqualTo(1);
      } else {
        assertThat(value).isBetween(0.0, 100.0);
      }
    }
    assertThat(order).containsExactlyInAnyOrder(0, 0, 1);
    var shares = IntStream.range(0, 200).mapToDouble(seed -> first(training, seed)).toArray();
    // Uniform between 0 and 100.
    assertThat(Arrays.stream(shares).average().orElseThrow()).isCloseTo(50, within(8.0));
  }

  private static double first(Table training, long seed) {
    var drawn = Baselines.smote(training, 2, 3, seed);
    var of = ((Values.Categories) drawn.column(2)).codes();
    var row = IntStream.range(0, 3).filter(i -> of[i] == 0).findFirst().orElseThrow();
    return ((Values.Numbers) drawn.column(0)).values()[row];
  }

  @Test
  void edges() {
    var one = table(numbers(Double.NaN), categories(1, -1));
    assertThat(Baselines.smote(one, 1, 3, 0).column(1).isMissing(2)).isTrue();
    assertThat(Baselines.smote(one, 0, 3, 0).column(0).isMissing(2)).isTrue();
    assertThat(Baselines.independent(one, 2, 0).column(0).isMissing(1)).isTrue();
    // A target of numbers lies between like others, and only a column of it has no other.
    var number = table(numbers(1, 3));
    assertThat(Baselines.smote(number, 0, 5, 0).rows()).isEqualTo(5);
    var rows = table(numbers(1, 3), numbers(5, 5));
    assertThat(((Values.Numbers) Baselines.smote(rows, 0, 5, 0).column(1)).values())
        .containsOnly(5);
  }
}

package org.bitdiffusion.metrics.table;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;
import static org.assertj.core.api.Assertions.within;
import static org.bitdiffusion.metrics.table.Fixtures.categories;
import static org.bitdiffusion.metrics.table.Fixtures.numbers;
import static org.bitdiffusion.metrics.table.Fixtures.table;

import java.util.List;
import java.util.Random;
import java.util.stream.IntStream;
import org.bitdiffusion.DataException;
import org.junit.jupiter.api.Test;

class EfficacyTest {
  @Test
  void theyEqualXgboostOfPython() {
    var fixture = Fixtures.read("efficacy.json");
    var tables = Fixtures.pair(fixture);
    for (var kind : new String[] {"binary", "classes", "number"}) {
      var expected = fixture.get("expected").get(kind);
      var target = expected.get("target").asInt();
      var efficacy = Efficacy.of(tables.get(0), tables.get(1), target, Efficacy.FIXED, 0);
      if (kind.equals("number")) {
        assertThat(efficacy.rootMeanSquare())
            .isCloseTo(expected.get("rmse").asDouble(), within(1e-3));
        assertThat(efficacy.explained()).isCloseTo(expected.get("r2").asDouble(), within(1e-3));
        assertThat(efficacy.area()).isNaN();
      } else {
        assertThat(efficacy.area()).isCloseTo(expected.get("area").asDouble(), within(1e-3));
        assertThat(efficacy.f1()).isCloseTo(expected.get("f1").asDouble(), within(1e-3));
        assertThat(efficacy.explained()).isNaN();
      }
    }
  }

  @Test
  void scoresByHand() {
    // Two of three predicted are right, of three that there are: 2 * 2 / (3 + 3).
    var is = new boolean[] {true, true, true, false};
    assertThat(Scores.f1(new boolean[] {true, true, false, true}, is)).isEqualTo(4.0 / 6);
    assertThat(Scores.f1(new boolean[4], new boolean[4])).isZero();
    var truth = new double[] {1, 2, 3, 6};
    assertThat(Scores.rootMeanSquare(new double[] {1, 2, 3, 2}, truth)).isEqualTo(2);
    // Squares of the truth about 3: 4 + 1 + 0 + 9.
    assertThat(Scores.explained(new double[] {1, 2, 3, 2}, truth)).isEqualTo(1 - 16.0 / 14);
    assertThat(Scores.explained(new double[] {1}, new double[] {1})).isNaN();
  }

  private static Table linked(int rows, double share, long seed) {
    var random = new Random(seed);
    var x = random.doubles(rows).toArray();
    var y = new int[rows];
    for (var row = 0; row < rows; row++) {
      y[row] = (random.nextDouble() < share ? x[row] : random.nextDouble()) < 0.3 ? 1 : 0;
    }
    return table(numbers(x), categories(2, y), categories(3, new int[rows]));
  }

  @Test
  void whatIsLinkedIsLearned() {
    var test = linked(500, 1, 2);
    assertThat(Efficacy.of(linked(500, 1, 1), test, 1, Efficacy.FIXED, 0).area())
        .isGreaterThan(0.99);
    assertThat(Efficacy.of(linked(500, 0, 1), test, 1, Efficacy.FIXED, 0).area())
        .isBetween(0.2, 0.8);
    var number = Efficacy.of(linked(500, 1, 1), test, 0, Efficacy.FIXED, 0);
    // Of 0.3 and of 0.7 the variance is a twelfth of the square.
    var deviation = Math.sqrt((0.3 * 0.09 + 0.7 * 0.49) / 12);
    assertThat(number.rootMeanSquare()).isCloseTo(deviation, within(0.02));
  }

  /** Depth 1 and gamma 1e9 (no split at all) can be chosen, and are not. */
  @Test
  void theBestOfTheGridIsTaken() {
    var none = new BoostedTrees(10, 1, 0.3, 1, 1e9);
    var some = new BoostedTrees(10, 3, 0.3, 1, 0);
    var grid = List.of(none, some, none);
    var efficacy = Efficacy.of(linked(300, 1, 1), linked(300, 1, 2), 1, grid, 0);
    assertThat(efficacy.trees()).isEqualTo(some);
    assertThat(Efficacy.PUBLISHED).hasSize(36).doesNotHaveDuplicates();
  }

  @Test
  void edges() {
    var some = linked(60, 1, 1);
    // Learned from one class only, or from rows without a class.
    var one = IntStream.range(0, 60).filter(row -> code(some, row) == 0).toArray();
    assertThat(Efficacy.of(some.take(one), some, 1, Efficacy.FIXED, 0).area()).isEqualTo(0.5);
    assertThat(Efficacy.of(some.first(1), some, 1, Efficacy.FIXED, 0).area()).isEqualTo(0.5);
    assertThat(Efficacy.of(some.first(2), some, 0, Efficacy.FIXED, 0).rootMeanSquare())
        .isPositive();
    var missing = some.with(1, categories(2, IntStream.range(0, 60).map(i -> -1).toArray()));
    assertThatThrownBy(() -> Efficacy.of(missing, some, 1, Efficacy.FIXED, 0))
        .isInstanceOf(DataException.class)
        .hasMessage("no row has a value of the target \"b\"");
    var alone = table(numbers(1, 2));
    assertThatThrownBy(() -> Efficacy.of(alone, alone, 0, Efficacy.FIXED, 0))
        .hasMessage("nothing can be learned about \"a\", the only column");
    assertThatThrownBy(() -> Efficacy.of(some.first(8), some, 1, Efficacy.PUBLISHED, 0))
        .hasMessageContaining("needs 9 rows at least, and there are 8");
  }

  private static int code(Table table, int row) {
    return ((Values.Categories) table.column(1)).codes()[row];
  }
}

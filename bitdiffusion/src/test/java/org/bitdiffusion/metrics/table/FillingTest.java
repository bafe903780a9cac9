package org.bitdiffusion.metrics.table;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;
import static org.assertj.core.api.Assertions.within;
import static org.bitdiffusion.metrics.table.Fixtures.categories;
import static org.bitdiffusion.metrics.table.Fixtures.numbers;
import static org.bitdiffusion.metrics.table.Fixtures.table;

import java.util.Random;
import org.bitdiffusion.DataException;
import org.junit.jupiter.api.Test;

class FillingTest {
  private static final double NONE = Double.NaN;

  /** Errors 1 and 3 of a deviation of 2: the root of (1 + 9) / 2, over 2. */
  @Test
  void byHand() {
    var training = table(numbers(1, 5, NONE), categories(3, 0, 1, 1));
    var truth = table(numbers(1, 2, 3, NONE), categories(3, 0, 1, 2, -1));
    var gaps = table(numbers(NONE, 2, NONE, NONE), categories(3, -1, -1, -1, -1));
    var filled = table(numbers(2, 9, 6, 9), categories(3, 0, 1, 1, 0));
    var filling = Filling.of(training, truth, gaps, filled);
    assertThat(filling.errors()[0]).isCloseTo(Math.sqrt(5) / 2, within(1e-12));
    assertThat(filling.error()).isEqualTo(filling.errors()[0]);
    assertThat(filling.accuracies()[1]).isEqualTo(2.0 / 3);
    assertThat(filling.accuracy()).isEqualTo(2.0 / 3);
    assertThat(filling.errors()[1]).isNaN();
    var usual = Filling.byModeAndMean(training, gaps);
    assertThat(((Values.Numbers) usual.column(0)).values()).containsExactly(3, 2, 3, 3);
    assertThat(((Values.Categories) usual.column(1)).codes()).containsExactly(1, 1, 1, 1);
  }

  /** Five rows near 0 and one at 9: what is missing beside 0.1 comes of those at 0. */
  @Test
  void neighboursByHand() {
    var training =
        table(
            numbers(0, 0, 0, 0, 0, 9, 9, 9, 9, 9, 9),
            numbers(1, 2, 3, 4, NONE, 70, 70, 70, 70, 70, 70),
            categories(3, 1, 1, 0, 0, 2, 2, 2, 2, 2, 2, 2));
    var gaps = table(numbers(0.1, NONE), numbers(NONE, 70), categories(3, -1, -1));
    var filled = Filling.byNeighbours(training, gaps);
    assertThat(((Values.Numbers) filled.column(1)).values()).containsExactly(2.5, 70);
    assertThat(((Values.Numbers) filled.column(0)).values()).containsExactly(0.1, 9);
    // Two of 1, two of 0, one of 2: of the first row.
    assertThat(((Values.Categories) filled.column(2)).codes()).containsExactly(1, 2);
  }

  private static Table linked(int rows, long seed) {
    var random = new Random(seed);
    var code = random.ints(rows, 0, 3).toArray();
    var x = new double[rows];
    for (var row = 0; row < rows; row++) {
      x[row] = 10 * code[row] + random.nextGaussian();
    }
    return table(numbers(x), categories(3, code), categories(2, random.ints(rows, 0, 2).toArray()));
  }

  @Test
  void neighboursKnowWhatIsLinked() {
    var training = linked(2000, 1);
    var truth = linked(1000, 2);
    var gaps = Filling.masked(truth, 0.3, 3);
    var usual = Filling.of(training, truth, gaps, Filling.byModeAndMean(training, gaps));
    var near = Filling.of(training, truth, gaps, Filling.byNeighbours(training, gaps));
    assertThat(usual.error()).isCloseTo(1, within(0.1));
    assertThat(usual.accuracies()[1]).isCloseTo(1 / 3.0, within(0.1));
    // Of 30% neither is known; of the rest the code tells the number up to 1 of 8.2.
    assertThat(near.errors()[0]).isBetween(0.4, 0.75);
    assertThat(near.accuracies()[1]).isGreaterThan(0.75);
    assertThat(near.accuracies()[2]).isCloseTo(0.5, within(0.1));
  }

  @Test
  void edges() {
    var none = table(numbers(NONE, NONE), categories(0, -1, -1));
    assertThatThrownBy(() -> Filling.byModeAndMean(none, none))
        .isInstanceOf(DataException.class)
        .hasMessageContaining("row 0 has the category 0");
    var empty = table(numbers(NONE, NONE), categories(2, -1, -1));
    for (var filled :
        new Table[] {Filling.byModeAndMean(empty, empty), Filling.byNeighbours(empty, empty)}) {
      assertThat(((Values.Numbers) filled.column(0)).values()).containsExactly(0, 0);
      // Nothing is known, so nothing is compared.
      assertThat(Filling.of(empty, empty, empty, filled).error()).isNaN();
    }
    var truth = table(numbers(7, 7), categories(2, 1, 0));
    var one = truth.first(1);
    var gaps = Filling.masked(truth, 1, 0);
    var filled = Filling.byNeighbours(one, gaps);
    assertThat(Filling.of(one, truth, gaps, filled).error()).isZero();
    assertThat(Filling.of(one, truth, gaps, filled).accuracy()).isEqualTo(0.5);
    assertThatThrownBy(() -> Filling.of(one, truth, gaps, gaps))
        .hasMessage("row 0 of column \"a\" was masked and is not filled");
    assertThatThrownBy(() -> Filling.of(one, truth, gaps, one))
        .hasMessageContaining("2, 2 with gaps, 1 filled");
  }
}

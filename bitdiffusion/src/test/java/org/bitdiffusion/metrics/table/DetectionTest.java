package org.bitdiffusion.metrics.table;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;
import static org.assertj.core.api.Assertions.within;
import static org.bitdiffusion.metrics.table.Fixtures.categories;
import static org.bitdiffusion.metrics.table.Fixtures.numbers;
import static org.bitdiffusion.metrics.table.Fixtures.table;

import java.util.Arrays;
import java.util.Random;
import java.util.stream.IntStream;
import org.bitdiffusion.DataException;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

class DetectionTest {
  /** With the folds of scikit-learn, and its optimiser run to the end. */
  @ParameterizedTest
  @ValueSource(strings = {"mixed", "adult"})
  void theyEqualScikitLearnAndXgboostOfPython(String name) {
    var fixture = Fixtures.read("detection.json").get(name);
    var tables = Fixtures.pair(fixture);
    var expected = fixture.get("expected");
    var folds = new Folds(Fixtures.whole(expected.get("folds")), 3);
    var logistic = Detection.logistic(tables.get(0), tables.get(1), folds);
    assertThat(logistic.areas())
        .containsExactly(Fixtures.numbers(expected.get("logistic_auc")), within(1e-3));
    assertThat(logistic.score()).isCloseTo(expected.get("logistic").asDouble(), within(1e-3));
    var trees = Detection.trees(tables.get(0), tables.get(1), folds, BoostedTrees.DEFAULT);
    assertThat(trees.areas())
        .containsExactly(Fixtures.numbers(expected.get("trees_auc")), within(1e-3));
    assertThat(trees.score()).isCloseTo(expected.get("trees").asDouble(), within(2e-3));
  }

  @Test
  void theOptimumIsScikitLearns() {
    var fixture = Fixtures.read("detection.json").get("mixed");
    var tables = Fixtures.pair(fixture);
    var expected = fixture.get("expected");
    var real = tables.get(0);
    var folds = new Folds(Fixtures.whole(expected.get("folds")), 3);
    var values = ((Values.Numbers) real.column(4)).present();
    var mean = IntStream.range(0, values.length).mapToDouble(i -> values[i]).average();
    var all = real.and(tables.get(1));
    var gaps = ((Values.Numbers) all.column(4)).values();
    var filled =
        all.with(
            4,
            numbers(
                IntStream.range(0, gaps.length)
                    .mapToDouble(i -> Double.isNaN(gaps[i]) ? mean.orElseThrow() : gaps[i])
                    .toArray()));
    var features = Features.of(real, filled).get(0);
    var isReal = new boolean[all.rows()];
    Arrays.fill(isReal, 0, real.rows(), true);
    var regression = LogisticRegression.fit(features, folds.rowsBeside(0), isReal);
    assertThat(regression.weights())
        .containsExactly(Fixtures.numbers(expected.get("coefficients")), within(1e-4));
    var logOdds = regression.logOdds(features, folds.rowsOf(0));
    var probabilities = Arrays.stream(logOdds).map(z -> 1 / (1 + Math.exp(-z))).toArray();
    assertThat(probabilities)
        .containsExactly(Fixtures.numbers(expected.get("probabilities")), within(1e-5));
  }

  /**
   * One weight w of x = +1 and -1, as many of each and of each three quarters of their class: 4
   * log(1 + e^-w)' ... at the optimum 6 s(-w) - 2 s(w) = w of 8 rows, where s is the logistic
   * function.
   */
  @Test
  void logisticRegressionByHand() {
    // Quartiles are -1 and 1, so that numbers are halved: x = +-1/2 is scaled, w of it.
    var features =
        Features.of(table(numbers(1)), table(numbers(1, 1, 1, 1, -1, -1, -1, -1))).get(0);
    var isOfClass = new boolean[] {true, true, true, false, false, false, false, true};
    var regression = LogisticRegression.fit(features, IntStream.range(0, 8).toArray(), isOfClass);
    var w = regression.weights()[0];
    var s = 1 / (1 + Math.exp(-w / 2));
    assertThat(3 * (1 - s) - s).isCloseTo(w, within(1e-6));
    assertThat(regression.logOdds(features, new int[] {0, 7})[0]).isCloseTo(w / 2, within(1e-6));
  }

  @Test
  void areaUnderTheCurveByHand() {
    // Pairs of (of the class, not): 0.9 > 0.5, 0.9 > 0.1, 0.5 = 0.5, 0.5 > 0.1.
    var scores = new double[] {0.9, 0.5, 0.5, 0.1};
    assertThat(Scores.areaUnderCurve(scores, new boolean[] {true, true, false, false}))
        .isEqualTo(3.5 / 4);
    assertThat(Scores.areaUnderCurve(scores, new boolean[] {true, true, true, true})).isNaN();
  }

  private static Table pairs(int rows, boolean linked, long seed) {
    var random = new Random(seed);
    var first = random.ints(rows, 0, 4).toArray();
    var second = linked ? first : random.ints(rows, 0, 4).toArray();
    return table(
        categories(4, first),
        categories(4, second),
        numbers(random.doubles(rows).map(v -> v < 0.1 ? Double.NaN : v).toArray()));
  }

  /** Whether columns are linked is seen by trees only. */
  @Test
  void whatIsAlikeIsNotTold() {
    var real = pairs(600, true, 1);
    var same = pairs(600, true, 2);
    var independent = pairs(600, false, 3);
    var folds = Detection.folds(real, same, 0);
    assertThat(Detection.logistic(real, same, folds).score()).isGreaterThan(0.85);
    assertThat(Detection.trees(real, same, folds, BoostedTrees.DEFAULT).score())
        .isGreaterThan(0.85);
    assertThat(Detection.logistic(real, independent, folds).score()).isGreaterThan(0.85);
    assertThat(Detection.trees(real, independent, folds, BoostedTrees.DEFAULT).score())
        .isLessThan(0.4);
  }

  @Test
  void columnsThatTellNothingOrEverything() {
    var none = numbers(new double[] {Double.NaN, Double.NaN, Double.NaN, Double.NaN});
    var real = table(none, numbers(7, 7, 7, 7), categories(3, 0, 0, 1, 1));
    var synthetic = table(none, numbers(7, 7, 7, 7), categories(3, 2, 2, 2, 2));
    var folds = Detection.folds(real, synthetic, 0);
    assertThat(Detection.logistic(real, synthetic, folds).score()).isEqualTo(0);
    // So few rows that a leaf's weight forbids a split: chance.
    assertThat(Detection.trees(real, real, folds, BoostedTrees.DEFAULT).areas()).containsOnly(0.5);
    var number = table(numbers(1, 2, 3, 4));
    assertThat(Detection.logistic(number, number, folds).areas()).hasSize(3);
    assertThatThrownBy(() -> Detection.folds(real.first(2), synthetic, 0))
        .isInstanceOf(DataException.class)
        .hasMessage("detection needs 3 rows at least, and there are 2");
  }

  @Test
  void foldsHaveEqualShares() {
    var folds = Detection.folds(pairs(30, true, 1), pairs(60, true, 1), 5);
    for (var fold = 0; fold < 3; fold++) {
      assertThat(folds.rowsOf(fold))
          .hasSize(30)
          .satisfies(
              rows -> assertThat(IntStream.of(rows).filter(row -> row < 30).count()).isEqualTo(10));
      assertThat(folds.rowsBeside(fold)).hasSize(60);
    }
    assertThat(Detection.folds(pairs(30, true, 1), pairs(60, true, 1), 6).foldOf())
        .isNotEqualTo(folds.foldOf());
  }
}

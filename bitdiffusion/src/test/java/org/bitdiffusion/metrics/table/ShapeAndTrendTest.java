package org.bitdiffusion.metrics.table;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;
import static org.assertj.core.api.Assertions.within;
import static org.bitdiffusion.metrics.table.Fixtures.categories;
import static org.bitdiffusion.metrics.table.Fixtures.numbers;
import static org.bitdiffusion.metrics.table.Fixtures.table;

import com.fasterxml.jackson.databind.JsonNode;
import java.util.Random;
import java.util.stream.IntStream;
import java.util.stream.Stream;
import org.bitdiffusion.DataException;
import org.bitdiffusion.metrics.table.Trend.Thresholds;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.Arguments;
import org.junit.jupiter.params.provider.MethodSource;

class ShapeAndTrendTest {
  private static final double NONE = Double.NaN;

  static Stream<Arguments> casesOfSdMetrics() {
    return Stream.of("quality.json", "adult-quality.json")
        .flatMap(file -> Fixtures.read(file).properties().stream())
        .map(entry -> Arguments.of(entry.getKey(), entry.getValue()));
  }

  @ParameterizedTest(name = "{0}")
  @MethodSource("casesOfSdMetrics")
  void theyEqualThoseOfSdMetrics(String name, JsonNode fixture) {
    var tables = Fixtures.pair(fixture);
    var expected = fixture.get("expected");
    var shape = Shape.of(tables.get(0), tables.get(1));
    var shapes = Fixtures.numbers(expected.get("shapes"));
    assertThat(shape.scores()).hasSameSizeAs(shapes);
    for (var i = 0; i < shapes.length; i++) {
      equal(shape.scores()[i], shapes[i], name + ", column " + i);
    }
    equal(shape.mean(), number(expected.get("shape")), name);
    check(
        Trend.of(tables.get(0), tables.get(1)), expected.get("pairs"), expected.get("trend"), name);
    check(
        Trend.of(tables.get(0), tables.get(1), Thresholds.OF_QUALITY_REPORT),
        expected.get("pairs_thresholds"),
        expected.get("trend_thresholds"),
        name + " with thresholds");
  }

  private static double number(JsonNode value) {
    return value.isNull() ? NONE : value.asDouble();
  }

  private static void check(Trend trend, JsonNode pairs, JsonNode mean, String name) {
    for (var pair : pairs) {
      var i = pair.get(0).asInt();
      var j = pair.get(1).asInt();
      equal(trend.scores()[i][j], number(pair.get(2)), name + ", columns " + i + " and " + j);
      assertThat(Double.compare(trend.scores()[j][i], trend.scores()[i][j])).isZero();
    }
    equal(trend.mean(), number(mean), name);
  }

  private static void equal(double value, double expected, String name) {
    if (Double.isNaN(expected)) {
      assertThat(value).as(name).isNaN();
    } else {
      assertThat(value).as(name).isCloseTo(expected, within(1e-9));
    }
  }

  /**
   * Distribution functions of 1 2 3 4 and 3 4 5 6: at 2 they differ by 1/2. Shares of categories
   * 1/2 1/4 1/4 and 0 1/2 1/2: half of 1/2 + 1/4 + 1/4.
   */
  @Test
  void shapeByHand() {
    var real = table(numbers(1, 2, 3, NONE, 4), categories(3, 0, 0, 1, 2, -1));
    var synthetic = table(numbers(6, 5, 4, 3), categories(3, 1, 2, 1, 2));
    var shape = Shape.of(real, synthetic);
    assertThat(shape.scores()).containsExactly(0.5, 0.5);
    assertThat(shape.mean()).isEqualTo(0.5);
  }

  /** Correlations 1 and -1; then all of the real pairs are (0, 0) or (1, 1), half of the others. */
  @Test
  void trendByHand() {
    var real = table(numbers(1, 2, 3, 4), numbers(2, 4, 6, 8));
    var synthetic = table(numbers(1, 2, 3, 4), numbers(4, 3, 2, 1));
    assertThat(Trend.of(real, synthetic).mean()).isCloseTo(0, within(1e-12));
    assertThat(Trend.of(real, real).mean()).isCloseTo(1, within(1e-12));
    var dependent = table(categories(2, 0, 0, 1, 1), categories(2, 0, 0, 1, 1));
    var independent = table(categories(2, 0, 0, 1, 1), categories(2, 0, 1, 0, 1));
    assertThat(Trend.of(dependent, independent).mean()).isEqualTo(0.5);
    assertThat(Shape.of(dependent, independent).mean()).isEqualTo(1);
    // Of 0 .. 10 in ten bins, 10 has its own; each of 11 rows is in another bin than its fellow.
    var up = table(numbers(0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10), categories(2, new int[11]));
    assertThat(Trend.of(up, up).mean()).isEqualTo(1);
    var half = table(numbers(0, 0, 0, 0, 10, 10, 10, 10), categories(2, 0, 0, 0, 0, 0, 0, 0, 0));
    var quarter = table(numbers(0, 0, 0, 10), categories(2, 0, 0, 0, 0));
    assertThat(Trend.of(half, quarter).mean()).isCloseTo(0.75, within(1e-12));
  }

  @Test
  void ofPairsThatHaveNothingToDoWithEachOtherNoneCounts() {
    var real = table(categories(2, 0, 0, 1, 1), categories(2, 0, 1, 0, 1));
    assertThat(Trend.of(real, real, Thresholds.OF_QUALITY_REPORT).mean()).isNaN();
    assertThat(Trend.of(real, real).mean()).isEqualTo(1);
  }

  /** So many pairs of values are not counted in an array; the result is the same. */
  @Test
  void manyCategories() {
    var random = new Random(1);
    var few = table(categories(9, random.ints(500, 0, 9).toArray()), codes(random, 9));
    var other = table(categories(9, random.ints(500, 0, 9).toArray()), codes(random, 9));
    assertThat(Trend.of(spread(few), spread(other)).mean())
        .isCloseTo(Trend.of(few, other).mean(), within(1e-12));
    assertThat(Trend.of(spread(few), spread(other), new Thresholds(0, 0.01)).mean())
        .isCloseTo(Trend.of(few, other, new Thresholds(0, 0.01)).mean(), within(1e-12));
  }

  private static Values codes(Random random, int count) {
    return categories(count, random.ints(500, 0, count).toArray());
  }

  private static Table spread(Table table) {
    return table(
        table.columns().stream()
            .map(column -> ((Values.Categories) column).codes())
            .map(codes -> IntStream.of(codes).map(code -> 10_000 * code + 7).toArray())
            .map(codes -> (Values) categories(100_000, codes))
            .toArray(Values[]::new));
  }

  @Test
  void tablesThatCannotBeCompared() {
    var numbers = table(numbers(1, 2));
    assertThatThrownBy(() -> Shape.of(numbers, table(categories(2, 0, 1))))
        .isInstanceOf(DataException.class)
        .hasMessage("column \"a\" has numbers in one table and 2 categories in the other");
    assertThatThrownBy(() -> Trend.of(numbers, table(numbers(1, 2), numbers(1, 2))))
        .isInstanceOf(DataException.class)
        .hasMessage("tables with the columns [a] and [a, b] cannot be compared");
    assertThatThrownBy(() -> table(numbers(1, 2), numbers(1)))
        .hasMessage("column \"b\" has 1 rows, and column \"a\" 2");
    assertThatThrownBy(() -> categories(2, 0, 2)).hasMessageContaining("row 1 has the category 2");
    assertThatThrownBy(() -> numbers(0, 1 / 0.0)).hasMessageContaining("row 1 of a column");
    assertThatThrownBy(() -> numbers.indexOf("b"))
        .hasMessage("there is no column \"b\"; there are a");
  }
}

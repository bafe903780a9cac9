package org.bitdiffusion.metrics;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;
import static org.assertj.core.api.Assertions.within;

import java.util.Random;
import org.bitdiffusion.DataException;
import org.bitdiffusion.runtime.Engine;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

class KernelDistanceTest {
  @BeforeAll
  static void load() {
    Engine.load();
  }

  /**
   * Two features, so that k(x, y) = (x.y / 2 + 1)^3. Of (2, 0), (0, 2) and (2, 2) among each other
   * the products are 0, 4 and 4, the kernels 1, 27 and 27: 55/3 in the mean. Of (0, 0) and (-2, 0)
   * it is 1. One with the other: 1, 1, 1 and (-2+1)^3 = -1, 1, -1: 1/3.
   */
  @Test
  void byHand() {
    var x = new float[] {2, 0, 0, 2, 2, 2};
    var y = new float[] {0, 0, -2, 0};
    var expected = 55 / 3.0 + 1 - 2 / 3.0;
    assertThat(KernelDistance.unbiased(x, y, 2)).isCloseTo(expected, within(1e-12));
    assertThat(KernelDistance.unbiased(y, x, 2)).isCloseTo(expected, within(1e-12));
  }

  private static float[] normal(int rows, double mean, long seed) {
    var random = new Random(seed);
    var values = new float[rows * 4];
    for (var i = 0; i < values.length; i++) {
      values[i] = (float) (mean + random.nextGaussian());
    }
    return values;
  }

  /**
   * Over many pairs of sets of the same distribution the mean is 0 within its error, as a biased
   * estimate's is not, and the error that is told is about the one there is.
   */
  @Test
  void ofTheSameDistributionItIsZeroInTheMean() {
    var draws = 200;
    var sum = 0.0;
    var squares = 0.0;
    var told = 0.0;
    for (var i = 0; i < draws; i++) {
      var distance = KernelDistance.of(normal(12, 0.5, 2 * i), normal(12, 0.5, 2 * i + 1), 4, i);
      sum += distance.mean();
      squares += distance.mean() * distance.mean();
      told += distance.standardError() * distance.standardError();
    }
    var mean = sum / draws;
    var deviation = Math.sqrt(squares / draws - mean * mean);
    assertThat(Math.abs(mean)).isLessThan(3 * deviation / Math.sqrt(draws));
    // What k(x, x) = (|x|^2 / 4 + 1)^3 in place of another k(x, y) would add: far more than that.
    var bias = 2 * (Math.pow(1.25 + 1, 3) - Math.pow(0.25 + 1, 3)) / 12;
    assertThat(bias).isGreaterThan(6 * deviation / Math.sqrt(draws));
    assertThat(Math.sqrt(told / draws)).isBetween(0.7 * deviation, 2 * deviation);
  }

  /** Where the sets are not alike, the error is that of a mean: it is told rather closely. */
  @ParameterizedTest
  @CsvSource({"40, 40", "40, 400", "400, 40"})
  void theErrorIsThatOfSetsOfAnySize(int n, int m) {
    var draws = 60;
    var sum = 0.0;
    var squares = 0.0;
    var told = 0.0;
    for (var i = 0; i < draws; i++) {
      var distance = KernelDistance.of(normal(n, 0, 2 * i), normal(m, 1, 2 * i + 1), 4, i);
      sum += distance.mean();
      squares += distance.mean() * distance.mean();
      told += distance.standardError() * distance.standardError();
    }
    var mean = sum / draws;
    var deviation = Math.sqrt((squares - draws * mean * mean) / (draws - 1));
    // Of 60 draws the deviation is known to 9%.
    assertThat(Math.sqrt(told / draws) / deviation).isBetween(0.75, 1.5);
  }

  @Test
  void itGrowsWithWhatIsBetweenAndSaysOfHowMany() {
    var x = normal(2100, 0, 1);
    var near = KernelDistance.of(x, normal(2300, 0.2, 2), 4, 0);
    var far = KernelDistance.of(x, normal(2300, 0.5, 3), 4, 0);
    assertThat(near.mean()).isGreaterThan(3 * near.standardError());
    assertThat(far.mean()).isGreaterThan(3 * near.mean());
    assertThat(far.size()).isEqualTo(1000);
    assertThat(far.otherSize()).isEqualTo(1000);
    assertThat(far.subsets()).isEqualTo(100);
    assertThat(KernelDistance.of(x, x, 4, 0).standardError()).isPositive();
    var few = KernelDistance.of(normal(5, 0, 1), normal(9, 0, 2), 4, 0);
    assertThat(few.size()).isEqualTo(2);
    assertThat(few.otherSize()).isEqualTo(4);
    assertThat(KernelDistance.of(normal(5, 0, 1), normal(9, 0, 2), 4, 0)).isEqualTo(few);
    assertThatThrownBy(() -> KernelDistance.of(normal(3, 0, 1), x, 4, 0))
        .isInstanceOf(DataException.class)
        .hasMessageContaining("4 images of each set at least, and there are 3");
  }
}

package org.bitdiffusion.metrics;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;
import static org.assertj.core.api.Assertions.within;

import java.util.Arrays;
import java.util.Random;
import org.junit.jupiter.api.Test;

class PairedDifferencesTest {
  /** By hand; with 2 degrees of freedom p is 1 - t / sqrt(2 + t²). */
  @Test
  void threeDifferences() {
    var differences = PairedDifferences.of(1, 2, 3);
    assertThat(differences.mean()).isEqualTo(2);
    assertThat(differences.standardError()).isCloseTo(0.5774, within(5e-5));
    assertThat(differences.t()).isCloseTo(3.464, within(5e-4));
    assertThat(differences.p())
        .isCloseTo(0.0742, within(5e-5))
        .isCloseTo(1 - Math.sqrt(12.0 / 14), within(1e-12));
    // The 97.5% point of t with 2 degrees of freedom is 4.3027.
    assertThat(differences.low()).isCloseTo(2 - 4.3027 * 0.57735, within(1e-4));
    assertThat(differences.high()).isCloseTo(2 + 4.3027 * 0.57735, within(1e-4));
    assertThat(differences.atMost()).isEqualTo(differences.high());
  }

  @Test
  void theOppositeIsTheSameOnTheOtherSide() {
    var differences = PairedDifferences.of(1, 2, 4);
    var opposite = PairedDifferences.of(-1, -2, -4);
    assertThat(opposite.p()).isEqualTo(differences.p());
    assertThat(opposite.low()).isEqualTo(-differences.high());
    assertThat(opposite.atMost()).isEqualTo(differences.atMost());
  }

  @Test
  void differencesWithoutSpread() {
    var none = PairedDifferences.of(0, 0, 0, 0, 0, 0);
    assertThat(none.p()).isEqualTo(1);
    assertThat(none.atMost()).isZero();
    var equal = PairedDifferences.of(0.5, 0.5, 0.5);
    assertThat(equal.p()).isZero();
    assertThat(equal.low()).isEqualTo(0.5);
    assertThatThrownBy(() -> PairedDifferences.of(1)).isInstanceOf(IllegalArgumentException.class);
    assertThatThrownBy(PairedDifferences::of).isInstanceOf(IllegalArgumentException.class);
  }

  /** Of 4,000 times six differences around 0.3 the interval holds it in 95%. */
  @Test
  void theIntervalHoldsTheMeanAsOftenAsItSays() {
    var random = new Random(1);
    var held = 0;
    for (var i = 0; i < 4000; i++) {
      var differences = new double[6];
      Arrays.setAll(differences, j -> 0.3 + random.nextGaussian());
      var told = PairedDifferences.of(differences);
      held += told.low() <= 0.3 && 0.3 <= told.high() ? 1 : 0;
    }
    assertThat(held / 4000.0).isCloseTo(0.95, within(0.012));
  }
}

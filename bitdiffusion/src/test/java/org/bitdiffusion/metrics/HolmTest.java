package org.bitdiffusion.metrics;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.within;

import org.junit.jupiter.api.Test;

class HolmTest {
  @Test
  void theSmallestIsMultipliedByAllTestsAndNoneFallsBelowASmallerOne() {
    assertThat(Holm.corrected(0.01, 0.04, 0.03))
        .containsExactly(new double[] {0.03, 0.06, 0.06}, within(1e-12));
    assertThat(Holm.corrected(0.03, 0.01, 0.02, 0.005))
        .containsExactly(new double[] {0.04, 0.03, 0.04, 0.02}, within(1e-12));
  }

  @Test
  void isAtMostOneAndOfOneTestTheSame() {
    assertThat(Holm.corrected(0.6, 0.7, 1)).containsExactly(1, 1, 1);
    assertThat(Holm.corrected(0.2)).containsExactly(0.2);
    assertThat(Holm.corrected()).isEmpty();
  }
}

package org.bitdiffusion.data;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatIllegalArgumentException;

import org.junit.jupiter.api.Test;

class MarginalTest {
  @Test
  void segmentsAreFoundByTheirValues() {
    var marginal = Marginal.of(10, new int[] {0, 1, 5, 6}, new long[] {7, 0, 3, 2});
    assertThat(marginal.segment(0)).isEqualTo(0);
    assertThat(marginal.segment(4)).isEqualTo(1);
    assertThat(marginal.segment(5)).isEqualTo(2);
    assertThat(marginal.segment(9)).isEqualTo(3);
    assertThat(marginal.start(4)).isEqualTo(10);
    assertThat(marginal.total()).isEqualTo(12);
  }

  @Test
  void countsOfValuesAreSegmentsOfOne() {
    assertThat(Marginal.of(2, 5))
        .isEqualTo(Marginal.of(2, new int[] {0, 1}, new long[] {2, 5}))
        .isNotEqualTo(Marginal.of(2, 4));
    assertThat(Marginal.uniform(3)).isEqualTo(Marginal.of(3, new int[] {0}, new long[] {1}));
  }

  @Test
  void whatIsNoDistributionIsRefused() {
    assertThatIllegalArgumentException().isThrownBy(() -> Marginal.of(0, 0));
    assertThatIllegalArgumentException().isThrownBy(() -> Marginal.of(1, -1));
    assertThatIllegalArgumentException()
        .isThrownBy(() -> Marginal.of(3, new int[] {1}, new long[] {1}));
    assertThatIllegalArgumentException()
        .isThrownBy(() -> Marginal.of(3, new int[] {0, 3}, new long[] {1, 1}));
    assertThatIllegalArgumentException()
        .isThrownBy(() -> Marginal.of(3, new int[] {0, 2, 2}, new long[] {1, 1, 1}));
  }
}

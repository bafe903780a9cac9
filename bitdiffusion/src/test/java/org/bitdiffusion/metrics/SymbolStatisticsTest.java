package org.bitdiffusion.metrics;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.within;

import org.junit.jupiter.api.Test;

class SymbolStatisticsTest {
  private static SymbolStatistics of(int channels, int height, int width, int k, int... images) {
    var statistics = new SymbolStatistics(channels, height, width, k);
    statistics.add(images);
    return statistics;
  }

  @Test
  void theSameSetsHaveNoDistanceAndDisjointOnesTheLargest() {
    var a = of(1, 2, 2, 3, 0, 1, 1, 0);
    assertThat(a.symbolDistance(of(1, 2, 2, 3, 0, 1, 1, 0, 0, 1, 1, 0))).isZero();
    assertThat(a.pairDistance(of(1, 2, 2, 3, 0, 1, 1, 0))).isZero();
    assertThat(a.symbolDistance(of(1, 2, 2, 3, 2, 2, 2, 2))).isEqualTo(1);
    assertThat(a.pairDistance(of(1, 2, 2, 3, 2, 2, 2, 2))).isEqualTo(1);
  }

  /** A chessboard and two halves: as many of each symbol, but other neighbours. */
  @Test
  void pairsSeeWhatSingleSymbolsDoNot() {
    var chessboard = of(1, 2, 2, 2, 0, 1, 1, 0); // pairs 01, 01, 10, 10
    var halves = of(1, 2, 2, 2, 0, 1, 0, 1); // pairs 01, 00, 11, 01
    assertThat(chessboard.symbolDistance(halves)).isZero();
    assertThat(chessboard.pairDistance(halves)).isEqualTo(0.5);
  }

  @Test
  void isTheMeanOfTheChannels() {
    var a = of(2, 1, 2, 2, 0, 0, 1, 1);
    var b = of(2, 1, 2, 2, 0, 0, 0, 1);
    assertThat(a.symbolDistance(b)).isCloseTo(0.25, within(1e-15)); // 0 and 1/2
    assertThat(a.pairDistance(b)).isCloseTo(0.5, within(1e-15)); // 0 and 1
  }

  @Test
  void manySymbolsAreCountedInBins() {
    var a = of(1, 1, 2, 65_536, 0, 65_535);
    assertThat(a.symbolDistance(of(1, 1, 2, 65_536, 255, 65_535 - 255))).isZero();
    assertThat(a.symbolDistance(of(1, 1, 2, 65_536, 256, 65_535))).isEqualTo(0.5);
  }
}

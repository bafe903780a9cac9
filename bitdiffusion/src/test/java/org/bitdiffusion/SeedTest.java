package org.bitdiffusion;

import static org.assertj.core.api.Assertions.assertThat;

import java.util.stream.LongStream;
import org.junit.jupiter.api.Test;

class SeedTest {
  @Test
  void allPlacesOfASeedHaveDifferentSeedsOf32Bits() {
    var places = 1 << 20;
    var seeds = LongStream.range(0, places).map(place -> Seed.ofPlace(7, place)).toArray();

    // Of a million independent ones, 128 pairs would be equal.
    assertThat(LongStream.of(seeds).distinct().count()).isEqualTo(places);
    assertThat(LongStream.of(seeds)).allMatch(seed -> seed >>> 32 == 0);
    assertThat(LongStream.of(seeds).average().orElseThrow() / (1L << 32)).isBetween(0.499, 0.501);
  }

  @Test
  void aPlaceHasAnotherSeedUnderAnotherSeed() {
    assertThat(Seed.ofPlace(8, 3)).isNotEqualTo(Seed.ofPlace(7, 3));
  }
}

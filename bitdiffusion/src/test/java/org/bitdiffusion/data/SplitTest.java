package org.bitdiffusion.data;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import java.util.stream.IntStream;
import org.junit.jupiter.api.Test;

class SplitTest {
  @Test
  void eachExampleIsInOnePart() {
    var split = Split.of(20, 6, 1);
    assertThat(split.validation()).hasSize(6).isSorted();
    assertThat(split.training()).hasSize(14).isSorted();
    var all = IntStream.concat(IntStream.of(split.training()), IntStream.of(split.validation()));
    assertThat(all.sorted().toArray()).isEqualTo(IntStream.range(0, 20).toArray());
    assertThat(Split.of(20, 6, 1).validation()).isEqualTo(split.validation());
  }

  /** Of 4,000 draws of 1 in 4, each is expected 1,000 times, with a deviation of 27. */
  @Test
  void eachExampleIsAsLikely() {
    var counts = new int[4];
    for (var seed = 0; seed < 4000; seed++) {
      counts[Split.of(4, 1, seed).validation()[0]]++;
    }
    assertThat(counts)
        .satisfies(c -> assertThat(IntStream.of(c)).allMatch(n -> n > 860 && n < 1140));
  }

  @Test
  void neitherPartIsEmpty() {
    for (var validation : new int[] {0, 3}) {
      assertThatThrownBy(() -> Split.of(3, validation, 0))
          .isInstanceOf(IllegalArgumentException.class);
    }
  }
}

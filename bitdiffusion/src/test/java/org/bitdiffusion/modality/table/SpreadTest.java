package org.bitdiffusion.modality.table;

import static org.assertj.core.api.Assertions.assertThat;

import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import org.bitdiffusion.data.Marginal;
import org.junit.jupiter.api.Test;

class SpreadTest {
  private static List<String> segments(Marginal marginal) {
    var all = new ArrayList<String>();
    for (var s = 0; s < marginal.segments(); s++) {
      all.add(
          "%d-%d:%d".formatted(marginal.start(s), marginal.start(s + 1) - 1, marginal.count(s)));
    }
    return all;
  }

  /** By hand: 0 and 20 are atoms; 10, 12 and 17 stand for what is nearest to them. */
  @Test
  void spreadsWhatOccursOnceToHalfWay() {
    var marginal =
        Spread.of(30, new int[] {0, 10, 12, 17, 20, 29}, new long[] {5, 1, 1, 1, 7, 1}, false, 0);
    assertThat(segments(marginal))
        .containsExactly(
            "0-0:5", "1-5:0", "6-11:1", "12-14:1", "15-18:1", "19-19:0", "20-20:7", "21-24:0",
            "25-29:1");
  }

  @Test
  void missingIsInFront() {
    assertThat(segments(Spread.of(4, new int[] {0, 3}, new long[] {2, 2}, true, 9)))
        .containsExactly("0-0:9", "1-1:2", "2-3:0", "4-4:2");
  }

  /** As of ages: 93 is between 92 and 94 and has nowhere to spread. */
  @Test
  void wholeNumbersWithoutGapsAreAtomsAll() {
    assertThat(segments(Spread.of(3, new int[] {0, 1, 2}, new long[] {4, 1, 3}, false, 0)))
        .containsExactly("0-0:4", "1-1:1", "2-2:3");
  }

  @Test
  void manyNumbersBecomeFewSegmentsOfTheSameMass() {
    var n = 300_000;
    var levels = new int[n];
    var counts = new long[n];
    Arrays.setAll(levels, i -> 3 * i);
    Arrays.setAll(counts, i -> i % 7 == 0 ? 2 + i % 3 : 1);
    var marginal = Spread.of(3 * n, levels, counts, false, 0);
    assertThat(marginal.segments()).isBetween(1000, Spread.MOST_SEGMENTS + 2);
    assertThat(marginal.total()).isEqualTo(Arrays.stream(counts).sum());
    for (var level : levels) {
      assertThat(marginal.count(marginal.segment(level))).isPositive();
    }
  }
}

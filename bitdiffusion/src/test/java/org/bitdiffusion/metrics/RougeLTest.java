package org.bitdiffusion.metrics;

import static org.assertj.core.api.Assertions.assertThat;
import static org.junit.jupiter.api.Assertions.assertTimeoutPreemptively;

import java.time.Duration;
import java.util.List;
import java.util.Random;
import org.junit.jupiter.api.Test;

class RougeLTest {
  private static List<String> words(Random random, int count, int kinds) {
    return random.ints(count, 0, kinds).mapToObj(Integer::toString).toList();
  }

  /** The usual table, cell by cell. */
  private static int byTable(List<String> a, List<String> b) {
    var table = new int[a.size() + 1][b.size() + 1];
    for (var i = 1; i <= a.size(); i++) {
      for (var j = 1; j <= b.size(); j++) {
        table[i][j] =
            a.get(i - 1).equals(b.get(j - 1))
                ? table[i - 1][j - 1] + 1
                : Math.max(table[i - 1][j], table[i][j - 1]);
      }
    }
    return table[a.size()][b.size()];
  }

  @Test
  void theLongestCommonSubsequenceIsThatOfTheTable() {
    var random = new Random(3);
    for (var i = 0; i < 500; i++) {
      var kinds = 1 + random.nextInt(20);
      var a = words(random, random.nextInt(200), kinds);
      var b = words(random, random.nextInt(200), kinds);
      assertThat(RougeL.longestCommonSubsequence(a, b))
          .as("%s and %s", a, b)
          .isEqualTo(byTable(a, b));
    }
    var all = words(random, 64, 5); // all cells of a row, and carries out of the last
    assertThat(RougeL.longestCommonSubsequence(all, all)).isEqualTo(64);
  }

  @Test
  void longTextsAreSoonCompared() {
    var random = new Random(4);
    for (var kinds : List.of(1, 2, 1000, 1_000_000)) {
      var a = words(random, 80_000, kinds);
      var b = words(random, 80_000, kinds);
      var common =
          assertTimeoutPreemptively(
              Duration.ofSeconds(5), () -> RougeL.longestCommonSubsequence(a, b));
      assertThat(common).isBetween(kinds == 1 ? 80_000 : 100, 80_000);
    }
  }
}

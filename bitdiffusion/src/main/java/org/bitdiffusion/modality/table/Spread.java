package org.bitdiffusion.modality.table;

import java.util.Arrays;
import org.bitdiffusion.data.Marginal;

/**
 * The marginal of numbers, whose data has few of all levels. A number that occurs often is an atom:
 * it stays exact. One that occurs once stands for its neighbourhood: its mass is spread over the
 * levels up to half-way to the numbers below and above. What lies between atoms never occurs.
 */
final class Spread {
  /** More segments are of no use: of the values, there are some per ten thousand in each. */
  static final int MOST_SEGMENTS = 1 << 16;

  private final int[] starts;
  private final long[] counts;
  private int segments;

  private Spread(int room) {
    starts = new int[room];
    counts = new long[room];
  }

  /**
   * The marginal of some levels, and of missing as value 0 in front of them where there is some.
   *
   * @param k number of levels
   * @param levels of the data, rising
   * @param occurrences of each
   * @param hasMissing whether value 0 means missing
   * @param missing how often it occurs
   */
  static Marginal of(int k, int[] levels, long[] occurrences, boolean hasMissing, long missing) {
    var often = leastOfAtoms(occurrences);
    var group = 1;
    while (true) {
      var spread = new Spread(3 * levels.length + 3);
      spread.fill(k, levels, occurrences, often, group, hasMissing, missing);
      if (spread.segments <= MOST_SEGMENTS + 2 || group > levels.length) {
        return Marginal.of(
            k + (hasMissing ? 1 : 0),
            Arrays.copyOf(spread.starts, spread.segments),
            Arrays.copyOf(spread.counts, spread.segments));
      }
      group *= 2;
    }
  }

  /** How often a number occurs at least to be an atom, so that there are not too many of these. */
  private static long leastOfAtoms(long[] occurrences) {
    var most = MOST_SEGMENTS / 4; // each may bring segments of nothing below and above
    for (var often = 2L; ; often++) {
      var least = often;
      if (Arrays.stream(occurrences).filter(n -> n >= least).count() <= most) {
        return often;
      }
    }
  }

  private void fill(
      int k,
      int[] levels,
      long[] occurrences,
      long often,
      int group,
      boolean hasMissing,
      long missing) {
    var offset = hasMissing ? 1 : 0;
    if (hasMissing) {
      add(0, missing);
    }
    var grouped = 0; // values in the last segment
    for (var i = 0; i < levels.length; i++) {
      var level = levels[i];
      var isAtom = occurrences[i] >= often;
      // The first level that is nearer to this number than to the one before, and the first that
      // is not nearer to it than to the next one.
      var lowest = i == 0 ? level : border(levels[i - 1], level);
      var highest = i == levels.length - 1 ? level + 1 : border(level, levels[i + 1]);
      if (isAtom) {
        if (lowest < level) {
          add(lowest + offset, 0);
        }
        add(level + offset, occurrences[i]);
        if (highest > level + 1) {
          add(level + 1 + offset, 0);
        }
        grouped = 0;
      } else if (grouped > 0 && grouped < group) {
        counts[segments - 1] += occurrences[i];
        grouped++;
      } else {
        add(lowest + offset, occurrences[i]);
        grouped = 1;
      }
    }
    if (levels.length > 0 && levels[levels.length - 1] + 1 < k) {
      add(levels[levels.length - 1] + 1 + offset, 0);
    }
  }

  /** Of the levels above {@code below}, the first that is the upper number's. */
  private static int border(int below, int above) {
    return below + (above - below) / 2 + 1;
  }

  /** Segments of nothing that follow each other are one. */
  private void add(int start, long count) {
    if (count == 0 && segments > 0 && counts[segments - 1] == 0) {
      return;
    }
    starts[segments] = start;
    counts[segments] = count;
    segments++;
  }
}

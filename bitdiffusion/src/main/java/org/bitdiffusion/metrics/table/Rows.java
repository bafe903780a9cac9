package org.bitdiffusion.metrics.table;

import java.util.Arrays;
import java.util.Random;
import java.util.stream.IntStream;

/** Places of rows in random order. */
final class Rows {
  private Rows() {}

  /** The places 0 .. count - 1 in random order. */
  static int[] shuffled(int count, Random random) {
    var rows = IntStream.range(0, count).toArray();
    shuffle(rows, random);
    return rows;
  }

  static void shuffle(int[] rows, Random random) {
    for (var i = rows.length - 1; i > 0; i--) {
      var j = random.nextInt(i + 1);
      var row = rows[i];
      rows[i] = rows[j];
      rows[j] = row;
    }
  }

  /** Some of the places 0 .. count - 1, or all if there are not as many, in random order. */
  static int[] some(int count, int most, Random random) {
    return Arrays.copyOf(shuffled(count, random), Math.min(count, most));
  }
}

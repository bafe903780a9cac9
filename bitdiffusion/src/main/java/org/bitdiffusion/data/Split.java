package org.bitdiffusion.data;

import java.util.Arrays;
import java.util.SplittableRandom;

/**
 * Which examples of a source are trained on, and which are not, by their indexes in ascending
 * order.
 *
 * @param training at least one
 * @param validation at least one
 */
@SuppressWarnings("ArrayRecordComponent") // for reading, not for comparing
public record Split(int[] training, int[] validation) {
  /**
   * A split at random, each being as likely: the same one of the same numbers.
   *
   * @param size number of examples
   * @param validation how many of them are not trained on, in {@code 1 .. size-1}
   */
  public static Split of(int size, int validation, long seed) {
    if (validation < 1 || validation >= size) {
      throw new IllegalArgumentException(validation + " of " + size + " examples");
    }
    var order = new int[size];
    Arrays.setAll(order, i -> i);
    var random = new SplittableRandom(seed);
    for (var i = 0; i < validation; i++) {
      var j = random.nextInt(i, size);
      var drawn = order[j];
      order[j] = order[i];
      order[i] = drawn;
    }
    Arrays.sort(order, 0, validation);
    Arrays.sort(order, validation, size);
    return new Split(Arrays.copyOfRange(order, validation, size), Arrays.copyOf(order, validation));
  }
}

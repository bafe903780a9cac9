package org.bitdiffusion.data;

import java.util.Arrays;

/**
 * How often each value of one place occurs in the data. Neighbouring values that are equally
 * frequent, such as the many numbers between two that were seen, are one segment, so that a place
 * may have 2^31 - 1 values of which few are known. A value that is alone in its segment can be of
 * any frequency. Immutable.
 */
public final class Marginal {
  private final int categories;
  private final int[] starts;
  private final long[] counts;

  private Marginal(int categories, int[] starts, long[] counts) {
    this.categories = categories;
    this.starts = starts;
    this.counts = counts;
  }

  /**
   * @param categories K
   * @param starts the first value of each segment, rising from 0; a segment ends where the next
   *     begins, the last one at K
   * @param counts occurrences of each segment's values together; 0 of those that never occur
   * @throws IllegalArgumentException if these are no segments of 0 .. K-1, or nothing occurs
   */
  public static Marginal of(int categories, int[] starts, long[] counts) {
    if (starts.length != counts.length
        || starts.length == 0
        || starts[0] != 0
        || starts[starts.length - 1] >= categories) {
      throw new IllegalArgumentException(
          "%d segments with %d counts are none of 0 to %d"
              .formatted(starts.length, counts.length, categories - 1));
    }
    for (var i = 1; i < starts.length; i++) {
      if (starts[i] <= starts[i - 1]) {
        throw new IllegalArgumentException("segment %d begins before %d ends".formatted(i, i - 1));
      }
    }
    var total = 0L;
    for (var count : counts) {
      if (count < 0) {
        throw new IllegalArgumentException("a value occurs %d times".formatted(count));
      }
      total = Math.addExact(total, count);
    }
    if (total == 0) {
      throw new IllegalArgumentException("no value occurs");
    }
    return new Marginal(categories, starts.clone(), counts.clone());
  }

  /** Of values that are counted one by one. */
  public static Marginal of(long... counts) {
    var starts = new int[counts.length];
    Arrays.setAll(starts, i -> i);
    return of(counts.length, starts, counts);
  }

  /** Of K values of which nothing is known: one as frequent as the other. */
  public static Marginal uniform(int categories) {
    return of(categories, new int[] {0}, new long[] {1});
  }

  /** K. */
  public int categories() {
    return categories;
  }

  /** Number of segments. */
  public int segments() {
    return starts.length;
  }

  /** The first value of a segment; of the number of segments, K. */
  public int start(int segment) {
    return segment == starts.length ? categories : starts[segment];
  }

  /** How often the values of a segment occur, together. */
  public long count(int segment) {
    return counts[segment];
  }

  /** How often values occur, all together. */
  public long total() {
    return Arrays.stream(counts).sum();
  }

  /** The segment that a value lies in. */
  public int segment(int value) {
    var at = Arrays.binarySearch(starts, value);
    return at >= 0 ? at : -at - 2;
  }

  @Override
  public boolean equals(Object other) {
    return other instanceof Marginal that
        && categories == that.categories
        && Arrays.equals(starts, that.starts)
        && Arrays.equals(counts, that.counts);
  }

  @Override
  public int hashCode() {
    return 31 * (31 * categories + Arrays.hashCode(starts)) + Arrays.hashCode(counts);
  }

  @Override
  public String toString() {
    return "%d values in %d segments".formatted(categories, starts.length);
  }
}

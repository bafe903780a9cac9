package org.bitdiffusion.cli;

/** How often values in [-limit, limit] fall into each of equal bins. */
final class Histogram {
  private static final int BINS = 80;

  private final double limit;
  private final long[] counts = new long[BINS];

  Histogram(double limit) {
    this.limit = limit;
  }

  /** Counts values; those on or beyond an end fall into the last bin there. */
  void add(float[] values) {
    for (var value : values) {
      var bin = (int) Math.floor((value / limit + 1) / 2 * BINS);
      counts[Math.max(0, Math.min(BINS - 1, bin))]++;
    }
  }

  /** From -limit to limit. */
  long[] counts() {
    return counts.clone();
  }

  double limit() {
    return limit;
  }
}

package org.bitdiffusion;

/**
 * Seeds derived from seeds. All randomness of a run is a function of one user seed and of where it
 * is used (a step, an epoch, a sample's index), so that nothing but those numbers needs to be saved
 * to repeat or to continue it.
 */
public final class Seed {
  private Seed() {}

  /** A seed for one place: well-mixed (SplitMix64 finaliser), the same for the same arguments. */
  public static long of(long seed, long... path) {
    var h = mix(seed + 0x9E3779B97F4A7C15L);
    for (var p : path) {
      h = mix(h ^ mix(p + 0x9E3779B97F4A7C15L) * 0xD1342543DE82EF95L);
    }
    return h;
  }

  /**
   * A seed of 32 bits, for generators that take no more of one. Places 0 .. 2^32 - 1 of a seed have
   * different ones: among 50,000 samples, hashes to 32 bits would collide in one run of four.
   */
  public static long ofPlace(long seed, long place) {
    // Each step is a bijection of 32 bits (the finaliser of MurmurHash3).
    var h = (int) of(seed) + (int) place;
    h = (h ^ (h >>> 16)) * 0x85EBCA6B;
    h = (h ^ (h >>> 13)) * 0xC2B2AE35;
    return Integer.toUnsignedLong(h ^ (h >>> 16));
  }

  private static long mix(long z) {
    z = (z ^ (z >>> 30)) * 0xBF58476D1CE4E5B9L;
    z = (z ^ (z >>> 27)) * 0x94D049BB133111EBL;
    return z ^ (z >>> 31);
  }
}

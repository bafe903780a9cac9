package org.bitdiffusion.metrics;

import java.util.Comparator;
import java.util.stream.IntStream;

/**
 * Holm's correction of several tests (Scandinavian Journal of Statistics 6, 1979): where those are
 * taken for findings whose corrected p is below 5%, the probability that any of them is none is at
 * most 5%, however the tests depend on each other.
 */
public final class Holm {
  private Holm() {}

  /**
   * Corrects the p of all tests that were made. Of N, the k-th smallest is multiplied by N - k + 1,
   * and none falls below a smaller one.
   *
   * @param p [N], each in [0, 1]
   * @return [N], in the same order
   */
  public static double[] corrected(double... p) {
    var order =
        IntStream.range(0, p.length).boxed().sorted(Comparator.comparing(i -> p[i])).toList();
    var corrected = new double[p.length];
    var least = 0.0;
    for (var k = 0; k < p.length; k++) {
      int test = order.get(k);
      least = Math.max(least, Math.min(1, (p.length - k) * p[test]));
      corrected[test] = least;
    }
    return corrected;
  }
}

package org.bitdiffusion.codec;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.within;

import java.util.Arrays;
import java.util.List;
import java.util.Random;
import net.jqwik.api.Example;
import net.jqwik.api.ForAll;
import net.jqwik.api.Property;
import org.bitdiffusion.data.Allowed;
import org.bitdiffusion.data.Marginal;
import org.bitdiffusion.data.Space;

class ValuePosteriorTest {
  /** Values of any frequency, each counted by itself. */
  private static Marginal categories(Random random, int count) {
    var counts = new long[count];
    Arrays.setAll(
        counts, i -> random.nextInt(4) == 0 ? 0 : 1 + (long) Math.exp(5 * random.nextDouble()));
    counts[random.nextInt(count)] = 300;
    var starts = new int[count];
    Arrays.setAll(starts, i -> i);
    return Marginal.of(count, starts, counts);
  }

  private static IntervalCodec codec(String encoding, int bits, Marginal... marginals) {
    var k = Arrays.stream(marginals).map(Marginal::categories).toList();
    return IntervalCodec.of(
        encoding, new Space(List.of(1, k.size()), k), List.of(marginals), bits, 1);
  }

  private static float[] odds(Random random, int count) {
    var odds = new float[count];
    for (var i = 0; i < count; i++) {
      odds[i] = (float) (4 * random.nextGaussian());
    }
    return odds;
  }

  /**
   * Bayes' rule over values as they are encoded: share times how well the codes that are drawn for
   * a value agree with what is said.
   */
  private static double[] bayes(
      Intervals intervals, Marginal marginal, Allowed allowed, float[] odds, int first) {
    var draws = 4096;
    var n = intervals.bits();
    var p = new double[marginal.categories()];
    for (var value = 0; value < p.length; value++) {
      var segment = marginal.segment(value);
      var wide = marginal.start(segment + 1) - marginal.start(segment);
      if (marginal.count(segment) == 0 || !allowed.has(value)) {
        continue;
      }
      for (var i = 0; i < draws; i++) {
        var gray = Intervals.gray(intervals.code(value, (i + 0.5) / draws));
        var dot = 0.0;
        for (var j = 0; j < n; j++) {
          dot += odds[first + j] * ((gray >> (n - 1 - j) & 1) == 1 ? 0.5 : -0.5);
        }
        p[value] += marginal.count(segment) / (double) wide * Math.exp(dot) / draws;
      }
    }
    var total = Arrays.stream(p).sum();
    return Arrays.stream(p).map(x -> x / total).toArray();
  }

  @Property(tries = 30)
  void ofCategoriesIsBayesRule(@ForAll long seed) {
    var random = new Random(seed);
    var first = categories(random, 2 + random.nextInt(9));
    var second = categories(random, 2 + random.nextInt(40));
    for (var encoding : List.of("rank", "tree")) { // where each has codes of its own
      var codec = codec(encoding, 8, first, second);
      var bits = codec.shape(List.of(1, 2)).get(0);
      var odds = odds(random, 3 * bits);
      var intervals =
          encoding.equals("rank") ? Intervals.rank(second, 8) : Intervals.tree(second, 8);
      var from = random.nextInt(second.categories());
      var some = new Allowed(1, List.of(new Allowed.Span(0, from)));
      if (second.count(0) == 0) {
        some = new Allowed(1, List.of(new Allowed.Span(0, second.categories() - 1)));
      }
      var posterior = codec.posterior(codec.words(0, 0, List.of()), some);
      var means = posterior.means(odds, value -> value * value);
      var modes = posterior.modes(odds);
      for (var row = 0; row < 3; row++) {
        var p = bayes(intervals, second, some, odds, (row + 1) * bits - intervals.bits());
        var mean = 0.0;
        for (var value = 0; value < p.length; value++) {
          mean += p[value] * value * value;
        }
        assertThat(means[row]).isCloseTo(mean, within(0.01 + 0.01 * mean));
        assertThat(p[modes[row]]).isCloseTo(Arrays.stream(p).max().orElseThrow(), within(0.01));
      }
    }
  }

  /** A spike, and a stretch of 600 values of which several have one code together. */
  @Property(tries = 10)
  void ofNumbersIsBayesRule(@ForAll long seed) {
    var random = new Random(seed);
    var marginal = Marginal.of(602, new int[] {0, 1, 601}, new long[] {40, 50, 10});
    for (var encoding : List.of("rank", "quantile", "tree")) {
      var codec = codec(encoding, 7, marginal);
      var intervals =
          switch (encoding) {
            case "rank" -> Intervals.rank(marginal, 7);
            case "quantile" -> Intervals.quantile(marginal, 7);
            default -> Intervals.tree(marginal, 7);
          };
      var odds = odds(random, intervals.bits());
      var all = new Allowed(0, List.of(new Allowed.Span(0, 601)));
      var p = bayes(intervals, marginal, all, odds, 0);
      var mean = 0.0;
      for (var value = 0; value < p.length; value++) {
        mean += p[value] * value;
      }
      assertThat(codec.posterior(codec.words(0, 0, List.of()), all).means(odds, value -> value)[0])
          .isCloseTo(mean, within(4.0));
    }
  }

  /** 0 in half of the rows, 1 and 2 in a quarter each: codes 0?, 11 and 10 in Gray's order. */
  @Example
  void isAsComputedByHand() {
    var marginal = Marginal.of(3, new int[] {0, 1, 2}, new long[] {2, 1, 1});
    var codec = codec("tree", 2, marginal);
    var words = codec.words(0, 0, List.of());
    var posterior = codec.posterior(words, new Allowed(0, List.of(new Allowed.Span(0, 2))));
    assertThat(posterior.means(new float[] {0, 0}, value -> value)[0])
        .isCloseTo(0.75, within(1e-9));
    // The odds of the second bit are 3 to 1 for 1, and for the first nothing is said.
    var odds = new float[] {0, (float) Math.log(3)};
    // 0: (1 + 3) / 4 of its half, 1: 3 of its quarter, 2: 1 of its quarter.
    assertThat(posterior.means(odds, value -> value)[0])
        .isCloseTo((0.375 * 1 + 0.125 * 2) / (0.5 + 0.375 + 0.125), within(1e-6));
    assertThat(posterior.modes(0, 0, 20, 20, 20, -20)).containsExactly(0, 1, 2);
    var some = codec.posterior(words, new Allowed(0, List.of(new Allowed.Span(1, 2))));
    assertThat(some.modes(-20, 20)).containsExactly(1);
  }
}

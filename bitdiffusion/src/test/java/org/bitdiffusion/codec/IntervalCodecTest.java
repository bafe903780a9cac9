package org.bitdiffusion.codec;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;
import static org.assertj.core.api.Assertions.within;
import static org.bytedeco.pytorch.global.torch.randn;
import static org.bytedeco.pytorch.global.torch.zeros_like;

import java.util.Arrays;
import java.util.List;
import java.util.Random;
import java.util.stream.IntStream;
import java.util.stream.Stream;
import net.jqwik.api.Example;
import net.jqwik.api.ForAll;
import net.jqwik.api.Property;
import net.jqwik.api.constraints.IntRange;
import org.bitdiffusion.ConfigurationException;
import org.bitdiffusion.data.Allowed;
import org.bitdiffusion.data.Allowed.Span;
import org.bitdiffusion.data.Marginal;
import org.bitdiffusion.data.Space;
import org.bitdiffusion.diffusion.BitDiffusion;
import org.bitdiffusion.diffusion.NoiseSchedule;
import org.bitdiffusion.diffusion.Objective;
import org.bitdiffusion.diffusion.SelfConditioning;
import org.bitdiffusion.runtime.Compute;
import org.bitdiffusion.runtime.Noise;
import org.bitdiffusion.runtime.Tensors;
import org.bitdiffusion.sampling.SampleNoise;
import org.bitdiffusion.sampling.Sampler;
import org.bitdiffusion.sampling.SamplerConfig;
import org.bytedeco.javacpp.PointerScope;
import org.bytedeco.pytorch.Scalar;
import org.bytedeco.pytorch.Tensor;
import org.bytedeco.pytorch.global.torch;

class IntervalCodecTest {
  private static final List<String> ENCODINGS = List.of("rank", "quantile", "tree");

  @Example
  void aTreeSplitsWhereTheMassIsNearestToAHalf() {
    // 5 | 1 1 1, then of the three 1 1 | 1 (as near as 1 | 1 1), then 1 | 1
    var tree = Intervals.tree(Marginal.of(5, 1, 1, 1), 10);
    assertThat(tree.borders()).containsExactly(0, 0.5, 0.625, 0.75, 1);
    assertThat(tree.bits()).isEqualTo(3);
    // 9 would stand alone before 1 and 1; the value in between never occurs.
    tree = Intervals.tree(Marginal.of(1, 0, 1, 9), 10);
    assertThat(tree.borders()).containsExactly(0, 0.25, 0.25, 0.5, 1);
  }

  @Example
  void ranksAreEqualAndQuantilesAreShares() {
    var marginal = Marginal.of(5, 0, 3, 2);
    assertThat(Intervals.quantile(marginal, 10).borders()).containsExactly(0, 0.5, 0.5, 0.8, 1);
    // Of four codes one each, and one is left.
    assertThat(Intervals.rank(marginal, 10).borders()).containsExactly(0, 0.5, 0.5, 0.75, 1);
    assertThat(Intervals.rank(marginal, 10).bits()).isEqualTo(2);
    // More numbers than codes: bins of equal share.
    var numbers = Marginal.of(9, new int[] {0, 2, 4, 6, 7, 8}, new long[] {2, 1, 2, 1, 1, 1});
    assertThat(Intervals.rank(numbers, 2).borders())
        .isEqualTo(Intervals.quantile(numbers, 2).borders());
  }

  private static Marginal marginal(Random random, int segments) {
    return marginal(random, segments, 50, 8);
  }

  /**
   * Spikes, values that never occur, and stretches of many: of so many, up to e^spread as often.
   */
  static Marginal marginal(Random random, int segments, int many, double spread) {
    var starts = new int[segments];
    var counts = new long[segments];
    var at = 0;
    for (var i = 0; i < segments; i++) {
      starts[i] = at;
      at += random.nextInt(3) == 0 ? 1 + random.nextInt(many) : 1;
      counts[i] = random.nextInt(4) == 0 ? 0 : 1 + (long) Math.exp(spread * random.nextDouble());
    }
    counts[random.nextInt(segments)] = 1000;
    return Marginal.of(at, starts, counts);
  }

  static IntervalCodec codec(String encoding, List<Marginal> marginals, int bits) {
    var k = marginals.stream().map(Marginal::categories).toList();
    return IntervalCodec.of(encoding, new Space(List.of(1, k.size()), k), marginals, bits, 0.7);
  }

  @Property(tries = 40)
  void whatWasEncodedIsDecodedWhereItHasACodeOfItsOwn(
      @ForAll long seed, @ForAll @IntRange(min = 1, max = 12) int bits) {
    var random = new Random(seed);
    var marginals =
        Stream.generate(() -> marginal(random, 2 + random.nextInt(60))).limit(7).toList();
    for (var encoding : ENCODINGS) {
      var codec = codec(encoding, marginals, bits);
      try (var scope = new PointerScope();
          var noise = new Noise.OfBatch(seed, Compute.PLAIN.newDevice())) {
        var n = 64;
        var symbols = new int[n * marginals.size()];
        for (var i = 0; i < symbols.length; i++) {
          var marginal = marginals.get(i % marginals.size());
          symbols[i] = random.nextInt(marginal.categories());
        }
        var encoded =
            codec.encode(
                Tensor.create(symbols, n, 1, marginals.size()).to(torch.ScalarType.Int), noise);
        assertThat(encoded.abs().sub(new Scalar(0.7)).abs().max().item_double()).isLessThan(1e-6);
        var decoded = Tensors.ints(codec.decode(encoded, noise));
        var exact = 0;
        for (var i = 0; i < symbols.length; i++) {
          var marginal = marginals.get(i % marginals.size());
          assertThat(marginal.count(marginal.segment(decoded[i]))).isPositive();
          if (hasWholeCode(encoding, marginal, bits, symbols[i])) {
            assertThat(decoded[i]).isEqualTo(symbols[i]);
            exact++;
          }
        }
        assertThat(bits < 10 || exact > 0).isTrue();
      }
    }
  }

  private static Intervals intervals(String encoding, Marginal marginal, int bits) {
    return switch (encoding) {
      case "rank" -> Intervals.rank(marginal, bits);
      case "quantile" -> Intervals.quantile(marginal, bits);
      default -> Intervals.tree(marginal, bits);
    };
  }

  private static boolean hasWholeCode(String encoding, Marginal marginal, int bits, int symbol) {
    var intervals = intervals(encoding, marginal, bits);
    var segment = marginal.segment(symbol);
    var low = intervals.borders()[segment];
    var each =
        (intervals.borders()[segment + 1] - low)
            / (marginal.start(segment + 1) - marginal.start(segment));
    var from = low + each * (symbol - marginal.start(segment));
    var codes = 1 << intervals.bits();
    return Math.floor((from + each) * codes - 1e-6) - Math.ceil(from * codes + 1e-6) >= 1;
  }

  @Example
  void fairBitsOfQuantilesHaveTheColumnsOwnDistribution() {
    var random = new Random(5);
    var marginal = marginal(random, 40);
    var codec = codec("quantile", List.of(marginal, Marginal.of(1, 3)), 10);
    var n = 200_000;
    try (var scope = new PointerScope();
        var noise = new Noise.OfBatch(7, Compute.PLAIN.newDevice())) {
      var decoded = Tensors.ints(codec.decode(noise.normal(n, 20), noise));
      var counts = new long[marginal.segments()];
      var threes = 0;
      for (var i = 0; i < n; i++) {
        counts[marginal.segment(decoded[2 * i])]++;
        threes += decoded[2 * i + 1];
      }
      var variation = 0.0;
      for (var i = 0; i < counts.length; i++) {
        var share = marginal.count(i) / (double) marginal.total();
        variation += Math.abs(counts[i] / (double) n - share) / 2;
      }
      // sqrt(K / (2 pi n)) is what as many segments of equal share would have.
      assertThat(variation).isLessThan(1.5 * Math.sqrt(40 / (2 * Math.PI * n)));
      assertThat(threes / (double) n).isCloseTo(0.75, within(4 * Math.sqrt(0.1875 / n)));
    }
  }

  @Property(tries = 20)
  void whatSharesAPrefixIsASetOfNeighbours(@ForAll long seed) {
    var random = new Random(seed);
    var marginal = marginal(random, 2 + random.nextInt(100));
    for (var encoding : ENCODINGS) {
      var codec = codec(encoding, List.of(marginal), 9);
      var bits = intervals(encoding, marginal, 9).bits();
      var all = new float[(1 << bits) * bits];
      for (var code = 0; code < 1 << bits; code++) {
        for (var j = 0; j < bits; j++) {
          all[code * bits + j] = (code >> (bits - 1 - j) & 1) == 1 ? 1 : -1;
        }
      }
      try (var scope = new PointerScope();
          var noise = new Noise.OfBatch(seed, Compute.PLAIN.newDevice())) {
        var decoded = Tensors.ints(codec.decode(Tensor.create(all, 1 << bits, bits), noise));
        for (var prefix = 1; prefix <= bits; prefix++) {
          var size = 1 << (bits - prefix);
          var ranges =
              IntStream.range(0, 1 << prefix)
                  .mapToObj(i -> Arrays.copyOfRange(decoded, i * size, (i + 1) * size))
                  .map(some -> Arrays.stream(some).summaryStatistics())
                  .sorted(
                      (a, b) -> Integer.compare(a.getMin() + a.getMax(), b.getMin() + b.getMax()))
                  .toList();
          for (var i = 1; i < ranges.size(); i++) {
            // A value may have several codes, so neighbouring sets may share their border.
            assertThat(ranges.get(i - 1).getMax()).isLessThanOrEqualTo(ranges.get(i).getMin());
          }
        }
      }
    }
  }

  @Example
  void aHundredThousandCategoriesHaveACodeEach() {
    var counts = new long[100_000];
    Arrays.setAll(counts, i -> 1 + 1_000_000_000L / (i + 1) / (i + 1));
    for (var encoding : List.of("rank", "tree")) {
      var codec = codec(encoding, List.of(Marginal.of(counts)), 10);
      assertThat(codec.shape(List.of(1, 1))).isEqualTo(List.of(17));
      try (var scope = new PointerScope();
          var noise = new Noise.OfBatch(7, Compute.PLAIN.newDevice())) {
        var all = IntStream.range(0, counts.length).toArray();
        var encoded =
            codec.encode(Tensor.create(all, all.length, 1, 1).to(torch.ScalarType.Int), noise);
        assertThat(Arrays.equals(Tensors.ints(codec.decode(encoded, noise)), all)).isTrue();
      }
    }
  }

  @Example
  void neighboursDifferInOneBitAndPlacesLieSideBySide() {
    var codec = codec("rank", List.of(Marginal.of(1, 1, 1, 1), Marginal.of(3, 1, 1, 0)), 8);
    try (var scope = new PointerScope();
        var noise = new Noise.OfBatch(7, Compute.PLAIN.newDevice())) {
      var symbols = Tensor.create(new int[] {0, 0, 1, 0, 2, 0, 3, 0}, 4, 1, 2);
      var bits = codec.encode(symbols.to(torch.ScalarType.Int), noise).gt(new Scalar(0));
      assertThat(Tensors.ints(bits.narrow(1, 0, 2).to(torch.ScalarType.Int)))
          .containsExactly(0, 0, 0, 1, 1, 1, 1, 0);
      assertThat(Tensors.ints(codec.spread(Tensor.create(new int[] {7, 9}, 1, 1, 2))))
          .containsExactly(7, 7, 9, 9);
    }
  }

  @Example
  void aPlaceOfOneValueHasNoBits() {
    var codec = codec("tree", List.of(Marginal.of(5), Marginal.of(1, 1), Marginal.of(0, 9)), 8);
    assertThat(codec.shape(List.of(1, 3))).isEqualTo(List.of(1));
    try (var scope = new PointerScope();
        var noise = new Noise.OfBatch(7, Compute.PLAIN.newDevice())) {
      assertThat(Tensors.ints(codec.decode(Tensor.create(new float[] {0.1f}, 1, 1), noise)))
          .containsExactly(0, 1, 1);
    }
  }

  @Example
  void noiseOfOneExampleDecidesAboutItAlone() {
    var marginals = List.of(marginal(new Random(1), 30), marginal(new Random(2), 9));
    var codec = codec("quantile", marginals, 3);
    try (var scope = new PointerScope();
        var a = new Noise.OfBatch(7, Compute.PLAIN.newDevice());
        var b = new Noise.OfBatch(8, Compute.PLAIN.newDevice())) {
      var bits = randn(500, codec.shape(List.of(1, 2)).get(0));
      var one = codec.decode(bits, a);
      // What is drawn decides among the values of a code, and nothing else does.
      assertThat(one.equal(codec.decode(bits, b))).isFalse();
    }
  }

  @Example
  void impossibleSettingsAreRefused() {
    var marginals = List.of(Marginal.of(1, 1));
    for (var bits : List.of(0, 25)) {
      assertThatThrownBy(() -> codec("tree", marginals, bits))
          .isInstanceOf(ConfigurationException.class)
          .hasMessageContaining("codec.bits is " + bits);
    }
    assertThatThrownBy(() -> codec("tree", List.of(Marginal.of(0, 9), Marginal.of(4, 0)), 8))
        .isInstanceOf(ConfigurationException.class)
        .hasMessageContaining("all columns have a single value");
  }

  /** Of four values with two bits 00, 01, 11, 10: by hand, and nothing changes where all may be. */
  @Example
  void aRestrictionIsBayesRuleOverTheCodesThatAreAllowed() {
    var codec = codec("rank", List.of(Marginal.of(1, 1, 1, 1), Marginal.of(1, 1)), 8);
    try (var scope = new PointerScope()) {
      // Means of -b and b: the first bit is 1 with 0.8, the second with 0.3; the third is not
      // asked.
      var estimate = Tensor.create(new float[] {0.7f * 0.6f, 0.7f * -0.4f, 0.1f}, 1, 3);
      var all = codec.restriction(List.of(new Allowed(0, List.of(new Span(0, 3))))).apply(estimate);
      assertThat(all.sub(estimate).abs().max().item_float()).isLessThan(1e-6f);
      // Values 1 (01) and 2 (11): 0.2 * 0.3 and 0.8 * 0.3.
      var some =
          codec.restriction(List.of(new Allowed(0, List.of(new Span(1, 2))))).apply(estimate);
      assertThat(Tensors.floats(some)[0]).isCloseTo(0.7f * 0.6f, within(1e-5f));
      assertThat(Tensors.floats(some)[1]).isCloseTo(0.7f, within(1e-5f));
      assertThat(Tensors.floats(some)[2]).isEqualTo(0.1f);
      // Values 0 (00), 1 (01) and 3 (10), of 0.14, 0.06 and 0.56.
      var spans = List.of(new Span(0, 1), new Span(3, 3));
      some = codec.restriction(List.of(new Allowed(0, spans))).apply(estimate);
      assertThat(Tensors.floats(some)[0])
          .isCloseTo((float) (0.7 * (0.56 - 0.2) / 0.76), within(1e-5f));
      assertThat(Tensors.floats(some)[1])
          .isCloseTo((float) (0.7 * (0.06 - 0.7) / 0.76), within(1e-5f));
    }
  }

  /**
   * Sampling with a network that knows nothing but fair bits gives the column's distribution, and
   * of allowed values their shares of what is allowed, also where a code is of both kinds.
   */
  @Property(tries = 3)
  void samplesOfAllowedValuesHaveTheirSharesAmongThese(@ForAll long seed) {
    samplesOfAllowedValues(seed, "quantile", "matched_filter", "sigmoid");
    for (var encoding : ENCODINGS) {
      samplesOfAllowedValues(seed, encoding, "code_words", "softmax");
    }
  }

  private static void samplesOfAllowedValues(
      long seed, String encoding, String prediction, String loss) {
    var random = new Random(seed);
    var marginal = marginal(random, 30);
    var codec = codec(encoding, List.of(Marginal.of(1, 3), marginal), 6);
    var spans =
        List.of(new Span(3, marginal.start(9)), new Span(marginal.start(20), marginal.start(27)));
    var occurs =
        spans.stream()
            .flatMapToInt(span -> IntStream.rangeClosed(span.from(), span.to()))
            .anyMatch(value -> marginal.count(marginal.segment(value)) > 0);
    var allowed = List.of(new Allowed(1, spans));
    if (!occurs) {
      assertThatThrownBy(() -> codec.restriction(allowed))
          .hasMessageContaining("none of the values");
      return;
    }
    var n = 20_000;
    var diffusion =
        new BitDiffusion(
            codec,
            new NoiseSchedule.Cosine(),
            Objective.of(prediction, loss, false, codec),
            SelfConditioning.NONE,
            0,
            false,
            false);
    var config = new SamplerConfig(50, "ddim", 0, 0, "none", 0.9, 3, "", 0);
    try (var scope = new PointerScope();
        var noise =
            new SampleNoise(
                seed, 0, n, Tensors.shape(codec.shape(List.of(1, 2))), Compute.PLAIN.newDevice())) {
      var request = new Sampler.Request(noise, null, null, null, null, null, 1, allowed);
      var analog =
          new Sampler(diffusion, config)
              .sample((xt, e, g, c) -> zeros_like(xt), request, Sampler.Listener.NONE);
      var symbols = Tensors.ints(codec.decode(analog, noise, allowed));
      var counts = new double[marginal.segments()];
      for (var i = 0; i < n; i++) {
        assertThat(allowed.get(0).has(symbols[2 * i + 1])).isTrue();
        counts[marginal.segment(symbols[2 * i + 1])]++;
      }
      var shares = new double[counts.length];
      for (var segment = 0; segment < shares.length; segment++) {
        var values = marginal.start(segment + 1) - marginal.start(segment);
        for (var v = marginal.start(segment); v < marginal.start(segment + 1); v++) {
          shares[segment] += allowed.get(0).has(v) ? marginal.count(segment) / (double) values : 0;
        }
      }
      var total = Arrays.stream(shares).sum();
      var variation = 0.0;
      for (var segment = 0; segment < shares.length; segment++) {
        variation += Math.abs(counts[segment] / n - shares[segment] / total) / 2;
      }
      // 0.02 for the finite number of steps: 0.005 to 0.015 were seen.
      assertThat(variation).isLessThan(1.5 * Math.sqrt(30 / (2 * Math.PI * n)) + 0.02);
    }
  }

  @Example
  void otherCodecsHaveNoRanges() {
    var codec = UniformCodec.of("gray", 4, 1, 0);
    assertThat(codec.restriction(List.of()).apply(null)).isNull();
    assertThatThrownBy(() -> codec.restriction(List.of(new Allowed(0, List.of(new Span(0, 1))))))
        .isInstanceOf(ConfigurationException.class)
        .hasMessageContaining("codec.encoding rank, quantile or tree");
  }
}

package org.bitdiffusion.sampling;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;
import static org.assertj.core.api.Assertions.within;
import static org.bytedeco.pytorch.global.torch.full;
import static org.bytedeco.pytorch.global.torch.matmul;
import static org.bytedeco.pytorch.global.torch.softmax;
import static org.bytedeco.pytorch.global.torch.zeros_like;

import java.util.ArrayList;
import java.util.List;
import java.util.OptionalInt;
import org.bitdiffusion.codec.IntervalCodec;
import org.bitdiffusion.codec.UniformCodec;
import org.bitdiffusion.data.Allowed;
import org.bitdiffusion.data.Marginal;
import org.bitdiffusion.data.Space;
import org.bitdiffusion.diffusion.BitDiffusion;
import org.bitdiffusion.diffusion.Denoiser;
import org.bitdiffusion.diffusion.KnownInTraining;
import org.bitdiffusion.diffusion.NoiseSchedule;
import org.bitdiffusion.diffusion.Objective;
import org.bitdiffusion.diffusion.SelfConditioning;
import org.bitdiffusion.runtime.Engine;
import org.bitdiffusion.runtime.Tensors;
import org.bytedeco.javacpp.PointerScope;
import org.bytedeco.pytorch.Scalar;
import org.bytedeco.pytorch.Tensor;
import org.bytedeco.pytorch.global.torch;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.MethodSource;
import org.junit.jupiter.params.provider.ValueSource;

/** Samples of which some symbols are given, with denoisers that know the joint law. */
class KnownTest {
  /** Samples, and independent draws of the joint law in each. */
  private static final int N = 100;

  private static final int L = 40;

  /** Bits of a joint law. */
  private static final int BITS = 3;

  @BeforeAll
  static void loadEngine() {
    Engine.load();
  }

  static List<String> solvers() {
    return Solver.ALL.names();
  }

  private static BitDiffusion diffusion(double b) {
    var codec = UniformCodec.of("uint8", 2, b, 0);
    return new BitDiffusion(
        codec,
        new NoiseSchedule.Cosine(),
        Objective.of("x0", "l2", false, codec),
        SelfConditioning.HALF_BATCH,
        0.5,
        false,
        false);
  }

  private static SamplerConfig config(int steps, String sampler, String mode, double guidance) {
    return new SamplerConfig(steps, sampler, 0, 0, mode, 0.75, 3, "", guidance);
  }

  /** The posterior mean of bits [N, 3, L] under a law of three bits, p[4 i + 2 j + k]. */
  private static Denoiser ofLaw(double... p) {
    var values = new double[p.length * BITS];
    for (var i = 0; i < values.length; i++) {
      values[i] = (i / BITS >> (BITS - 1 - i % BITS) & 1) == 1 ? 1 : -1;
    }
    return (xt, estimate, gamma, condition) -> {
      var g = BitDiffusion.perExample(gamma.to(torch.ScalarType.Double), xt);
      var codes = Tensor.create(values, p.length, BITS);
      var evidence = xt.mul(g.sqrt().div(g.neg().add(new Scalar(1)))).transpose(1, 2);
      var logits = matmul(evidence, codes.t()).add(Tensor.create(p, p.length).log());
      return matmul(softmax(logits, -1), codes).transpose(1, 2).to(torch.ScalarType.Float);
    };
  }

  /** Samples [N, 3, L] of which the last bit of each three is known to be 1, or nothing is. */
  private static Tensor sample(
      SamplerConfig config, Denoiser denoiser, int rounds, Sampler.Listener listener) {
    Tensor bits = null;
    Tensor mask = null;
    if (rounds > 0) {
      var known = new Known(new boolean[] {false, false, true}, new int[] {9, 9, 1}, rounds);
      bits = diffusion(1).codec().encode(known.symbols(N, BITS, 1), null).expand(N, BITS, L);
      mask = known.places(N, BITS, 1).ne(new Scalar(0)).expand(N, BITS, L);
    }
    try (var noise = SamplerTest.noise(5, 0, N, BITS, L)) {
      var request = new Sampler.Request(noise, null, null, bits, mask, null, Math.max(1, rounds));
      return new Sampler(diffusion(1), config).sample(denoiser, request, listener);
    }
  }

  private static Tensor sample(SamplerConfig config, Denoiser denoiser, int rounds) {
    return sample(config, denoiser, rounds, Sampler.Listener.NONE);
  }

  /** The share of draws whose first two bits are these. */
  private static double share(Tensor analog, int first, int second) {
    var isOne = analog.gt(new Scalar(0)).to(torch.ScalarType.Long);
    return isOne
        .select(1, 0)
        .eq(new Scalar(first))
        .logical_and(isOne.select(1, 1).eq(new Scalar(second)))
        .to(torch.ScalarType.Float)
        .mean()
        .item_float();
  }

  /**
   * A network that knows a joint law says what it is of each bit given the known ones, from which
   * Bayes' rule makes the conditional law, without drawing.
   */
  @Test
  void whatIsExpectedIsTheConditionalLaw() {
    var law = new double[] {8, 1, 2, 5, 1, 1, 3, 11}; // in 32nds, of bits 4 i + 2 j + k
    var marginals = new ArrayList<Marginal>();
    for (var bit = 0; bit < BITS; bit++) {
      var one = Math.round(32 * share(law, bit, new boolean[BITS], new int[BITS]));
      marginals.add(Marginal.of(32 - one, one));
    }
    var codec =
        IntervalCodec.of("tree", new Space(List.of(1, BITS), List.of(2, 2, 2)), marginals, 4, 0.5);
    var words = codec.words(0, 0, List.of());
    var diffusion =
        new BitDiffusion(
            codec,
            new NoiseSchedule.Cosine(),
            Objective.of("code_words", "softmax", false, codec),
            SelfConditioning.HALF_BATCH,
            0.5,
            false,
            false,
            false,
            new KnownInTraining(0.5, 0, OptionalInt.empty()));
    Denoiser knowing =
        (seen, estimate, gamma, condition) -> {
          var all = Tensors.floats(seen); // three bits, and which of them are known
          var output = new float[BITS];
          var known = new boolean[BITS];
          var values = new int[BITS];
          for (var bit = 0; bit < BITS; bit++) {
            known[bit] = all[BITS + bit] == 1;
            values[bit] = all[bit] > 0 ? 1 : 0;
          }
          for (var bit = 0; bit < BITS; bit++) {
            if (!known[bit]) {
              var given = share(law, bit, known, values);
              var usual = share(law, bit, new boolean[BITS], values);
              output[bit] = (float) (logit(given) - logit(usual));
            }
          }
          return Tensor.create(output, 1, BITS);
        };
    for (var pattern = 0; pattern < 1 << BITS; pattern++) {
      for (var value = 0; value < 1 << BITS; value++) {
        var known = new boolean[BITS];
        var values = new int[BITS];
        for (var bit = 0; bit < BITS; bit++) {
          known[bit] = (pattern >> bit & 1) == 1;
          values[bit] = value >> bit & 1;
        }
        try (var scope = new PointerScope();
            var noise = SamplerTest.noise(pattern, 0, 1, BITS)) {
          var given = new Known(known, values, 1);
          var places = given.places(1, 1, BITS);
          var request =
              new Sampler.Request(
                  noise,
                  null,
                  null,
                  codec.encode(given.symbols(1, 1, BITS), noise),
                  codec.spread(places).ne(new Scalar(0)),
                  places.to(torch.ScalarType.Float),
                  1);
          var sampler = new Sampler(diffusion, config(1, "ddim", "previous", 0));
          var odds = Tensors.floats(sampler.logOdds(knowing, request));
          for (var bit = 0; bit < BITS; bit++) {
            if (!known[bit]) {
              var both = new Allowed(bit, List.of(new Allowed.Span(0, 1)));
              assertThat(codec.posterior(words, both).means(odds, v -> v)[0])
                  .isCloseTo(share(law, bit, known, values), within(1e-3));
            }
          }
        }
      }
    }
  }

  /** How likely a bit is 1 by a law of three, given some of them. */
  private static double share(double[] law, int bit, boolean[] known, int[] values) {
    var all = 0.0;
    var ones = 0.0;
    for (var i = 0; i < law.length; i++) {
      var agrees = true;
      for (var other = 0; other < BITS; other++) {
        agrees &= !known[other] || (i >> (BITS - 1 - other) & 1) == values[other];
      }
      all += agrees ? law[i] : 0;
      ones += agrees && (i >> (BITS - 1 - bit) & 1) == 1 ? law[i] : 0;
    }
    return ones / all;
  }

  private static double logit(double p) {
    return Math.log(p / (1 - p));
  }

  /** With every solver and mode, also where estimates are extrapolated and clipped. */
  @ParameterizedTest
  @MethodSource("solvers")
  void knownBitsComeOutAsGiven(String sampler) {
    var b = 0.7;
    Denoiser network =
        (xt, estimate, gamma, condition) ->
            xt.sub(estimate).mul(new Scalar(3)).add(condition.unsqueeze(1));
    for (var mode : SamplerConfig.MODES) {
      for (var guidance : new double[] {0, 2}) {
        for (var rounds : new int[] {1, 3}) {
          try (var scope = new PointerScope();
              var noise = SamplerTest.noise(1, 0, 2, 4)) {
            var mask = new boolean[] {true, false, true, false, true, true, false, false};
            var known = new Known(mask, new int[] {1, -7, 0, 3, 0, 1, 99, 0}, rounds);
            var codec = diffusion(b).codec();
            // What is not known is never looked at.
            var isKnown = diffusion(b).codec().spread(known.places(2, 4)).ne(new Scalar(0));
            var bits =
                codec
                    .encode(known.symbols(2, 4), null)
                    .masked_fill(isKnown.logical_not(), new Scalar(Double.NaN));
            var request =
                new Sampler.Request(
                    noise,
                    Tensor.create(new float[] {0.3f, -0.2f}, 2),
                    Tensor.create(new float[] {0.1f, 0.1f}, 2),
                    bits,
                    isKnown,
                    null,
                    rounds);
            var analog =
                new Sampler(diffusion(b), config(6, sampler, mode, guidance))
                    .sample(
                        network,
                        request,
                        step -> {
                          requireEqualWhere(isKnown, step.estimate(), bits);
                          return true;
                        });
            requireEqualWhere(isKnown, analog, bits);
            assertThat(analog.isfinite().all().item_bool()).isTrue();
          }
        }
      }
    }
  }

  private static void requireEqualWhere(Tensor mask, Tensor actual, Tensor expected) {
    assertThat(actual.masked_select(mask).equal(expected.masked_select(mask))).isTrue();
  }

  /** Deterministic solvers keep one noise; ancestral ones have as much of it as the time says. */
  @ParameterizedTest
  @MethodSource("solversOfTheRightVariance")
  void meanwhileKnownBitsHaveTheNoiseOfTheirTime(String sampler) {
    var schedule = new NoiseSchedule.Cosine();
    try (var scope = new PointerScope()) {
      for (var rounds : new int[] {1, 2}) {
        sample(
            config(100, sampler, "previous", 0),
            (xt, estimate, gamma, condition) -> zeros_like(xt),
            rounds,
            step -> {
              var g = schedule.gamma(step.t());
              var noise = step.xt().select(1, 2).sub(new Scalar(Math.sqrt(g)));
              var variance = noise.square().mean().item_float() / (1 - g);
              // Four standard deviations.
              assertThat(variance)
                  .as("t = %s", step.t())
                  .isCloseTo(1, within(4 * Math.sqrt(2.0 / (N * L))));
              return true;
            });
      }
    }
  }

  /** That of ddpm is larger, at a finite number of steps. */
  static List<String> solversOfTheRightVariance() {
    return solvers().stream().filter(name -> !name.equals("ddpm")).toList();
  }

  /** Without rounds the others are what they are when nothing is known, bit for bit. */
  @ParameterizedTest
  @MethodSource("solvers")
  void independentBitsTakeNoHarm(String sampler) {
    Denoiser independent =
        (xt, estimate, gamma, condition) -> {
          var g = BitDiffusion.perExample(gamma, xt);
          return xt.mul(g.sqrt())
              .div(g.neg().add(new Scalar(1)))
              .add(Tensor.create(new float[] {0.3f, -0.5f, 0.1f}, 1, BITS, 1))
              .tanh();
        };
    try (var scope = new PointerScope()) {
      var config = config(30, sampler, "previous", 0);
      var free = sample(config, independent, 0);
      var held = sample(config, independent, 1);
      assertThat(held.narrow(1, 0, 2).equal(free.narrow(1, 0, 2))).isTrue();
      assertThat(held.select(1, 2).eq(new Scalar(1)).all().item_bool()).isTrue();
      assertThat(free.select(1, 2).eq(new Scalar(1)).all().item_bool()).isFalse();

      var often = sample(config, independent, 4).gt(new Scalar(0)).to(torch.ScalarType.Float);
      for (var i = 0; i < 2; i++) {
        var p = 1 / (1 + Math.exp(i == 0 ? -0.6 : 1));
        // Four standard deviations, and a little for the finite number of steps.
        assertThat((double) often.select(1, i).mean().item_float())
            .isCloseTo(p, within(4 * Math.sqrt(p * (1 - p) / (N * L)) + 0.015));
      }
    }
  }

  /**
   * A chain of three bits, the first 1 with probability 0.3, the second like it with 0.9, the third
   * like the second with 0.85, and the third known to be 1. The denoiser is exact, but knows
   * nothing of what is known. In one round the others mostly do what they would without: the worst
   * of the four conditional frequencies is 0.25 off. Measured at 25 steps: 0.10 to 0.14 with 8
   * rounds, 0.02 with 64, where four standard deviations of 4,000 draws are 0.03; at 10 steps 0.03
   * with 64 rounds.
   */
  @ParameterizedTest
  @ValueSource(strings = {"ddim", "ddpm_small"})
  void withManyRoundsDependentBitsFollowBayes(String sampler) {
    assertThat(distanceFromBayes(sampler, 25, 1)).isGreaterThan(0.2);
    assertThat(distanceFromBayes(sampler, 25, 64)).isLessThan(0.035);
  }

  @ParameterizedTest
  @MethodSource("solvers")
  void roundsLeadNearerToBayes(String sampler) {
    assertThat(distanceFromBayes(sampler, 10, 8))
        .isLessThan(distanceFromBayes(sampler, 10, 1) * 2 / 3);
  }

  /** The largest difference of the four frequencies of the first two bits from the exact ones. */
  private static double distanceFromBayes(String sampler, int steps, int rounds) {
    var law = new double[1 << BITS];
    var ofKnown = 0.0;
    for (var i = 0; i < law.length; i++) {
      var first = i >> 2;
      var second = i >> 1 & 1;
      var third = i & 1;
      law[i] =
          (first == 1 ? 0.3 : 0.7)
              * (second == first ? 0.9 : 0.1)
              * (third == second ? 0.85 : 0.15);
      ofKnown += third * law[i];
    }
    try (var scope = new PointerScope()) {
      var analog = sample(config(steps, sampler, "none", 0), ofLaw(law), rounds);
      var largest = 0.0;
      for (var i = 0; i < 4; i++) {
        var difference = share(analog, i >> 1, i & 1) - law[2 * i + 1] / ofKnown;
        largest = Math.max(largest, Math.abs(difference));
      }
      return largest;
    }
  }

  @Test
  void oneMaskForAllOrOneForEach() {
    try (var scope = new PointerScope()) {
      var alike = new Known(new boolean[] {true, false}, new int[] {2, 5}, 1);
      assertThat(ints(alike.symbols(3, 2))).containsExactly(2, 0, 2, 0, 2, 0);
      assertThat(ints(alike.places(2, 2))).containsExactly(1, 0, 1, 0);
      var three = UniformCodec.of("uint8", 8, 1, 0);
      assertThat(ints(three.spread(alike.places(2, 2))))
          .containsExactly(1, 1, 1, 0, 0, 0, 1, 1, 1, 0, 0, 0);
      var each = new Known(new boolean[] {true, false, false, true}, new int[] {2, 5, 6, 7}, 1);
      assertThat(each.symbols(2, 1, 2).shape()).containsExactly(2, 1, 2);
      assertThat(ints(each.symbols(2, 1, 2))).containsExactly(2, 0, 0, 7);
      // Bit j of channel c is channel c * bits + j, at the same place.
      var spread = UniformCodec.of("uint8", 4, 1, 0).spread(each.places(2, 1, 2));
      assertThat(spread.shape()).containsExactly(2, 2, 2);
      assertThat(ints(spread)).containsExactly(1, 0, 1, 0, 0, 1, 0, 1);
      // Of those of each sample some, of those alike for all the same.
      assertThat(each.part(1, 1, 2, 2).symbols()).containsExactly(6, 7);
      assertThat(alike.part(1, 1, 2, 2)).isSameAs(alike);
      assertThatThrownBy(() -> each.part(0, 2, 3, 2))
          .isInstanceOf(IllegalArgumentException.class)
          .hasMessage("4 known symbols, but 3 samples have 2 each");
    }
  }

  private static List<Integer> ints(Tensor tensor) {
    var flat = tensor.flatten().to(torch.ScalarType.Long);
    var values = new ArrayList<Integer>();
    for (var i = 0; i < flat.numel(); i++) {
      values.add((int) flat.select(0, i).item().toLong());
    }
    return values;
  }

  @Test
  void whatCannotBeIsRefused() {
    assertThatThrownBy(() -> new Known(new boolean[2], new int[3], 1))
        .hasMessage("3 symbols, but a mask of 2");
    assertThatThrownBy(() -> new Known(new boolean[2], new int[2], 0))
        .hasMessageContaining("rounds is 0");
    try (var scope = new PointerScope()) {
      var known = new Known(new boolean[2], new int[2], 1);
      assertThatThrownBy(() -> known.symbols(2, 3))
          .hasMessage("2 known symbols, but 2 samples have 3 each");
      var ofTwo = full(new long[] {2, 3}, new Scalar(1));
      assertThatThrownBy(() -> request(ofTwo, null, 1)).hasMessageContaining("need a mask");
      assertThatThrownBy(() -> request(null, null, 2))
          .hasMessageContaining("2 rounds need known bits");
      assertThatThrownBy(() -> request(ofTwo, ofTwo, 0)).hasMessageContaining("0 rounds");
      assertThatThrownBy(() -> request(ofTwo, ofTwo.narrow(1, 0, 2), 1))
          .hasMessageContaining("samples [N, D, ...] of the shape [2, 3]")
          .hasMessageContaining("[2, 2]");
    }
  }

  private static Sampler.Request request(Tensor known, Tensor mask, int rounds) {
    try (var noise = SamplerTest.noise(1, 0, 2, 3)) {
      return new Sampler.Request(noise, null, null, known, mask, null, rounds);
    }
  }

  /**
   * The chain of above, with a network that was trained to see which bits are known: one round
   * gives Bayes' law. With the mean of what is likely, at any time, in place of the noisy bit.
   */
  @ParameterizedTest
  @MethodSource("solvers")
  void aNetworkThatSeesWhatIsKnownDrawsTheOthersByBayes(String sampler) {
    var p = new double[8];
    for (var i = 0; i < p.length; i++) {
      var first = i >> 2;
      var second = i >> 1 & 1;
      p[i] =
          (first == 1 ? 0.3 : 0.7)
              * (second == first ? 0.9 : 0.1)
              * (i % 2 == second ? 0.85 : 0.15);
    }
    var plain = diffusion(1);
    var sees =
        new BitDiffusion(
            plain.codec(),
            plain.schedule(),
            plain.objective(),
            plain.selfConditioning(),
            0.5,
            false,
            false,
            false,
            new KnownInTraining(0.5, 0, OptionalInt.empty()));
    var exact = ofLaw(p);
    Denoiser network =
        (xt, estimate, gamma, condition) -> {
          var bits = xt.narrow(1, 0, BITS);
          var known = xt.narrow(1, BITS, BITS);
          requireEqualWhere(known.gt(new Scalar(0)), bits, known); // all are 1, and without noise
          return exact.forward(bits.add(known.mul(new Scalar(1e4))), estimate, gamma, condition);
        };
    try (var scope = new PointerScope();
        var noise = SamplerTest.noise(5, 0, N, BITS, L)) {
      var known = new Known(new boolean[] {false, false, true}, new int[] {9, 9, 1}, 1);
      var places = known.places(N, BITS, 1).expand(N, BITS, L);
      var request =
          new Sampler.Request(
              noise,
              null,
              null,
              plain.codec().encode(known.symbols(N, BITS, 1), null).expand(N, BITS, L),
              places.ne(new Scalar(0)),
              places.to(torch.ScalarType.Float),
              1);
      var analog =
          new Sampler(sees, config(50, sampler, "previous", 0))
              .sample(network, request, Sampler.Listener.NONE);
      var total = p[1] + p[3] + p[5] + p[7];
      for (var i = 1; i < p.length; i += 2) {
        var expected = p[i] / total;
        assertThat(share(analog, i >> 2, i >> 1 & 1))
            .as("%d given 1", i >> 1)
            .isCloseTo(expected, within(4 * Math.sqrt(expected * (1 - expected) / (N * L)) + 0.02));
      }
    }
  }
}

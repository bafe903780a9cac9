package org.bitdiffusion.diffusion;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;
import static org.assertj.core.api.Assertions.within;
import static org.bytedeco.pytorch.global.torch.rand;
import static org.bytedeco.pytorch.global.torch.randint;
import static org.bytedeco.pytorch.global.torch.randn_like;
import static org.bytedeco.pytorch.global.torch.randperm;
import static org.bytedeco.pytorch.global.torch.zeros_like;

import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.OptionalInt;
import org.bitdiffusion.ConfigurationException;
import org.bitdiffusion.codec.Codec;
import org.bitdiffusion.codec.UniformCodec;
import org.bitdiffusion.data.Space;
import org.bitdiffusion.runtime.Engine;
import org.bitdiffusion.runtime.Noise;
import org.bitdiffusion.runtime.Tensors;
import org.bytedeco.javacpp.PointerScope;
import org.bytedeco.pytorch.Device;
import org.bytedeco.pytorch.Scalar;
import org.bytedeco.pytorch.ScalarTypeOptional;
import org.bytedeco.pytorch.Tensor;
import org.bytedeco.pytorch.global.torch;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.junit.jupiter.params.provider.ValueSource;

/** Algorithm 1. */
class BitDiffusionTest {
  private static final UniformCodec CODEC = UniformCodec.of("uint8", 4, 1, 0);

  @BeforeAll
  static void loadEngine() {
    Engine.load();
  }

  private Noise.OfBatch noise;

  @BeforeEach
  void beginNoise() {
    noise = new Noise.OfBatch(5, new Device(torch.DeviceType.CPU));
  }

  @AfterEach
  void endNoise() {
    noise.close();
  }

  private static BitDiffusion diffusion(
      SelfConditioning selfConditioning, double rate, boolean stratified, boolean normalize) {
    return new BitDiffusion(
        CODEC,
        new NoiseSchedule.Cosine(),
        Objective.of("x0", "l2", false, CODEC),
        selfConditioning,
        rate,
        stratified,
        normalize);
  }

  /**
   * f(x_t, e) = w x_t + e. With an estimate e = clip(w x_t) held constant, the loss's derivative to
   * w is mean(2 (w x_t + e - x_0) x_t); if a gradient passed through e, it would be about twice
   * that. x_t is observed by the network itself.
   */
  @Test
  void noGradientPassesThroughTheEstimate() {
    try (var scope = new PointerScope()) {
      var w = Tensor.create(new float[] {0.3f}, 1);
      w.set_requires_grad(true);
      var seen = new ArrayList<Tensor>();
      Denoiser network =
          (xt, estimate, gamma, condition) -> {
            seen.add(xt);
            seen.add(estimate.clone());
            return xt.mul(w).add(estimate);
          };
      torch.manual_seed(11);
      var symbols = randint(4, new long[] {6, 2, 3, 3});
      var loss =
          diffusion(SelfConditioning.COIN, 1, false, false).loss(network, symbols, null, noise);
      loss.backward();

      var x0 = CODEC.encode(symbols);
      var xt = seen.get(2);
      var estimate = seen.get(3);
      var error = xt.mul(new Scalar(0.3)).add(estimate).sub(x0);
      assertThat(estimate.abs().max().item_float()).isGreaterThan(0.1f);
      assertThat((double) w.grad().item_float())
          .isCloseTo(error.mul(xt).mean().item_float() * 2, within(1e-5));
    }
  }

  /** The second pass sees the first one's clipped output; the first one sees zeros. */
  @Test
  void theEstimateIsTheNetworksOwnClippedOutput() {
    try (var scope = new PointerScope()) {
      // The first pass's tensors are freed before the second, so what was seen is noted at once.
      var batches = new ArrayList<Long>();
      var largest = new ArrayList<Float>();
      Denoiser network =
          (xt, estimate, gamma, condition) -> {
            batches.add(estimate.size(0));
            largest.add(estimate.narrow(0, 0, 4).abs().max().item_float());
            if (estimate.size(0) == 8) {
              largest.add(estimate.narrow(0, 4, 4).abs().max().item_float());
            }
            return xt.mul(new Scalar(5));
          };
      var symbols = randint(4, new long[] {8, 1, 2, 2});
      diffusion(SelfConditioning.HALF_BATCH, 0.5, false, false).loss(network, symbols, null, noise);

      assertThat(batches).containsExactly(4L, 8L);
      assertThat(largest).containsExactly(0f, 1f, 0f);
    }
  }

  /** The examples that get an estimate are asked with their own x_t, gamma and condition. */
  @Test
  void theFirstPassSeesTheFirstExamples() {
    try (var scope = new PointerScope()) {
      var sums = new ArrayList<Double>();
      Denoiser network =
          (xt, estimate, gamma, condition) -> {
            for (var seen : new Tensor[] {xt, gamma, condition}) {
              sums.add((double) seen.narrow(0, 0, 2).sum().item().toDouble());
            }
            assertThat(condition.size(0)).isEqualTo(xt.size(0)).isEqualTo(gamma.size(0));
            return xt;
          };
      diffusion(SelfConditioning.HALF_BATCH, 0.5, false, false)
          .loss(
              network,
              randint(4, new long[] {4, 1, 2, 2}),
              Tensor.create(new long[] {7, 3, 1, -1}, 4),
              noise);
      assertThat(sums).hasSize(6);
      assertThat(sums.subList(0, 3)).isEqualTo(sums.subList(3, 6));
      assertThat(sums.get(2)).isEqualTo(10);
    }
  }

  /** A batch of one sees an estimate in a part of the steps, not in all or none of them. */
  @Test
  void partsOfABatchAreRoundedAtRandom() {
    torch.manual_seed(4);
    var diffusion = diffusion(SelfConditioning.HALF_BATCH, 0.3, false, false);
    var passes = new int[1];
    Denoiser network =
        (xt, estimate, gamma, condition) -> {
          passes[0] += xt.size(0) > 0 ? 1 : 0;
          return xt;
        };
    for (var i = 0; i < 400; i++) {
      try (var scope = new PointerScope()) {
        diffusion.loss(network, randint(4, new long[] {1, 1, 2}), null, noise);
      }
    }
    assertThat(passes[0] - 400).isCloseTo(120, within(37));
  }

  @Test
  void theCoinFallsAtItsRateForTheWholeBatch() {
    var withEstimate = new int[1];
    Denoiser network =
        (xt, estimate, gamma, condition) -> {
          var some = estimate.abs().sum().item_float() > 0;
          withEstimate[0] += some ? 1 : 0;
          if (some) {
            assertThat(estimate.ne(new Scalar(0)).all().item_bool()).isTrue();
          }
          return xt;
        };
    torch.manual_seed(2);
    var diffusion = diffusion(SelfConditioning.COIN, 0.3, false, false);
    for (var i = 0; i < 400; i++) {
      try (var scope = new PointerScope()) {
        diffusion.loss(network, randint(4, new long[] {2, 1, 2, 2}), null, noise);
      }
    }
    // Four standard deviations of a binomial.
    assertThat(withEstimate[0]).isCloseTo(120, within(37));
  }

  /**
   * A network that always answers 0 has loss 1 on bits of +-1; one that answers x_t / sqrt(gamma)
   * has loss E[(1 - gamma) / gamma]. Both at once: a denoiser given gamma can be checked for x_t's
   * signal and noise.
   */
  @Test
  void xtHasTheSignalAndTheNoiseOfTheSchedule() {
    try (var scope = new PointerScope()) {
      var normalized = new ArrayList<Tensor>();
      var symbols = randint(4, new long[] {64, 2, 8, 8});
      var x0 = CODEC.encode(symbols);
      Denoiser network =
          (xt, estimate, gamma, condition) -> {
            var g = BitDiffusion.perExample(gamma, xt);
            var noise = xt.sub(g.sqrt().mul(x0)).div(g.neg().add(new Scalar(1)).sqrt());
            normalized.add(noise);
            return zeros_like(xt);
          };
      var loss =
          diffusion(SelfConditioning.NONE, 0, false, false).loss(network, symbols, null, noise);
      assertThat(loss.item_float()).isCloseTo(1, within(1e-6f));
      var noise = normalized.get(0);
      var n = Math.sqrt(noise.numel());
      assertThat((double) noise.mean().item_float()).isCloseTo(0, within(4 / n));
      assertThat((double) noise.square().mean().item_float()).isCloseTo(1, within(6 / n));
      assertThat((double) noise.mul(x0).mean().item_float()).isCloseTo(0, within(4 / n));
    }
  }

  /** One t in each of B equal intervals, and never the small ones for the first examples. */
  @Test
  void stratifiedTimesAreSpreadEvenlyInRandomOrder() {
    var schedule = new NoiseSchedule.Linear(); // t = 1 - gamma
    var batch = 16;
    var firstHalf = 0.0;
    for (var round = 0; round < 40; round++) {
      var times = new double[batch];
      Denoiser network =
          (xt, estimate, gamma, condition) -> {
            for (var i = 0; i < batch; i++) {
              times[i] = 1 - gamma.select(0, i).item_float();
            }
            return xt;
          };
      try (var scope = new PointerScope()) {
        new BitDiffusion(
                CODEC,
                schedule,
                Objective.of("x0", "l2", false, CODEC),
                SelfConditioning.NONE,
                0,
                true,
                false)
            .loss(network, randint(4, new long[] {batch, 1, 1}), null, noise);
      }
      firstHalf += Arrays.stream(times, 0, batch / 2).average().orElseThrow() / 40;
      Arrays.sort(times);
      for (var i = 0; i < batch; i++) {
        assertThat(times[i] * batch).isBetween(i - 1e-4, i + 1 + 1e-4);
        assertThat((times[i] - times[0]) * batch).isCloseTo(i, within(1e-4));
      }
    }
    // The mean of 8 of 16 strata has deviation 0.074; of 40 such means, 0.012.
    assertThat(firstHalf).isCloseTo(0.5, within(0.05));
  }

  /**
   * A network that answers x_t, with gamma = 1 - t, has the loss (1 - sqrt(1 - t))^2 + t at t, so
   * 2/3 in the mean: with independent t and with stratified t, whose means scatter much less.
   */
  @ParameterizedTest
  @CsvSource({"false, 0.03", "true, 0.004"})
  void theExpectedLossIsTheIntegralOverTime(boolean stratified, double tolerance) {
    torch.manual_seed(8);
    var diffusion =
        new BitDiffusion(
            CODEC,
            new NoiseSchedule.Linear(),
            Objective.of("x0", "l2", false, CODEC),
            SelfConditioning.NONE,
            0,
            stratified,
            false);
    var rounds = 60;
    var mean = 0.0;
    for (var i = 0; i < rounds; i++) {
      try (var scope = new PointerScope()) {
        var symbols = randint(4, new long[] {32, 1, 256});
        mean += diffusion.loss((xt, e, g, c) -> xt, symbols, null, noise).item_float() / rounds;
      }
    }
    assertThat(mean).isCloseTo(2.0 / 3, within(tolerance));
  }

  /** Only the network sees x_t normalized: noise is recovered from x_t as it is. */
  @Test
  void estimatesComeFromXtBeforeNormalization() {
    try (var scope = new PointerScope()) {
      var codec = UniformCodec.of("uint8", 4, 0.5, 0);
      var diffusion =
          new BitDiffusion(
              codec,
              new NoiseSchedule.Cosine(),
              Objective.of("eps", "l2", false, codec),
              SelfConditioning.NONE,
              0,
              false,
              true);
      var x0 = codec.encode(randint(4, new long[] {2, 3, 4}));
      var eps = randn_like(x0);
      var gamma = Tensor.create(new double[] {0.3, 0.8}, 2);
      var g = BitDiffusion.perExample(gamma, x0);
      var xt = Objective.signalLevel(g).mul(x0).add(Objective.noiseLevel(g).mul(eps));
      var estimate =
          diffusion.estimate((x, e, gammas, c) -> eps, xt, zeros_like(x0), null, gamma, null);
      assertThat(estimate.sub(x0).abs().max().item_float()).isLessThan(1e-5f);
    }
  }

  @Test
  void anExampleOfOneBitCanBeNormalized() {
    try (var scope = new PointerScope()) {
      var codec = UniformCodec.of("uint8", 2, 1, 0);
      var diffusion =
          new BitDiffusion(
              codec,
              new NoiseSchedule.Cosine(),
              Objective.of("x0", "sigmoid", false, codec),
              SelfConditioning.NONE,
              0,
              false,
              true);
      var loss = diffusion.loss((xt, e, g, c) -> xt, randint(2, new long[] {3, 1}), null, noise);
      assertThat(loss.item_float()).isFinite();
    }
  }

  /** Nothing of the weights that see estimates would be learned: sampling must not use them. */
  @Test
  void aRateOfZeroIsNone() {
    assertThat(diffusion(SelfConditioning.HALF_BATCH, 0, false, false).selfConditioning())
        .isEqualTo(SelfConditioning.NONE);
  }

  @Test
  void ratesOutsideZeroToOneAreRefused() {
    for (var rate : new double[] {-0.1, 1.1, Double.NaN}) {
      assertThatThrownBy(() -> diffusion(SelfConditioning.COIN, rate, false, false))
          .isInstanceOf(ConfigurationException.class)
          .hasMessageContaining("self_conditioning_rate is " + rate);
    }
  }

  @Test
  void normalizedInputsHaveUnitDeviation() {
    try (var scope = new PointerScope()) {
      var seen = new ArrayList<Tensor>();
      Denoiser network =
          (xt, estimate, gamma, condition) -> {
            seen.add(xt);
            return xt;
          };
      diffusion(SelfConditioning.NONE, 0, false, true)
          .loss(network, randint(4, new long[] {5, 2, 4, 4}), null, noise);
      for (var i = 0; i < 5; i++) {
        var example = seen.get(0).select(0, i);
        var variance = example.sub(example.mean()).square().mean().item_float();
        assertThat((double) variance).isCloseTo(1, within(1e-4));
      }
    }
  }

  private static BitDiffusion denoised(
      boolean normalize, String prediction, Codec codec, double known) {
    return new BitDiffusion(
        codec,
        new NoiseSchedule.Cosine(),
        Objective.of(prediction, "l2", false, codec),
        SelfConditioning.NONE,
        0,
        false,
        normalize,
        true,
        new KnownInTraining(known, 0, OptionalInt.empty()));
  }

  /**
   * Bayes for a bit that is -b or b with even odds, by the densities of both; known ones as they
   * are.
   */
  @ParameterizedTest
  @ValueSource(doubles = {0.001, 0.3, 0.9, 0.9999})
  void denoisedInputsAreTheMeansGivenXt(double gamma) {
    var b = 0.5;
    var codec = UniformCodec.of("uint8", 4, b, 0);
    var process = denoised(false, "x0", codec, 0.5);
    try (var scope = new PointerScope()) {
      var xt = randn_like(torch.zeros(3, 8));
      var places = torch.zeros(3, 4);
      places.narrow(1, 0, 1).fill_(new Scalar(1)); // the first two bits
      var seen = new ArrayList<Tensor>();
      Denoiser network =
          (input, estimate, at, condition) -> {
            seen.add(input);
            return estimate;
          };
      process.output(
          network,
          xt,
          zeros_like(xt),
          places,
          torch.full(new long[] {3}, new Scalar(gamma)).to(torch.ScalarType.Double),
          null);
      var input = Tensors.floats(seen.get(0)); // [3, 8 + 4]
      var noisy = Tensors.floats(xt);
      for (var i = 0; i < 3; i++) {
        for (var j = 0; j < 8; j++) {
          var x = (double) noisy[8 * i + j];
          var up = Math.pow(x - Math.sqrt(gamma) * b, 2) / (2 * (1 - gamma));
          var down = Math.pow(x + Math.sqrt(gamma) * b, 2) / (2 * (1 - gamma));
          var mean = b * (2 / (1 + Math.exp(up - down)) - 1);
          assertThat((double) input[12 * i + j]).isCloseTo(j < 2 ? x : mean, within(1e-5));
        }
      }
    }
  }

  @Test
  void denoisedInputsGoWithPredictionsOfBits() {
    for (var prediction : List.of("eps", "v")) {
      assertThatThrownBy(() -> denoised(false, prediction, CODEC, 0))
          .isInstanceOf(ConfigurationException.class)
          .hasMessageContaining("denoised_input");
    }
    var continuous = Codec.of("continuous", Space.of(List.of(1), 4), List.of(), 10, 1, 0);
    assertThatThrownBy(() -> denoised(false, "x0", continuous, 0))
        .hasMessageContaining("denoised_input goes with encodings of bits");
    assertThatThrownBy(() -> denoised(true, "x0", CODEC, 0))
        .hasMessageContaining("denoised_input and diffusion.normalize_input");
  }

  /**
   * A generator of a seed gives the numbers that the engine's own gave after {@code manual_seed},
   * in the order t, eps, coin: weights of older runs can be made again.
   */
  @ParameterizedTest
  @CsvSource({
    "NONE, false",
    "COIN, false",
    "HALF_BATCH, false",
    "NONE, true",
    "COIN, true",
    "HALF_BATCH, true"
  })
  void theNumbersAreThoseOfTheEnginesGenerator(
      SelfConditioning selfConditioning, boolean stratified) {
    var rate = selfConditioning == SelfConditioning.NONE ? 0 : 0.7;
    var diffusion = diffusion(selfConditioning, rate, stratified, false);
    for (var seed = 0; seed < 5; seed++) {
      try (var scope = new PointerScope();
          var ofSeed = new Noise.OfBatch(seed, new Device(torch.DeviceType.CPU))) {
        var symbols = randint(4, new long[] {5, 2, 3, 3});
        var seen = new ArrayList<Tensor>();
        var sizes = new ArrayList<Long>();
        Denoiser network =
            (xt, estimate, gamma, condition) -> {
              sizes.add(xt.size(0));
              seen.add(xt);
              seen.add(gamma);
              return xt;
            };
        diffusion.loss(network, symbols, null, ofSeed);
        var xt = seen.get(seen.size() - 2);
        var gamma = seen.get(seen.size() - 1);

        torch.manual_seed(seed);
        var x0 = CODEC.encode(symbols);
        var t =
            (stratified
                    ? rand(new long[] {1}, x0.options())
                        .add(randperm(5, x0.options()))
                        .div(new Scalar(5))
                    : rand(new long[] {5}, x0.options()))
                .to(torch.ScalarType.Double);
        var g = BitDiffusion.perExample(new NoiseSchedule.Cosine().gamma(t), x0);
        var eps = randn_like(x0);
        var expected = Objective.signalLevel(g).mul(x0).add(Objective.noiseLevel(g).mul(eps));
        var coin = rand(1).item_float();
        var count =
            switch (selfConditioning) {
              case NONE -> 0;
              case COIN -> coin < rate ? 5L : 0;
              case HALF_BATCH -> (long) (5 * rate + coin);
            };

        assertThat(xt.equal(expected)).isTrue();
        assertThat(gamma.equal(g.flatten().to(torch.ScalarType.Float))).isTrue();
        assertThat(sizes).isEqualTo(count > 0 ? List.of(count, 5L) : List.of(5L));
      }
    }
  }

  private static BitDiffusion known(double rate, String prediction, String loss) {
    return new BitDiffusion(
        CODEC,
        new NoiseSchedule.Cosine(),
        Objective.of(prediction, loss, false, CODEC),
        SelfConditioning.HALF_BATCH,
        0.5,
        false,
        false,
        false,
        new KnownInTraining(rate, 0, OptionalInt.empty()));
  }

  /**
   * Symbols of two bits each, of which some are known: the network sees these without noise, and
   * which they are; whatever it gives for them costs nothing.
   */
  @ParameterizedTest
  @CsvSource({"x0, l2", "v, l2", "x0, sigmoid", "matched_filter, l2", "matched_filter, sigmoid"})
  void knownSymbolsAreSeenCleanAndCostNothing(String prediction, String loss) {
    var batch = 400;
    var places = 6;
    try (var scope = new PointerScope()) {
      var symbols = randint(4, new long[] {batch, places});
      var x0 = CODEC.encode(symbols);
      var losses = new double[2];
      for (var wrong = 0; wrong < 2; wrong++) {
        var add = wrong;
        Denoiser network =
            (xt, estimate, gamma, condition) -> {
              assertThat(xt.shape()).containsExactly(xt.size(0), 3 * places);
              var mask = xt.narrow(1, 2 * places, places);
              assertThat(mask.mul(mask.sub(new Scalar(1))).count_nonzero().item_long()).isZero();
              var bits = CODEC.spread(mask).gt(new Scalar(0));
              var clean = x0.narrow(0, 0, xt.size(0));
              var noisy = xt.narrow(1, 0, 2 * places);
              assertThat(noisy.masked_select(bits).equal(clean.masked_select(bits))).isTrue();
              assertThat(noisy.ne(clean).logical_or(bits).all().item_bool()).isTrue();
              // An estimate that is there has the known ones too.
              var has = estimate.ne(new Scalar(0)).any(1).unsqueeze(1);
              var both = bits.logical_and(has.expand(bits.shape()));
              assertThat(estimate.masked_select(both).equal(clean.masked_select(both))).isTrue();
              return noisy.mul(new Scalar(0.3)).add(bits.mul(new Scalar(1000 * add)));
            };
        noise.close();
        noise = new Noise.OfBatch(5, new Device(torch.DeviceType.CPU));
        losses[wrong] = known(1, prediction, loss).loss(network, symbols, null, noise).item_float();
      }
      assertThat(losses[1]).isEqualTo(losses[0]);
    }
  }

  /** A share that is uniform in [0, 1] of a rate of the examples, and nothing of the others. */
  @Test
  void anyShareOfAnExampleMayBeKnown() {
    var batch = 4000;
    var places = 40;
    try (var scope = new PointerScope()) {
      var masks = new ArrayList<Tensor>();
      Denoiser network =
          (xt, estimate, gamma, condition) -> {
            masks.add(xt.narrow(1, 2 * places, places));
            return zeros_like(estimate);
          };
      known(0.6, "x0", "l2")
          .loss(network, randint(4, new long[] {batch, places}), null, noise)
          .item_float();
      var shares = masks.get(masks.size() - 1).mean(1);
      assertThat((double) shares.mean().item_float()).isCloseTo(0.3, within(0.03));
      // Of uniform shares so many are below a fifth; of the others all are.
      assertThat((double) shares.lt(new Scalar(0.2)).to(torch.ScalarType.Float).mean().item_float())
          .isCloseTo(0.4 + 0.6 * 0.19, within(0.04));
      assertThat(shares.gt(new Scalar(0.95)).any().item_bool()).isTrue();
    }
  }

  /** A third of the half that knows something knows all but the place 2; others know any. */
  @Test
  void allButTheTargetMayBeKnown() {
    var batch = 4000;
    try (var scope = new PointerScope()) {
      var symbols = randint(4, new long[] {batch, 1, 9});
      var known = new KnownInTraining(0.5, 1 / 3.0, OptionalInt.of(2)).draw(symbols, noise);
      assertThat(known.shape()).containsExactly(batch, 1, 9);
      var masks = known.flatten(1, -1);
      assertThat(masks.mul(masks.sub(new Scalar(1))).abs().max().item_float()).isZero();
      var rest = masks.sum(new long[] {1}, false, new ScalarTypeOptional());
      var target = masks.narrow(1, 2, 1).flatten();
      var allBut = rest.eq(new Scalar(8)).logical_and(target.eq(new Scalar(0)));
      // By chance, 8 of 9 are known of a tenth of the others, and one in nine of these is not 2.
      assertThat((double) allBut.to(torch.ScalarType.Float).mean().item_float())
          .isCloseTo(0.5 * (1 / 3.0 + 2 / 3.0 / 10 / 9), within(0.03));
      assertThat((double) rest.eq(new Scalar(0)).to(torch.ScalarType.Float).mean().item_float())
          .isCloseTo(0.5 + 0.5 * 2 / 3 / 10, within(0.04));
    }
    assertThatThrownBy(() -> new KnownInTraining(0, 0.5, OptionalInt.of(2)))
        .isInstanceOf(ConfigurationException.class)
        .hasMessageContaining("diffusion.known_rate is 0; set it above 0");
    assertThatThrownBy(() -> new KnownInTraining(0.5, 2, OptionalInt.of(2)))
        .hasMessageContaining("diffusion.target_rate is 2.0; it must be in [0, 1]");
  }

  @Test
  void whatIsKnownGoesWithLossesOfBits() {
    assertThatThrownBy(() -> known(1.5, "x0", "l2"))
        .isInstanceOf(ConfigurationException.class)
        .hasMessageContaining("known_rate is 1.5");
    assertThatThrownBy(
            () ->
                new BitDiffusion(
                    CODEC,
                    new NoiseSchedule.Cosine(),
                    Objective.of("x0", "l2", true, CODEC),
                    SelfConditioning.NONE,
                    0,
                    false,
                    false,
                    false,
                    new KnownInTraining(0.5, 0, OptionalInt.empty())))
        .isInstanceOf(ConfigurationException.class)
        .hasMessageContaining("goes with losses of single bits");
  }
}

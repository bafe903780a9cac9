package org.bitdiffusion.sampling;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;
import static org.assertj.core.api.Assertions.within;
import static org.assertj.core.api.Assertions.withinPercentage;
import static org.bytedeco.pytorch.global.torch.cat;
import static org.bytedeco.pytorch.global.torch.matmul;
import static org.bytedeco.pytorch.global.torch.softmax;
import static org.bytedeco.pytorch.global.torch.zeros_like;

import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.Optional;
import java.util.concurrent.CancellationException;
import java.util.stream.Stream;
import org.bitdiffusion.ConfigurationException;
import org.bitdiffusion.codec.UniformCodec;
import org.bitdiffusion.data.Given;
import org.bitdiffusion.diffusion.BitDiffusion;
import org.bitdiffusion.diffusion.Denoiser;
import org.bitdiffusion.diffusion.NoiseSchedule;
import org.bitdiffusion.diffusion.Objective;
import org.bitdiffusion.diffusion.SelfConditioning;
import org.bitdiffusion.model.SampleRequest;
import org.bitdiffusion.runtime.Engine;
import org.bitdiffusion.runtime.NativeObjects;
import org.bitdiffusion.runtime.Scope;
import org.bytedeco.javacpp.Pointer;
import org.bytedeco.javacpp.PointerScope;
import org.bytedeco.pytorch.Device;
import org.bytedeco.pytorch.Scalar;
import org.bytedeco.pytorch.ScalarTypeOptional;
import org.bytedeco.pytorch.Tensor;
import org.bytedeco.pytorch.TensorVector;
import org.bytedeco.pytorch.global.torch;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.Arguments;
import org.junit.jupiter.params.provider.CsvSource;
import org.junit.jupiter.params.provider.MethodSource;
import org.junit.jupiter.params.provider.ValueSource;

/** Algorithm 2, with denoisers whose answer is known in closed form. */
class SamplerTest {
  /** Samples, and positions in each, that are alike and independent. */
  private static final int N = 100;

  private static final int L = 40;

  @BeforeAll
  static void loadEngine() {
    Engine.load();
  }

  private static BitDiffusion diffusion(double b, String prediction) {
    return diffusion(b, prediction, "l2", SelfConditioning.HALF_BATCH);
  }

  private static BitDiffusion diffusion(
      double b, String prediction, String loss, SelfConditioning estimates) {
    var codec = UniformCodec.of("uint8", 2, b, 0);
    return new BitDiffusion(
        codec,
        new NoiseSchedule.Cosine(),
        Objective.of(prediction, loss, false, codec),
        estimates,
        0.5,
        false,
        false);
  }

  private static SamplerConfig config(
      int steps, String sampler, double td, String mode, double guidance) {
    return new SamplerConfig(steps, sampler, 0, td, mode, 0.75, 3, "", guidance);
  }

  private static SamplerConfig withEta(SamplerConfig c, double eta) {
    return new SamplerConfig(
        c.steps(),
        c.sampler(),
        eta,
        c.td(),
        c.selfConditioning(),
        c.momentum(),
        c.selfGuidance(),
        c.schedule(),
        c.guidance());
  }

  static List<String> solvers() {
    return Solver.ALL.names();
  }

  private static Tensor sample(
      BitDiffusion diffusion, SamplerConfig config, Denoiser denoiser, int count, long... shape) {
    return sample(diffusion, config, denoiser, 0, count, Sampler.Listener.NONE, shape);
  }

  private static Tensor sample(
      BitDiffusion diffusion,
      SamplerConfig config,
      Denoiser denoiser,
      long first,
      int count,
      Sampler.Listener listener,
      long... shape) {
    try (var noise = noise(9, first, count, shape)) {
      return new Sampler(diffusion, config)
          .sample(denoiser, new Sampler.Request(noise, null, null), listener);
    }
  }

  static SampleNoise noise(long seed, long first, int count, long... shape) {
    return new SampleNoise(seed, first, count, shape, new Device(torch.DeviceType.CPU));
  }

  /** Samples of one bit each, of seed 1, for each of some conditions. */
  private static Tensor sample(
      BitDiffusion diffusion,
      SamplerConfig config,
      Denoiser network,
      Tensor condition,
      Tensor unconditional) {
    try (var noise = noise(1, 0, (int) condition.size(0), 1)) {
      var request = new Sampler.Request(noise, condition, unconditional);
      return new Sampler(diffusion, config).sample(network, request, Sampler.Listener.NONE);
    }
  }

  /**
   * Independent bits [N, bits, ...] with values +-b and P(+b) = p for each: the posterior logit is
   * logit(p) + 2 b sqrt(g) x_t / (1 - g), and E[x_0 | x_t] = b tanh(logit / 2).
   */
  private static Denoiser independentBits(double b, double... p) {
    var logits = new float[p.length];
    for (var i = 0; i < p.length; i++) {
      logits[i] = (float) Math.log(p[i] / (1 - p[i]));
    }
    return (xt, estimate, gamma, condition) -> {
      var g = BitDiffusion.perExample(gamma, xt);
      var evidence = xt.mul(g.sqrt()).div(g.neg().add(new Scalar(1))).mul(new Scalar(2 * b));
      var shape = new long[(int) xt.dim()];
      Arrays.fill(shape, 1);
      shape[1] = logits.length;
      return evidence
          .add(Tensor.create(logits, shape))
          .mul(new Scalar(0.5))
          .tanh()
          .mul(new Scalar(b));
    };
  }

  static Stream<Arguments> samplers() {
    return Stream.of(
        Arguments.of(config(100, "ddim", 0, "previous", 0), 1.0),
        Arguments.of(config(100, "ddim", 0, "momentum", 0), 0.5),
        Arguments.of(config(200, "ddpm", 0, "previous", 0), 1.0),
        Arguments.of(config(200, "ddpm_small", 0, "previous", 0), 1.0),
        Arguments.of(config(200, "ddpm", 0.2, "none", 0), 1.0),
        Arguments.of(config(200, "ddpm_small", 0.2, "previous", 0), 0.5),
        Arguments.of(config(30, "dpm++", 0, "previous", 0), 1.0),
        Arguments.of(config(60, "dpm++", 0.2, "previous", 0), 1.0),
        Arguments.of(config(50, "dpm++", 0, "previous", 0), 0.5),
        Arguments.of(config(30, "heun", 0, "momentum", 0), 1.0),
        Arguments.of(config(60, "heun", 0.2, "previous", 0), 1.0),
        Arguments.of(withEta(config(200, "ddim", 0, "previous", 0), 0.5), 1.0),
        Arguments.of(withChurn(config(200, "ddim", 0, "previous", 0), 20, 1, 1), 1.0),
        Arguments.of(withChurn(config(100, "heun", 0, "previous", 0), 50, 1, 1), 1.0));
  }

  @ParameterizedTest
  @MethodSource("samplers")
  void reproducesTheProbabilitiesOfIndependentBits(SamplerConfig config, double b) {
    double[] p = {0.5, 0.2, 0.9, 0.65};
    try (var scope = new PointerScope()) {
      var analog = sample(diffusion(b, "x0"), config, independentBits(b, p), N, p.length, L);
      assertThat(analog.abs().max().item_float()).isLessThanOrEqualTo((float) b);
      for (var i = 0; i < p.length; i++) {
        var share = share(analog, i);
        var ancestral = config.sampler().startsWith("ddpm");
        var expected = ancestral ? p[i] : shareOfTheFlow(p[i], b, config.td());
        // Four standard deviations, and a little for the finite number of steps.
        assertThat(share)
            .as("bit %d with %s", i, config)
            .isCloseTo(expected, within(4 * Math.sqrt(p[i] * (1 - p[i]) / (N * L)) + 0.015));
      }
    }
  }

  @Test
  void theFlowsShareIsTheProbabilityWithoutTimeDifference() {
    for (var p : new double[] {0.2, 0.5, 0.65, 0.9}) {
      assertThat(shareOfTheFlow(p, 1, 0)).isCloseTo(p, within(1e-3));
    }
    assertThat(shareOfTheFlow(0.5, 1, 0.4)).isCloseTo(0.5, within(1e-3)); // by symmetry
    assertThat(shareOfTheFlow(0.9, 1, 0.2)).isGreaterThan(0.92); // td makes likely bits likelier
  }

  /**
   * P(+b) of one bit in the limit of many DDIM steps, where td makes the flow 1 + td times as fast
   * as time, so that the result is no longer p. The flow is monotonic in its start at t = 1: all
   * starts above the one that separates the two ends, found by bisection, become +b.
   */
  private static double shareOfTheFlow(double p, double b, double td) {
    var low = -6.0;
    var high = 6.0;
    while (high - low > 1e-6) {
      var middle = (low + high) / 2;
      if (endOfTheFlow(middle, p, b, td) > 0) {
        high = middle;
      } else {
        low = middle;
      }
    }
    // The normal distribution's mass above, by the midpoint rule.
    var mass = 0.0;
    for (var x = low + 5e-4; x < 8; x += 1e-3) {
      mass += 1e-3 * Math.exp(-x * x / 2) / Math.sqrt(2 * Math.PI);
    }
    return mass;
  }

  /** DDIM of one bit in double precision, from x at t = 1 to the last estimate. */
  private static double endOfTheFlow(double x, double p, double b, double td) {
    var steps = 4000;
    var schedule = new NoiseSchedule.Cosine();
    var estimate = 0.0;
    for (var k = 0; k < steps; k++) {
      var g = Math.min(schedule.gamma(1 - (double) k / steps), 1 - 1e-9);
      var next = schedule.gamma(Math.max(1 - (k + 1 + td) / steps, 0));
      estimate = b * Math.tanh(0.5 * Math.log(p / (1 - p)) + b * Math.sqrt(g) * x / (1 - g));
      var eps = (x - Math.sqrt(g) * estimate) / Math.sqrt(1 - g);
      x = Math.sqrt(next) * estimate + Math.sqrt(1 - next) * eps;
    }
    return estimate;
  }

  private static double share(Tensor analog, int bit) {
    return analog.select(1, bit).gt(new Scalar(0)).to(torch.ScalarType.Float).mean().item_float();
  }

  /**
   * From symbols to symbols: two symbols of five categories of given probabilities, in all
   * encodings and with a network that outputs exactly what each objective asks for. The posterior
   * of a category is p exp(sqrt(g) x_t . code / (1 - g)), as all codes have the same length.
   */
  @ParameterizedTest
  @CsvSource({
    "uint8, x0, l2, false",
    "gray, eps, l2, false",
    "uint8_rand, v, l2, false",
    "gray, x0, sigmoid, false",
    "one_hot, x0, softmax, false",
    "one_hot, x0, sigmoid, false",
    "uint8_rand, x0, l2, true"
  })
  void reproducesTheProbabilitiesOfCategories(
      String encoding, String prediction, String loss, boolean factorization) {
    double[] p = {0.1, 0.35, 0.05, 0.3, 0.2};
    var codec = UniformCodec.of(encoding, p.length, 0.7, 3);
    var n = codec.bits();
    var objective = Objective.of(prediction, loss, factorization, codec);
    Denoiser network =
        (xt, estimate, gamma, condition) -> {
          var g = BitDiffusion.perExample(gamma.to(torch.ScalarType.Double), xt);
          // [N, 2 * n, L] to [N, 2, L, n].
          var x = xt.to(torch.ScalarType.Double).view(-1, 2, n, L).transpose(2, 3);
          var codes = codec.codes().to(torch.ScalarType.Double);
          var snr = g.sqrt().div(g.neg().add(new Scalar(1))).unsqueeze(-1);
          var logits = matmul(x, codes.t()).mul(snr).add(Tensor.create(p, p.length).log());
          var mean = matmul(softmax(logits, -1), codes);
          var output =
              switch (factorization ? "softmax" : loss) {
                case "softmax" -> logits;
                case "sigmoid" -> mean.div(new Scalar(0.7)).atanh().mul(new Scalar(2));
                default -> mean;
              };
          output = output.transpose(2, 3).reshape(xt.size(0), -1, L);
          return (prediction.equals("x0") ? output : restated(prediction, output, xt, g))
              .to(torch.ScalarType.Float);
        };
    var diffusion =
        new BitDiffusion(
            codec,
            new NoiseSchedule.Cosine(),
            objective,
            SelfConditioning.HALF_BATCH,
            0.5,
            false,
            false);
    try (var scope = new PointerScope()) {
      var config = config(50, "ddim", 0, "previous", 0);
      var symbols = codec.decode(sample(diffusion, config, network, N, 2L * n, L));
      assertThat(symbols.shape()).containsExactly(N, 2, L);
      for (var i = 0; i < p.length; i++) {
        var is = symbols.eq(new Scalar(i)).to(torch.ScalarType.Float);
        assertThat((double) is.mean().item_float())
            .as("category %d", i)
            .isCloseTo(p[i], within(4 * Math.sqrt(p[i] * (1 - p[i]) / (2 * N * L)) + 0.01));
        // And the two symbols are independent.
        var both = is.select(1, 0).mul(is.select(1, 1)).mean().item_float();
        assertThat((double) both)
            .isCloseTo(p[i] * p[i], within(4 * p[i] / Math.sqrt(N * L) + 0.01));
      }
    }
  }

  /** What a network that predicts eps or v outputs where it believes in x_0. */
  private static Tensor restated(String prediction, Tensor x0, Tensor xt, Tensor g) {
    var noiseLevel = g.neg().add(new Scalar(1)).sqrt();
    var eps = xt.sub(g.sqrt().mul(x0)).div(noiseLevel);
    return prediction.equals("eps") ? eps : g.sqrt().mul(eps).sub(noiseLevel.mul(x0));
  }

  /**
   * Gaussian data of deviation 0.5, E[x_0 | x_t] = s^2 sqrt(g) x_t / (g s^2 + 1 - g): whatever the
   * sampler, x_t has the variance g s^2 + 1 - g at every t.
   */
  @ParameterizedTest
  @MethodSource("solvers")
  void keepsTheVarianceOfGaussianData(String sampler) {
    requireTheVarianceOfGaussianData(config(400, sampler, 0, "previous", 0));
  }

  @ParameterizedTest
  @ValueSource(doubles = {0.3, 0.7, 1})
  void keepsTheVarianceOfGaussianDataWithAnyEta(double eta) {
    requireTheVarianceOfGaussianData(withEta(config(400, "ddim", 0, "previous", 0), eta));
  }

  /** However much noise is added, as much is taken away, by small steps. */
  @ParameterizedTest
  @CsvSource({"ddim, 10", "heun, 10", "heun, 100"})
  void keepsTheVarianceOfGaussianDataWithAnyChurn(String sampler, double churn) {
    requireTheVarianceOfGaussianData(
        withChurn(config(400, sampler, 0, "previous", 0), churn, 1, 1));
  }

  /** A step back by c, then DDIM: by hand, with the noise that the sampler drew. */
  @ParameterizedTest
  @CsvSource({"1, 1.25", "100, 1.4142135623730951"}) // at most the square root of 2
  void churnGoesBackToALargerNoiseLevel(double churn, double factor) {
    var schedule = new NoiseSchedule.Cosine();
    var config = withChurn(config(4, "ddim", 0, "previous", 0), churn, 1.5, 1);
    var seen = new ArrayList<double[]>();
    try (var scope = new PointerScope();
        var noise = new SampleNoise(3, 0, 1, new long[] {1}, new Device(torch.DeviceType.CPU));
        var same = new SampleNoise(3, 0, 1, new long[] {1}, new Device(torch.DeviceType.CPU))) {
      Denoiser half =
          (xt, estimate, gamma, condition) -> {
            seen.add(new double[] {gamma.item_double(), xt.item_double()});
            return xt.mul(new Scalar(0)).add(new Scalar(0.5));
          };
      new Sampler(diffusion(1, "x0"), config)
          .sample(half, new Sampler.Request(noise, null, null), Sampler.Listener.NONE);
      var x = same.get().item_double();
      var g = Math.max(schedule.gamma(1), 0);
      for (var k = 0; k < 4; k++) {
        if (k > 0) {
          var s = Math.sqrt((1 - g) / g);
          var raised = factor * s;
          var back = 1 / (1 + raised * raised);
          x =
              Math.sqrt(back)
                  * (x / Math.sqrt(g)
                      + 1.5 * Math.sqrt(raised * raised - s * s) * same.get().item_double());
          g = back;
        }
        assertThat(seen.get(k)[0]).isCloseTo(g, within(1e-6));
        assertThat(seen.get(k)[1]).isCloseTo(x, within(1e-4));
        var next = schedule.gamma(1 - (k + 1) / 4.0);
        var eps = (x - Math.sqrt(g) * 0.5) / Math.sqrt(1 - g);
        x = Math.sqrt(next) * 0.5 + Math.sqrt(1 - next) * eps;
        g = next;
      }
    }
  }

  /** Of the sampler's noise only the start is drawn. */
  @Test
  void withoutChurnNothingIsDrawnOnTheWay() {
    try (var scope = new PointerScope();
        var noise = new SampleNoise(3, 0, 1, new long[] {1}, new Device(torch.DeviceType.CPU));
        var same = new SampleNoise(3, 0, 1, new long[] {1}, new Device(torch.DeviceType.CPU))) {
      new Sampler(diffusion(1, "x0"), config(1000, "ddim", 0, "previous", 0))
          .sample(
              (xt, estimate, gamma, condition) -> xt,
              new Sampler.Request(noise, null, null),
              Sampler.Listener.NONE);
      same.get();
      assertThat(noise.get().item_double()).isEqualTo(same.get().item_double());
    }
  }

  @Test
  void churnIsOfDeterministicSolversThatForget() {
    for (var sampler : List.of("ddpm", "ddpm_small", "dpm++")) {
      assertThatThrownBy(() -> withChurn(config(10, sampler, 0, "previous", 0), 1, 1, 1))
          .isInstanceOf(ConfigurationException.class)
          .hasMessageContaining("sampling.churn is 1.0")
          .hasMessageContaining("ddim with eta 0 or heun");
    }
    assertThatThrownBy(() -> withChurn(config(10, "ddim", 0, "previous", 0), -1, 1, 1))
        .hasMessageContaining("sampling.churn is -1.0; it must be at least 0");
    assertThatThrownBy(() -> withChurn(config(10, "ddim", 0, "previous", 0), 1, -1, 1))
        .hasMessageContaining("sampling.churn_noise");
  }

  /** Of what the network knows, log-odds of 1.2, not of what x_t says. */
  @ParameterizedTest
  @ValueSource(doubles = {0.5, 1, 2})
  void theTemperatureDividesWhatTheNetworkKnows(double temperature) {
    var config = withChurn(config(200, "ddim", 0, "none", 0), 0, 1, temperature);
    try (var scope = new PointerScope()) {
      var analog =
          sample(
              diffusion(1, "matched_filter", "sigmoid", SelfConditioning.NONE),
              config,
              (xt, estimate, gamma, condition) -> xt.mul(new Scalar(0)).add(new Scalar(1.2)),
              N,
              L);
      var up = analog.gt(new Scalar(0)).to(torch.ScalarType.Float).mean().item_double();
      assertThat(up)
          .isCloseTo(
              1 / (1 + Math.exp(-1.2 / temperature)), within(4 * 0.5 / Math.sqrt(N * L) + 0.01));
    }
  }

  @Test
  void aTemperatureIsOfPredictionsThatTellWhatIsKnownApart() {
    var config = withChurn(config(10, "ddim", 0, "previous", 0), 0, 1, 0.5);
    assertThatThrownBy(() -> new Sampler(diffusion(1, "x0"), config))
        .isInstanceOf(ConfigurationException.class)
        .hasMessageContaining("goes with diffusion.prediction matched_filter or code_words");
  }

  private static SamplerConfig withChurn(
      SamplerConfig c, double churn, double churnNoise, double wordTemperature) {
    return new SamplerConfig(
        c.steps(),
        c.sampler(),
        c.eta(),
        c.td(),
        c.selfConditioning(),
        c.momentum(),
        c.selfGuidance(),
        c.schedule(),
        c.guidance(),
        churn,
        churnNoise,
        wordTemperature,
        c.temperature(),
        c.topK(),
        c.topP());
  }

  private static void requireTheVarianceOfGaussianData(SamplerConfig config) {
    var s2 = 0.25;
    var schedule = new NoiseSchedule.Cosine();
    try (var scope = new PointerScope()) {
      var analog =
          sample(
              diffusion(20, "x0"),
              config,
              gaussian(s2),
              0,
              20,
              step -> {
                if (step.index() % 25 == 0) {
                  var s =
                      (1 + (step.index() == 0 ? 0 : Math.min(config.churn() / 400, 0.414213)))
                          * Math.sqrt(1 / schedule.gamma(step.t()) - 1);
                  var g = 1 / (1 + s * s);
                  assertThat((double) step.xt().square().mean().item_float())
                      .as("at t = %s", step.t())
                      .isCloseTo(g * s2 + 1 - g, withinPercentage(3));
                }
                return true;
              },
              1600);
      assertThat((double) analog.square().mean().item_float()).isCloseTo(s2, withinPercentage(4));
      assertThat((double) analog.mean().item_float()).isCloseTo(0, within(0.01));
    }
  }

  private static Denoiser gaussian(double s2) {
    return (xt, estimate, gamma, condition) -> {
      var g = BitDiffusion.perExample(gamma, xt);
      return xt.mul(g.sqrt()).mul(new Scalar(s2)).div(g.mul(new Scalar(s2 - 1)).add(new Scalar(1)));
    };
  }

  /** The exact deterministic process keeps x_t / sqrt(g s^2 + 1 - g). */
  @ParameterizedTest
  @ValueSource(strings = {"dpm++", "heun"})
  void theSolverIsNearerToTheExactPathThanDdim(String solver) {
    assertThat(distanceFromExactPath(solver)).isLessThan(distanceFromExactPath("ddim") / 2.5);
  }

  private static double distanceFromExactPath(String sampler) {
    var s2 = 0.1;
    var schedule = new NoiseSchedule.Cosine();
    var ratio = new double[2];
    try (var scope = new PointerScope()) {
      sample(
          diffusion(20, "x0"),
          config(40, sampler, 0, "previous", 0),
          gaussian(s2),
          0,
          1,
          step -> {
            var g = schedule.gamma(step.t());
            var scaled = step.xt().item_float() / Math.sqrt(g * s2 + 1 - g);
            ratio[step.index() == 0 ? 0 : 1] = scaled;
            return true;
          },
          1);
    }
    return Math.abs(ratio[1] / ratio[0] - 1);
  }

  /** Schedules that are flat at an end, where signal or noise vanish: cut at 1e-9, or rounded. */
  @ParameterizedTest
  @CsvSource({
    "ddim, 'cosine@0,1,6'",
    "ddpm, 'cosine@0,1,6'",
    "ddpm_small, 'cosine@0,1,6'",
    "dpm++, 'cosine@0,1,6'",
    "heun, 'cosine@0,1,6'",
    "ddim, 'sigmoid@-3,3,0.05'",
    "ddpm, 'sigmoid@-3,3,0.05'",
    "ddpm_small, 'sigmoid@-3,3,0.05'",
    "dpm++, 'sigmoid@-3,3,0.05'",
    "heun, 'sigmoid@-3,3,0.05'"
  })
  void flatSchedulesSampleAsWell(String sampler, String schedule) {
    try (var scope = new PointerScope()) {
      var config = new SamplerConfig(400, sampler, 0, 0, "previous", 0, 0, schedule, 0);
      var analog =
          sample(
              diffusion(1, "x0"),
              config,
              independentBits(1, 0.3, 0.8),
              0,
              10,
              step -> {
                assertThat(step.xt().isfinite().all().item_bool()).isTrue();
                return true;
              },
              2,
              100);
      assertThat(share(analog, 0)).isCloseTo(0.3, within(0.075));
      assertThat(share(analog, 1)).isCloseTo(0.8, within(0.07));
    }
  }

  /** Two bits that are always equal: the evidence of both adds up, for both. */
  @ParameterizedTest
  @MethodSource("solvers")
  void correlatedBitsComeOutCorrelated(String sampler) {
    Denoiser equalBits =
        (xt, estimate, gamma, condition) -> {
          var g = BitDiffusion.perExample(gamma, xt);
          var both = xt.sum(new long[] {1}, true, new ScalarTypeOptional());
          var evidence = both.mul(g.sqrt()).div(g.neg().add(new Scalar(1)));
          return cat(new TensorVector(evidence.tanh(), evidence.tanh()), 1);
        };
    try (var scope = new PointerScope()) {
      var analog =
          sample(diffusion(1, "x0"), config(100, sampler, 0, "previous", 0), equalBits, N, 2, L);
      var product = analog.select(1, 0).mul(analog.select(1, 1));
      assertThat(product.min().item_float()).isGreaterThan(0);
      assertThat(share(analog, 0)).isCloseTo(0.5, within(0.032));
    }
  }

  /** The same denoiser stated as prediction of eps or v gives the same samples. */
  @ParameterizedTest
  @ValueSource(strings = {"eps", "v"})
  void predictionsOfNoiseGiveTheSameSamples(String prediction) {
    var x0 = independentBits(1, 0.3, 0.6);
    Denoiser restated =
        (xt, estimate, gamma, condition) -> {
          var mean = x0.forward(xt, estimate, gamma, condition);
          return restated(prediction, mean, xt, BitDiffusion.perExample(gamma, xt));
        };
    try (var scope = new PointerScope()) {
      var config = config(50, "ddim", 0, "previous", 0);
      var direct = sample(diffusion(1, "x0"), config, x0, 20, 2, L);
      var indirect = sample(diffusion(1, prediction), config, restated, 20, 2, L);
      var equal =
          direct.gt(new Scalar(0)).eq(indirect.gt(new Scalar(0))).to(torch.ScalarType.Float);
      assertThat(equal.mean().item_float()).isGreaterThan(0.995f);
    }
  }

  @ParameterizedTest
  @ValueSource(strings = {"ddim", "ddpm"})
  void aSampleDependsOnItsIndexNotOnItsBatch(String sampler) {
    var config = config(20, sampler, 0, "previous", 0);
    var denoiser = independentBits(1, 0.3, 0.6, 0.5);
    try (var scope = new PointerScope()) {
      var all = sample(diffusion(1, "x0"), config, denoiser, 7, 3);
      for (var i = 0; i < 7; i++) {
        var one = sample(diffusion(1, "x0"), config, denoiser, i, 1, Sampler.Listener.NONE, 3);
        assertThat(one.select(0, 0).sub(all.select(0, i)).abs().max().item_float())
            .isLessThan(1e-5f);
      }
      try (var noise = noise(10, 0, 7, 3)) {
        var other =
            new Sampler(diffusion(1, "x0"), config)
                .sample(denoiser, new Sampler.Request(noise, null, null), Sampler.Listener.NONE);
        assertThat(other.sub(all).abs().max().item_float()).isGreaterThan(1e-3f);
      }
      // And samples are not all the same.
      var first = all.narrow(0, 0, 1);
      assertThat(all.sub(first).abs().max().item_float()).isGreaterThan(1e-3f);
    }
  }

  /** Times told to the network and times moved to: t_now = 1 - k/S, t_next = 1 - (k + 1 + td)/S. */
  @Test
  void asymmetricIntervalsMoveFurtherThanTheNetworkIsTold() {
    try (var scope = new PointerScope()) {
      var gammas = new ArrayList<Double>();
      var states = new ArrayList<Double>();
      Denoiser constant =
          (xt, estimate, gamma, condition) -> {
            gammas.add((double) gamma.item_float());
            states.add((double) xt.item_float());
            return xt.mul(new Scalar(0)).add(new Scalar(0.5));
          };
      sample(diffusion(1, "x0"), config(4, "ddim", 1.5, "none", 0), constant, 1, 1);
      var schedule = new NoiseSchedule.Cosine();
      for (var k = 0; k < 4; k++) {
        assertThat(gammas.get(k)).isCloseTo(schedule.gamma(1 - k / 4.0), within(1e-6));
      }
      // Step 1, by hand: from t = 1 to t = 1 - 2.5/4.
      var g = schedule.gamma(1);
      var gNext = schedule.gamma(1 - 2.5 / 4);
      var eps = (states.get(0) - Math.sqrt(g) * 0.5) / Math.sqrt(1 - g);
      assertThat(states.get(1))
          .isCloseTo(Math.sqrt(gNext) * 0.5 + Math.sqrt(1 - gNext) * eps, within(1e-5));
    }
  }

  /** All samplers start from the same standard normal noise; x_t is what the network was asked. */
  @Test
  void startsFromStandardNormalNoise() {
    try (var scope = new PointerScope()) {
      var starts = new ArrayList<Tensor>();
      for (var sampler : List.of("ddim", "ddpm")) {
        Denoiser network =
            (xt, estimate, gamma, condition) -> {
              if (gamma.select(0, 0).item_float() < 1e-6f) { // t = 1
                starts.add(Scope.owned(() -> xt.clone()));
              }
              return xt;
            };
        sample(
            diffusion(1, "x0"),
            config(3, sampler, 0, "none", 0),
            network,
            0,
            500,
            step -> {
              if (step.index() == 0) {
                starts.add(Scope.owned(() -> step.xt().clone()));
              }
              return true;
            },
            5,
            16);
      }
      assertThat(starts).hasSize(4);
      var start = starts.get(0);
      assertThat(start.shape()).containsExactly(500, 5, 16);
      for (var other : starts) {
        assertThat(other.equal(start)).isTrue();
      }
      var n = Math.sqrt(start.numel());
      assertThat((double) start.mean().item_float()).isCloseTo(0, within(4 / n));
      assertThat((double) start.square().mean().item_float()).isCloseTo(1, within(6 / n));
      var neighbours = start.narrow(0, 0, 499).mul(start.narrow(0, 1, 499)).mean();
      assertThat((double) neighbours.item_float()).isCloseTo(0, within(4 / n));
      starts.forEach(Tensor::close);
    }
  }

  /** What the network sees as estimate in each mode, where it always answers 0.8. */
  @Test
  void selfConditioningModes() {
    assertThat(estimatesSeen("none")).containsExactly(0f, 0f, 0f);
    assertThat(estimatesSeen("previous")).containsExactly(0f, 0.8f, 0.8f);
    // A moving average with weight 0.75 of the past, from 0.
    assertThat(estimatesSeen("momentum")).containsExactly(0f, 0.2f, 0.35f);
    assertThat(estimatesSeen("self_guidance")).containsExactly(0f, 0.8f, 0f, 0.8f, 0f, 0.8f);
  }

  @Test
  void aNetworkTrainedWithoutEstimatesSeesNone() {
    var diffusion = diffusion(1, "x0", "l2", SelfConditioning.NONE);
    assertThat(
            new Sampler(diffusion, config(3, "ddim", 0, "previous", 0)).config().selfConditioning())
        .isEqualTo("none");
    assertThatThrownBy(() -> new Sampler(diffusion, config(3, "ddim", 0, "self_guidance", 0)))
        .isInstanceOf(ConfigurationException.class)
        .hasMessageContaining(
            "self_guidance, but diffusion.self_conditioning is none, or its rate 0");
  }

  @Test
  void requestsThatCannotBeAreRefused() {
    assertThatThrownBy(() -> noise(0, -1, 1, 1)).hasMessageContaining("first -1");
    // Of these the engine's generators would repeat the noise of the first ones.
    noise(0, (1L << 32) - 2, 2, 1).close();
    for (var first : List.of((1L << 32) - 1, 1L << 32, Long.MAX_VALUE)) {
      assertThatThrownBy(() -> noise(0, first, 2, 1))
          .isInstanceOf(IllegalArgumentException.class)
          .hasMessageContaining("first " + first);
      assertThatThrownBy(
              () ->
                  new SampleRequest(
                      SamplerConfig.DEFAULT, 0, first, 2, Given.NONE, Optional.empty()))
          .isInstanceOf(IllegalArgumentException.class)
          .hasMessageContaining("first " + first);
    }
    assertThatThrownBy(() -> noise(0, 0, 0, 1)).hasMessageContaining("count 0");
    assertThatThrownBy(() -> noise(0, 0, 1)).hasMessageContaining("shape []");
    try (var scope = new PointerScope();
        var noise = noise(0, 0, 2, 1)) {
      var three = Tensor.create(new long[] {1, 2, 3}, 3);
      assertThatThrownBy(() -> new Sampler.Request(noise, three, null))
          .hasMessage("2 samples, but conditions for 3");
      var request = new Sampler.Request(noise, three.narrow(0, 0, 2), null);
      var sampler = new Sampler(diffusion(1, "x0"), config(1, "ddim", 0, "previous", 1));
      Denoiser network = (xt, estimate, gamma, condition) -> xt;
      assertThatThrownBy(() -> sampler.sample(network, request, Sampler.Listener.NONE))
          .isInstanceOf(IllegalArgumentException.class)
          .hasMessageContaining("guidance needs");
    }
  }

  private static List<Float> estimatesSeen(String mode) {
    var seen = new ArrayList<Float>();
    Denoiser constant =
        (xt, estimate, gamma, condition) -> {
          seen.add(Math.round(estimate.item_float() * 1e4f) / 1e4f);
          return xt.mul(new Scalar(0)).add(new Scalar(0.8));
        };
    try (var scope = new PointerScope()) {
      sample(diffusion(1, "x0"), config(3, "ddim", 0, mode, 0), constant, 1, 1);
    }
    return seen;
  }

  /** 3 second + (1 - 3) first, with first = c and second = c + slope c, clipped to [-1, 1]. */
  @ParameterizedTest
  @CsvSource({"0.1, 0.5, 0.25", "0.2, 3, 1"})
  void selfGuidanceExtrapolatesAndIsClipped(double c, double slope, double expected) {
    Denoiser network =
        (xt, estimate, gamma, condition) ->
            xt.mul(new Scalar(0)).add(new Scalar(c)).add(estimate.mul(new Scalar(slope)));
    try (var scope = new PointerScope()) {
      var analog =
          sample(diffusion(1, "x0"), config(2, "ddim", 0, "self_guidance", 0), network, 1, 1);
      assertThat((double) analog.item_float()).isCloseTo(expected, within(1e-6));
    }
  }

  /** Where x_0 is 0, a step from t = 1 to t = 0.5 leaves noise of variance 1 - a, or half of it. */
  @ParameterizedTest
  @CsvSource({"ddpm, 1", "ddpm_small, 0.5"})
  void theVarianceOfOneAncestralStep(String sampler, double variance) {
    Denoiser zero = (xt, estimate, gamma, condition) -> zeros_like(xt);
    try (var scope = new PointerScope()) {
      sample(
          diffusion(1, "x0"),
          config(2, sampler, 0, "none", 0),
          zero,
          0,
          5,
          step -> {
            var expected = step.index() == 0 ? 1 : variance;
            assertThat((double) step.xt().square().mean().item_float())
                .isCloseTo(expected, withinPercentage(3));
            return true;
          },
          5000);
    }
  }

  /** (1 + w) conditional - w unconditional, clipped. */
  @Test
  void classifierFreeGuidanceExtrapolates() {
    Denoiser network =
        (xt, estimate, gamma, condition) ->
            xt.mul(new Scalar(0)).add(condition.unsqueeze(1).mul(new Scalar(0.1)));
    try (var scope = new PointerScope()) {
      var condition = Tensor.create(new float[] {3, 7}, 2);
      var none = Tensor.create(new float[] {2, 2}, 2);
      var analog =
          sample(diffusion(1, "x0"), config(2, "ddim", 0, "previous", 2), network, condition, none);
      assertThat((double) analog.select(0, 0).item_float()).isCloseTo(0.5, within(1e-6));
      assertThat((double) analog.select(0, 1).item_float()).isEqualTo(1);
    }
  }

  /**
   * Where the network outputs logits, they are mixed: 3 * 3 - 2 * 2 = 5, whose bit is tanh(2.5).
   */
  @Test
  void guidanceMixesLogits() {
    var ofLogits = diffusion(1, "x0", "sigmoid", SelfConditioning.HALF_BATCH);
    Denoiser network =
        (xt, estimate, gamma, condition) -> xt.mul(new Scalar(0)).add(condition.unsqueeze(1));
    assertThat(guided(ofLogits, "previous", network, 3, 2)).isCloseTo(Math.tanh(2.5), within(1e-6));
  }

  /** Both passes of self-guidance are guided: c = 3 * 0.3 - 2 * 0.2, and c + 3 * 0.2 c. */
  @Test
  void bothGuidancesGoTogether() {
    Denoiser network =
        (xt, estimate, gamma, condition) ->
            xt.mul(new Scalar(0)).add(condition.unsqueeze(1)).add(estimate.mul(new Scalar(0.2)));
    assertThat(guided(diffusion(1, "x0"), "self_guidance", network, 0.3f, 0.2f))
        .isCloseTo(0.5 + 3 * 0.2 * 0.5, within(1e-6));
  }

  /** The last estimate of one bit, with guidance 2. */
  private static double guided(
      BitDiffusion diffusion, String mode, Denoiser network, float condition, float none) {
    try (var scope = new PointerScope()) {
      return sample(
              diffusion,
              config(2, "ddim", 0, mode, 2),
              network,
              Tensor.create(new float[] {condition}, 1),
              Tensor.create(new float[] {none}, 1))
          .item_float();
    }
  }

  /** For every solver and each mode, with and without guidance. */
  @ParameterizedTest
  @MethodSource("solvers")
  void theNetworkIsEvaluatedAsOftenAsTheConfigurationSays(String sampler) {
    for (var mode : SamplerConfig.MODES) {
      for (var guidance : new double[] {0, 2}) {
        for (var steps : new int[] {1, 6}) {
          var calls = new int[1];
          Denoiser network =
              (xt, estimate, gamma, condition) -> {
                calls[0]++;
                return xt;
              };
          var config = config(steps, sampler, 0, mode, guidance);
          try (var scope = new PointerScope()) {
            var some = Tensor.create(new float[] {0.3f}, 1);
            sample(diffusion(1, "x0"), config, network, some, some);
          }
          assertThat(calls[0]).as("%s", config).isEqualTo(config.evaluations());
        }
      }
    }
  }

  /**
   * Where Heun asks at the end of its step, the network sees what the next step's will see, and no
   * trace of the answer is carried on: the answers are 0.1, 0.2, ...
   */
  @ParameterizedTest
  @CsvSource({
    "none, '0, 0, 0, 0, 0'",
    "previous, '0, 0.1, 0.1, 0.3, 0.3'",
    "momentum, '0, 0.025, 0.025, 0.0938, 0.0938'",
    "self_guidance, '0, 0.1, 0, 0.3, 0, 0.5, 0, 0.7, 0, 0.9'"
  })
  void whatTheNetworkSeesWhenTheSolverAsks(String mode, String expected) {
    var seen = new ArrayList<Double>();
    var gammas = new ArrayList<Double>();
    Denoiser counting =
        (xt, estimate, gamma, condition) -> {
          seen.add(Math.round(estimate.item_float() * 1e4) / 1e4);
          gammas.add((double) gamma.item_float());
          return zeros_like(xt).add(new Scalar(0.1 * seen.size()));
        };
    try (var scope = new PointerScope()) {
      sample(diffusion(2, "x0"), config(3, "heun", 0, mode, 0), counting, 1, 1);
    }
    assertThat(seen)
        .containsExactlyElementsOf(
            Stream.of(expected.split(", ")).map(Double::parseDouble).toList());
    var passes = mode.equals("self_guidance") ? 2 : 1;
    assertThat(gammas).hasSize(5 * passes);
    for (var k = 0; k < 2; k++) { // asked at the time of the next step
      assertThat(gammas.get((2 * k + 1) * passes)).isEqualTo(gammas.get((2 * k + 2) * passes));
    }
  }

  /** Guidance 0 is the conditional model alone, at the cost of one pass a step. */
  @Test
  void withoutGuidanceTheNetworkIsAskedOnce() {
    var calls = new int[1];
    Denoiser network =
        (xt, estimate, gamma, condition) -> {
          calls[0]++;
          return xt.mul(new Scalar(0)).add(condition.unsqueeze(1));
        };
    try (var scope = new PointerScope()) {
      var analog =
          sample(
              diffusion(1, "x0"),
              config(5, "ddim", 0, "previous", 0),
              network,
              Tensor.create(new float[] {0.3f}, 1),
              Tensor.create(new float[] {0.9f}, 1));
      assertThat(analog.item_float()).isEqualTo(0.3f);
    }
    assertThat(calls[0]).isEqualTo(5);
  }

  @Test
  void theListenerSeesEachStepAndCanStop() {
    var times = new ArrayList<Double>();
    try (var scope = new PointerScope()) {
      assertThatThrownBy(
              () ->
                  sample(
                      diffusion(1, "x0"),
                      config(10, "ddim", 0, "previous", 0),
                      independentBits(1, 0.5),
                      0,
                      3,
                      step -> {
                        times.add(step.t());
                        assertThat(step.estimate().shape()).containsExactly(3, 1);
                        return step.index() < 2;
                      },
                      1))
          .isInstanceOf(CancellationException.class)
          .hasMessageContaining("step 3");
    }
    assertThat(times).containsExactly(1.0, 0.9, 0.8);
  }

  @Test
  void nativeMemoryDoesNotGrowAlsoWhenStepsFail() {
    Denoiser fails =
        (xt, estimate, gamma, condition) -> {
          throw new IllegalStateException("in the network");
        };
    var config = config(100, "dpm++", 0, "previous", 0);
    for (var round = 0; round < 2; round++) {
      var before = NativeObjects.settled();
      try (var scope = new PointerScope()) {
        sample(diffusion(1, "x0"), config, independentBits(1, 0.5, 0.5), 3, 2);
        assertThatThrownBy(() -> sample(diffusion(1, "x0"), config, fails, 3, 2))
            .hasMessage("in the network");
      }
      if (round > 0) {
        assertThat(Pointer.totalCount()).isEqualTo(before);
      }
    }
  }

  /** Each step frees what it made: step 300 holds as many native objects as step 10. */
  @ParameterizedTest
  @MethodSource("solvers")
  void nativeMemoryDoesNotGrowFromStepToStep(String sampler) {
    var counts = new ArrayList<Long>();
    var bytes = new ArrayList<Long>();
    NativeObjects.settled();
    try (var scope = new PointerScope()) {
      sample(
          diffusion(1, "x0"),
          config(300, sampler, 0, "self_guidance", 0),
          independentBits(1, 0.5, 0.5),
          0,
          3,
          step -> {
            counts.add(Pointer.totalCount());
            bytes.add(Pointer.totalBytes());
            return true;
          },
          2);
    }
    assertThat(counts.get(299)).isEqualTo(counts.get(10));
    assertThat(bytes.get(299)).isEqualTo(bytes.get(10));
  }

  @Test
  void gradientsAreOffWhileSamplingAndOnAgainAfter() {
    try (var scope = new PointerScope()) {
      var w = Tensor.create(new float[] {0.5f}, 1).set_requires_grad(true);
      var tracked = new ArrayList<Boolean>();
      Denoiser network =
          (xt, estimate, gamma, condition) -> {
            var output = xt.mul(w);
            tracked.add(output.requires_grad());
            return output;
          };
      sample(diffusion(1, "x0"), config(2, "ddim", 0, "previous", 0), network, 1, 1);
      assertThat(tracked).containsExactly(false, false);
      assertThat(w.mul(w).requires_grad()).isTrue();
    }
  }

  /** Codecs that draw as they encode or decode do it from each sample's own noise. */
  @ParameterizedTest
  @ValueSource(strings = {"ddim", "ddpm"})
  void codecsDrawFromTheNoiseOfEachSample(String sampler) {
    var normals = new ArrayList<List<Float>>();
    var uniforms = new ArrayList<List<Float>>();
    try (var scope = new PointerScope()) {
      for (var range : new int[][] {{0, 5}, {3, 1}}) { // all, and the fourth alone
        var first = range[0];
        var count = range[1];
        try (var noise = noise(9, first, count, 2)) {
          normals.add(floats(noise.normal(count, 2).select(0, 3 - first)));
          var analog =
              new Sampler(diffusion(1, "x0"), config(3, sampler, 0, "none", 0))
                  .sample(
                      independentBits(1, 0.5, 0.5),
                      new Sampler.Request(noise, null, null),
                      Sampler.Listener.NONE);
          assertThat(analog.shape()).containsExactly(count, 2);
          normals.add(floats(noise.normal(count, 3).select(0, 3 - first)));
          var uniform = noise.uniform(count, 400);
          assertThat(uniform.min().item_float()).isBetween(0f, 0.05f);
          assertThat(uniform.max().item_float()).isBetween(0.95f, 1f);
          assertThatThrownBy(() -> noise.normal(count + 1, 3))
              .isInstanceOf(IllegalArgumentException.class);
          uniforms.add(floats(uniform.select(0, 3 - first)));
        }
      }
    }
    assertThat(normals.get(0)).isEqualTo(normals.get(2)); // before the samples
    assertThat(normals.get(1)).isEqualTo(normals.get(3)); // and after them
    assertThat(uniforms.get(0)).isEqualTo(uniforms.get(1));
  }

  private static List<Float> floats(Tensor tensor) {
    var values = new ArrayList<Float>();
    for (var i = 0; i < tensor.numel(); i++) {
      values.add(tensor.select(0, i).item_float());
    }
    return values;
  }

  @Test
  void anotherScheduleThanTheTrainings() {
    var gammas = new ArrayList<Float>();
    Denoiser network =
        (xt, estimate, gamma, condition) -> {
          gammas.add(gamma.item_float());
          return xt;
        };
    try (var scope = new PointerScope()) {
      var config = new SamplerConfig(2, "ddim", 0, 0, "none", 0, 0, "linear", 0);
      sample(diffusion(1, "x0"), config, network, 1, 1);
    }
    assertThat(gammas.get(1)).isEqualTo(0.5f);
  }

  @Test
  void settingsThatCannotBeAreRefused() {
    assertThatThrownBy(() -> config(0, "ddim", 0, "previous", 0))
        .isInstanceOf(ConfigurationException.class)
        .hasMessageContaining("sampling.steps is 0");
    assertThatThrownBy(() -> config(1, "ddem", 0, "previous", 0))
        .isInstanceOf(ConfigurationException.class)
        .hasMessageContaining("sampling.sampler is 'ddem'")
        .hasMessageContaining("ddim, ddpm, ddpm_small, dpm++, heun; did you mean ddim?");
    for (var eta : new double[] {-0.1, 1.1, Double.NaN}) {
      assertThatThrownBy(() -> withEta(SamplerConfig.DEFAULT, eta))
          .isInstanceOf(ConfigurationException.class)
          .hasMessage("sampling.eta is " + eta + "; it must be in [0, 1]");
    }
    assertThatThrownBy(() -> withEta(config(1, "heun", 0, "previous", 0), 0.5))
        .isInstanceOf(ConfigurationException.class)
        .hasMessageContaining("sampling.eta is 0.5")
        .hasMessageContaining("heun");
    assertThatThrownBy(() -> config(1, "ddim", -1, "previous", 0))
        .hasMessageContaining("sampling.td");
    assertThatThrownBy(() -> new SamplerConfig(1, "ddim", 0, 0, "none", 0, 0, "square", 0))
        .isInstanceOf(ConfigurationException.class)
        .hasMessageContaining("'square'");
    assertThatThrownBy(() -> new SamplerConfig(1, "ddim", 0, 0, "none", 1, 0, "", 0))
        .hasMessageContaining("sampling.momentum");
    assertThatThrownBy(() -> config(1, "ddim", 0, "last", 0))
        .hasMessageContaining("self_conditioning");
  }
}

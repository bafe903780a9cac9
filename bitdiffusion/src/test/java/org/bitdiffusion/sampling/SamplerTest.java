package org.bitdiffusion.sampling;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;
import static org.assertj.core.api.Assertions.within;
import static org.bytedeco.pytorch.global.torch.cat;

import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.CancellationException;
import java.util.stream.Stream;
import org.bitdiffusion.ConfigurationException;
import org.bitdiffusion.codec.Codec;
import org.bitdiffusion.diffusion.BitDiffusion;
import org.bitdiffusion.diffusion.Denoiser;
import org.bitdiffusion.diffusion.NoiseSchedule;
import org.bitdiffusion.diffusion.Objective;
import org.bitdiffusion.diffusion.SelfConditioning;
import org.bitdiffusion.runtime.Engine;
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
import org.junit.jupiter.params.provider.MethodSource;
import org.junit.jupiter.params.provider.ValueSource;

/** Algorithm 2, with denoisers whose answer is known in closed form. */
class SamplerTest {
  private static final int N = 4000;

  @BeforeAll
  static void loadEngine() {
    Engine.load();
  }

  private static BitDiffusion diffusion(double b, String prediction) {
    var codec = Codec.of("uint8", 2, b, 0);
    return new BitDiffusion(
        codec,
        new NoiseSchedule.Cosine(),
        Objective.of(prediction, "l2", false, codec),
        SelfConditioning.HALF_BATCH,
        0.5,
        false,
        false);
  }

  private static SamplerConfig config(
      int steps, String sampler, double td, String mode, double guidance) {
    return new SamplerConfig(steps, sampler, td, mode, 0.5, 3, "", guidance);
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
    var request = new Sampler.Request(9, first, count, shape, null, null);
    return new Sampler(diffusion, config)
        .sample(denoiser, request, new Device(torch.DeviceType.CPU), listener);
  }

  /**
   * Independent bits +-b with P(+b) = p: the posterior logit is logit(p) + 2 b sqrt(g) x_t / (1 -
   * g), and E[x_0 | x_t] = b tanh(logit / 2).
   */
  private static Denoiser independentBits(double b, double... p) {
    var logits = new float[p.length];
    for (var i = 0; i < p.length; i++) {
      logits[i] = (float) Math.log(p[i] / (1 - p[i]));
    }
    return (xt, estimate, gamma, condition) -> {
      var g = BitDiffusion.perExample(gamma, xt);
      var evidence = xt.mul(g.sqrt()).div(g.neg().add(new Scalar(1))).mul(new Scalar(2 * b));
      return evidence
          .add(Tensor.create(logits, 1, logits.length))
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
        Arguments.of(config(30, "dpm++", 0, "previous", 0), 1.0),
        Arguments.of(config(50, "dpm++", 0, "previous", 0), 0.5));
  }

  @ParameterizedTest
  @MethodSource("samplers")
  void reproducesTheProbabilitiesOfIndependentBits(SamplerConfig config, double b) {
    double[] p = {0.5, 0.2, 0.9, 0.65};
    try (var scope = new PointerScope()) {
      var analog = sample(diffusion(b, "x0"), config, independentBits(b, p), N, p.length);
      assertThat(analog.abs().max().item_float()).isLessThanOrEqualTo((float) b);
      for (var i = 0; i < p.length; i++) {
        var share = share(analog, i);
        // Four standard deviations, and a little for the finite number of steps.
        assertThat(share)
            .as("bit %d with %s", i, config)
            .isCloseTo(p[i], within(4 * Math.sqrt(p[i] * (1 - p[i]) / N) + 0.015));
      }
    }
  }

  private static double share(Tensor analog, int bit) {
    return analog.select(1, bit).gt(new Scalar(0)).to(torch.ScalarType.Float).mean().item_float();
  }

  /** Two bits that are always equal: the evidence of both adds up, for both. */
  @ParameterizedTest
  @ValueSource(strings = {"ddim", "ddpm", "ddpm_small", "dpm++"})
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
          sample(diffusion(1, "x0"), config(100, sampler, 0, "previous", 0), equalBits, N, 2);
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
          var g = BitDiffusion.perExample(gamma, xt);
          var mean = x0.forward(xt, estimate, gamma, condition);
          var eps = xt.sub(g.sqrt().mul(mean)).div(g.neg().add(new Scalar(1)).sqrt());
          return prediction.equals("eps")
              ? eps
              : g.sqrt().mul(eps).sub(g.neg().add(new Scalar(1)).sqrt().mul(mean));
        };
    try (var scope = new PointerScope()) {
      var config = config(50, "ddim", 0, "previous", 0);
      var direct = sample(diffusion(1, "x0"), config, x0, 500, 2);
      var indirect = sample(diffusion(1, prediction), config, restated, 500, 2);
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

  /** What the network sees as estimate in each mode, where it always answers 0.8. */
  @Test
  void selfConditioningModes() {
    assertThat(estimatesSeen("none")).containsExactly(0f, 0f, 0f);
    assertThat(estimatesSeen("previous")).containsExactly(0f, 0.8f, 0.8f);
    // A moving average with weight 0.5 of the past, from 0.
    assertThat(estimatesSeen("momentum")).containsExactly(0f, 0.4f, 0.6f);
    assertThat(estimatesSeen("self_guidance")).containsExactly(0f, 0.8f, 0f, 0.8f, 0f, 0.8f);
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

  /** 3 second + (1 - 3) first, with first = 0.1 and second = 0.1 + 0.1 / 2. */
  @Test
  void selfGuidanceExtrapolates() {
    Denoiser network =
        (xt, estimate, gamma, condition) ->
            xt.mul(new Scalar(0)).add(new Scalar(0.1)).add(estimate.mul(new Scalar(0.5)));
    try (var scope = new PointerScope()) {
      var analog =
          sample(diffusion(1, "x0"), config(2, "ddim", 0, "self_guidance", 0), network, 1, 1);
      assertThat((double) analog.item_float()).isCloseTo(3 * 0.15 - 2 * 0.1, within(1e-6));
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
      var request = new Sampler.Request(1, 0, 2, new long[] {1}, condition, none);
      var analog =
          new Sampler(diffusion(1, "x0"), config(2, "ddim", 0, "previous", 2))
              .sample(network, request, new Device(torch.DeviceType.CPU), Sampler.Listener.NONE);
      assertThat((double) analog.select(0, 0).item_float()).isCloseTo(0.5, within(1e-6));
      assertThat((double) analog.select(0, 1).item_float()).isEqualTo(1);
    }
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
      var before = Pointer.totalCount();
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

  @Test
  void anotherScheduleThanTheTrainings() {
    var gammas = new ArrayList<Float>();
    Denoiser network =
        (xt, estimate, gamma, condition) -> {
          gammas.add(gamma.item_float());
          return xt;
        };
    try (var scope = new PointerScope()) {
      var config = new SamplerConfig(2, "ddim", 0, "none", 0, 0, "linear", 0);
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
        .hasMessageContaining("one of [ddim, ddpm, ddpm_small, dpm++]");
    assertThatThrownBy(() -> config(1, "ddim", -1, "previous", 0))
        .hasMessageContaining("sampling.td");
    assertThatThrownBy(() -> config(1, "ddim", 0, "last", 0))
        .hasMessageContaining("self_conditioning");
  }
}

package org.bitdiffusion.diffusion;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.within;
import static org.bytedeco.pytorch.global.torch.randint;
import static org.bytedeco.pytorch.global.torch.zeros_like;

import java.util.ArrayList;
import java.util.Arrays;
import org.bitdiffusion.codec.Codec;
import org.bitdiffusion.runtime.Engine;
import org.bytedeco.javacpp.PointerScope;
import org.bytedeco.pytorch.Scalar;
import org.bytedeco.pytorch.Tensor;
import org.bytedeco.pytorch.global.torch;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.Test;

/** Algorithm 1. */
class BitDiffusionTest {
  private static final Codec CODEC = Codec.of("uint8", 4, 1, 0);

  @BeforeAll
  static void loadEngine() {
    Engine.load();
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
      var loss = diffusion(SelfConditioning.COIN, 1, false, false).loss(network, symbols, null);
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
      diffusion(SelfConditioning.HALF_BATCH, 0.5, false, false).loss(network, symbols, null);

      assertThat(batches).containsExactly(4L, 8L);
      assertThat(largest).containsExactly(0f, 1f, 0f);
    }
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
        diffusion.loss(network, randint(4, new long[] {2, 1, 2, 2}), null);
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
      var loss = diffusion(SelfConditioning.NONE, 0, false, false).loss(network, symbols, null);
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
            .loss(network, randint(4, new long[] {batch, 1, 1}), null);
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
          .loss(network, randint(4, new long[] {5, 2, 4, 4}), null);
      for (var i = 0; i < 5; i++) {
        var example = seen.get(0).select(0, i);
        var variance = example.sub(example.mean()).square().mean().item_float();
        assertThat((double) variance).isCloseTo(1, within(1e-4));
      }
    }
  }
}

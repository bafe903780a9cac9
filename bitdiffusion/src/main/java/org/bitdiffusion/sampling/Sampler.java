package org.bitdiffusion.sampling;

import static org.bytedeco.pytorch.global.torch.full;
import static org.bytedeco.pytorch.global.torch.zeros_like;

import java.util.Arrays;
import java.util.List;
import java.util.concurrent.CancellationException;
import org.bitdiffusion.ConfigurationException;
import org.bitdiffusion.diffusion.BitDiffusion;
import org.bitdiffusion.diffusion.Denoiser;
import org.bitdiffusion.diffusion.SelfConditioning;
import org.bitdiffusion.runtime.Scope;
import org.bytedeco.javacpp.PointerScope;
import org.bytedeco.pytorch.Device;
import org.bytedeco.pytorch.NoGradGuard;
import org.bytedeco.pytorch.Scalar;
import org.bytedeco.pytorch.ScalarOptional;
import org.bytedeco.pytorch.ScalarTypeOptional;
import org.bytedeco.pytorch.Tensor;
import org.bytedeco.pytorch.global.torch;

/**
 * From noise to analog bits. Knows nothing of what the bits stand for.
 *
 * @param diffusion the process that the network was trained with
 * @param config steps, transition, self-conditioning, guidance
 */
public record Sampler(BitDiffusion diffusion, SamplerConfig config) {
  /** Of a schedule that is flat near t = 0; a transition divides by sqrt(1 - gamma). */
  private static final double LARGEST_GAMMA = 1 - 1e-9;

  /**
   * What a listener sees after each evaluation of the network. The tensors are valid during the
   * call only.
   *
   * @param index of the step, from 0
   * @param t t_now
   * @param xt x at t_now, [N, D, ...]
   * @param estimate of x_0, in [-b, b], [N, D, ...]
   */
  public record Step(int index, double t, Tensor xt, Tensor estimate) {}

  /** Called once a step; returns whether to go on. */
  @FunctionalInterface
  public interface Listener {
    /** Goes on to the end. */
    Listener NONE = step -> true;

    boolean onStep(Step step);
  }

  /**
   * Which samples to draw.
   *
   * @param seed of all noise
   * @param first index of the first sample: sample i of a seed has the same noise in any batch, and
   *     is the same up to rounding in the network
   * @param count N
   * @param shape of one sample's analog bits, [D, ...]
   * @param condition of each sample, [N, ...], or null
   * @param unconditional what stands for no condition, [N, ...]; needed where guidance is not 0
   */
  public record Request(
      long seed, long first, int count, long[] shape, Tensor condition, Tensor unconditional) {
    public Request {
      if (first < 0 || count < 1 || shape.length < 1) {
        throw new IllegalArgumentException(
            "no samples: first %d, count %d, shape %s"
                .formatted(first, count, Arrays.toString(shape)));
      }
      requireOneEach(condition, count);
      requireOneEach(unconditional, count);
    }

    private static void requireOneEach(Tensor condition, int count) {
      if (condition != null && condition.size(0) != count) {
        throw new IllegalArgumentException(
            "%d samples, but conditions for %d".formatted(count, condition.size(0)));
      }
    }
  }

  /**
   * A network trained without self-conditioning has only ever seen zeros in place of an estimate,
   * so {@code previous} becomes {@code none} with one.
   *
   * @throws ConfigurationException if another mode is asked for with such a network
   */
  public Sampler {
    if (diffusion.selfConditioning() == SelfConditioning.NONE) {
      if (!List.of("previous", "none").contains(config.selfConditioning())) {
        throw new ConfigurationException(
            "sampling.self_conditioning is "
                + config.selfConditioning()
                + ", but diffusion.self_conditioning is none, or its rate 0: the network was trained"
                + " without estimates; use previous or none");
      }
      config = config.withSelfConditioning("none");
    }
  }

  /**
   * Draws samples: arXiv 2208.04202, algorithm 2.
   *
   * @return the last estimate of x_0, [N, D, ...] float32 in [-b, b], to be decoded by the codec
   * @throws CancellationException if the listener said to stop
   * @throws IllegalArgumentException if the request lacks a condition that guidance needs
   */
  public Tensor sample(Denoiser network, Request request, Device device, Listener listener) {
    if (config.guidance() != 0
        && (request.condition() == null || request.unconditional() == null)) {
      throw new IllegalArgumentException("guidance needs conditions, and what stands for none");
    }
    var schedule = config.schedule(diffusion.schedule());
    return Scope.result(
        () -> {
          try (var noGrad = new NoGradGuard();
              var noise =
                  new SampleNoise(
                      request.seed(), request.first(), request.count(), request.shape(), device);
              var transition = transition(schedule.gamma(0))) {
            var xt = noise.get();
            var x0 = zeros_like(xt); // the estimate
            var seen = zeros_like(xt); // what the network sees of it: self-conditioning
            for (var k = 0; k < config.steps(); k++) {
              try (var step = new PointerScope()) {
                var now = 1 - (double) k / config.steps();
                var next = Math.max(1 - (k + 1 + config.td()) / config.steps(), 0);
                var g = Math.min(schedule.gamma(now), LARGEST_GAMMA);
                x0.copy_(estimate(network, xt, seen, g, request));
                if (!listener.onStep(new Step(k, now, xt, x0))) {
                  throw new CancellationException("sampling was stopped at step " + (k + 1));
                }
                if (k < config.steps() - 1) { // nobody looks at x after the last estimate
                  xt.copy_(transition.step(xt, x0, g, schedule.gamma(next), noise));
                  remember(seen, x0);
                }
              }
            }
            return x0;
          }
        });
  }

  /** The estimate of x_0, clipped to [-b, b]. */
  private Tensor estimate(Denoiser network, Tensor xt, Tensor seen, double g, Request request) {
    var gamma =
        full(
            new long[] {request.count()},
            new Scalar(g),
            xt.options().dtype(new ScalarTypeOptional(torch.ScalarType.Double)));
    if (!config.selfConditioning().equals("self_guidance")) {
      return guided(network, xt, seen, gamma, request);
    }
    // Algorithm 6.
    var w = config.selfGuidance();
    var first = guided(network, xt, zeros_like(xt), gamma, request);
    var second = guided(network, xt, first, gamma, request);
    var b = diffusion.codec().scale();
    return Transition.combine(second, w, first, 1 - w)
        .clamp(new ScalarOptional(new Scalar(-b)), new ScalarOptional(new Scalar(b)));
  }

  /**
   * One estimate, with classifier-free guidance where asked for. Guidance mixes what the network
   * outputs (logits, where it outputs logits), so that the mixture means the same as in arXiv
   * 2207.12598; both passes see the same earlier estimate.
   */
  private Tensor guided(Denoiser network, Tensor xt, Tensor seen, Tensor gamma, Request request) {
    var w = config.guidance();
    if (w == 0) {
      return diffusion.estimate(network, xt, seen, gamma, request.condition());
    }
    var conditional = diffusion.output(network, xt, seen, gamma, request.condition());
    var unconditional = diffusion.output(network, xt, seen, gamma, request.unconditional());
    var output = Transition.combine(conditional, 1 + w, unconditional, -w);
    return diffusion.objective().estimate(output, xt, BitDiffusion.perExample(gamma, xt));
  }

  /** What the next step's network sees of this step's estimate. */
  private void remember(Tensor seen, Tensor x0) {
    switch (config.selfConditioning()) {
      case "previous" -> seen.copy_(x0);
      case "momentum" -> seen.lerp_(x0, new Scalar(1 - config.momentum())); // algorithm 5
      default -> {
        // zeros throughout
      }
    }
  }

  private Transition transition(double lastGamma) {
    return switch (config.sampler()) {
      case "ddim" -> Transition::ddim;
      case "ddpm" -> Transition::ddpm;
      case "ddpm_small" -> Transition::ddpmSmall;
      case "dpm++" -> new DpmSolver(lastGamma);
      default -> throw new IllegalStateException(config.sampler());
    };
  }
}

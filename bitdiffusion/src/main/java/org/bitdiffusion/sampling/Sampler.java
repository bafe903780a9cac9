package org.bitdiffusion.sampling;

import static org.bytedeco.pytorch.global.torch.cat;
import static org.bytedeco.pytorch.global.torch.full;
import static org.bytedeco.pytorch.global.torch.where;
import static org.bytedeco.pytorch.global.torch.zeros_like;

import java.util.Arrays;
import java.util.List;
import java.util.concurrent.CancellationException;
import org.bitdiffusion.ConfigurationException;
import org.bitdiffusion.DataException;
import org.bitdiffusion.data.Allowed;
import org.bitdiffusion.diffusion.BitDiffusion;
import org.bitdiffusion.diffusion.Denoiser;
import org.bitdiffusion.diffusion.Objective;
import org.bitdiffusion.diffusion.SelfConditioning;
import org.bitdiffusion.runtime.Scope;
import org.bitdiffusion.runtime.Tensors;
import org.bytedeco.javacpp.PointerScope;
import org.bytedeco.pytorch.NoGradGuard;
import org.bytedeco.pytorch.Scalar;
import org.bytedeco.pytorch.ScalarOptional;
import org.bytedeco.pytorch.ScalarTypeOptional;
import org.bytedeco.pytorch.Tensor;
import org.bytedeco.pytorch.TensorVector;
import org.bytedeco.pytorch.global.torch;

/**
 * From noise to analog bits. Knows nothing of what the bits stand for.
 *
 * <p>Where bits are known, each estimate of x_0 has them. A network that was trained to see which
 * ones are known ({@link BitDiffusion#known}) sees them without noise throughout, and draws the
 * others from their law given them. With any other network, x starts from them with the noise of
 * its time: they come out as given, and meanwhile x_t there is what the network knows from training
 * (with {@code ddpm} up to its larger variance). The other bits are then drawn beside noisy known
 * ones, which approximates their law given the known ones, also where the network is exact: what is
 * decided while the known ones are still noisy does not follow them. It gets nearer with more
 * rounds (arXiv 2201.09865): after each step but its last one, x_t_next is noised back to t_now and
 * the step is taken again, so that the others can still change their minds.
 *
 * @param diffusion the process that the network was trained with
 * @param config steps, solver, self-conditioning, guidance
 */
public record Sampler(BitDiffusion diffusion, SamplerConfig config) {
  /** Of a schedule that is flat near t = 0; solvers divide by sqrt(1 - gamma). */
  private static final double LARGEST_GAMMA = 1 - 1e-9;

  /**
   * What a listener sees of each step, in the last of its rounds. The tensors are valid during the
   * call only.
   *
   * @param index of the step, from 0
   * @param t t_now
   * @param xt x at t_now, [N, D, ...]; with churn, noisier than that
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
   * Which samples to draw, once: the noise goes on from where it is.
   *
   * @param noise of the samples, [N, D, ...]: sample i of a seed has the same in any batch, and is
   *     the same up to rounding in the network. A codec draws from it too, before the sampler as it
   *     encodes what is known, and after it as it decodes. The caller closes it
   * @param condition of each sample, [N, ...], or null
   * @param unconditional what stands for no condition, [N, ...]; needed where guidance is not 0
   * @param known analog bits of which some are given, [N, D, ...]; any numbers elsewhere; or null
   * @param mask where they are, [N, D, ...] bool; null where {@code known} is
   * @param places which symbols they are, [N, C, ...] of 1 and 0 float32, all 0 where {@code known}
   *     is null; null unless the network was trained to see them
   * @param rounds in which each step is taken where some are known, at least 1
   * @param allowed values, the only ones that their places have
   */
  public record Request(
      SampleNoise noise,
      Tensor condition,
      Tensor unconditional,
      Tensor known,
      Tensor mask,
      Tensor places,
      int rounds,
      List<Allowed> allowed) {
    /** Samples of which nothing is known, and all values are allowed. */
    public Request(SampleNoise noise, Tensor condition, Tensor unconditional) {
      this(noise, condition, unconditional, null, null, null, 1);
    }

    /** Samples of which all values are allowed. */
    public Request(
        SampleNoise noise,
        Tensor condition,
        Tensor unconditional,
        Tensor known,
        Tensor mask,
        Tensor places,
        int rounds) {
      this(noise, condition, unconditional, known, mask, places, rounds, List.of());
    }

    public Request {
      requireOneEach(condition, noise);
      requireOneEach(unconditional, noise);
      if ((known == null) != (mask == null) || rounds < 1 || (known == null && rounds > 1)) {
        throw new IllegalArgumentException(
            "known bits need a mask, and %d rounds need known bits".formatted(rounds));
      }
      requireShapeOfAll(known, noise);
      requireShapeOfAll(mask, noise);
    }

    private static void requireShapeOfAll(Tensor tensor, SampleNoise noise) {
      if (tensor != null && !Arrays.equals(tensor.shape(), noise.shape())) {
        throw new IllegalArgumentException(
            "samples [N, D, ...] of the shape %s, but known bits or a mask of %s"
                .formatted(Arrays.toString(noise.shape()), Arrays.toString(tensor.shape())));
      }
    }

    private static void requireOneEach(Tensor condition, SampleNoise noise) {
      if (condition != null && condition.size(0) != noise.count()) {
        throw new IllegalArgumentException(
            "%d samples, but conditions for %d".formatted(noise.count(), condition.size(0)));
      }
    }
  }

  /**
   * A network trained without self-conditioning has only ever seen zeros in place of an estimate,
   * so {@code previous} becomes {@code none} with one.
   *
   * @throws ConfigurationException if another mode is asked for with such a network, or a
   *     temperature that the network's prediction has no use for
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
    if (config.wordTemperature() != 1 && !(diffusion.objective() instanceof Objective.Posterior)) {
      throw new ConfigurationException(
          "sampling.word_temperature is "
              + config.wordTemperature()
              + ", which goes with diffusion.prediction matched_filter or code_words: of others what"
              + " the network knows is not told apart from what x_t says");
    }
  }

  /**
   * Draws samples: arXiv 2208.04202, algorithm 2.
   *
   * @return the last estimate of x_0, [N, D, ...] float32 in [-b, b], to be decoded by the codec
   * @throws CancellationException if the listener said to stop
   * @throws ConfigurationException if none of the allowed values occurs, or the codec knows none
   * @throws DataException if the network's output is no finite number
   * @throws IllegalArgumentException if the request lacks a condition that guidance needs
   */
  public Tensor sample(Denoiser network, Request request, Listener listener) {
    if (config.guidance() != 0
        && (request.condition() == null || request.unconditional() == null)) {
      throw new IllegalArgumentException("guidance needs conditions, and what stands for none");
    }
    var schedule = config.schedule(diffusion.schedule());
    var estimates = diffusion.objective().estimates(diffusion.codec(), request.allowed());
    var noise = request.noise();
    return Scope.result(
        () -> {
          try (var noGrad = new NoGradGuard();
              var solving = config.solver().begin(config.eta(), schedule.gamma(0))) {
            var xt = start(noise.get(), Math.min(schedule.gamma(1), LARGEST_GAMMA), request);
            var x0 = zeros_like(xt); // the estimate
            var seen = zeros_like(xt); // what the network sees of it: self-conditioning
            for (var k = 0; k < config.steps(); k++) {
              var now = 1 - (double) k / config.steps();
              var next = Math.max(1 - (k + 1 + config.td()) / config.steps(), 0);
              var gNow = Math.min(schedule.gamma(now), LARGEST_GAMMA);
              var churns = config.churn() > 0 && k > 0; // what is all noise cannot be noisier
              var g = churns ? churned(gNow) : gNow;
              var gNext = schedule.gamma(next);
              var last = k == config.steps() - 1; // nobody looks at x after it
              var finite = finite(network, k);
              Solver.Ask ask =
                  (x, gamma) ->
                      estimate(finite, estimates, clean(x, request), seen, gamma, request);
              for (var round = last ? 1 : rounds(request); round > 0; round--) {
                try (var step = new PointerScope()) {
                  if (churns) {
                    xt.copy_(noisier(xt, gNow, g, noise.get()));
                  }
                  x0.copy_(ask.estimate(xt, g));
                  if (round == 1 && !listener.onStep(new Step(k, now, xt, x0))) {
                    throw new CancellationException("sampling was stopped at step " + (k + 1));
                  }
                  if (!last) {
                    remember(seen, x0); // before the move: the solver may ask again
                    xt.copy_(moved(solving.step(xt, x0, g, gNext, noise, ask), xt));
                  }
                  if (round > 1) {
                    var a = gNow / gNext;
                    xt.copy_(
                        Solver.combine(
                            xt, Math.sqrt(a), noise.get(), Math.sqrt(Math.max(0, 1 - a))));
                  }
                }
              }
            }
            return x0;
          }
        });
  }

  /**
   * What the network says of each bit at t = 1, where x is nothing but noise and what is known: of
   * each by itself, as log-odds; and then of each cell of {@link org.bitdiffusion.codec.CodeWords}.
   * Nothing is drawn.
   *
   * @return [N, D + cells] float32
   * @throws IllegalArgumentException unless {@link BitDiffusion#knowsLogOdds}
   */
  public Tensor logOdds(Denoiser network, Request request) {
    if (!diffusion.knowsLogOdds()) {
      throw new IllegalArgumentException("the network was not trained for it");
    }
    var posterior = (Objective.CodeWordPosterior) diffusion.objective();
    return Scope.result(
        () -> {
          try (var noGrad = new NoGradGuard()) {
            var xt = withKnown(request.noise().get(), request);
            var gamma = gamma(diffusion.schedule().gamma(1), xt);
            var output =
                diffusion.output(
                    finite(network, 0),
                    xt,
                    zeros_like(xt),
                    request.places(),
                    gamma,
                    request.condition());
            var ofBits = posterior.logOdds(output, xt, BitDiffusion.perExample(gamma, xt));
            return cat(new TensorVector(ofBits, posterior.ofCells(output)), 1);
          }
        });
  }

  /** The gamma that churn goes back to: s = sqrt((1 - gamma) / gamma) becomes (1 + c) s. */
  private double churned(double g) {
    var c = Math.min(config.churn() / config.steps(), Math.sqrt(2) - 1);
    return 1 / (1 + (1 + c) * (1 + c) * (1 - g) / g);
  }

  /** x at a smaller gamma: sqrt(gBack) (x / sqrt(g) + S_noise sqrt(sBack^2 - s^2) eps). */
  private Tensor noisier(Tensor x, double g, double gBack, Tensor eps) {
    var variance = (1 - gBack) / gBack - (1 - g) / g;
    return Solver.combine(
        x,
        Math.sqrt(gBack / g),
        eps,
        config.churnNoise() * Math.sqrt(gBack * Math.max(0, variance))); // below 0 by rounding
  }

  /** What a solver has made of x_t: of the same shape, or it would be spread over all of it. */
  private Tensor moved(Tensor moved, Tensor xt) {
    if (moved == null || !Arrays.equals(moved.shape(), xt.shape())) {
      throw new ConfigurationException(
          "sampling.sampler %s gives %s, but x_t is of shape %s"
              .formatted(
                  config.sampler(),
                  moved == null ? "nothing" : "a tensor of " + Arrays.toString(moved.shape()),
                  Arrays.toString(xt.shape())));
    }
    if (!Tensors.areFinite(moved)) {
      throw new ConfigurationException(
          "sampling.sampler %s gives an x_t that is no finite number".formatted(config.sampler()));
    }
    return moved;
  }

  /**
   * Complains of what would be clipped to bits, or decoded to zeros, as if it were an estimate:
   * NaN, and numbers that are infinite or so large that their squares are.
   */
  private Denoiser finite(Denoiser network, int step) {
    return (xt, estimate, gamma, condition) -> {
      var output = network.forward(xt, estimate, gamma, condition);
      if (!Tensors.areFinite(output.square())) {
        throw new DataException(
            "the network's output is no finite number at step %d of %d of sampling: its weights are"
                    .formatted(step + 1, config.steps())
                + " damaged or too large; take an earlier checkpoint, or precision float32");
      }
      return output;
    };
  }

  /** Whether the network was trained to see which symbols are known, and these without noise. */
  private boolean seesKnown() {
    return diffusion.known().something();
  }

  /** One, where the network draws from the conditional law as it is. */
  private int rounds(Request request) {
    return seesKnown() ? 1 : request.rounds();
  }

  /** x with the known bits as they are, where the network is to see them so. */
  private Tensor clean(Tensor x, Request request) {
    return seesKnown() ? withKnown(x, request) : x;
  }

  /** x at t = 1: noise, in which known bits are already as faint as they are there. */
  private Tensor start(Tensor noise, double g, Request request) {
    if (request.known() == null || seesKnown()) {
      return noise;
    }
    var faint = Solver.combine(request.known(), Math.sqrt(g), noise, Math.sqrt(1 - g));
    return where(request.mask(), faint, noise);
  }

  private static Tensor withKnown(Tensor x, Request request) {
    return request.known() == null ? x : where(request.mask(), request.known(), x);
  }

  /** The estimate of x_0, clipped to [-b, b], with the known bits in their places. */
  private Tensor estimate(
      Denoiser network,
      Objective.Estimates estimates,
      Tensor xt,
      Tensor seen,
      double g,
      Request request) {
    return Scope.result(
        () -> {
          var gamma = gamma(g, xt);
          if (!config.selfConditioning().equals("self_guidance")) {
            return guided(network, estimates, xt, seen, gamma, request);
          }
          // Algorithm 6.
          var w = config.selfGuidance();
          var first = guided(network, estimates, xt, zeros_like(xt), gamma, request);
          var second = guided(network, estimates, xt, first, gamma, request);
          var b = diffusion.codec().scale();
          return withKnown(
              Solver.combine(second, w, first, 1 - w)
                  .clamp(new ScalarOptional(new Scalar(-b)), new ScalarOptional(new Scalar(b))),
              request);
        });
  }

  /** The same gamma for each sample, [N] float64. */
  private static Tensor gamma(double g, Tensor xt) {
    return full(
        new long[] {xt.size(0)},
        new Scalar(Math.min(g, LARGEST_GAMMA)),
        xt.options().dtype(new ScalarTypeOptional(torch.ScalarType.Double)));
  }

  /**
   * One estimate, with classifier-free guidance where asked for. Guidance mixes what the network
   * outputs (logits, where it outputs logits), so that the mixture means the same as in arXiv
   * 2207.12598; both passes see the same earlier estimate.
   */
  private Tensor guided(
      Denoiser network,
      Objective.Estimates estimates,
      Tensor xt,
      Tensor seen,
      Tensor gamma,
      Request request) {
    var places = request.places();
    var output = diffusion.output(network, xt, seen, places, gamma, request.condition());
    var w = config.guidance();
    if (w != 0) {
      var unconditional =
          diffusion.output(network, xt, seen, places, gamma, request.unconditional());
      output = Solver.combine(output, 1 + w, unconditional, -w);
    }
    if (config.wordTemperature() != 1) {
      output = output.div(new Scalar(config.wordTemperature()));
    }
    return withKnown(estimates.of(output, xt, BitDiffusion.perExample(gamma, xt)), request);
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
}

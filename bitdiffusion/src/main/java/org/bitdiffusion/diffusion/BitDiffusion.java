package org.bitdiffusion.diffusion;

import static org.bytedeco.pytorch.global.torch.cat;
import static org.bytedeco.pytorch.global.torch.where;
import static org.bytedeco.pytorch.global.torch.zeros_like;

import java.util.Arrays;
import org.bitdiffusion.ConfigurationException;
import org.bitdiffusion.codec.Codec;
import org.bitdiffusion.codec.ContinuousCodec;
import org.bitdiffusion.runtime.Noise;
import org.bitdiffusion.runtime.Scope;
import org.bytedeco.pytorch.NoGradGuard;
import org.bytedeco.pytorch.Scalar;
import org.bytedeco.pytorch.ScalarTypeOptional;
import org.bytedeco.pytorch.Tensor;
import org.bytedeco.pytorch.TensorVector;
import org.bytedeco.pytorch.global.torch;

/**
 * Bit Diffusion: how analog bits are noised, what the network sees, and what it is trained on. The
 * training step is {@link #loss}; sampling is {@link org.bitdiffusion.sampling.Sampler}.
 *
 * @param codec categories to analog bits
 * @param schedule gamma(t)
 * @param objective what the network predicts
 * @param selfConditioning which examples see an estimate in training
 * @param selfConditioningRate how many of them do, in [0, 1]; with 0 it is none at all
 * @param stratifiedTime whether the batch's t are (u + i) / B, i = 0 .. B-1, in random order,
 *     instead of independent: a smaller variance of the loss
 * @param normalizeInput whether the network sees x_t divided by its standard deviation over each
 *     example; useful where b is not 1
 * @param denoisedInput whether the network sees in place of x_t what it says of each bit by itself:
 *     the mean b tanh(b sqrt(gamma) x_t / (1 - gamma)) of a fair bit given it. A network of few
 *     layers, which mixes all bits at once, need not learn it then; but what is surer than about
 *     1,000 to 1 looks the same in bfloat16
 * @param known which symbols of an example are known in training: the network then draws from the
 *     law of the others given them. Unless it is nothing ever, it sees which ones are
 */
public record BitDiffusion(
    Codec codec,
    NoiseSchedule schedule,
    Objective objective,
    SelfConditioning selfConditioning,
    double selfConditioningRate,
    boolean stratifiedTime,
    boolean normalizeInput,
    boolean denoisedInput,
    KnownInTraining known) {

  /** A process in which nothing is ever known. */
  public BitDiffusion(
      Codec codec,
      NoiseSchedule schedule,
      Objective objective,
      SelfConditioning selfConditioning,
      double selfConditioningRate,
      boolean stratifiedTime,
      boolean normalizeInput) {
    this(
        codec,
        schedule,
        objective,
        selfConditioning,
        selfConditioningRate,
        stratifiedTime,
        normalizeInput,
        false,
        KnownInTraining.NOTHING);
  }

  public BitDiffusion {
    if (known.something() && !(objective instanceof Objective.OfBits)) {
      throw new ConfigurationException(
          "diffusion.known_rate is "
              + known.rate()
              + ", which goes with losses of single bits: l2 or sigmoid without"
              + " softmax_factorization, or those of prediction code_words");
    }
    if (denoisedInput && normalizeInput) {
      throw new ConfigurationException(
          "diffusion.denoised_input and diffusion.normalize_input each say what the network sees in"
              + " place of x_t; set one of them to false");
    }
    if (denoisedInput
        && (objective instanceof Objective.Eps
            || objective instanceof Objective.V
            || codec instanceof ContinuousCodec)) {
      throw new ConfigurationException(
          "diffusion.denoised_input goes with encodings of bits and with a prediction other than eps and v: the network cannot see the noise, or a number, in it");
    }
    if (!(selfConditioningRate >= 0 && selfConditioningRate <= 1)) {
      throw new ConfigurationException(
          "diffusion.self_conditioning_rate is " + selfConditioningRate + "; it must be in [0, 1]");
    }
    if (selfConditioningRate == 0) { // weights that see the estimate would stay random
      selfConditioning = SelfConditioning.NONE;
    }
  }

  /**
   * One batch's loss: arXiv 2208.04202, algorithm 1.
   *
   * @param symbols [B, C, ...] integers in 0 .. K-1
   * @param condition of each example, [B, ...], or null
   * @param noise all random numbers come from it: what the codec draws, if it does, then those of
   *     t, then eps, then how many examples see an estimate
   * @return one number, with the graph of the network's gradient
   */
  public Tensor loss(Denoiser network, Tensor symbols, Tensor condition, Noise.OfBatch noise) {
    // Discrete data to analog bits.
    var x0 = codec.encode(symbols, noise);

    // Corrupt data.
    var t = time(x0.size(0), noise);
    var gamma = schedule.gamma(t);
    var g = perExample(gamma, x0);
    var eps = noise.normal(x0.shape());
    var xt = Objective.signalLevel(g).mul(x0).add(Objective.noiseLevel(g).mul(eps));

    // Known symbols stay as they are.
    var places = known.something() ? known.draw(symbols, noise) : null;
    var given = places == null ? null : codec.spread(places).gt(new Scalar(0));
    if (given != null) {
      xt = where(given, x0, xt);
    }

    // Self-conditioning.
    var estimate = zeros_like(x0);
    var count = examplesWithEstimate(x0.size(0), noise);
    if (count > 0) {
      try (var noGrad = new NoGradGuard()) {
        var seen =
            estimate(
                network,
                xt.narrow(0, 0, count),
                estimate.narrow(0, 0, count),
                places == null ? null : places.narrow(0, 0, count),
                gamma.narrow(0, 0, count),
                condition == null ? null : condition.narrow(0, 0, count));
        if (given != null) {
          seen = where(given.narrow(0, 0, count), x0.narrow(0, 0, count), seen);
        }
        estimate.narrow(0, 0, count).copy_(seen);
      }
    }

    // Predict and compute the loss.
    var output = output(network, xt, estimate, places, gamma, condition);
    if (given == null) {
      return objective.loss(output, x0, eps, xt, g);
    }
    var losses = ((Objective.OfBits) objective).losses(output, x0, eps, xt, g);
    return losses.masked_fill(given, new Scalar(0)).mean();
  }

  /**
   * The network's raw output for x_t and an earlier estimate [B, D, ...]; gamma [B], any type.
   *
   * @param places where x_t is clean, [B, C, ...] of 1 and 0 float32, as further channels of x_t;
   *     null where nothing is {@link #known} in training
   */
  public Tensor output(
      Denoiser network, Tensor xt, Tensor estimate, Tensor places, Tensor gamma, Tensor condition) {
    if ((places != null) != known.something()) {
      throw new IllegalArgumentException(
          "a network sees what is known if it was trained so, and diffusion.known_rate is "
              + known.rate());
    }
    var seen = xt;
    if (normalizeInput) {
      seen = xt.div(standardDeviation(xt));
    } else if (denoisedInput) {
      seen = denoised(xt, places, perExample(gamma, xt));
    }
    if (places != null) {
      var channels = xt.dim() == 2 ? places.flatten(1, -1) : places;
      seen = cat(new TensorVector(seen, channels), 1);
    }
    return network.forward(seen, estimate, gamma.to(torch.ScalarType.Float), condition);
  }

  /**
   * The mean of each bit given x_t, were it fair and independent of all others; known ones as they
   * are.
   */
  private Tensor denoised(Tensor xt, Tensor places, Tensor gamma) {
    var b = codec.scale();
    var mean = Objective.evidence(xt, gamma, b).mul(new Scalar(0.5)).tanh().mul(new Scalar(b));
    return places == null ? mean : where(codec.spread(places).gt(new Scalar(0)), xt, mean);
  }

  /**
   * Whether the network tells what is expected of each symbol given any others, without drawing: it
   * outputs log-odds beside the symbols' own law, and was trained to see what is known.
   */
  public boolean knowsLogOdds() {
    return objective instanceof Objective.CodeWordPosterior && known.something();
  }

  /** The network's estimate of x_0 from x_t and an earlier estimate, in [-b, b], [B, D, ...]. */
  public Tensor estimate(
      Denoiser network, Tensor xt, Tensor estimate, Tensor places, Tensor gamma, Tensor condition) {
    return Scope.result(
        () ->
            objective.estimate(
                output(network, xt, estimate, places, gamma, condition),
                xt,
                perExample(gamma, xt)));
  }

  /** A number for each example, [B], shaped to multiply with x: [B, 1, ...]. */
  public static Tensor perExample(Tensor values, Tensor x) {
    var shape = new long[(int) x.dim()];
    Arrays.fill(shape, 1);
    shape[0] = -1;
    return values.view(shape);
  }

  /** t of each example, uniform on (0, 1), [B] float64. */
  private Tensor time(long batch, Noise.OfBatch noise) {
    return (stratifiedTime ? stratified(batch, noise) : noise.uniform(batch))
        .to(torch.ScalarType.Double);
  }

  private static Tensor stratified(long batch, Noise.OfBatch noise) {
    // In random order: which examples see an estimate must not depend on t.
    return noise.uniform(1).add(noise.permutation(batch)).div(new Scalar(batch));
  }

  /** How many examples, from the first on, see an estimate. */
  private long examplesWithEstimate(long batch, Noise.OfBatch noise) {
    return switch (selfConditioning) {
      case NONE -> 0;
      case COIN -> noise.uniform(1).item_float() < selfConditioningRate ? batch : 0;
      // Up or down at random where it is no whole number: 1 of 1 would mean always.
      case HALF_BATCH -> (long) (batch * selfConditioningRate + noise.uniform(1).item_float());
    };
  }

  private static Tensor standardDeviation(Tensor x) {
    var others = new long[(int) x.dim() - 1];
    Arrays.setAll(others, i -> i + 1);
    var mean = x.mean(others, true, new ScalarTypeOptional());
    return x.sub(mean)
        .square()
        .mean(others, true, new ScalarTypeOptional())
        .sqrt()
        .clamp_min_(new Scalar(1e-6)); // of an example of one bit it is 0
  }
}

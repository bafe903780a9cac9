package org.bitdiffusion.training;

import java.util.List;
import java.util.Optional;
import java.util.function.IntPredicate;
import org.bitdiffusion.ConfigurationException;
import org.bitdiffusion.Seed;
import org.bitdiffusion.codec.CodeWords.Margin;
import org.bitdiffusion.config.RunConfig;
import org.bitdiffusion.data.Condition;
import org.bitdiffusion.data.Given;
import org.bitdiffusion.diffusion.Objective;
import org.bitdiffusion.model.DiffusionModel;
import org.bitdiffusion.model.Model;
import org.bitdiffusion.model.SampleRequest;
import org.bitdiffusion.model.Samples;
import org.bitdiffusion.nn.DenoisingNetwork;
import org.bitdiffusion.runtime.Noise;
import org.bitdiffusion.runtime.Tensors;
import org.bytedeco.javacpp.PointerScope;
import org.bytedeco.pytorch.NoGradGuard;
import org.bytedeco.pytorch.Tensor;

/**
 * The last thing that is learned, if {@code training.calibration_samples} asks for it: that sets of
 * values are about as frequent in samples as in the data. A network that has learned for minutes
 * errs a little at each step of sampling, and what it draws drifts to some values, although it was
 * given how frequent each is.
 *
 * <p>Samples are drawn as the run is configured, and the biases of the outputs moved by what the
 * {@link Raking} of these samples says: outputs are logarithms of what a set of codes is multiplied
 * by, {@link Margin}, so that a bias changes how frequent the set is. It is right for samples that
 * are drawn so; other samplers, steps and temperatures, and what is drawn given other values, may
 * drift differently. The first rounds move by all that the raking says, which is too little where
 * columns say the same and one of them is moved for all; each of the others less than the one
 * before (Robbins and Monro 1951), so that the chance of a round's samples is a part of a common
 * mean.
 */
final class Calibration {
  private static final int ROUNDS = 8;

  /** Of {@link Raking}: a set of fewer samples than this moves little. */
  private static final double PRIOR = 4;

  /** Few, as what is left is for the next samples. */
  private static final int RAKING_ROUNDS = 3;

  /** Of margins of a round's samples at most: all are held at once. */
  private static final int MOST_SETS = 1 << 24;

  private final DiffusionModel model;
  private final Tensor biases;
  private final List<Margin> margins;
  private final int samples;

  private Calibration(DiffusionModel model, Tensor biases, List<Margin> margins, int samples) {
    this.model = model;
    this.biases = biases;
    this.margins = margins;
    this.samples = samples;
  }

  /**
   * That of a model, which stays the caller's; empty where its configuration asks for none.
   *
   * @throws ConfigurationException if its network has no biases that could be moved
   */
  static Optional<Calibration> of(Model model) {
    var config = model.config();
    var samples = config.training().calibrationSamples();
    if (samples == 0) {
      return Optional.empty();
    }
    if (config.condition() == Condition.NONE
        && model instanceof DiffusionModel diffusion
        && diffusion.diffusion().objective() instanceof Objective.CodeWordPosterior posterior
        && model.network() instanceof DenoisingNetwork network) {
      var biases = network.outputBiases();
      if (biases.isPresent()) {
        return Optional.of(
            new Calibration(diffusion, biases.get(), posterior.words().margins(), samples));
      }
    }
    throw new ConfigurationException(
        "training.calibration_samples is %d; it needs diffusion.prediction code_words, no classes, and a network that adds a bias to each output, such as mlp; make it 0"
            .formatted(samples));
  }

  /**
   * Moves the biases that the model has at present.
   *
   * @param goesOn is told at each step of the sampler how many samples there are, of all rounds
   * @throws java.util.concurrent.CancellationException if it says no; some rounds may be done then
   */
  void run(IntPredicate goesOn) {
    var each = Math.max(1, Math.min(samples / ROUNDS, MOST_SETS / Math.max(1, margins.size())));
    for (var round = 0; round < ROUNDS; round++) {
      var seed = Seed.of(Seed.of(model.config().training().seed(), RunConfig.CALIBRATION), round);
      var before = round * each;
      move(draw(each, seed, some -> goesOn.test(before + some)), 1.0 / Math.max(1, round - 1));
    }
  }

  /** Which set of each margin samples are in, [margins, samples]. */
  private int[][] draw(int count, long seed, IntPredicate goesOn) {
    var config = model.config();
    var sets = new int[margins.size()][count];
    var request =
        new SampleRequest(config.sampling(), seed, 0, count, Given.NONE, Optional.empty());
    var done = new int[1];
    model.sampleAll(
        request,
        config.training().partSize(),
        at -> goesOn.test(done[0]),
        some -> {
          var codes = codes(some, Seed.of(seed, done[0]));
          var width = codes.length / some.count();
          for (var margin = 0; margin < sets.length; margin++) {
            for (var i = 0; i < some.count(); i++) {
              sets[margin][done[0] + i] = margins.get(margin).of(codes, i * width);
            }
          }
          done[0] += some.count();
        });
    return sets;
  }

  /**
   * Codes of samples, [N, D]: of a value that has several, one at random, as in the data. Those
   * that the sampler ended with would do as well, but decoding has taken them away.
   */
  private float[] codes(Samples samples, long seed) {
    try (var scope = new PointerScope();
        var noise = new Noise.OfBatch(seed, model.compute().newDevice())) {
      var symbols =
          Tensor.create(samples.symbols(), Tensors.shape(samples.count(), samples.space().shape()));
      return Tensors.floats(model.diffusion().codec().encode(symbols, noise));
    }
  }

  private void move(int[][] sets, double rate) {
    var shares = margins.stream().map(Margin::shares).toArray(double[][]::new);
    var logs = Raking.logFactors(sets, shares, PRIOR, RAKING_ROUNDS);
    try (var scope = new PointerScope();
        var noGrad = new NoGradGuard()) {
      var change = new float[Math.toIntExact(biases.numel())];
      for (var margin = 0; margin < logs.length; margin++) {
        for (var set = 0; set < logs[margin].length; set++) {
          logs[margin][set] *= rate;
        }
        margins.get(margin).add(logs[margin], change);
      }
      biases.add_(Tensor.create(change, change.length).to(biases.device(), biases.scalar_type()));
    }
  }
}

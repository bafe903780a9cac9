package org.bitdiffusion.modality.image;

import static org.bytedeco.pytorch.global.torch.cross_entropy_loss;

import java.util.function.BiConsumer;
import org.bitdiffusion.DataException;
import org.bitdiffusion.Seed;
import org.bitdiffusion.config.RunConfig;
import org.bitdiffusion.data.Batch;
import org.bitdiffusion.nn.ConvolutionCheck;
import org.bitdiffusion.runtime.Compute;
import org.bitdiffusion.runtime.Engine;
import org.bitdiffusion.training.Adam;
import org.bitdiffusion.training.Batches;
import org.bitdiffusion.training.DivergenceException;
import org.bytedeco.javacpp.PointerScope;
import org.bytedeco.pytorch.NoGradGuard;
import org.bytedeco.pytorch.Scalar;
import org.bytedeco.pytorch.Tensor;
import org.bytedeco.pytorch.global.torch;

/**
 * Trains a {@link SmallClassifier} on a labelled source: Adam with a learning rate that falls to 0.
 *
 * @param steps updates of the weights
 * @param batchSize images an update
 * @param learningRate of the first step
 * @param seed of weights and order
 */
public record ClassifierTraining(int steps, int batchSize, double learningRate, long seed) {
  /** Two minutes on two cores, of images of 32x32. */
  public static final ClassifierTraining DEFAULT = new ClassifierTraining(1500, 64, 0.002, 0);

  /**
   * Trains.
   *
   * @param progress gets each step's number and loss
   * @return the trained classifier, which the caller closes
   * @throws DataException if the source has less than two classes, an image has none, or images are
   *     too small
   */
  public SmallClassifier train(
      ImageSource source, Compute compute, BiConsumer<Integer, Double> progress) {
    var format = source.format();
    if (source.classes().size() < 2) {
      throw new DataException(
          source.name() + " has no classes to tell apart; a classifier needs two at least");
    }
    if (Math.min(format.height(), format.width()) < SmallClassifier.SMALLEST_SIDE) {
      throw new DataException(
          "%s: images are %dx%d; a classifier needs %d pixels a side at least"
              .formatted(
                  source.name(), format.width(), format.height(), SmallClassifier.SMALLEST_SIDE));
    }
    Engine.load();
    var weights = Seed.of(seed, RunConfig.WEIGHTS);
    var network = new SmallClassifier(source.classes().size(), compute, weights);
    try (var optimizer = new Adam(network.parameters(), 0.9, 0.999, 1e-8, 0);
        var batches = new Batches(source, batchSize, Seed.of(seed, RunConfig.ORDER), 0)) {
      ConvolutionCheck.ensureRight(network.convolutions(), compute);
      for (var step = 1; step <= steps; step++) {
        var loss = backward(network, batches.next(), format, source.name());
        if (!Double.isFinite(loss)) {
          throw new DivergenceException(
              "the classifier's loss is no finite number at step %d; try another seed"
                  .formatted(step));
        }
        optimizer.step(step, learningRate * (1 - (step - 1.0) / steps));
        try (var noGrad = new NoGradGuard()) {
          network.parameters().gradients().zero_();
        }
        progress.accept(step, loss);
      }
      return network;
    } catch (RuntimeException | Error e) {
      network.close();
      throw e;
    }
  }

  private static double backward(
      SmallClassifier network, Batch batch, ImageFormat format, String name) {
    for (var label : batch.given().labels()) {
      if (label < 0) {
        throw new DataException(name + ": an image has no class");
      }
    }
    try (var scope = new PointerScope()) {
      var logits = network.forward(images(batch.symbols(), format)).logits();
      var given = batch.given().labels();
      var labels = Tensor.create(given, given.length);
      var loss = cross_entropy_loss(logits, labels.to(logits.device(), torch.ScalarType.Long));
      loss.backward();
      return loss.item_float();
    }
  }

  /** Symbols [B, C, H, W] to red, green and blue [B, 3, H, W] in [0, 1]. */
  private static Tensor images(int[] symbols, ImageFormat format) {
    var count = symbols.length / format.symbols();
    return Tensor.create(format.rgb(symbols), false, count, 3, format.height(), format.width())
        .to(torch.ScalarType.Float)
        .div(new Scalar(255));
  }
}

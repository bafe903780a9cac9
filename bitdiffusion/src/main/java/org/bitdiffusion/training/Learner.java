package org.bitdiffusion.training;

import static org.bytedeco.pytorch.global.torch.manual_seed;

import java.util.LinkedHashMap;
import java.util.Map;
import java.util.function.Consumer;
import org.bitdiffusion.diffusion.BitDiffusion;
import org.bitdiffusion.nn.ConvolutionCheck;
import org.bitdiffusion.nn.Network;
import org.bitdiffusion.runtime.Compute;
import org.bitdiffusion.runtime.Scope;
import org.bitdiffusion.runtime.Seed;
import org.bytedeco.javacpp.PointerScope;
import org.bytedeco.pytorch.NoGradGuard;
import org.bytedeco.pytorch.Scalar;
import org.bytedeco.pytorch.Tensor;
import org.bytedeco.pytorch.global.torch;

/**
 * The weights of a run and the step that changes them. Owns the network, the optimizer's moments
 * and the moving average of the weights: close it.
 */
final class Learner implements AutoCloseable {
  private final RunConfig config;
  private final Compute compute;
  private final BitDiffusion diffusion;
  private final Network network;
  private final Adam optimizer;
  private final Tensor average;

  /**
   * Random weights.
   *
   * @throws org.bitdiffusion.ConfigurationException if the configuration fits no network
   */
  Learner(RunConfig config, Compute compute) {
    this.config = config;
    this.compute = compute;
    var training = config.training();
    diffusion = config.newDiffusion();
    network = config.newNetwork(diffusion, compute);
    ConvolutionCheck.ensureRight(network.convolutions(), compute);
    var parameters = network.parameters();
    optimizer =
        new Adam(
            parameters,
            training.beta1(),
            training.beta2(),
            training.epsilon(),
            training.weightDecay());
    average = Scope.owned(() -> parameters.values().clone());
  }

  Compute compute() {
    return compute;
  }

  /** The number of weights. */
  long parameters() {
    return network.parameters().count();
  }

  /**
   * @param gradientNorm before clipping
   */
  record StepResult(double loss, double gradientNorm) {
    boolean isFinite() {
      return Double.isFinite(loss) && Double.isFinite(gradientNorm);
    }
  }

  /**
   * One update of the weights, or none where the loss or the gradient is no finite number.
   *
   * @param step its number, from 1
   * @param batches gives as many as are accumulated
   */
  StepResult step(long step, Batches batches) {
    var training = config.training();
    manual_seed(Seed.of(training.seed(), RunConfig.NOISE, step));
    var loss = 0.0;
    for (var part = 0; part < training.accumulation(); part++) {
      loss += backward(batches.next()) / training.accumulation();
    }
    try (var scope = new PointerScope();
        var noGrad = new NoGradGuard()) {
      var parameters = network.parameters();
      var gradients = parameters.gradients();
      var result = new StepResult(loss, gradients.norm().item_float());
      if (!result.isFinite()) {
        return result;
      }
      if (training.gradientClip() > 0 && result.gradientNorm() > training.gradientClip()) {
        gradients.mul_(new Scalar(training.gradientClip() / result.gradientNorm()));
      }
      optimizer.step(step, config.learningRate(step));
      gradients.zero_();
      var decay = Math.min(training.emaDecay(), (1.0 + step) / (10.0 + step));
      average.lerp_(parameters.values(), new Scalar(1 - decay));
      return result;
    }
  }

  /** Adds the gradient of a batch's loss to the weights' gradients; returns the loss. */
  private double backward(Batches.Batch batch) {
    try (var scope = new PointerScope()) {
      var size = batch.labels().length;
      var shape = new long[config.example().shape().size() + 1];
      shape[0] = size;
      for (var i = 1; i < shape.length; i++) {
        shape[i] = config.example().shape().get(i - 1);
      }
      var symbols =
          Tensor.create(batch.symbols(), shape).to(compute.newDevice(), torch.ScalarType.Int);
      var loss = diffusion.loss(network, symbols, labels(batch));
      loss.div(new Scalar(config.training().accumulation())).backward();
      return loss.item_float();
    }
  }

  /** The labels [B], some of them dropped for classifier-free guidance; null without classes. */
  private Tensor labels(Batches.Batch batch) {
    if (!config.diffusion().conditional()) {
      return null;
    }
    var labels = Tensor.create(batch.labels(), batch.labels().length);
    var dropped = torch.rand(labels.numel()).lt(new Scalar(config.diffusion().labelDropout()));
    return labels
        .masked_fill(dropped, new Scalar(Model.ANY_CLASS))
        .to(compute.newDevice(), torch.ScalarType.Long);
  }

  /** What must be kept to continue, by file and by name. */
  Map<String, Map<String, Tensor>> tensors() {
    var tensors = new LinkedHashMap<String, Map<String, Tensor>>();
    tensors.put("model", network.parameters().byName());
    tensors.put("ema", network.parameters().named(average));
    tensors.put("optimizer", optimizer.state());
    return tensors;
  }

  /** Lends a model that draws with the moving average of the weights. */
  void withAverage(Consumer<Model> body) {
    try (var scope = new PointerScope();
        var noGrad = new NoGradGuard()) {
      var values = network.parameters().values();
      var trained = values.clone();
      values.copy_(average);
      try {
        body.accept(new Model(config, diffusion, network, compute));
      } finally {
        values.copy_(trained);
      }
    }
  }

  @Override
  public void close() {
    average.close();
    optimizer.close();
    network.close();
  }
}

package org.bitdiffusion.training;

import static org.bytedeco.pytorch.global.torch.manual_seed;

import java.util.LinkedHashMap;
import java.util.Map;
import java.util.function.Consumer;
import org.bitdiffusion.nn.Parameters;
import org.bitdiffusion.runtime.Compute;
import org.bitdiffusion.runtime.Scope;
import org.bitdiffusion.runtime.Seed;
import org.bytedeco.javacpp.PointerScope;
import org.bytedeco.pytorch.NoGradGuard;
import org.bytedeco.pytorch.Scalar;
import org.bytedeco.pytorch.Tensor;

/**
 * The weights of a run and the step that changes them. Owns the network, the optimizer's moments
 * and the moving average of the weights: close it.
 */
final class Learner implements AutoCloseable {
  private final Model model;
  private final Parameters parameters;
  private final Adam optimizer;
  private final Tensor average;

  /** The newest batch, or null. */
  private Batches.Batch last;

  /**
   * The weights that a new run begins with: random ones, and those of a pre-trained part.
   *
   * @throws org.bitdiffusion.ConfigurationException if the configuration fits no network
   * @throws org.bitdiffusion.DataException if the file of a pre-trained part does not fit
   */
  static Learner begin(RunConfig config, Compute compute) {
    return of(config, compute, Model::readPretrained);
  }

  /**
   * Random weights, to read a checkpoint into.
   *
   * @throws org.bitdiffusion.ConfigurationException if the configuration fits no network
   */
  static Learner create(RunConfig config, Compute compute) {
    return of(config, compute, model -> {});
  }

  private static Learner of(RunConfig config, Compute compute, Consumer<Model> prepare) {
    var model = Model.create(config, compute);
    try {
      prepare.accept(model);
      return new Learner(model);
    } catch (RuntimeException | Error e) {
      model.close();
      throw e;
    }
  }

  private Learner(Model model) {
    this.model = model;
    var training = model.config().training();
    model.ensureRight();
    parameters = model.network().parameters();
    optimizer =
        new Adam(
            parameters,
            training.beta1(),
            training.beta2(),
            training.epsilon(),
            training.weightDecay());
    try {
      average = Scope.owned(() -> parameters.values().clone());
    } catch (RuntimeException | Error e) {
      optimizer.close();
      throw e;
    }
  }

  Model model() {
    return model;
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
    var config = model.config();
    var training = config.training();
    manual_seed(Seed.of(training.seed(), RunConfig.NOISE, step));
    try (var scope = new PointerScope()) {
      parameters.gradients().zero_(); // also of a step that was not finished
    }
    var loss = 0.0;
    for (var part = 0; part < training.accumulation(); part++) {
      last = batches.next();
      loss += model.backward(last, 1.0 / training.accumulation()) / training.accumulation();
    }
    try (var scope = new PointerScope();
        var noGrad = new NoGradGuard()) {
      var gradients = parameters.gradients();
      var result = new StepResult(loss, gradients.norm().item_float());
      if (!result.isFinite()) {
        return result;
      }
      if (training.gradientClip() > 0 && result.gradientNorm() > training.gradientClip()) {
        gradients.mul_(new Scalar(training.gradientClip() / result.gradientNorm()));
      }
      optimizer.step(step, config.learningRate(step));
      var decay = Math.min(training.emaDecay(), (1.0 + step) / (10.0 + step));
      average.lerp_(parameters.values(), new Scalar(1 - decay));
      return result;
    }
  }

  /**
   * Whether the weights give a finite loss: an update that was computed from one can ruin them.
   * Always true before the first step.
   */
  boolean isSound() {
    if (last == null) {
      return true;
    }
    try (var scope = new PointerScope();
        var noGrad = new NoGradGuard()) {
      manual_seed(Seed.of(model.config().training().seed(), RunConfig.NOISE, 0));
      return Double.isFinite(model.loss(last).item_float());
    }
  }

  /** What must be kept to continue, by file and by name. */
  Map<String, Map<String, Tensor>> tensors() {
    var tensors = new LinkedHashMap<String, Map<String, Tensor>>();
    tensors.put("model", parameters.byName());
    tensors.put("ema", parameters.named(average));
    tensors.put("optimizer", optimizer.state());
    return tensors;
  }

  /** Lends the model while its weights are their moving average. */
  void withAverage(Consumer<Model> body) {
    try (var scope = new PointerScope();
        var noGrad = new NoGradGuard()) {
      var values = parameters.values();
      var trained = values.clone();
      values.copy_(average);
      try {
        body.accept(model);
      } finally {
        values.copy_(trained);
      }
    }
  }

  @Override
  public void close() {
    average.close();
    optimizer.close();
    model.close();
  }
}

package org.bitdiffusion.training;

import java.util.LinkedHashMap;
import java.util.Map;
import java.util.Optional;
import java.util.concurrent.atomic.AtomicReference;
import java.util.function.Consumer;
import java.util.function.IntPredicate;
import org.bitdiffusion.ConfigurationException;
import org.bitdiffusion.config.RunConfig;
import org.bitdiffusion.data.Batch;
import org.bitdiffusion.model.Model;
import org.bitdiffusion.nn.Parameters;
import org.bitdiffusion.runtime.Compute;
import org.bitdiffusion.runtime.Engine;
import org.bitdiffusion.runtime.Group;
import org.bitdiffusion.runtime.Scope;
import org.bitdiffusion.runtime.Tensors;
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
  private final Model model;
  private final Parameters parameters;
  private final Adam optimizer;
  private final Tensor average;
  private final Optional<Calibration> calibration;

  /** The newest batch, or null. */
  private Batch last;

  /**
   * The weights that a new run begins with.
   *
   * @param weights gives them to the model; without, they are random, and those of a pre-trained
   *     part
   */
  static Learner begin(RunConfig config, Compute compute, Optional<Consumer<Model>> weights) {
    return of(config, compute, weights.orElse(model -> model.network().readPretrained()));
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
    parameters = model.network().parameters();
    requireMemory(parameters.count(), model.compute());
    calibration = Calibration.of(model); // complains
    model.ensureRight();
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

  /** Five numbers each: the weight, its gradient, its two moments and its average. */
  private static void requireMemory(long weights, Compute compute) {
    var bytes = Math.multiplyExact(5L * Float.BYTES, weights);
    if (compute.device() == torch.DeviceType.CPU && bytes > Engine.memory()) {
      throw new ConfigurationException(
          "training %,d weights takes %,d MB for them, their gradients, moments and average, but there are %,d MB of memory: take a smaller network (network.width and the like)"
              .formatted(weights, bytes >> 20, Engine.memory() >> 20));
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
   * One update of the weights, or none where the loss or the gradient is no finite number. The
   * members of a group each compute some parts of the batch, of which the loss is the weighted
   * mean.
   *
   * @param step its number, from 1
   * @param batches gives this member's parts
   */
  StepResult step(long step, Batches batches, Group group) {
    var result = new AtomicReference<StepResult>();
    withWeights(() -> result.set(update(step, batches, group)));
    return result.get();
  }

  /** Computes while nobody can close the weights, as who has been lent the model might. */
  void withWeights(Runnable body) {
    try (var use = model.use();
        var weights = parameters.use()) {
      body.run();
    }
  }

  private StepResult update(long step, Batches batches, Group group) {
    var config = model.config();
    var training = config.training();
    try (var scope = new PointerScope()) {
      parameters.gradients().zero_(); // also of a step that was not finished
    }
    var loss = 0.0;
    var weights = 0.0;
    for (var part = group.rank(); part < training.parts(); part += group.size()) {
      last = batches.next();
      try (var scope = new PointerScope();
          var noise = model.noise(step, part)) {
        var weight = model.weight(last);
        loss += weight * model.backward(last, weight, noise);
        weights += weight;
      }
    }
    group.sum(parameters.gradients());
    weights = sum(group, weights);
    loss = sum(group, loss) / weights;
    try (var scope = new PointerScope();
        var noGrad = new NoGradGuard()) {
      var gradients = parameters.gradients();
      gradients.div_(new Scalar(weights)); // the mean over the batch, whatever its parts
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

  /** The sum of all members' numbers. */
  private double sum(Group group, double mine) {
    try (var scope = new PointerScope()) {
      var sum = Tensor.create(mine).to(model.compute().newDevice(), torch.ScalarType.Double);
      group.sum(sum);
      return sum.item_double();
    }
  }

  /**
   * Whether the weights give a finite loss, as an update that was computed from one can ruin them,
   * and all that is kept can be read again. Always true before the first step.
   */
  boolean isSound() {
    if (last == null) {
      return true;
    }
    try (var scope = new PointerScope();
        var noise = model.noise(0, 0)) {
      return Double.isFinite(model.loss(last, noise))
          && Tensors.areWeights(parameters.values())
          && Tensors.areWeights(average)
          && optimizer.state().values().stream().allMatch(Tensors::areWeights);
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
    withWeights(() -> lendAverage(body));
  }

  /**
   * Moves biases of the moving average alone, after the last step. A longer training goes on with
   * the weights as they are, and an average that forgets this as it forgets all that was before.
   *
   * @param goesOn is told how many samples there are, often
   * @throws java.util.concurrent.CancellationException if it says no; nothing is moved then
   */
  void calibrate(IntPredicate goesOn) {
    calibration.ifPresent(
        own ->
            withAverage(
                model -> {
                  own.run(goesOn);
                  average.copy_(parameters.values());
                }));
  }

  private void lendAverage(Consumer<Model> body) {
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

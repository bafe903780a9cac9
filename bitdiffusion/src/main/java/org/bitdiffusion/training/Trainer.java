package org.bitdiffusion.training;

import static org.bytedeco.pytorch.global.torch.manual_seed;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.LinkedHashMap;
import java.util.Map;
import java.util.function.BooleanSupplier;
import org.bitdiffusion.ConfigurationException;
import org.bitdiffusion.DataException;
import org.bitdiffusion.data.DataSource;
import org.bitdiffusion.diffusion.BitDiffusion;
import org.bitdiffusion.nn.ConvolutionCheck;
import org.bitdiffusion.nn.Network;
import org.bitdiffusion.runtime.Compute;
import org.bitdiffusion.runtime.Scope;
import org.bitdiffusion.runtime.Seed;
import org.bytedeco.javacpp.PointerScope;
import org.bytedeco.pytorch.Device;
import org.bytedeco.pytorch.NoGradGuard;
import org.bytedeco.pytorch.Scalar;
import org.bytedeco.pytorch.Tensor;
import org.bytedeco.pytorch.global.torch;

/**
 * Trains a network in a run folder. All randomness of a step is a function of the run's seed and
 * the step's number, so a run that was cut off continues as if it had not been.
 *
 * <p>Owns the network, the optimizer's moments and the moving average: close it.
 */
public final class Trainer implements AutoCloseable {
  /** What happens during a run. All methods are called on the training thread. */
  public interface Listener {
    /** Training begins, after so many steps of an earlier run. */
    default void onStart(long done) {}

    /** A line was added to metrics.jsonl. */
    default void onLog(Metrics metrics) {}

    /**
     * A checkpoint was written.
     *
     * @param model draws from the moving average, during the call
     * @param stopped whether {@link Trainer#stop} was called meanwhile; long work should end then
     */
    default void onCheckpoint(long step, Model model, BooleanSupplier stopped) {}

    /** Training has ended, also by an exception. */
    default void onEnd() {}
  }

  /**
   * A line of metrics.jsonl: means over the steps since the line before.
   *
   * @param gradNorm norm of the gradient, before clipping
   * @param memoryMb resident memory of the process, 0 where the system does not say
   */
  public record Metrics(
      long step,
      double loss,
      double gradNorm,
      double learningRate,
      double imagesPerSecond,
      double memoryMb) {}

  private final RunConfig config;
  private final RunFolder folder;
  private final Listener listener;
  private final Compute compute;
  private final Device device;
  private final BitDiffusion diffusion;
  private final Network network;
  private final Adam optimizer;
  private final Tensor average;
  private final Batches batches;
  private long done;
  private long saved;
  private volatile boolean stopped;

  /**
   * A new run.
   *
   * @param source the data; the caller closes it after the trainer
   * @throws org.bitdiffusion.ConfigurationException if the folder is not empty, or the
   *     configuration does not fit the data
   */
  public static Trainer start(RunConfig config, DataSource source, Path path, Listener listener) {
    return start(config, source, path, Compute.choose(config.training().precision()), listener);
  }

  /** A new run that computes in a given way. */
  public static Trainer start(
      RunConfig config, DataSource source, Path path, Compute compute, Listener listener) {
    var resolved = config.forData(source);
    resolved.newDiffusion(); // fails before anything is written where it does not fit the data
    return new Trainer(resolved, source, RunFolder.create(path, resolved), 0, compute, listener);
  }

  /**
   * Continues a run after its newest checkpoint, or from the start where it has none.
   *
   * @param config the run's own, perhaps with another number of steps
   * @throws DataException if the checkpoint is damaged or belongs to another network
   */
  public static Trainer resume(
      RunConfig config, DataSource source, RunFolder folder, Listener listener) {
    var checkpoint = folder.newest();
    var step = checkpoint.map(c -> RunFolder.state(c).path("step").asLong(-1)).orElse(0L);
    if (step < 0) {
      throw new DataException(checkpoint.get() + " is damaged: state.json names no step");
    }
    var compute = Compute.choose(config.training().precision());
    var before = folder.config(Map.of());
    if (!config.codec().equals(before.codec())
        || !config.diffusion().equals(before.diffusion())
        || !config.network().equals(before.network())) {
      throw new ConfigurationException(
          "settings of codec, diffusion and network cannot change in the middle of a run; "
              + folder.path()
              + "/config.yaml has those it began with");
    }
    var resolved = config.forData(source);
    if (config.example() != null && !resolved.example().equals(config.example())) {
      throw new ConfigurationException(
          "the data %s is not what %s was trained on: shape, categories, classes or palette differ"
              .formatted(source.name(), folder.path()));
    }
    var trainer = new Trainer(resolved, source, folder, step, compute, listener);
    try (var scope = new PointerScope()) {
      checkpoint.ifPresent(
          path ->
              trainer
                  .content()
                  .tensors()
                  .forEach(
                      (name, tensors) ->
                          Safetensors.read(path.resolve(name + ".safetensors"), tensors)));
      folder.forgetMetricsAfter(step);
      folder.keep(resolved);
      return trainer;
    } catch (RuntimeException e) {
      trainer.close();
      throw e;
    }
  }

  private Trainer(
      RunConfig config,
      DataSource source,
      RunFolder folder,
      long done,
      Compute compute,
      Listener listener) {
    this.config = config;
    this.folder = folder;
    this.listener = listener;
    this.done = done;
    this.saved = done;
    var training = config.training();
    this.compute = compute;
    device = compute.newDevice();
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
    batches =
        new Batches(
            source,
            training.batchSize() / training.accumulation(),
            training.flip(),
            Seed.of(training.seed(), RunConfig.ORDER),
            done * training.accumulation());
  }

  /** The configuration with what the data added. */
  public RunConfig config() {
    return config;
  }

  /** The run's folder. */
  public RunFolder folder() {
    return folder;
  }

  /** How the network computes. */
  public Compute compute() {
    return compute;
  }

  /** The number of weights. */
  public long parameters() {
    return network.parameters().count();
  }

  /** Steps that are behind. */
  public long done() {
    return done;
  }

  /** Asks {@link #run} to save and return after the current step; callable from any thread. */
  public void stop() {
    stopped = true;
  }

  /**
   * Trains until the configured number of steps, or until {@link #stop}, and writes a checkpoint at
   * the end.
   *
   * @throws DivergenceException if the loss is no number any more; nothing is saved then
   * @throws DataException if data cannot be read or a file cannot be written
   */
  public void run() {
    var training = config.training();
    listener.onStart(done);
    try {
      var interval = new Interval();
      while (done < training.steps() && !stopped) {
        var step = done + 1;
        interval.add(step(step));
        done = step;
        if (step % training.logEvery() == 0 || step == training.steps()) {
          log(interval.metrics(step));
          interval = new Interval();
        }
        if (step % training.checkpointEvery() == 0 || step == training.steps()) {
          var pause = System.nanoTime();
          save();
          show();
          interval.skip(System.nanoTime() - pause);
        }
      }
      if (saved < done) {
        save();
      }
    } finally {
      listener.onEnd();
    }
  }

  private record StepResult(double loss, double gradientNorm) {}

  /** One update of the weights. */
  private StepResult step(long step) {
    var training = config.training();
    manual_seed(Seed.of(training.seed(), RunConfig.NOISE, step));
    var parameters = network.parameters();
    var loss = 0.0;
    for (var part = 0; part < training.accumulation(); part++) {
      loss += backward(batches.next()) / training.accumulation();
    }
    try (var scope = new PointerScope();
        var noGrad = new NoGradGuard()) {
      var gradients = parameters.gradients();
      var norm = (double) gradients.norm().item_float();
      if (!Double.isFinite(loss) || !Double.isFinite(norm)) {
        throw diverged(step, Double.isFinite(loss) ? "gradient" : "loss");
      }
      if (training.gradientClip() > 0 && norm > training.gradientClip()) {
        gradients.mul_(new Scalar(training.gradientClip() / norm));
      }
      optimizer.step(step, config.learningRate(step));
      gradients.zero_();
      var decay = Math.min(training.emaDecay(), (1.0 + step) / (10.0 + step));
      average.lerp_(parameters.values(), new Scalar(1 - decay));
      return new StepResult(loss, norm);
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
      var symbols = Tensor.create(batch.symbols(), shape).to(device, torch.ScalarType.Int);
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
    return labels.masked_fill(dropped, new Scalar(-1)).to(device, torch.ScalarType.Long);
  }

  private DivergenceException diverged(long step, String what) {
    return new DivergenceException(
        "the %s is no finite number at step %d; %s. A smaller learning rate may help: %s"
            .formatted(
                what,
                step,
                folder
                    .newest()
                    .map(c -> "the last good checkpoint is " + c)
                    .orElse("there is no checkpoint yet"),
                (folder.newest().isPresent() ? "--resume " : "a new run with ")
                    + "--set training.learning_rate="
                    + config.training().learningRate() / 2));
  }

  private void log(Metrics metrics) {
    folder.log(metrics);
    listener.onLog(metrics);
  }

  private void save() {
    try (var scope = new PointerScope()) {
      folder.save(done, content(), config.training().keepCheckpoints());
    }
    saved = done;
  }

  /** Lets the listener draw from the moving average. */
  private void show() {
    var model = new Model(config, diffusion, network, device);
    withAverage(() -> listener.onCheckpoint(done, model, () -> stopped));
  }

  private RunFolder.Content content() {
    var tensors = new LinkedHashMap<String, Map<String, Tensor>>();
    tensors.put("model", network.parameters().byName());
    tensors.put("ema", network.parameters().named(average));
    tensors.put("optimizer", optimizer.state());
    var state = new LinkedHashMap<String, Object>();
    state.put("format", 1);
    state.put("step", done);
    state.put("bit_order", "most significant first");
    return new RunFolder.Content(tensors, state);
  }

  /** Runs something while the network has the weights' moving average. */
  private void withAverage(Runnable body) {
    try (var scope = new PointerScope();
        var noGrad = new NoGradGuard()) {
      var values = network.parameters().values();
      var trained = values.clone();
      values.copy_(average);
      try {
        body.run();
      } finally {
        values.copy_(trained);
      }
    }
  }

  /** Means over the steps between two lines of the log. */
  private final class Interval {
    private long start = System.nanoTime();
    private int steps;
    private double loss;
    private double norm;

    void add(StepResult result) {
      steps++;
      loss += result.loss();
      norm += result.gradientNorm();
    }

    /** Leaves time out that was not spent on training. */
    void skip(long nanoseconds) {
      start += nanoseconds;
    }

    Metrics metrics(long step) {
      var seconds = (System.nanoTime() - start) / 1e9;
      return new Metrics(
          step,
          loss / steps,
          norm / steps,
          config.learningRate(step),
          steps * config.training().batchSize() / seconds,
          residentMemory());
    }
  }

  /** Resident memory in MB, or 0 where the system does not say. */
  private static double residentMemory() {
    try (var lines = Files.lines(Path.of("/proc/self/status"))) {
      return lines
          .filter(line -> line.startsWith("VmRSS:"))
          .mapToDouble(line -> Double.parseDouble(line.replaceAll("\\D", "")) / 1024)
          .findFirst()
          .orElse(0);
    } catch (IOException e) {
      return 0; // not Linux
    }
  }

  @Override
  public void close() {
    batches.close();
    average.close();
    optimizer.close();
    network.close();
  }
}

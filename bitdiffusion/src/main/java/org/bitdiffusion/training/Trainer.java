package org.bitdiffusion.training;

import java.nio.file.Path;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.OptionalDouble;
import java.util.concurrent.CancellationException;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.CompletionException;
import java.util.concurrent.atomic.AtomicBoolean;
import java.util.concurrent.atomic.AtomicReference;
import java.util.function.BooleanSupplier;
import java.util.function.Consumer;
import org.bitdiffusion.ConfigurationException;
import org.bitdiffusion.DataException;
import org.bitdiffusion.Seed;
import org.bitdiffusion.config.RunConfig;
import org.bitdiffusion.data.DataSource;
import org.bitdiffusion.model.Model;
import org.bitdiffusion.runtime.Compute;
import org.bitdiffusion.runtime.Engine;
import org.bitdiffusion.runtime.Group;
import org.bitdiffusion.runtime.Lifetime;
import org.bitdiffusion.runtime.ResidentMemory;
import org.bitdiffusion.storage.Checkpoints;
import org.bitdiffusion.storage.Metrics;
import org.bitdiffusion.storage.RunFolder;
import org.bitdiffusion.storage.Stretch;
import org.bytedeco.javacpp.PointerScope;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * Trains a network in a run folder. All randomness of a step is a function of the run's seed and
 * the step's number, so a run that was cut off continues as if it had not been.
 *
 * <p>Owns the weights and the run folder's lock: close it. Closing while another thread {@link #run
 * trains} asks it to stop, and waits until it has saved and returned.
 */
public final class Trainer implements AutoCloseable {
  /** What happens during a run. All methods are called on the training thread. */
  public interface Listener {
    /** Training begins. */
    default void onStart(Trainer trainer) {}

    /**
     * A line was added to metrics.jsonl; at a checkpoint that is measured, after it was written.
     */
    default void onLog(Metrics metrics) {}

    /**
     * A checkpoint was written.
     *
     * @param model draws from the moving average, during the call; the trainer closes it
     * @param stopped whether {@link Trainer#stop} was called meanwhile; long work should end then
     */
    default void onCheckpoint(long step, Model model, BooleanSupplier stopped) {}

    /** The last step is saved, and some of {@code training.calibration_samples} are drawn. */
    default void onCalibration(int drawn, int of) {}

    /** Training has ended, also by an exception. */
    default void onEnd() {}
  }

  /**
   * Steps after which free memory goes back to the system: between them, the allocator's heap grows
   * by what lies between long-lived pieces.
   */
  private static final int RELEASE_EVERY = 100;

  private static final Logger LOGGER = LoggerFactory.getLogger(Trainer.class);

  private final Lifetime lifetime = new Lifetime("the trainer");
  private final AtomicBoolean running = new AtomicBoolean();
  private final RunConfig config;
  private final Learner learner;
  private final RunFolder folder;
  private final RunFolder.Lock lock;
  private final DataSource source;
  private final Group group;
  private final List<Measure> measures;
  private final Listener listener;
  private final boolean isNew;
  private Batches batches;
  private long done;
  private long saved;
  private long measured; // the first step that this process measures
  private Interval interval;
  private volatile boolean stopped;
  private boolean interrupted; // the training thread's

  /**
   * A new run.
   *
   * @param config with its {@link RunConfig#forData schema}
   * @param source the data as it is trained on, with its random changes; the caller closes it after
   *     the trainer
   * @param weights gives the model those that it begins with, which are written as the checkpoint
   *     of step 0; without, they are random, and written when some steps are done
   * @param measures that are taken at each checkpoint, of which the last one says which is the
   *     best; the trainer closes them
   * @throws ConfigurationException if the folder is not empty, or the configuration makes no
   *     network; nothing is written then
   */
  public static Trainer start(
      RunConfig config,
      DataSource source,
      Path path,
      Compute compute,
      Group group,
      Optional<Consumer<Model>> weights,
      List<Measure> measures,
      Listener listener) {
    RunFolder.requireFree(path);
    var learner = Learner.begin(config, compute, weights);
    try {
      var batches = batches(config, source, 0, group); // before anything is written
      try {
        var folder = RunFolder.create(path);
        var lock = folder.lock();
        try {
          RunFolder.requireFree(path); // another training may have been here before the lock
          begin(folder, config, source);
          var beginning =
              new Beginning(true, 0, weights.isPresent() ? -1 : 0, Checkpoints.Unlogged.NONE);
          return new Trainer(
              config, source, learner, folder, lock, batches, beginning, group, measures, listener);
        } catch (RuntimeException | Error e) {
          lock.close();
          throw e;
        }
      } catch (RuntimeException | Error e) {
        batches.close();
        throw e;
      }
    } catch (RuntimeException | Error e) {
      learner.close();
      throw e;
    }
  }

  /** Writes what a run is known by, all or nothing. */
  private static void begin(RunFolder folder, RunConfig config, DataSource source) {
    try {
      source.keep(folder.path());
      folder.keep(config);
    } catch (RuntimeException | Error e) {
      folder.abandon();
      throw e;
    }
  }

  /**
   * Continues a run after its newest checkpoint, or from the start where it has none.
   *
   * @param config the run's own with its schema, perhaps with another number of steps
   * @param source the data as it is trained on, with its random changes; the caller closes it after
   *     the trainer
   * @param weights of a run that has no checkpoint yet, as in {@link #start}
   * @param measures that are taken at each checkpoint, of which the last one says which is the
   *     best; the trainer closes them
   * @throws DataException if the checkpoint is damaged or belongs to another network
   * @throws ConfigurationException if another process trains the run
   */
  public static Trainer resume(
      RunConfig config,
      DataSource source,
      RunFolder folder,
      Compute compute,
      Group group,
      Optional<Consumer<Model>> weights,
      List<Measure> measures,
      Listener listener) {
    var lock = folder.lock(); // before the newest checkpoint is looked for
    try {
      var checkpoint = folder.checkpoints().newest();
      var learner =
          checkpoint.isPresent()
              ? Learner.create(config, compute)
              : Learner.begin(config, compute, weights);
      try {
        var step = 0L;
        var unlogged = Checkpoints.Unlogged.NONE;
        if (checkpoint.isPresent()) {
          try (var scope = new PointerScope()) {
            var state = folder.checkpoints().read(checkpoint.get(), learner.tensors());
            step = state.step();
            unlogged = state.unlogged() == null ? unlogged : state.unlogged();
          }
        }
        var batches = batches(config, source, step, group); // before anything is written
        try {
          folder.forgetAfter(step);
          if (isLogged(folder, step)) {
            unlogged = Checkpoints.Unlogged.NONE; // the checkpoint was written before the line
          }
          if (step < config.training().steps()) { // else nothing is done, and nothing changes
            folder.keep(config);
          }
          var isGiven = checkpoint.isEmpty() && weights.isPresent();
          var beginning = new Beginning(false, step, isGiven ? -1 : step, unlogged);
          return new Trainer(
              config, source, learner, folder, lock, batches, beginning, group, measures, listener);
        } catch (RuntimeException | Error e) {
          batches.close();
          throw e;
        }
      } catch (RuntimeException | Error e) {
        learner.close();
        throw e;
      }
    } catch (RuntimeException | Error e) {
      lock.close();
      throw e;
    }
  }

  private static boolean isLogged(RunFolder folder, long step) {
    var history = folder.history();
    return !history.isEmpty() && history.get(history.size() - 1).step() == step;
  }

  static Batches batches(RunConfig config, DataSource source, long done, Group group) {
    var training = config.training();
    if (training.parts() % group.size() != 0) {
      throw new ConfigurationException(
          "training.parts is %d; it must be a multiple of the %d processes"
              .formatted(training.parts(), group.size()));
    }
    return new Batches(
        source,
        training.partSize(),
        Seed.of(training.seed(), RunConfig.ORDER),
        done * training.parts(),
        group);
  }

  /**
   * Where a training stands when it begins.
   *
   * @param isNew whether its folder was made for it
   * @param done steps that are behind
   * @param saved the step of the newest checkpoint; -1 where the weights come from elsewhere and
   *     are to be written before the first step
   * @param unlogged steps since the newest line of the log
   */
  private record Beginning(boolean isNew, long done, long saved, Checkpoints.Unlogged unlogged) {}

  private Trainer(
      RunConfig config,
      DataSource source,
      Learner learner,
      RunFolder folder,
      RunFolder.Lock lock,
      Batches batches,
      Beginning beginning,
      Group group,
      List<Measure> measures,
      Listener listener) {
    this.config = config;
    this.source = source;
    this.group = group;
    this.measures = List.copyOf(measures);
    this.learner = learner;
    this.folder = folder;
    this.lock = lock;
    this.listener = listener;
    this.batches = batches;
    isNew = beginning.isNew();
    done = beginning.done();
    measured = done + 1;
    saved = beginning.saved();
    interval = new Interval(beginning.unlogged());
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
    return learner.model().compute();
  }

  /** The number of weights. */
  public long parameters() {
    return learner.model().network().parameters().count();
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
   * the end. An interrupt of the thread is like stop: what was learned is saved, and the thread is
   * still interrupted on return.
   *
   * @throws DivergenceException if the loss is no number any more; nothing is saved then
   * @throws DataException if data cannot be read, which saves what was learned before, or a file
   *     cannot be written
   * @throws IllegalStateException if the trainer is closed, or runs already
   */
  public void run() {
    if (!running.compareAndSet(false, true)) {
      throw new IllegalStateException("the trainer runs already");
    }
    try (var use = lifetime.use()) {
      trainOrAbandon();
    } finally {
      running.set(false);
      if (interrupted) {
        interrupted = false;
        Thread.currentThread().interrupt();
      }
    }
  }

  /**
   * Whether to end. Takes an interrupt off the thread until the end, as it would close the files
   * that listeners write.
   */
  private boolean ends() {
    interrupted |= Thread.interrupted();
    return stopped || interrupted;
  }

  /**
   * Writes files on a thread that nobody interrupts: an interrupt closes those that its thread
   * writes, whenever it comes.
   */
  private static void write(Runnable files) {
    try {
      CompletableFuture.runAsync(files).join(); // waits through an interrupt
    } catch (CompletionException e) {
      if (e.getCause() instanceof Error error) {
        throw error;
      }
      throw (RuntimeException) e.getCause(); // a Runnable throws no other
    }
  }

  private void trainOrAbandon() {
    try {
      train();
    } catch (RuntimeException | Error e) {
      if (isNew && done == 0 && folder.checkpoints().newest().isEmpty()) {
        folder.abandon(); // nothing is learned, and the next try may begin with other settings
      }
      throw e;
    }
  }

  private void train() {
    var training = config.training();
    if (done < training.steps()) {
      write(() -> folder.begin(Stretch.of(done + 1, compute())));
    }
    listener.onStart(this);
    interval = new Interval(interval.unlogged()); // from now on
    try {
      if (done == 0 && saved < 0) {
        save();
      }
      if (done > 0 && !measures.isEmpty()) {
        catchUp();
      }
      while (done < training.steps() && !group.any(ends())) {
        var step = done + 1;
        try {
          interval.add(step(step));
        } catch (CancellationException e) {
          // Interrupted before all of its data was there: nothing was learned of the parts that
          // were.
          batches.close();
          batches = batches(config, source, done, group);
          continue;
        }
        done = step;
        var isMeasured = isCheckpoint(step) && !measures.isEmpty();
        if (!isMeasured && (step % training.logEvery() == 0 || step == training.steps())) {
          log(line(step));
        }
        if (isCheckpoint(step)) {
          var line = isMeasured ? line(step) : null;
          var pause = System.nanoTime();
          save();
          if (step == training.steps() && calibrate()) {
            saved = -1; // over the one that is not calibrated
            save();
          }
          learner.withAverage(
              model -> {
                if (isMeasured) {
                  measure(line, model);
                }
                listener.onCheckpoint(step, model, this::ends);
              });
          if (isMeasured) {
            interval = new Interval(interval.unlogged()); // from now on
          } else {
            interval.skip(System.nanoTime() - pause);
          }
        }
        if (step % training.checkpointEvery() == 0 || step % RELEASE_EVERY == 0) {
          Engine.releaseFreeMemory();
        }
      }
      save();
    } finally {
      listener.onEnd();
    }
  }

  /** Whether it was done; what fails ends no training, as its checkpoint is written. */
  private boolean calibrate() {
    if (config.training().calibrationSamples() == 0) {
      return false;
    }
    String failure;
    try {
      learner.calibrate(
          drawn -> {
            listener.onCalibration(drawn, config.training().calibrationSamples());
            return !group.any(ends());
          });
      return true;
    } catch (CancellationException e) {
      failure = "it was stopped";
    } catch (DataException | ConfigurationException e) {
      failure = e.getMessage();
    }
    LOGGER.warn(
        "training.calibration_samples: {}; values are as frequent in samples as the network has learned, until a longer training ends",
        failure);
    return false;
  }

  private boolean isCheckpoint(long step) {
    return step % config.training().checkpointEvery() == 0 || step == config.training().steps();
  }

  /** What a process that ended after it had saved a checkpoint has not done of it. */
  private void catchUp() {
    if (isCheckpoint(done) && interval.unlogged().steps() > 0) {
      measured = done;
      var line = line(done);
      learner.withAverage(model -> measure(line, model));
      interval = new Interval(interval.unlogged()); // from now on
    }
    write(this::nameBest);
  }

  /**
   * Adds the measures to a line and logs it, which is what they are known by. Where they are
   * stopped, nothing is logged: the next process takes them.
   */
  private void measure(Metrics line, Model model) {
    var measured = new LinkedHashMap<String, Double>();
    try {
      for (var measure : measures) {
        measure(measure, model).ifPresent(value -> measured.put(measure.name(), value));
      }
    } catch (CancellationException e) {
      return;
    }
    log(line.with(measured));
    write(this::nameBest);
  }

  /** A measure that fails ends no training: its checkpoint is written, and is not the best one. */
  private OptionalDouble measure(Measure measure, Model model) {
    String failure;
    try {
      var value = measure.of(model, this::ends);
      if (Double.isFinite(value)) {
        return OptionalDouble.of(value);
      }
      failure = "it is " + value;
    } catch (DataException e) {
      failure = e.getMessage();
    }
    LOGGER.warn("step {} has no {}: {}", done, measure.name(), failure);
    return OptionalDouble.empty();
  }

  private void nameBest() {
    var decisive = measures.get(measures.size() - 1);
    var yardstick =
        new Checkpoints.Yardstick(
            decisive.name(), decisive.higherIsBetter(), decisive.way(learner.model()));
    folder.checkpoints().nameBest(folder.history(), yardstick, measured);
  }

  private Learner.StepResult step(long step) {
    try {
      var result = learner.step(step, batches, group);
      if (!result.isFinite()) {
        throw diverged(step, Double.isFinite(result.loss()) ? "gradient" : "loss");
      }
      return result;
    } catch (DataException e) {
      try {
        save();
      } catch (DataException | DivergenceException second) {
        e.addSuppressed(second);
      }
      throw e;
    }
  }

  private DivergenceException diverged(long step, String what) {
    var newest = folder.checkpoints().newest();
    return new DivergenceException(
        "the %s is no finite number at step %d; %s. A smaller learning rate may help: %s"
            .formatted(
                what,
                step,
                newest
                    .map(checkpoint -> "the last good checkpoint is " + checkpoint)
                    .orElse("there is no checkpoint yet"),
                (newest.isPresent() ? "resume" : "a new run")
                    + " with training.learning_rate="
                    + config.training().learningRate() / 2));
  }

  private Metrics line(long step) {
    var line = new AtomicReference<Metrics>();
    write(() -> line.set(interval.metrics(step))); // which reads a file
    return line.get();
  }

  private void log(Metrics line) {
    write(() -> folder.log(line));
    interval = new Interval(Checkpoints.Unlogged.NONE);
    listener.onLog(line);
  }

  /** Writes a checkpoint, unless there is one of this step. */
  private void save() {
    if (saved == done) {
      return;
    }
    learner.withWeights(
        () -> {
          if (!learner.isSound()) {
            throw diverged(done, "loss with the new weights");
          }
          try (var scope = new PointerScope()) {
            var tensors = learner.tensors();
            var keep = config.training().keepCheckpoints();
            write(() -> folder.checkpoints().save(done, interval.unlogged(), tensors, keep));
          }
        });
    saved = done;
  }

  /** Means over the steps between two lines of the log. */
  private final class Interval {
    private final int before; // steps of an earlier process, which count but took no time here
    private long start = System.nanoTime();
    private int steps;
    private double loss;
    private double norm;

    Interval(Checkpoints.Unlogged unlogged) {
      before = unlogged.steps();
      steps = unlogged.steps();
      loss = unlogged.loss();
      norm = unlogged.gradientNorm();
    }

    Checkpoints.Unlogged unlogged() {
      return new Checkpoints.Unlogged(steps, loss, norm);
    }

    void add(Learner.StepResult result) {
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
          (steps - before) * config.training().batchSize() / seconds,
          ResidentMemory.now().orElse(0) / 0x1p20,
          Map.of());
    }
  }

  /**
   * Stops the training of another thread, waits for its end, and frees.
   *
   * @throws IllegalStateException if called by a listener: {@link #stop} is for it
   */
  @Override
  public void close() {
    stop();
    lifetime.close(
        () -> {
          var reading = batches;
          try (lock;
              learner;
              reading) {
            measures.forEach(Measure::close);
          }
        });
  }
}

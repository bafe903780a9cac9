package org.bitdiffusion.cli;

import java.io.PrintWriter;
import java.lang.management.ManagementFactory;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import org.bitdiffusion.ConfigurationException;
import org.bitdiffusion.config.RunConfig;
import org.bitdiffusion.config.RunConfig.TrainingConfig;
import org.bitdiffusion.storage.Metrics;
import org.bitdiffusion.training.Trainer;

/**
 * Stops the first stretch of a training when its speed is known: within the warm-up, at which the
 * learning rate does not depend on the number of steps. The run that goes on from there is the same
 * as one that has its number of steps from the start.
 */
final class Pace extends TrainingProgress {
  /** Of the seconds that are left, what is used: no two minutes are alike. */
  static final double SAFE = 0.95;

  private final TrainingConfig training;
  private final double most;
  private final long start = System.nanoTime();
  private final List<Double> seconds = new ArrayList<>(); // of a step, in each line of the log
  private Trainer trainer;
  private boolean hasStopped;
  private long done;

  /**
   * @param most seconds of training in which its speed is measured
   */
  Pace(PrintWriter err, TrainingConfig training, double most) {
    super(err);
    this.training = training;
    this.most = most;
  }

  /**
   * Complains of a folder that is there, and of a time that is none or contradicts a number.
   *
   * @param minutes null if not given, as {@code steps}
   */
  static void requireRight(Path out, Double minutes, Long steps) {
    if (Files.exists(out)) {
      throw new ConfigurationException(
          out + " exists already; remove it, or name a new folder with --out");
    }
    requireRight(minutes, steps);
  }

  /** Complains of a time that is none or contradicts a number; null of what is not given. */
  static void requireRight(Double minutes, Object steps) {
    if (minutes != null && steps != null) {
      throw new ConfigurationException("--steps and --minutes say the same; give one of them");
    }
    if (minutes != null && !(minutes > 0 && minutes <= 1e6)) {
      throw new ConfigurationException("--minutes is " + minutes + "; it must be above 0");
    }
  }

  /**
   * Seconds until the time is up, which counts from the start of the process.
   *
   * @param minutes null for the usual ones
   */
  static double left(Double minutes) {
    var start = ManagementFactory.getRuntimeMXBean().getStartTime();
    var all = minutes == null ? 3 : minutes;
    return 60 * all - (System.currentTimeMillis() - start) / 1000.0;
  }

  @Override
  public void onStart(Trainer trainer) {
    this.trainer = trainer;
    super.onStart(trainer);
  }

  @Override
  public void onLog(Metrics metrics) {
    super.onLog(metrics);
    done = metrics.step();
    seconds.add(training.batchSize() / metrics.examplesPerSecond());
    if ((System.nanoTime() - start) / 1e9 > most
        || done + training.logEvery() > training.warmupSteps()) {
      hasStopped = true;
      trainer.stop();
    }
  }

  /** Whether it was this that stopped the training, and not its end or that of the process. */
  boolean hasStopped() {
    return hasStopped;
  }

  /** Of a step: the mean of the later half, as the first ones warm up. */
  double seconds() {
    return seconds.stream()
        .skip(seconds.size() / 2)
        .mapToDouble(Double::doubleValue)
        .average()
        .orElseThrow();
  }

  /** So many steps in all as fit into some more seconds. */
  long steps(double more) {
    return done + Math.max(1, (long) (more / seconds()));
  }

  /**
   * Seconds of {@code training.calibration_samples}: a pass of the network without a gradient takes
   * about a third of a step.
   */
  double afterTraining(RunConfig config) {
    var passes =
        (double) training.calibrationSamples()
            / training.batchSize()
            * config.sampling().evaluations();
    return passes / 3 * seconds();
  }

  /** Of the training that was measured. */
  double spent() {
    return done * seconds();
  }
}

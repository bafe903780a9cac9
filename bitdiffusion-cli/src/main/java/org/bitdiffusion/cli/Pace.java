package org.bitdiffusion.cli;

import java.io.PrintWriter;
import java.util.ArrayList;
import java.util.List;
import org.bitdiffusion.config.RunConfig.TrainingConfig;
import org.bitdiffusion.storage.Metrics;
import org.bitdiffusion.training.Trainer;

/**
 * Stops the first stretch of a training when its speed is known: within the warm-up, at which the
 * learning rate does not depend on the number of steps. The run that goes on from there is the same
 * as one that has its number of steps from the start.
 */
final class Pace extends TrainingProgress {
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

  /** So many steps in all as fit into some more seconds; not more than the preset has. */
  long steps(double more) {
    return Math.min(training.steps(), done + Math.max(1, (long) (more / seconds())));
  }
}

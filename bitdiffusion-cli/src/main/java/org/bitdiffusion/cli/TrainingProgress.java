package org.bitdiffusion.cli;

import java.io.PrintWriter;
import java.util.Locale;
import org.bitdiffusion.storage.Metrics;
import org.bitdiffusion.training.Trainer;

/** Shows step, loss, speed and time left of a training. */
class TrainingProgress implements Trainer.Listener {
  private final PrintWriter err;
  private Progress progress;

  TrainingProgress(PrintWriter err) {
    this.err = err;
  }

  @Override
  public void onStart(Trainer trainer) {
    var steps = trainer.config().training().steps();
    progress = new Progress("training", steps, trainer.done(), err);
  }

  @Override
  public void onLog(Metrics metrics) {
    progress.to(
        metrics.step(),
        String.format(
            Locale.ROOT,
            "loss %.4f  %.1f examples/s",
            metrics.loss(),
            metrics.examplesPerSecond()));
  }

  /** Tells what is done meanwhile. */
  void say(String what) {
    progress.say(what);
  }

  @Override
  public void onEnd() {
    progress.close();
  }
}

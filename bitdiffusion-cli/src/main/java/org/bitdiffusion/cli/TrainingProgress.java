package org.bitdiffusion.cli;

import java.io.PrintWriter;
import java.util.Locale;
import org.bitdiffusion.training.RunConfig;
import org.bitdiffusion.training.Trainer;

/** Shows step, loss, speed and time left of a training. */
class TrainingProgress implements Trainer.Listener {
  private final RunConfig config;
  private final PrintWriter err;
  private Progress progress;

  TrainingProgress(RunConfig config, PrintWriter err) {
    this.config = config;
    this.err = err;
  }

  @Override
  public void onStart(long done) {
    progress = new Progress("training", config.training().steps(), done, err);
  }

  @Override
  public void onLog(Trainer.Metrics metrics) {
    progress.to(
        metrics.step(),
        String.format(
            Locale.ROOT, "loss %.4f  %.1f images/s", metrics.loss(), metrics.imagesPerSecond()));
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

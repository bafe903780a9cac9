package org.bitdiffusion.cli;

import java.io.PrintWriter;
import java.util.Locale;
import java.util.Map;
import java.util.stream.Collectors;
import org.bitdiffusion.storage.Metrics;
import org.bitdiffusion.training.HeldOutLoss;
import org.bitdiffusion.training.Trainer;

/** Shows step, loss, speed and time left of a training. */
class TrainingProgress implements Trainer.Listener {
  private final PrintWriter err;
  private Progress progress;

  /** What was measured at the last checkpoint. */
  private Map<String, Double> measures = Map.of();

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
    if (!metrics.measures().isEmpty()) {
      measures = metrics.measures();
    }
    var measured =
        measures.entrySet().stream()
            .map(m -> String.format(Locale.ROOT, "  %s %.4g", name(m.getKey()), m.getValue()))
            .collect(Collectors.joining());
    progress.to(
        metrics.step(),
        String.format(
            Locale.ROOT,
            "loss %.4f%s%s",
            metrics.loss(),
            measured,
            metrics.examplesPerSecond() == 0
                ? "" // of steps that an earlier process has taken
                : String.format(Locale.ROOT, "  %.1f examples/s", metrics.examplesPerSecond())));
  }

  private static String name(String measure) {
    return measure.equals(HeldOutLoss.NAME) ? "held out" : measure;
  }

  @Override
  public void onCalibration(int drawn, int of) {
    meanwhile(
        "the last step is done; %d of %d samples are drawn to set frequencies right"
            .formatted(drawn, of));
  }

  /** Tells what is done meanwhile. */
  void say(String what) {
    progress.say(what);
  }

  /** Tells how far it is with that, now and then. */
  void meanwhile(String what) {
    progress.meanwhile(what);
  }

  @Override
  public void onEnd() {
    progress.close();
  }
}

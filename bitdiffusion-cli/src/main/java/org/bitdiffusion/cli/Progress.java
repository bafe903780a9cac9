package org.bitdiffusion.cli;

import java.io.PrintWriter;
import java.time.Duration;
import java.util.Locale;
import me.tongfei.progressbar.ProgressBar;
import me.tongfei.progressbar.ProgressBarBuilder;
import me.tongfei.progressbar.ProgressBarStyle;

/**
 * Shows how long work goes on: a bar on a terminal, and where there is none, a plain line every few
 * seconds.
 */
final class Progress implements AutoCloseable {
  private static final long BETWEEN_LINES = 10_000_000_000L;

  private final String task;
  private final long total;
  private final PrintWriter out;
  private final ProgressBar bar;
  private final long start = System.nanoTime();
  private final long first;
  private long lastLine = start - BETWEEN_LINES;

  /**
   * @param first steps that were done before, in an earlier run
   */
  Progress(String task, long total, long first, PrintWriter out) {
    this.task = task;
    this.total = total;
    this.first = first;
    this.out = out;
    bar =
        System.console() == null
            ? null
            : new ProgressBarBuilder()
                .setTaskName(task)
                .setInitialMax(total)
                .startsFrom(first, Duration.ZERO)
                .setStyle(ProgressBarStyle.ASCII)
                .setUpdateIntervalMillis(500)
                .build();
  }

  /** Moves on to a step; {@code detail} says what else is known, such as the loss. */
  void to(long step, String detail) {
    if (bar != null) {
      bar.setExtraMessage(detail);
      bar.stepTo(step);
      return;
    }
    var now = System.nanoTime();
    if (step < total && now - lastLine < BETWEEN_LINES) {
      return;
    }
    lastLine = now;
    var seconds = (now - start) / 1e9;
    var left = step == first ? 0 : (long) (seconds * (total - step) / (step - first));
    out.printf(
        Locale.ROOT,
        "%s %d/%d  %s  %d:%02d left%n",
        task,
        step,
        total,
        detail,
        left / 60,
        left % 60);
  }

  @Override
  public void close() {
    if (bar != null) {
      bar.close();
    }
  }
}

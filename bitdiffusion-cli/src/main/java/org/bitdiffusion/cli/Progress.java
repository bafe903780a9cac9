package org.bitdiffusion.cli;

import java.io.PrintWriter;
import java.time.Duration;
import java.util.Locale;
import java.util.function.LongSupplier;
import me.tongfei.progressbar.ProgressBar;
import me.tongfei.progressbar.ProgressBarBuilder;
import me.tongfei.progressbar.ProgressBarStyle;

/**
 * Shows how long work goes on: a bar on a terminal, and where there is none, a plain line every few
 * seconds. Writes to the standard error, so that the standard output holds results only.
 */
final class Progress implements AutoCloseable {
  /** Set by the launcher: Java 17 cannot tell whether the standard error is a terminal. */
  private static final boolean TERMINAL = Boolean.getBoolean("bitdiff.terminal");

  /** At most one plain line in this time, nanoseconds. */
  static final long BETWEEN_LINES = 10_000_000_000L;

  private final String task;
  private final long total;
  private final long first;
  private final PrintWriter err;
  private final LongSupplier clock;
  private final ProgressBar bar;
  private final long start;
  private long lastLine;

  /**
   * @param first steps that were done before, in an earlier run
   * @param err where plain lines go
   */
  Progress(String task, long total, long first, PrintWriter err) {
    this(task, total, first, err, System::nanoTime, TERMINAL ? bar(task, total, first) : null);
  }

  /** With a clock that counts nanoseconds. */
  Progress(
      String task, long total, long first, PrintWriter err, LongSupplier clock, ProgressBar bar) {
    this.task = task;
    this.total = total;
    this.first = first;
    this.err = err;
    this.clock = clock;
    this.bar = bar;
    start = clock.getAsLong();
    lastLine = start - BETWEEN_LINES;
  }

  private static ProgressBar bar(String task, long total, long first) {
    return new ProgressBarBuilder()
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
      bar.setExtraMessage(Visible.of(detail));
      bar.stepTo(step);
      return;
    }
    var now = clock.getAsLong();
    if (step < total && now - lastLine < BETWEEN_LINES) {
      return;
    }
    lastLine = now;
    err.printf(
        Locale.ROOT,
        "%s %d/%d  %s%s%n",
        task,
        step,
        total,
        detail,
        step > first && step < total ? "  " + left(now - start, step) + " left" : "");
  }

  /** Tells what is done between two steps. */
  void say(String what) {
    if (bar != null) {
      bar.setExtraMessage(Visible.of(what));
      bar.refresh();
    } else {
      err.println(what);
    }
  }

  /** Tells how far something is that takes long between two steps, now and then. */
  void meanwhile(String what) {
    var now = clock.getAsLong();
    if (bar != null || now - lastLine >= BETWEEN_LINES) {
      lastLine = now;
      say(what);
    }
  }

  /** Hours, minutes and seconds that the remaining steps take at the mean speed until now. */
  private String left(long nanoseconds, long step) {
    var seconds = Math.round(nanoseconds / 1e9 * (total - step) / (step - first));
    return seconds < 3600
        ? "%d:%02d".formatted(seconds / 60, seconds % 60)
        : "%d:%02d:%02d".formatted(seconds / 3600, seconds / 60 % 60, seconds % 60);
  }

  @Override
  public void close() {
    if (bar != null) {
      bar.close();
    }
  }
}

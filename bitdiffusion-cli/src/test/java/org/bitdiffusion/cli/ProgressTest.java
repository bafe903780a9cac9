package org.bitdiffusion.cli;

import static org.assertj.core.api.Assertions.assertThat;

import java.io.PrintWriter;
import java.io.StringWriter;
import java.util.concurrent.atomic.AtomicLong;
import org.junit.jupiter.api.Test;

class ProgressTest {
  private static final long SECOND = 1_000_000_000L;

  private final StringWriter lines = new StringWriter();
  private final AtomicLong clock = new AtomicLong(-5 * SECOND);

  private Progress progress(long total, long first) {
    return new Progress("training", total, first, new PrintWriter(lines), clock::get, null);
  }

  @Test
  void writesALineEveryTenSecondsAndOneAtTheEnd() {
    try (var progress = progress(300, 0)) {
      for (var step = 1; step <= 300; step++) {
        clock.addAndGet(SECOND / 10);
        progress.to(step, "loss " + step);
      }
    }
    assertThat(lines.toString().lines())
        .containsExactly(
            "training 1/300  loss 1  0:30 left",
            "training 101/300  loss 101  0:20 left",
            "training 201/300  loss 201  0:10 left",
            "training 300/300  loss 300");
  }

  @Test
  void stepsOfAnEarlierRunDoNotCountAsSpeed() {
    try (var progress = progress(10_100, 100)) {
      clock.addAndGet(SECOND);
      progress.to(101, "loss");
    }
    assertThat(lines.toString().strip()).isEqualTo("training 101/10100  loss  2:46:39 left");
  }

  /** As of samples at a checkpoint, which may take minutes. */
  @Test
  void tellsOfWhatTakesLongEveryTenSeconds() {
    try (var progress = progress(300, 0)) {
      progress.to(1, "loss");
      progress.say("draws");
      for (var i = 1; i <= 250; i++) {
        clock.addAndGet(SECOND / 10);
        progress.meanwhile("drawn " + i);
      }
    }
    assertThat(lines.toString().lines().skip(1)).containsExactly("draws", "drawn 100", "drawn 200");
  }
}

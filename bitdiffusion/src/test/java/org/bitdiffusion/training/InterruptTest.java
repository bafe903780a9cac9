package org.bitdiffusion.training;

import static org.assertj.core.api.Assertions.assertThat;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Map;
import java.util.concurrent.atomic.AtomicBoolean;
import java.util.concurrent.atomic.AtomicLong;
import java.util.concurrent.atomic.AtomicReference;
import java.util.function.BooleanSupplier;
import java.util.function.IntConsumer;
import org.bitdiffusion.Seed;
import org.bitdiffusion.config.RunConfig;
import org.bitdiffusion.data.DataSource;
import org.bitdiffusion.data.Schema;
import org.bitdiffusion.model.Model;
import org.bitdiffusion.run.Configs;
import org.bitdiffusion.run.Run;
import org.bitdiffusion.runtime.OneThread;
import org.bitdiffusion.storage.Metrics;
import org.bitdiffusion.storage.RunFolder;
import org.junit.jupiter.api.AfterAll;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.api.extension.ExtendWith;
import org.junit.jupiter.api.io.TempDir;

/** An interrupt of the training thread is like a stop, whenever it comes. */
@ExtendWith(OneThread.class)
@Timeout(300)
class InterruptTest {
  private static DataSource icons;

  @TempDir private Path folder;

  @BeforeAll
  static void open() {
    icons = Run.data(config());
  }

  @AfterAll
  static void close() {
    icons.close();
  }

  private static RunConfig config(String... changes) {
    return Configs.smallUNet(
        Map.of(
            "data", "icons,size=8,levels=4,subset=16",
            "training.batch_size", "4",
            "training.steps", "1000000",
            "training.log_every", "1",
            "training.checkpoint_every", "2"),
        changes);
  }

  /** What a training that was interrupted has come to. */
  private static final class Interrupted extends Thread {
    private final Trainer trainer;
    private final AtomicReference<Throwable> failure = new AtomicReference<>();
    private final AtomicBoolean flag = new AtomicBoolean();

    Interrupted(Trainer trainer) {
      this.trainer = trainer;
    }

    @Override
    public void run() {
      try {
        trainer.run();
      } catch (Throwable e) {
        failure.set(e);
      }
      flag.set(Thread.currentThread().isInterrupted());
    }

    void assertSaved(Path run) {
      assertThat(failure.get()).isNull();
      assertThat(flag).isTrue();
      var folder = RunFolder.open(run);
      assertThat(folder.checkpoints().done()).isEqualTo(trainer.done());
      var steps = folder.history().stream().mapToLong(Metrics::step).toArray();
      assertThat(steps).hasSize((int) trainer.done()); // no line is missing or cut off
    }
  }

  /** During a step, a line of the log, or a checkpoint: at any moment. */
  @Test
  void whatWasLearnedIsSavedAndTheThreadStaysInterrupted() throws Exception {
    for (var i = 0; i < 12; i++) {
      var run = folder.resolve("run" + i);
      var step = new AtomicLong();
      var listener =
          new Trainer.Listener() {
            @Override
            public void onLog(Metrics metrics) {
              step.set(metrics.step());
            }
          };
      try (var trainer = Run.start(config(), icons, run, listener)) {
        var training = new Interrupted(trainer);
        training.start();
        while (step.get() < 2) {
          Thread.onSpinWait();
        }
        Thread.sleep(3 * i);
        training.interrupt();
        training.join();
        training.assertSaved(run);
        assertThat(trainer.done()).isGreaterThanOrEqualTo(2);
      }
    }
  }

  /** A listener is told, and can still write. */
  @Test
  void aListenerIsToldToEnd() throws Exception {
    var run = folder.resolve("run");
    var told = new AtomicBoolean();
    var listener =
        new Trainer.Listener() {
          @Override
          public void onCheckpoint(long step, Model model, BooleanSupplier stopped) {
            Thread.currentThread().interrupt(); // as another thread might
            told.set(stopped.getAsBoolean() && !Thread.currentThread().isInterrupted());
          }
        };
    try (var trainer = Run.start(config(), icons, run, listener)) {
      var training = new Interrupted(trainer);
      training.start();
      training.join();
      training.assertSaved(run);
      assertThat(told).isTrue();
      assertThat(trainer.done()).isEqualTo(2);
    }
  }

  /** Icons that are waited for. */
  private static DataSource slow(IntConsumer beforeReading) {
    return new DataSource() {
      @Override
      public String name() {
        return icons.name();
      }

      @Override
      public Schema schema() {
        return icons.schema();
      }

      @Override
      public int size() {
        return icons.size();
      }

      @Override
      public void read(int index, int[] target, int offset) {
        beforeReading.accept(index);
        icons.read(index, target, offset);
      }
    };
  }

  /** Data that does not come does not keep it; what comes later is not skipped. */
  @Test
  void waitingForDataEnds() throws Exception {
    var run = folder.resolve("run");
    var blocked = new AtomicBoolean(true);
    var steps = new AtomicLong();
    var slow =
        slow(
            index -> {
              // Not before a step: which reader comes first is the system's choice.
              while (blocked.get() && steps.get() > 0 && !Thread.currentThread().isInterrupted()) {
                Thread.onSpinWait();
              }
            });
    var listener =
        new Trainer.Listener() {
          @Override
          public void onLog(Metrics metrics) {
            steps.set(metrics.step());
          }
        };
    try (var trainer = Run.start(config(), slow, run, listener)) {
      var training = new Interrupted(trainer);
      training.start();
      while (training.getState() != Thread.State.WAITING || trainer.done() < 1) {
        Thread.sleep(5);
      }
      training.interrupt();
      training.join();
      training.assertSaved(run);
      blocked.set(false);
      var before = trainer.done();
      var again = new Interrupted(trainer);
      again.start();
      while (trainer.done() < before + 2) {
        Thread.sleep(1);
      }
      again.interrupt();
      again.join();
      again.assertSaved(run);
    }
  }

  /** Interrupted between the parts of a batch, a training goes on as one that never was. */
  @Test
  void partsOfABatchAreLearnedFromOnceOnly() throws Exception {
    var config = config("training.parts=2");
    var order =
        Batches.permutation(16, Seed.of(Seed.of(config.training().seed(), RunConfig.ORDER), 0, 0));
    var missing = order[6]; // in the second part of the second step
    var blocked = new AtomicBoolean(true);
    var slow =
        slow(
            index -> {
              while (index == missing && blocked.get() && !Thread.currentThread().isInterrupted()) {
                Thread.onSpinWait();
              }
            });
    var run = folder.resolve("run");
    try (var trainer = Run.start(config, slow, run, untilStep(4))) {
      var training = new Interrupted(trainer);
      training.start();
      while (trainer.done() < 1) {
        Thread.sleep(1);
      }
      do {
        Thread.sleep(50);
      } while (training.getState() != Thread.State.WAITING);
      training.interrupt();
      training.join();
      training.assertSaved(run);
      assertThat(trainer.done()).isEqualTo(1);
      blocked.set(false);
      trainer.run();
      assertThat(trainer.done()).isEqualTo(4);
    }
    var other = folder.resolve("other");
    try (var trainer = Run.start(config, icons, other, untilStep(4))) {
      trainer.run();
    }
    assertThat(weights(run)).isEqualTo(weights(other));
  }

  private static byte[] weights(Path run) throws IOException {
    return Files.readAllBytes(
        RunFolder.open(run).checkpoints().requireNewest().resolve("model.safetensors"));
  }

  private static Trainer.Listener untilStep(long last) {
    return new Trainer.Listener() {
      private Trainer trainer;

      @Override
      public void onStart(Trainer trainer) {
        this.trainer = trainer;
      }

      @Override
      public void onLog(Metrics metrics) {
        if (metrics.step() == last) {
          trainer.stop();
        }
      }
    };
  }
}

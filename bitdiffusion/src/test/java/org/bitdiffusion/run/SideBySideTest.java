package org.bitdiffusion.run;

import static org.assertj.core.api.Assertions.assertThat;

import java.nio.file.Path;
import java.util.List;
import java.util.Map;
import java.util.concurrent.Executors;
import java.util.concurrent.atomic.AtomicBoolean;
import java.util.concurrent.atomic.AtomicInteger;
import org.bitdiffusion.config.RunConfig;
import org.bitdiffusion.data.DataSource;
import org.bitdiffusion.model.Model;
import org.bitdiffusion.runtime.Compute;
import org.bitdiffusion.runtime.OneThread;
import org.bitdiffusion.training.Trainer;
import org.bytedeco.pytorch.global.torch;
import org.junit.jupiter.api.AfterAll;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.extension.ExtendWith;
import org.junit.jupiter.api.io.TempDir;

/** What one process does at the same time is as if each were alone in it. */
@ExtendWith(OneThread.class)
class SideBySideTest {
  private static DataSource icons;

  @TempDir private Path folder;

  @BeforeAll
  static void open() {
    icons = Run.data(config(0.3));
  }

  @AfterAll
  static void close() {
    icons.close();
  }

  private static RunConfig config(double dropout, String... changes) {
    var settings =
        Map.of(
            "data", "icons,size=8,levels=4,subset=16",
            "modality.flip", "true",
            "training.batch_size", "8",
            "training.parts", "2",
            "training.steps", "30",
            "training.warmup_steps", "0",
            "training.learning_rate", "0.01",
            "network.dropout", Double.toString(dropout));
    return Configs.smallUNet(settings, changes);
  }

  private Path train(String name, RunConfig config) {
    var run = folder.resolve(name);
    try (var trainer = Run.start(config, icons, run, new Trainer.Listener() {})) {
      trainer.run();
    }
    return run;
  }

  /** Two trainings with dropout, and models that are made and checked meanwhile. */
  @Test
  void trainingsAndLoadsDoNotChangeEachOther() throws Exception {
    var alone = List.of(train("a", config(0.3)), train("b", config(0.5, "training.seed=7")));
    var threads = Executors.newFixedThreadPool(3);
    var ended = new AtomicBoolean();
    var loads = new AtomicInteger();
    try {
      var loading =
          threads.submit(
              () -> {
                while (!ended.get()) {
                  try (var model = Model.create(config(0).forData(icons), Compute.PLAIN)) {
                    model.ensureRight();
                    torch.manual_seed(loads.incrementAndGet()); // as another library might
                  }
                }
              });
      var first = threads.submit(() -> train("a2", config(0.3)));
      var second = threads.submit(() -> train("b2", config(0.5, "training.seed=7")));
      var together = List.of(first.get(), second.get());
      ended.set(true);
      loading.get();
      assertThat(loads.get()).isGreaterThan(3);
      for (var i = 0; i < 2; i++) {
        for (var file : List.of("model", "ema", "optimizer")) {
          var path = "checkpoints/step-00000030/" + file + ".safetensors";
          assertThat(together.get(i).resolve(path))
              .hasSameBinaryContentAs(alone.get(i).resolve(path));
        }
      }
    } finally {
      ended.set(true);
      threads.shutdownNow();
    }
  }
}

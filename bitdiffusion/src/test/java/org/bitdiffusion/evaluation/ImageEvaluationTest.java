package org.bitdiffusion.evaluation;

import static org.assertj.core.api.Assertions.assertThat;

import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Map;
import org.bitdiffusion.data.DataSources;
import org.bitdiffusion.data.DataSpec;
import org.bitdiffusion.sampling.SamplerConfig;
import org.bitdiffusion.training.ConfigReader;
import org.bitdiffusion.training.ImageModel;
import org.bitdiffusion.training.Trainer;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

class ImageEvaluationTest {
  private static final Map<String, String> SMALL =
      Map.of(
          "data", "icons,size=8,subset=40",
          "training.steps", "1",
          "training.batch_size", "4",
          "network.width", "8",
          "network.multipliers", "[1]",
          "network.blocks", "1",
          "network.attention", "[]");

  @TempDir private Path folder;

  /** What a program does that measures a run, twice: the second time nothing is drawn. */
  @Test
  void aRunIsMeasuredAndItsSamplesAreKept() {
    var run = folder.resolve("run");
    var config = ConfigReader.preset("icons", SMALL);
    try (var icons = DataSources.open(DataSpec.parse(config.data()))) {
      try (var trainer = Trainer.start(config, icons, run, new Trainer.Listener() {})) {
        trainer.run();
      }
      var read = new ArrayList<Integer>();
      var real = RealImages.of(icons, null, null, 0, read::add);
      assertThat(read).containsExactly(40);
      var sampling = new SamplerConfig(2, "ddim", 0, "previous", 0, 0, "", 0);
      try (var model = ImageModel.load(run, "float32")) {
        var first = new ImageEvaluation(run, model, sampling, 7, 10, 4);
        var drawn = new ArrayList<Integer>();
        var numbers = first.measure(real, drawn::add);
        assertThat(drawn).containsExactly(4, 8, 10);
        assertThat(first.found()).isZero();
        assertThat(first.folder()).isDirectoryContaining("glob:**samples-0000008-0000010*.npy");
        assertThat(numbers)
            .containsEntry("samples", 10)
            .containsEntry("seed", 7L)
            .containsEntry("network_evaluations_per_sample", 2);
        var again = new ImageEvaluation(run, model, sampling, 7, 10, 4);
        assertThat(again.measure(real, done -> {}))
            .containsEntry("pair_total_variation", numbers.get("pair_total_variation"));
        assertThat(again.found()).isEqualTo(10);
      }
    }
  }

  @Test
  void imagesAreTakenEvenlyFromASource() {
    try (var icons = DataSources.open(DataSpec.parse("icons,size=8,subset=40"))) {
      var size = icons.format().symbols();
      var some = ImageBatch.evenly(icons, 4, 1, 2); // of the images 0, 10, 20, 30
      assertThat(some.count()).isEqualTo(2);
      var expected = new int[2 * size];
      icons.read(10, expected, 0);
      icons.read(20, expected, size);
      assertThat(some.symbols()).isEqualTo(expected);
      assertThat(some.rgb()).hasSize(2 * 3 * size);
    }
  }
}

package org.bitdiffusion.evaluation;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Map;
import java.util.stream.IntStream;
import org.bitdiffusion.ConfigurationException;
import org.bitdiffusion.data.DataSources;
import org.bitdiffusion.data.DataSpec;
import org.bitdiffusion.data.Npy;
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
  void aRunIsMeasuredAndItsSamplesAreKept() throws IOException {
    var run = folder.resolve("run");
    var config = ConfigReader.preset("icons", SMALL);
    try (var icons = DataSources.open(DataSpec.parse(config.data()))) {
      try (var trainer = Trainer.start(config, icons, run, new Trainer.Listener() {})) {
        trainer.run();
      }
      var read = new ArrayList<Integer>();
      var real = RealImages.of(icons, read::add);
      assertThat(read).containsExactly(40);
      var sampling = new SamplerConfig(2, "ddim", 0, "previous", 0, 0, "", 0);
      try (var model = ImageModel.load(run, "float32")) {
        var first = new ImageEvaluation(run, model, sampling, 7, 70, 4);
        var drawn = new ArrayList<Integer>();
        var numbers = first.measure(real, drawn::add);
        assertThat(drawn).containsExactly(64, 70);
        assertThat(first.found()).isZero();
        assertThat(first.folder()).isDirectoryContaining("glob:**samples-0000064-0000070*.npy");
        assertThat(numbers)
            .containsEntry("samples", 70)
            .containsEntry("seed", 7L)
            .containsEntry("network_evaluations_per_sample", 2);
        // Also where another size of batches is asked for.
        var again = new ImageEvaluation(run, model, sampling, 7, 70, 500);
        assertThat(again.measure(real, done -> {}))
            .containsEntry("pair_total_variation", numbers.get("pair_total_variation"));
        assertThat(again.found()).isEqualTo(70);
        // Of one batch that holds both pieces come the same samples, up to rounding.
        var kept = samples(first.folder());
        assertThat(new ImageEvaluation(run, model, sampling, 7, 70, 500).measure(real, done -> {}))
            .containsKey("samples_per_second");
        var inOne = samples(first.folder());
        assertThat(inOne).hasSameSizeAs(kept);
        var different = IntStream.range(0, kept.length).filter(i -> kept[i] != inOne[i]).count();
        assertThat(different).isLessThan(kept.length / 100);
        assertThat(IntStream.of(kept).distinct().count()).isGreaterThan(1);
      }
    }
  }

  /** The symbols of all samples that are kept, which are removed. */
  private static int[] samples(Path folder) throws IOException {
    try (var files = Files.list(folder)) {
      var symbols = IntStream.empty();
      for (var file : files.sorted().toList()) {
        symbols = IntStream.concat(symbols, IntStream.of(Npy.read(file).values()));
        Files.delete(file);
      }
      return symbols.toArray();
    }
  }

  @Test
  void whatCannotBeMeasuredIsRefused() {
    var run = folder.resolve("run");
    var config = ConfigReader.preset("icons", SMALL);
    try (var icons = DataSources.open(DataSpec.parse(config.data()));
        var others = DataSources.open(DataSpec.parse("icons,size=12,subset=40"))) {
      try (var trainer = Trainer.start(config, icons, run, new Trainer.Listener() {})) {
        trainer.run();
      }
      var sampling = SamplerConfig.DEFAULT;
      try (var model = ImageModel.load(run, "float32")) {
        assertThatThrownBy(() -> new ImageEvaluation(run, model, sampling, 0, 0, 4))
            .isInstanceOf(IllegalArgumentException.class);
        assertThatThrownBy(() -> new ImageEvaluation(run, model, sampling, 0, 4, 0))
            .isInstanceOf(IllegalArgumentException.class);
        var evaluation = new ImageEvaluation(run, model, sampling, 0, 4, 4);
        var real = RealImages.of(others, done -> {});
        assertThatThrownBy(() -> evaluation.measure(real, done -> {}))
            .isInstanceOf(ConfigurationException.class)
            .hasMessageContaining("images are 12x12", "but the run's are 8x8");
        assertThatThrownBy(() -> evaluation.nearest(icons, others))
            .isInstanceOf(ConfigurationException.class);
        assertThat(evaluation.folder()).doesNotExist();
      }
    }
  }
}

package org.bitdiffusion;

import java.nio.file.Path;
import java.util.Map;
import org.bitdiffusion.data.DataSources;
import org.bitdiffusion.data.DataSpec;
import org.bitdiffusion.data.ImageGrid;
import org.bitdiffusion.sampling.Sampler;
import org.bitdiffusion.sampling.SamplerConfig;
import org.bitdiffusion.training.ConfigReader;
import org.bitdiffusion.training.ImageModel;
import org.bitdiffusion.training.Trainer;

/** Trains a model of icons in the folder of the first argument, and paints 16 samples. */
final class LibraryExample implements Trainer.Listener {
  public static void main(String[] args) {
    var run = Path.of(args[0]);
    var config = ConfigReader.preset("icons", Map.of("training.steps", args[1]));
    try (var icons = DataSources.open(DataSpec.parse(config.data()));
        var trainer = Trainer.start(config, icons, run, new LibraryExample())) {
      trainer.run();
    }
    try (var model = ImageModel.load(run, "auto")) {
      var options = SamplerConfig.DEFAULT;
      var samples = model.sample(options, 0, 0, 16, ImageModel.ANY_CLASS, Sampler.Listener.NONE);
      ImageGrid.write(run.resolve("icons.png"), samples.symbols(), model.format());
    }
  }

  @Override
  public void onLog(Trainer.Metrics metrics) {
    System.out.printf("step %d  loss %.4f%n", metrics.step(), metrics.loss());
  }
}

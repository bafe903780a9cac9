package org.bitdiffusion;

import java.nio.file.Path;
import java.util.Map;
import org.bitdiffusion.config.RunConfig;
import org.bitdiffusion.modality.SampleFile;
import org.bitdiffusion.run.ConfigReader;
import org.bitdiffusion.run.Run;
import org.bitdiffusion.sampling.Sampler;
import org.bitdiffusion.storage.Metrics;
import org.bitdiffusion.training.Trainer;

/** Trains a model of any kind of data, draws 16 samples and measures it. */
final class LibraryExample implements Trainer.Listener {
  /** Arguments: a new folder, a preset such as icons, and a number of steps. */
  public static void main(String[] args) {
    train(Path.of(args[0]), ConfigReader.preset(args[1], Map.of("training.steps", args[2])));
  }

  /** Returns the samples as a file's bytes, such as an answer over HTTP. */
  static byte[] train(Path folder, RunConfig config) {
    try (var source = Run.data(config)) {
      try (var trainer = Run.start(config, source, folder, new LibraryExample())) {
        trainer.run();
      }
      var run = Run.open(folder);
      try (var model = run.model("auto");
          var renderer = run.renderer()) {
        var request = Run.preview(run.config(), source, 16); // of images, where it needs some
        var samples = model.sample(request, Sampler.Listener.NONE);
        var file = folder.resolve("samples" + renderer.endings().get(0)); // of images, .png
        SampleFile.write(file, renderer, samples);
        System.out.println(run.evaluate(model, source, 16));
        return renderer.picture(samples);
      }
    }
  }

  @Override
  public void onLog(Metrics metrics) {
    System.out.printf("step %d  loss %.4f%n", metrics.step(), metrics.loss());
  }
}

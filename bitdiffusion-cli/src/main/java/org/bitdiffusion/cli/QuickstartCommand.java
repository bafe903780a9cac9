package org.bitdiffusion.cli;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Map;
import java.util.concurrent.Callable;
import org.bitdiffusion.ConfigurationException;
import org.bitdiffusion.data.DataSources;
import org.bitdiffusion.data.DataSpec;
import org.bitdiffusion.data.ImageGrid;
import org.bitdiffusion.training.ConfigReader;
import org.bitdiffusion.training.ImageModel;
import org.bitdiffusion.training.Trainer;
import picocli.CommandLine.Command;
import picocli.CommandLine.Model.CommandSpec;
import picocli.CommandLine.Option;
import picocli.CommandLine.Spec;

@Command(
    name = "quickstart",
    description = "Trains on icons for three to fifteen minutes on two cores, and draws samples.")
final class QuickstartCommand implements Callable<Integer> {
  private static final int SAMPLES = 64;

  @Spec private CommandSpec spec;

  @Option(
      names = "--out",
      paramLabel = "DIR",
      defaultValue = "runs/quickstart",
      description = "A new folder for the run and the pictures (default ${DEFAULT-VALUE}).")
  private Path out;

  @Option(
      names = "--steps",
      paramLabel = "N",
      description = "Steps of training, if not the preset's.")
  private Long steps;

  @Override
  public Integer call() throws IOException {
    if (Files.exists(out)) {
      throw new ConfigurationException(
          out + " exists already; remove it, or name a new folder with --out");
    }
    var writer = spec.commandLine().getOut();
    var config =
        ConfigReader.preset(
            "icons", steps == null ? Map.of() : Map.of("training.steps", steps.toString()));
    try (var source = DataSources.open(DataSpec.parse(config.data()))) {
      writer.printf("trains on %d icons (%s) in %s%n", source.size(), source.name(), out);
      var progress = new TrainingProgress(config, spec.commandLine().getErr());
      try (var trainer = Trainer.start(config, source, out, progress)) {
        UntilStopped.train(
            trainer, () -> writer.printf("step %d is saved in %s%n", trainer.done(), out));
        new Pictures(spec.commandLine().getErr())
            .paint(() -> Charts.loss(out.resolve("loss.png"), trainer.folder().history()));
      }
    }
    var samples = draw();
    writer.printf("%d samples:            %s%n", SAMPLES, samples);
    writer.printf("from noise to image:   %s%n", out.resolve("denoising.png"));
    writer.printf("training loss:         %s%n", out.resolve("loss.png"));
    writer.printf("draw more:             bitdiff sample --run %s --n 100 --out more.png%n", out);
    return 0;
  }

  private Path draw() throws IOException {
    var file = out.resolve("samples.png");
    try (var model = ImageModel.load(out, "auto")) {
      var config = model.config().sampling();
      var strip = new Strip(model, config, 8);
      try (var progress =
          new Progress("sampling", config.steps(), 0, spec.commandLine().getErr())) {
        var samples =
            model.sample(
                config,
                0,
                0,
                SAMPLES,
                ImageModel.ANY_CLASS,
                step -> {
                  progress.to(step.index() + 1, "64 icons");
                  strip.add(step);
                  return true;
                });
        ImageGrid.write(file, samples.symbols(), model.format());
      }
      strip.write(out.resolve("denoising.png"));
    }
    return file;
  }
}

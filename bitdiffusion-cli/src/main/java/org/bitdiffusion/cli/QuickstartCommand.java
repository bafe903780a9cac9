package org.bitdiffusion.cli;

import java.nio.file.Files;
import java.nio.file.Path;
import java.util.LinkedHashMap;
import java.util.Map;
import java.util.concurrent.Callable;
import org.bitdiffusion.ConfigurationException;
import org.bitdiffusion.modality.SampleFile;
import org.bitdiffusion.model.DiffusionModel;
import org.bitdiffusion.run.ConfigReader;
import org.bitdiffusion.run.Run;
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

  @Option(
      names = "--set",
      paramLabel = "KEY=VALUE",
      description = "Changes another setting, such as sampling.steps=50.")
  private Map<String, String> settings = new LinkedHashMap<>();

  @Override
  public Integer call() {
    if (Files.exists(out)) {
      throw new ConfigurationException(
          out + " exists already; remove it, or name a new folder with --out");
    }
    var writer = spec.commandLine().getOut();
    var changes = new LinkedHashMap<>(settings);
    TrainCommand.put(changes, "--steps", "training.steps", steps);
    var config = ConfigReader.preset("icons", changes);
    try (var source = Run.data(config)) {
      writer.printf("trains on %d icons (%s) in %s%n", source.size(), source.name(), out);
      var progress = new TrainingProgress(spec.commandLine().getErr());
      try (var trainer = Run.start(config, source, out, progress)) {
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

  private Path draw() {
    var file = out.resolve("samples.png");
    var run = Run.open(out);
    var request = run.request(SAMPLES);
    var steps = request.sampling().steps();
    try (var renderer = run.renderer();
        var model = run.model("auto");
        var progress = new Progress("sampling", steps, 0, spec.commandLine().getErr())) {
      if (!(model instanceof DiffusionModel bits)) { // closed all the same
        throw new IllegalStateException("the preset is of a model that does not sample");
      }
      var strip = new Strip(bits, request.sampling(), 8);
      var samples =
          bits.sample(
              request,
              step -> {
                progress.to(step.index() + 1, "64 icons");
                strip.add(step);
                return true;
              });
      SampleFile.write(file, renderer, samples);
      strip.write(out.resolve("denoising.png"), renderer);
    }
    return file;
  }
}

package org.bitdiffusion.cli;

import java.nio.file.Path;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.concurrent.Callable;
import java.util.concurrent.CancellationException;
import java.util.function.BooleanSupplier;
import org.bitdiffusion.config.RunConfig;
import org.bitdiffusion.data.DataSource;
import org.bitdiffusion.data.Given;
import org.bitdiffusion.modality.SampleFile;
import org.bitdiffusion.model.DiffusionModel;
import org.bitdiffusion.model.Model;
import org.bitdiffusion.model.SampleRequest;
import org.bitdiffusion.run.ConfigReader;
import org.bitdiffusion.run.Run;
import org.bitdiffusion.sampling.SamplerConfig;
import org.bitdiffusion.training.Trainer;
import picocli.CommandLine.Command;
import picocli.CommandLine.Model.CommandSpec;
import picocli.CommandLine.Option;
import picocli.CommandLine.Spec;

/**
 * Trains for a given time on whatever machine it is: the steps of the warm-up, at which the
 * learning rate does not depend on their number, tell how long one takes, and a picture of what is
 * learned by then how long that takes; then the run is given as many steps as the rest of the time
 * has room for. It is the same run as one that has that number from the start.
 */
@Command(
    name = "quickstart",
    description = "Trains on icons for some minutes, and draws samples.",
    subcommands = QuickstartTableCommand.class)
final class QuickstartCommand implements Callable<Integer> {
  /** Eight rows of eight, so that a column is of one family. */
  private static final int SAMPLES = 64;

  private static final List<String> FAMILIES =
      List.of("account", "battery", "calendar", "file", "home", "phone", "shield", "wifi");

  /** Of training at its beginning, in which its speed is measured, at most. */
  private static final double MEASURED_SECONDS = 20;

  /** From one picture to the next. */
  private static final double PICTURE_SECONDS = 45;

  /** Steps of sampling of the pictures before the last one. */
  private static final int ROUGH = 20;

  /** For what is neither a step of training nor one of sampling: charts, files, a second start. */
  private static final double OTHER_SECONDS = 6;

  private static final String STEPS = "training.steps";
  private static final String PICTURE_EVERY = "training.checkpoint_every";

  @Spec private CommandSpec spec;

  @Option(
      names = "--out",
      paramLabel = "DIR",
      defaultValue = "runs/quickstart",
      description = "A new folder for the run and the pictures (default ${DEFAULT-VALUE}).")
  private Path out;

  @Option(
      names = "--minutes",
      paramLabel = "M",
      description = "For everything, from start to pictures (default 3, if there are no --steps).")
  private Double minutes;

  @Option(
      names = "--steps",
      paramLabel = "N",
      description = "Steps of training, however long they take.")
  private Long steps;

  @Option(
      names = "--set",
      paramLabel = "KEY=VALUE",
      description = "Changes another setting, such as sampling.steps=50.")
  private Map<String, String> settings = new LinkedHashMap<>();

  @Override
  public Integer call() {
    Pace.requireRight(out, minutes, steps);
    var writer = spec.commandLine().getOut();
    var changes = new LinkedHashMap<>(settings);
    TrainCommand.put(changes, "--steps", STEPS, steps);
    var config = ConfigReader.preset("icons-small", changes);
    var isPaced = steps == null && !settings.containsKey(STEPS);
    try (var source = Run.data(config)) {
      writer.printf("trains on %d icons (%s) in %s%n", source.size(), source.name(), out);
      if (isPaced) {
        trainForAWhile(config, source);
      } else {
        train(Run.start(config, source, out, new Watcher()));
      }
    }
    var samples = draw();
    writer.printf("%d samples:            %s%n", SAMPLES, samples);
    if (hasFamilies(Run.open(out))) {
      writer.printf("a column each of:      %s%n", String.join(", ", FAMILIES));
    }
    writer.printf("from noise to image:   %s%n", out.resolve("denoising.png"));
    writer.printf("training loss:         %s%n", out.resolve("loss.png"));
    writer.printf(
        "draw more:             %s sample --run %s --out more.png%n", spec.root().name(), out);
    return 0;
  }

  /** Measures, and then trains for what is left of the time. */
  private void trainForAWhile(RunConfig config, DataSource source) {
    var pace = new Pace(spec.commandLine().getErr(), config.training(), MEASURED_SECONDS);
    try (var trainer = Run.start(config, source, out, pace)) {
      UntilStopped.train(trainer, () -> {});
    }
    if (!pace.hasStopped()) {
      return; // by the end of the process, or as all steps are done
    }
    var run = Run.open(out);
    double picture;
    try (var model = run.model("auto")) {
      var start = System.nanoTime();
      paint(model, () -> false);
      picture = (System.nanoTime() - start) / 1e9;
    }
    var steps = steps(pace, config, picture, Pace.left(minutes));
    var every = Math.max(1, Math.min(steps, Math.round(PICTURE_SECONDS / pace.seconds())));
    var changes = new LinkedHashMap<>(Map.of(PICTURE_EVERY, Long.toString(every)));
    changes.putAll(settings);
    changes.put(STEPS, Long.toString(steps));
    var writer = spec.commandLine().getOut();
    writer.printf(
        Locale.ROOT,
        "%.2f s a step: %,d steps in all; what is learned by now and then is in %s%n",
        pace.seconds(),
        steps,
        samples());
    writer.flush();
    train(run.resume(run.config(changes), source, new Watcher()));
  }

  private void train(Trainer begun) {
    var writer = spec.commandLine().getOut();
    try (var trainer = begun) {
      UntilStopped.train(
          trainer, () -> writer.printf("step %d is saved in %s%n", trainer.done(), out));
      new Pictures(spec.commandLine().getErr())
          .paint(() -> Charts.loss(out.resolve("loss.png"), trainer.folder().history()));
    }
  }

  /**
   * So many steps as fit, with the pictures, into a time; not more than the preset has.
   *
   * @param picture seconds of a rough one
   */
  private static long steps(Pace pace, RunConfig config, double picture, double time) {
    var last = picture * config.sampling().steps() / rough(config.sampling()).steps();
    var share = PICTURE_SECONDS / (PICTURE_SECONDS + picture);
    return Math.min(
        config.training().steps(), pace.steps(Pace.SAFE * (time - OTHER_SECONDS - last) * share));
  }

  /** Draws samples at each checkpoint. */
  private final class Watcher extends TrainingProgress {
    Watcher() {
      super(spec.commandLine().getErr());
    }

    @Override
    public void onCheckpoint(long step, Model model, BooleanSupplier stopped) {
      if (stopped.getAsBoolean() || step == model.config().training().steps()) {
        return; // the last one is drawn afterwards
      }
      try {
        paint(model, stopped);
        say("step %d: %d samples in %s".formatted(step, SAMPLES, samples()));
      } catch (CancellationException e) {
        // who stops a run wants to leave
      }
    }
  }

  /** A picture of what has been learned so far. */
  private void paint(Model model, BooleanSupplier stopped) {
    var run = Run.open(out);
    try (var renderer = run.renderer()) {
      var request = request(run, rough(run.config().sampling()));
      var samples = model.sample(request, step -> !stopped.getAsBoolean());
      SampleFile.write(samples(), renderer, samples);
    }
  }

  private static SamplerConfig rough(SamplerConfig sampling) {
    return sampling.withSteps(Math.min(ROUGH, sampling.steps()));
  }

  /** A column of each family, where the data has them. */
  private static SampleRequest request(Run run, SamplerConfig sampling) {
    var classes = run.config().condition().classes();
    var given =
        hasFamilies(run)
            ? Given.inTurn(SAMPLES, FAMILIES.stream().mapToLong(classes::indexOf).toArray())
            : run.given(sampling, SAMPLES);
    return SampleRequest.of(sampling, 0, SAMPLES, given);
  }

  private static boolean hasFamilies(Run run) {
    return run.config().condition().classes().containsAll(FAMILIES);
  }

  private Path samples() {
    return out.resolve("samples.png");
  }

  private Path draw() {
    var file = samples();
    var run = Run.open(out);
    var request = request(run, run.config().sampling());
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

package org.bitdiffusion.cli;

import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.concurrent.Callable;
import org.bitdiffusion.ConfigurationException;
import org.bitdiffusion.data.DataSources;
import org.bitdiffusion.data.DataSpec;
import org.bitdiffusion.data.ImageSource;
import org.bitdiffusion.metrics.ImageFeatures;
import org.bitdiffusion.training.ImageModel;
import org.bitdiffusion.training.RunConfig;
import org.bitdiffusion.training.RunFolder;
import org.bitdiffusion.training.Trainer;
import picocli.CommandLine.Command;
import picocli.CommandLine.Mixin;
import picocli.CommandLine.Model.CommandSpec;
import picocli.CommandLine.Option;
import picocli.CommandLine.Parameters;
import picocli.CommandLine.Spec;

/** Trains the variants of a study, samples of each, and tells how they compare. */
@Command(
    name = "study",
    description = {
      "Answers a question by runs: trains the variants of a study with each seed, draws samples of"
          + " each, and writes a table (Markdown and CSV) and a plot. What is there already is not"
          + " done again, so that a study that was cut off goes on."
    })
final class StudyCommand implements Callable<Integer> {
  private static final int BATCH = 64; // samples drawn at a time

  @Spec private CommandSpec spec;

  @Parameters(paramLabel = "FILE.yaml", description = "The study; README says what is in it.")
  private Path file;

  @Option(
      names = "--out",
      required = true,
      paramLabel = "DIR",
      description = "The folder of the runs, the tables and the plot.")
  private Path out;

  @Option(
      names = "--data",
      paramLabel = "SOURCE[:PATH][,key=value...]",
      description = "The images, if others than the study names.")
  private String data;

  @Mixin private FeaturesOptions comparing;

  @Mixin private ThreadsOption threads;

  @Override
  public Integer call() {
    comparing.requireOne();
    var study = Study.read(file, data);
    threads.apply();
    var results = new ArrayList<StudyReport.Result>();
    var report = new StudyReport(study, out);
    try (var features = comparing.open()) {
      for (var seed : study.seeds()) { // all variants once, before any of them again
        for (var variant : study.variants().keySet()) {
          var run = out.resolve("runs").resolve(Study.name(variant) + "-seed-" + seed);
          spec.commandLine().getErr().printf("%s, seed %d%n", variant, seed);
          if (!measure(study, variant, seed, run, features, results)) {
            return 1; // stopped
          }
          report.write(results);
        }
      }
    }
    var writer = spec.commandLine().getOut();
    writer.print(report.markdown(results));
    writer.printf("%ntable.md, table.csv, plot.png and the runs are in %s%n", out);
    return 0;
  }

  /** Trains and samples; false where the training was stopped. */
  private boolean measure(
      Study study,
      String variant,
      long seed,
      Path run,
      ImageFeatures features,
      List<StudyReport.Result> results) {
    var config = study.config(variant, seed);
    try (var source = DataSources.open(DataSpec.parse(config.data()))) {
      if (!train(config, source, run)) {
        return false;
      }
      try (var model = ImageModel.load(run, config.training().precision())) {
        for (var way : study.sampling().keySet()) {
          var sampling = RunFolder.open(run).config(study.sampling(way)).sampling();
          try (var progress =
              new Progress("sampling", study.samples(), 0, spec.commandLine().getErr())) {
            var measured =
                new ImageEvaluation(run, model, sampling, 0, study.samples(), BATCH)
                    .measure(source, null, features, progress);
            results.add(new StudyReport.Result(variant, way, seed, numbers(measured)));
          }
        }
      }
    }
    return true;
  }

  /** Trains what is missing; false where it was stopped before the end. */
  private boolean train(RunConfig config, ImageSource source, Path run) {
    var progress = new TrainingProgress(config, spec.commandLine().getErr());
    var begun = Files.exists(run.resolve("config.yaml"));
    try (var trainer =
        begun
            ? Trainer.resume(resumed(config, run), source, RunFolder.open(run), progress)
            : Trainer.start(config, source, run, progress)) {
      TrainCommand.run(trainer, () -> {});
      return trainer.done() >= config.training().steps();
    }
  }

  /** The run's configuration with the study's length, which may have grown; all else must agree. */
  private static RunConfig resumed(RunConfig config, Path run) {
    var resumed =
        RunFolder.open(run)
            .config(Map.of("training.steps", Long.toString(config.training().steps())));
    if (!resumed.withExample(null).equals(config)) {
      throw new ConfigurationException(
          run
              + " was trained with other settings than the study has now; remove it, or name another"
              + " folder with --out");
    }
    return resumed;
  }

  private static Map<String, Double> numbers(Map<String, Object> measured) {
    var numbers = new LinkedHashMap<String, Double>();
    measured.forEach(
        (name, value) -> {
          if (value instanceof Number number) {
            numbers.put(name, number.doubleValue());
          }
        });
    return numbers;
  }
}

package org.bitdiffusion.cli;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.concurrent.Callable;
import org.bitdiffusion.ConfigurationException;
import org.bitdiffusion.DataException;
import org.bitdiffusion.data.DataSources;
import org.bitdiffusion.data.DataSpec;
import org.bitdiffusion.data.ImageSource;
import org.bitdiffusion.evaluation.ImageEvaluation;
import org.bitdiffusion.evaluation.RealImages;
import org.bitdiffusion.metrics.ImageFeatures;
import org.bitdiffusion.runtime.Compute;
import org.bitdiffusion.training.ImageModel;
import org.bitdiffusion.training.Model;
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
  @Spec private CommandSpec spec;

  @Parameters(paramLabel = "FILE.yaml", description = "The study; README says what is in it.")
  private Path file;

  @Option(
      names = "--out",
      required = true,
      paramLabel = "DIR",
      description = "The folder of the tables, the plot, and the runs.")
  private Path out;

  @Option(
      names = "--data",
      paramLabel = "SOURCE[:PATH][,key=value...]",
      description = "The images, if others than the study names.")
  private String data;

  @Option(
      names = "--runs",
      paramLabel = "DIR",
      description =
          "The folder of the runs (default: runs in --out). Studies may share it: a run of the same"
              + " settings is not trained again.")
  private Path runs;

  @Mixin private FeaturesOptions comparing;

  @Mixin private BatchSizeOption batching;

  @Mixin private ThreadsOption threads;

  @Override
  public Integer call() {
    batching.require();
    comparing.requireOne();
    var study = Study.read(file, data);
    threads.apply();
    Target.requireFile("--out", out.resolve(StudyReport.TABLE), ".md");
    var results = new ArrayList<StudyReport.Result>();
    var err = spec.commandLine().getErr();
    var pictures = new Pictures(err);
    var shared = runs == null ? out.resolve("runs") : runs;
    try (var source = DataSources.open(DataSpec.parse(study.data()));
        var features = comparing.open()) {
      var report = new StudyReport(study, out, features == null ? null : features.name());
      requireFit(study, source);
      requireMetrics(study, features, source);
      var real = comparing.real(source, features, study.samples(), err);
      for (var seed : study.seeds()) { // all variants once, before any of them again
        for (var variant : study.variants().keySet()) {
          err.printf("%s, seed %d%n", variant, seed);
          var config = study.config(variant, seed);
          var run = run(shared, Study.name(variant) + "-seed-" + seed, config);
          if (!train(config, source, run)) {
            return 1; // stopped
          }
          sample(study, variant, seed, run, real, results);
          report.write(results);
          pictures.paint(() -> report.plot(results));
        }
      }
      spec.commandLine().getOut().print(report.markdown(results));
    }
    var writer = spec.commandLine().getOut();
    writer.printf("%ntable.md, table.csv and plot.png are in %s, the runs in %s%n", out, shared);
    return 0;
  }

  /**
   * Complains before anything is trained if the settings of a variant make no network, or one that
   * cannot be sampled in one of the ways.
   */
  private static void requireFit(Study study, ImageSource source) {
    for (var variant : study.variants().keySet()) {
      try {
        var config = study.config(variant, 0).forData(source);
        Model.create(config, Compute.choose(config.training().precision())).close();
        for (var way : study.sampling().keySet()) {
          var sampling = study.config(variant, way).sampling();
          for (var seed : study.seeds()) {
            ImageEvaluation.requireFit(config, sampling, seed, study.samples(), source);
          }
        }
      } catch (ConfigurationException e) {
        throw new ConfigurationException("variant '%s': %s".formatted(variant, e.getMessage()), e);
      }
    }
  }

  /** Complains before anything is trained if the study asks for what is not measured. */
  private static void requireMetrics(Study study, ImageFeatures features, ImageSource source) {
    var compared = Math.min(study.samples(), source.size());
    for (var variant : study.variants().keySet()) {
      var conditional = study.config(variant, 0).diffusion().conditional();
      var classes = conditional ? source.classes() : List.<String>of();
      var measured = ImageEvaluation.measured(features, classes, compared);
      for (var metric : study.metrics()) {
        if (!measured.contains(metric)) {
          throw new ConfigurationException(
              "metrics: '%s' is not measured of the variant '%s'; there are %s%s"
                  .formatted(
                      metric,
                      variant,
                      String.join(", ", measured),
                      features == null ? "; more with --features or --inception" : ""));
        }
      }
    }
  }

  /** The folder of a run: one that is there with these settings, or else the one of this name. */
  private Path run(Path runs, String name, RunConfig config) {
    var own = runs.resolve(name);
    if (Files.exists(own) || !Files.isDirectory(runs)) {
      return own;
    }
    try (var folders = Files.list(runs)) {
      return folders
          .filter(folder -> Files.exists(folder.resolve("config.yaml")))
          .filter(folder -> isOf(config, folder))
          .sorted()
          .findFirst()
          .orElse(own);
    } catch (IOException e) {
      throw DataException.cannotRead(runs, e);
    }
  }

  private boolean isOf(RunConfig config, Path run) {
    try {
      return settings(run, Map.of()).equals(config);
    } catch (ConfigurationException e) { // who shares the folder may keep other things there
      spec.commandLine().getErr().printf("passes over %s: %s%n", run, e.getMessage());
      return false;
    }
  }

  /** Trains what is missing; false where it was stopped before the end. */
  private boolean train(RunConfig config, ImageSource source, Path run) {
    var isThere = Files.exists(run.resolve("config.yaml"));
    var begun = isThere ? same(config, run) : config;
    if (isThere && RunFolder.open(run).done() >= config.training().steps()) {
      return true; // any number of studies may sample from it at once
    }
    var progress = new TrainingProgress(config, spec.commandLine().getErr());
    try (var trainer =
        isThere
            ? Trainer.resume(begun, source, RunFolder.open(run), progress)
            : Trainer.start(begun, source, run, progress)) {
      UntilStopped.train(trainer, () -> {});
      return trainer.done() >= config.training().steps();
    }
  }

  /**
   * A run's configuration. It may have been shorter where its learning rate does not depend on the
   * length; all else must agree.
   */
  private static RunConfig same(RunConfig config, Path run) {
    var steps = config.training().steps();
    var before = settings(run, Map.of()).training();
    var length = Map.of("training.steps", Long.toString(steps));
    var grows = before.steps() < steps && before.learningRateSchedule().equals("constant");
    if (!settings(run, length).equals(config) || before.steps() != steps && !grows) {
      throw new ConfigurationException(
          run
              + " was trained with other settings than the study has now; remove it, or name another"
              + " folder with --out or --runs");
    }
    return RunFolder.open(run).config(length);
  }

  /** The settings of a run, without what it learned of its data. */
  private static RunConfig settings(Path run, Map<String, String> changes) {
    return RunFolder.open(run).config(changes).withExample(null);
  }

  /** Samples a run in each way. */
  private void sample(
      Study study,
      String variant,
      long seed,
      Path run,
      RealImages real,
      List<StudyReport.Result> results) {
    var config = RunFolder.open(run);
    try (var model = ImageModel.load(run, config.config(Map.of()).training().precision())) {
      for (var way : study.sampling().keySet()) {
        var sampling = config.config(study.sampling(way)).sampling();
        var evaluation =
            new ImageEvaluation(run, model, sampling, seed, study.samples(), batching.size());
        try (var progress =
            new Progress("samples", study.samples(), 0, spec.commandLine().getErr())) {
          var numbers = numbers(evaluation.measure(real, done -> progress.to(done, "")));
          if (study.metrics().contains("nearest_distance")) { // a pass over all images
            numbers.putAll(evaluation.nearest(real.source(), null));
          }
          results.add(new StudyReport.Result(variant, way, seed, numbers));
        }
      }
    }
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

package org.bitdiffusion.cli;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.HashSet;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.concurrent.Callable;
import org.bitdiffusion.ConfigurationException;
import org.bitdiffusion.DataException;
import org.bitdiffusion.Registry;
import org.bitdiffusion.config.RunConfig;
import org.bitdiffusion.data.DataSource;
import org.bitdiffusion.modality.Evaluation;
import org.bitdiffusion.modality.Modality;
import org.bitdiffusion.modality.Watch;
import org.bitdiffusion.model.Model;
import org.bitdiffusion.run.Run;
import org.bitdiffusion.runtime.Compute;
import org.bitdiffusion.storage.RunFolder;
import org.bitdiffusion.storage.Stretch;
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
          + " each, and writes tables (Markdown and CSV), of what was measured and of how it differs"
          + " from the baseline, and a plot. What is there already is not done again, so that a study"
          + " that was cut off goes on."
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

  @Option(
      names = "--mixed",
      description =
          "Puts runs into one table that were computed in different ways (precision, device, version).")
  private boolean mixed;

  @Mixin private EvaluationOptions comparing;

  @Mixin private BatchSizeOption batching;

  @Mixin private ThreadsOption threads;

  /** The way of steps that nothing was noted of. */
  private static final String UNKNOWN =
      "precision and device unknown (trained by an earlier version)";

  /** Folders among the runs that are none of this version's, each of which is told of once. */
  private final Set<Path> foreign = new HashSet<>();

  /** How the runs were computed so far, and which was the first of them. */
  private String way;

  private String firstWay;

  @Override
  public Integer call() {
    batching.require();
    var study = Study.read(file, data);
    threads.apply();
    Target.requireFile("--out", out.resolve(StudyReport.TABLE), ".md");
    for (var name : StudyReport.FILES) {
      Target.requireOther("the " + name + " of --out", out.resolve(name), file);
    }
    var results = new ArrayList<StudyResults.Result>();
    var err = spec.commandLine().getErr();
    var pictures = new Pictures(err);
    var shared = runs == null ? out.resolve("runs") : runs;
    var first = study.config(study.variants().keySet().iterator().next(), 0);
    var evaluation = Modality.of(first).evaluation();
    var options = comparing.given();
    EvaluationOptions.requireKnown(Modality.of(first), options, spec);
    requireOneWay(study, shared);
    try (var watch = new EvaluateCommand.Watching(err);
        var source = Run.data(first);
        var comparison = evaluation.with(source, study.samples(), options, watch)) {
      requireFit(study, first, source, comparison);
      comparison.look(watch);
      var report = new StudyReport(study, out, comparing.asked(), comparison::higherIsBetter);
      var all = study.seeds().size() * study.variants().size();
      var number = 0;
      for (var seed : study.seeds()) { // all variants once, before any of them again
        for (var variant : study.variants().keySet()) {
          err.printf("run %d of %d: %s, seed %d%n", ++number, all, variant, seed);
          var config = study.config(variant, seed);
          var run = run(shared, variant, seed, config);
          if (!train(config, run, first, source)) {
            return 1; // stopped
          }
          requireOneWay(run);
          sample(study, variant, seed, Run.open(run), comparison, watch, results);
          report.write(results);
          pictures.paint(() -> report.plot(results));
        }
      }
      spec.commandLine().getOut().print(report.markdown(results));
    }
    var writer = spec.commandLine().getOut();
    writer.printf(
        "%ntable.md, table.csv, differences.csv and plot.png are in %s, the runs in %s%n",
        out, shared);
    return 0;
  }

  /**
   * Complains before anything is trained if settings make no network, or one that cannot be
   * measured as the study says.
   *
   * @param source the data as the first variant reads it
   */
  private static void requireFit(
      Study study, RunConfig first, DataSource source, Evaluation.Comparison comparison) {
    var measured = new LinkedHashMap<String, List<String>>();
    study.requireOfEach(
        variant -> {
          var begun = study.config(variant, 0);
          try (var own = readsAlike(begun, first) ? null : Run.data(begun)) {
            var config = begun.forData(own == null ? source : own);
            Model.create(config, Compute.choose(config.training().precision())).close();
            for (var way : study.ways().keySet()) {
              var sampling = study.config(variant, way).sampling();
              for (var seed : study.seeds()) {
                Study.of(way, () -> comparison.requireFit(config, sampling, seed));
              }
            }
            measured.put(variant, comparison.measured(config));
          }
        });
    for (var metric : study.metrics()) {
      requireMeasured(metric, measured, Modality.of(first).evaluation());
    }
  }

  /**
   * @param measured what is, by variant
   */
  private static void requireMeasured(
      String metric, Map<String, List<String>> measured, Evaluation evaluation) {
    var without =
        measured.keySet().stream().filter(it -> !measured.get(it).contains(metric)).toList();
    if (!without.isEmpty()) {
      var there = measured.get(without.get(0));
      throw new ConfigurationException(
          "metrics: '%s' is not measured %s; there are %s%s%s"
              .formatted(
                  metric,
                  without.size() == measured.size() ? "here" : "of '%s'".formatted(without.get(0)),
                  String.join(", ", there),
                  evaluation.options().contains("features")
                      ? ", and perhaps more with --features or --inception"
                      : "",
                  Registry.didYouMean(metric, there)));
    }
  }

  /** Complains before anything is trained if the runs that are there do not go together. */
  private void requireOneWay(Study study, Path shared) {
    for (var seed : study.seeds()) {
      for (var variant : study.variants().keySet()) {
        var config = study.config(variant, seed);
        var run = run(shared, variant, seed, config);
        var isThere = Files.exists(run.resolve("config.yaml"));
        if (isThere) {
          same(config, run);
          requireOneWay(run);
        }
        if (!isThere || !isDone(config, run)) {
          var compute = Compute.choose(config.training().precision());
          requireWay(run + " would be trained with ", Stretch.of(1, compute).way());
        }
      }
    }
  }

  /** Complains if a run was computed in another way than those before it. */
  private void requireOneWay(Path run) {
    for (var own : ways(RunFolder.open(run))) {
      requireWay(run + " was trained with ", own);
    }
  }

  /**
   * @param run which one it is, and whether it was or would be trained
   * @param own its way
   */
  private void requireWay(String run, String own) {
    if (way == null) {
      way = own;
      firstWay = run + own;
    }
    if (!mixed && !own.equals(way)) {
      throw new ConfigurationException(
          "%s%s, but %s: a table of both compares more than the variants; --mixed makes it all the same"
              .formatted(run, own, firstWay));
    }
  }

  /** Whether a run is trained as long as a study needs; any number of studies may sample it. */
  private static boolean isDone(RunConfig config, Path run) {
    return RunFolder.open(run).checkpoints().done() >= config.training().steps();
  }

  /** How the steps of a run were computed, in their order. */
  private static List<String> ways(RunFolder run) {
    var done = run.checkpoints().done();
    var stretches = run.stretches().stream().filter(stretch -> stretch.first() <= done).toList();
    var ways = new ArrayList<String>();
    var unnoted = stretches.isEmpty() ? done : stretches.get(0).first() - 1;
    if (unnoted > 0) {
      ways.add(UNKNOWN);
    }
    stretches.forEach(stretch -> ways.add(stretch.way()));
    return ways;
  }

  /** The folder of a run: one that is there with these settings, or else the one of its name. */
  private Path run(Path runs, String variant, long seed, RunConfig config) {
    var own = runs.resolve(Study.name(variant) + "-seed-" + seed);
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
      if (foreign.add(run)) {
        spec.commandLine().getErr().printf("passes over %s: %s%n", run, e.getMessage());
      }
      return false;
    }
  }

  /**
   * Random changes aside, most variants read the data alike: it is opened once for all of those.
   */
  private static boolean readsAlike(RunConfig config, RunConfig other) {
    return config.modality().fixed().equals(other.modality().fixed());
  }

  /**
   * Trains what is missing; false where it was stopped before the end.
   *
   * @param source the data as the first variant reads it
   */
  private boolean train(RunConfig config, Path run, RunConfig first, DataSource source) {
    var isThere = Files.exists(run.resolve("config.yaml"));
    var begun = isThere ? same(config, run) : config;
    if (isThere && isDone(config, run)) {
      return true;
    }
    var progress = new TrainingProgress(spec.commandLine().getErr());
    var isAlike = readsAlike(begun, first);
    try (var own = isAlike ? null : Run.data(begun);
        var trainer =
            isThere
                ? Run.open(run).resume(begun, isAlike ? source : own, progress)
                : Run.start(begun, isAlike ? source : own, run, progress)) {
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
    return Run.open(run).config(length);
  }

  /** The settings of a run, without what it learned of its data. */
  private static RunConfig settings(Path run, Map<String, String> changes) {
    return Run.open(run).config(changes).withSchema(null);
  }

  /** Samples a run in each way. */
  private void sample(
      Study study,
      String variant,
      long seed,
      Run run,
      Evaluation.Comparison comparison,
      Watch watch,
      List<StudyResults.Result> results) {
    try (var model = run.model(run.config().training().precision())) {
      for (var way : study.ways().keySet()) {
        var sampling = run.config(study.sampling(way)).sampling();
        var subject =
            new Evaluation.Subject(
                run.folder(), model, sampling, seed, batching.size(run.config().schema().space()));
        var measured = comparison.measure(subject, study.metrics(), watch);
        results.add(new StudyResults.Result(variant, way, seed, numbers(measured)));
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

package org.bitdiffusion.cli;

import java.io.PrintWriter;
import java.nio.file.Path;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.concurrent.Callable;
import org.bitdiffusion.ConfigurationException;
import org.bitdiffusion.config.RunConfig;
import org.bitdiffusion.data.DataSpec;
import org.bitdiffusion.modality.Evaluation;
import org.bitdiffusion.modality.Watch;
import org.bitdiffusion.run.Run;
import picocli.CommandLine.Command;
import picocli.CommandLine.Mixin;
import picocli.CommandLine.Model.CommandSpec;
import picocli.CommandLine.Option;
import picocli.CommandLine.Spec;

/** Measures how good a run is, in the ways of its kind of data. */
@Command(
    name = "evaluate",
    description = {
      "Measures how good a run is, in the ways of its kind of data.",
      "Of a run of captions: describes the images of a data source and scores the captions against"
          + " theirs.",
      "Of a run of images: draws samples and compares them with the data. The samples are kept in"
          + " the run folder, so that an evaluation that was cut off goes on.",
      "Of a run of tables: draws rows and compares them so, beside independent columns, SMOTE and"
          + " rows of the data."
    })
final class EvaluateCommand implements Callable<Integer> {
  @Spec private CommandSpec spec;

  @Mixin private DrawingOptions drawing;

  @Option(
      names = "--data",
      paramLabel = "SOURCE[:PATH][,key=value...]",
      description =
          "Images with captions, such as scenes,split=test, or images or rows to compare with (default: what"
              + " the run was trained on).")
  private String data;

  @Option(
      names = "--n",
      paramLabel = "N",
      description =
          "Images to describe, evenly from all of the source (default: all of them); or samples to"
              + " draw (default: 1000 images, or as many rows as the data has, 50000 at most).")
  private Integer n;

  @Mixin private BatchSizeOption batching;

  @Option(
      names = "--captions",
      paramLabel = "FILE.jsonl",
      description = "Also writes the captions: a line of id and text for each image.")
  private Path captions;

  @Option(
      names = "--held-out",
      paramLabel = "SOURCE|SHARE",
      description =
          "Of a run of images or tables: examples that it was not trained on (of images 19 or more),"
              + " to tell copies; or the share of its data that its training held out, such as 5%%.")
  private String heldOut;

  @Option(
      names = "--report",
      paramLabel = "FILE.html",
      description = "Of a run of tables: also writes a page with a picture of each column.")
  private Path report;

  @Option(
      names = "--grid",
      description =
          "Of a run of tables: chooses the trees of efficacy among the field's 36 sets of"
              + " parameters.")
  private boolean grid;

  @Option(
      names = "--fill",
      paramLabel = "SHARE",
      description =
          "Of a run of tables: also masks so many fields of held-out rows, such as 30%%, fills them and compares, beside the"
              + " most usual values and those of the nearest rows.")
  private String fill;

  @Option(
      names = "--rows",
      paramLabel = "SOURCE",
      description =
          "Of a run of tables: rows from elsewhere, such as another program's, that are measured"
              + " in place of drawn ones.")
  private String rows;

  @Mixin private EvaluationOptions comparing;

  @Option(names = "--json", description = "Reports as JSON.")
  private boolean json;

  @Mixin private ThreadsOption threads;

  @Override
  public Integer call() {
    batching.require();
    if (n != null && n < 1) {
      throw new ConfigurationException("--n is " + n + "; it must be at least 1");
    }
    var options = options();
    if (data != null) {
      requireOutside(options, data); // before anything is opened
    }
    var opened = Run.open(drawing.run());
    if (data == null) {
      data = opened.config().data();
      requireOutside(options, data);
    }
    var evaluation = opened.modality().evaluation();
    EvaluationOptions.requireKnown(opened.modality(), options, spec);
    var isShare = heldOut != null && RunConfig.TrainingConfig.share(heldOut).isPresent();
    if (isShare) {
      requireOwnData(opened);
      options.remove("held_out");
    }
    drawing.requireFit(opened.config());
    var how = drawing.sampling().over(opened.config().sampling());
    drawing.checkpoint().require(opened);
    threads.apply();
    var count = n == null ? 0 : n;
    try (var watch = new Watching(spec.commandLine().getErr());
        var source = opened.data(data);
        var comparison =
            isShare
                ? evaluation.with(source, opened.split(heldOut, source), count, options, watch)
                : evaluation.with(source, count, options, watch)) {
      comparison.requireFit(opened.config(), how, drawing.seed());
      try (var model = opened.model(drawing.precision(), drawing.checkpoint().which())) {
        var subject =
            new Evaluation.Subject(
                opened.folder(),
                model,
                how,
                drawing.seed(),
                batching.size(opened.config().schema().space()));
        print(comparison.measure(subject, List.of(), watch));
      }
    }
    return 0;
  }

  private void requireOwnData(Run run) {
    if (!data.equals(run.config().data())) {
      throw new ConfigurationException(
          "--held-out is %s, a share of what the run was trained on; leave --data out, or name a source that is held out"
              .formatted(heldOut));
    }
  }

  /** By the names that the library has. */
  private Map<String, String> options() {
    var options = comparing.given();
    drawing.search().given().forEach((name, value) -> EvaluationOptions.put(options, name, value));
    EvaluationOptions.put(options, "captions", captions);
    EvaluationOptions.put(options, "report", report);
    EvaluationOptions.put(options, "grid", grid ? "true" : null);
    EvaluationOptions.put(options, "fill", fill);
    EvaluationOptions.put(options, "rows", rows);
    EvaluationOptions.put(options, "held_out", heldOut);
    requireFile(options, "captions", ".jsonl");
    requireFile(options, "report", ".html");
    return options;
  }

  private static void requireFile(Map<String, String> options, String name, String ending) {
    if (options.containsKey(name)) {
      var file = Path.of(options.get(name));
      Target.requireFile("--" + name, file, ending);
      var heldOut = options.get("held_out");
      if (heldOut != null && RunConfig.TrainingConfig.share(heldOut).isEmpty()) {
        Target.requireOutside("--" + name, file, DataSpec.parse(heldOut));
      }
    }
  }

  private static void requireOutside(Map<String, String> options, String data) {
    for (var name : List.of("captions", "report")) {
      if (options.containsKey(name)) {
        Target.requireOutside("--" + name, Path.of(options.get(name)), DataSpec.parse(data));
      }
    }
  }

  private void print(Map<String, Object> report) {
    var out = spec.commandLine().getOut();
    if (json) {
      out.println(Json.line(report));
    } else {
      var width = report.keySet().stream().mapToInt(String::length).max().orElse(0) + 2;
      report.forEach((name, value) -> out.printf("%-" + width + "s%s%n", name, text(value)));
    }
  }

  private static String text(Object value) {
    return value instanceof Double number
        ? String.format(Locale.ROOT, "%.5g", number)
        : String.valueOf(value);
  }

  /** Shows how far an evaluation is: a bar for each of its tasks. */
  static final class Watching implements Watch, AutoCloseable {
    private final PrintWriter err;
    private String task = "";
    private Progress progress;

    Watching(PrintWriter err) {
      this.err = err;
    }

    @Override
    public void progress(String task, long done, long total, String detail) {
      if (!task.equals(this.task)) {
        close();
        this.task = task;
        progress = new Progress(task, total, 0, err);
      }
      progress.to(done, detail);
      if (done == total) {
        close();
      }
    }

    @Override
    public void say(String what) {
      close();
      err.println(what);
    }

    @Override
    public void close() {
      if (progress != null) {
        progress.close();
      }
      progress = null;
      task = "";
    }
  }
}

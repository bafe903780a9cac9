package org.bitdiffusion.cli;

import java.nio.file.Path;
import java.util.LinkedHashMap;
import java.util.concurrent.Callable;
import org.bitdiffusion.ConfigurationException;
import org.bitdiffusion.data.Batch;
import org.bitdiffusion.data.DataSource;
import org.bitdiffusion.data.DataSpec;
import org.bitdiffusion.data.Given;
import org.bitdiffusion.data.SourceKind;
import org.bitdiffusion.modality.Modality;
import org.bitdiffusion.modality.Renderer;
import org.bitdiffusion.modality.SampleFile;
import org.bitdiffusion.model.Samples;
import picocli.CommandLine.Command;
import picocli.CommandLine.Model.CommandSpec;
import picocli.CommandLine.Option;
import picocli.CommandLine.Parameters;
import picocli.CommandLine.Spec;

@Command(
    name = "data",
    description = "Shows what a data source yields: examples, shape, categories, classes.")
final class DataCommand implements Callable<Integer> {
  /** Classes in a report for people. */
  private static final int LISTED = 100;

  /** Examples in one picture. */
  private static final int SHOWN = 64;

  @Spec private CommandSpec spec;

  @Parameters(
      paramLabel = "SOURCE[:PATH][,key=value...]",
      description = "The source, such as icons or images:photos,size=64.")
  private String source;

  @Option(
      names = "--out",
      paramLabel = "FILE|DIR",
      description =
          "By its ending: all in one (.png of images), .npy for the symbols as integers [N, C, ...],"
              + " .pack to read images, with their classes and captions, from there ever after"
              + " (packed:FILE), or a folder with a file for each. Without it, the source is described.")
  private Path out;

  @Option(
      names = "--n",
      paramLabel = "N",
      description = "Number of examples, evenly spread: 64 for a picture, else all.")
  private Integer n;

  @Option(names = "--skip-bad", description = "Leaves images out that cannot be read.")
  private boolean skipBad;

  @Option(names = "--json", description = "Reports as JSON.")
  private boolean json;

  /** The lines of help that tell of all sources. */
  static String[] sources() {
    var lines = new java.util.ArrayList<String>();
    lines.add("");
    lines.add("Sources, with their options and defaults:");
    for (var modality : Modality.ALL.all()) {
      for (var kind : modality.sources()) {
        for (var line : kind.usage()) {
          // What it is, behind how it is written.
          var isSource = line.startsWith(kind.name() + ":") || line.startsWith(kind.name() + ",");
          lines.add((isSource || line.equals(kind.name()) ? "  " : "      ") + escaped(line));
        }
      }
    }
    lines.add("All sources of images take subset=N.");
    return lines.toArray(String[]::new);
  }

  /** picocli takes % and @| for its own. */
  private static String escaped(String line) {
    return line.replace("%", "%%");
  }

  @Override
  public Integer call() {
    if (n != null && n < 1) {
      throw new ConfigurationException("--n is " + n + "; it must be at least 1");
    }
    var line = DataSpec.parse(source);
    var data = skipBad ? line.with("skip_bad", "true") : line;
    var modality = Modality.ofSource(data).modality();
    var plan = Modality.plan(data);
    if (out == null) {
      describe(plan);
      return 0;
    }
    Target.requireOutside("--out", out, data);
    if (modality.packed().filter(out.toString()::endsWith).isPresent()) {
      pack(modality, plan);
      return 0;
    }
    try (var opened = plan.open();
        var renderer = modality.renderer(opened)) {
      Target.requireUnread("--out", out, opened);
      Target.requireSamples("--out", out, renderer);
      var ending = SampleFile.ending(out, renderer);
      var picture = ending != null && renderer.endings().contains(ending);
      var count = Math.min(n != null ? n : picture ? SHOWN : Integer.MAX_VALUE, opened.size());
      write(opened, renderer, count);
      report(opened);
      tellWhere("shown in");
    }
    return 0;
  }

  private void describe(SourceKind.Plan plan) {
    if (n != null) {
      throw new ConfigurationException("--n goes with --out: it is how many examples are written");
    }
    try (var opened = plan.open()) {
      report(opened);
    }
  }

  private void tellWhere(String what) {
    if (!json) {
      spec.commandLine().getOut().printf("%s %s%n", what, out);
    }
  }

  private void pack(Modality modality, SourceKind.Plan plan) {
    if (n != null) {
      throw new ConfigurationException(
          "--n goes with pictures; the source's option subset=N packs fewer examples");
    }
    Target.requireFile("--out", out, modality.packed().orElseThrow());
    try (var opened = plan.open()) {
      Target.requireUnread("--out", out, opened);
      modality.pack(opened, out);
      report(opened);
      tellWhere("packed into");
    }
  }

  private void write(DataSource opened, Renderer renderer, int count) {
    var space = opened.schema().space();
    var target = new SampleFile(out, renderer, space, count);
    for (var i = 0; i < count; i++) {
      var indexes = Given.evenly(opened, count, i, 1);
      var one = Batch.of(opened, indexes);
      space.require(opened.name(), indexes[0], one.symbols(), 0);
      target.add(new Samples(space, one.symbols()));
    }
    target.finish();
  }

  private void report(DataSource opened) {
    var schema = opened.schema();
    var classes = schema.condition().classes();
    var counts = new int[classes.size()];
    for (var i = 0; i < opened.size(); i++) {
      if (opened.label(i) >= 0) {
        counts[opened.label(i)]++;
      }
    }
    var categories =
        schema.space().uniform()
            ? (Object) schema.space().mostCategories()
            : schema.space().categories();
    var writer = spec.commandLine().getOut();
    if (json) {
      var byName = new LinkedHashMap<String, Integer>();
      for (var c = 0; c < counts.length; c++) {
        byName.put(classes.get(c), counts[c]);
      }
      var report = new LinkedHashMap<String, Object>();
      report.put("source", opened.name());
      report.put("examples", opened.size());
      report.put("shape", schema.space().shape());
      report.put("categories", categories);
      report.putAll(schema.details());
      report.put("classes", byName);
      if (out != null) {
        report.put("out", out.toString());
      }
      writer.println(Json.line(report));
      return;
    }
    writer.printf(
        "%s: %d examples of shape %s, K = %s%n",
        opened.name(), opened.size(), schema.space().shape(), categories);
    for (var c = 0; c < Math.min(counts.length, LISTED); c++) {
      writer.printf("  class %d %s: %d%n", c, classes.get(c), counts[c]);
    }
    if (counts.length > LISTED) {
      writer.printf("  and %d classes more; --json lists all%n", counts.length - LISTED);
    }
  }
}

package org.bitdiffusion.cli;

import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Locale;
import java.util.Map;
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
    var lines = new ArrayList<String>();
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
      Target.requireSamples(
          "--out",
          out,
          renderer,
          modality.packed().map("; or in %s, to pack the source"::formatted).orElse(""));
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

  /** Lines of a table with a heading, numbers to the right. */
  private static List<String> table(List<Map<String, Object>> facts) {
    if (facts.isEmpty()) {
      return List.of();
    }
    var keys = List.copyOf(facts.get(0).keySet());
    var cells = new ArrayList<List<String>>();
    cells.add(keys);
    for (var fact : facts) {
      cells.add(keys.stream().map(key -> told(fact.get(key))).toList());
    }
    var lines = new StringBuilder[cells.size()];
    Arrays.setAll(lines, i -> new StringBuilder(" "));
    for (var c = 0; c < keys.size(); c++) {
      var column = c;
      var width = cells.stream().mapToInt(row -> row.get(column).length()).max().orElse(0);
      var sign = facts.get(0).get(keys.get(c)) instanceof Number ? "" : "-";
      for (var r = 0; r < lines.length; r++) {
        lines[r].append((" %" + sign + Math.max(1, width) + "s").formatted(cells.get(r).get(c)));
      }
    }
    return Arrays.stream(lines).map(line -> line.toString().stripTrailing()).toList();
  }

  private static String told(Object fact) {
    return fact instanceof Double share
        ? share == 0 ? "0" : String.format(Locale.ROOT, "%.2g", share)
        : fact.toString();
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
      if (!opened.facts().isEmpty()) {
        report.put("parts", opened.facts());
      }
      if (out != null) {
        report.put("out", out.toString());
      }
      writer.println(Json.line(report));
      return;
    }
    var facts = opened.facts();
    writer.printf(
        "%s: %d examples of shape %s%s%n",
        opened.name(),
        opened.size(),
        schema.space().shape(),
        facts.isEmpty() ? ", K = " + categories : "");
    table(facts).forEach(writer::println);
    if (!opened.warning().isEmpty()) {
      writer.println(opened.warning());
    }
    for (var c = 0; c < Math.min(counts.length, LISTED); c++) {
      writer.printf("  class %d %s: %d%n", c, classes.get(c), counts[c]);
    }
    if (counts.length > LISTED) {
      writer.printf("  and %d classes more; --json lists all%n", counts.length - LISTED);
    }
  }
}

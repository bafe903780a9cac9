package org.bitdiffusion.cli;

import static java.nio.charset.StandardCharsets.UTF_8;

import java.nio.file.Path;
import java.util.List;
import java.util.stream.Collectors;
import org.bitdiffusion.io.WholeFile;

/** The tables and the plot of a study. */
final class StudyReport {
  /** The file of tables in Markdown. */
  static final String TABLE = "table.md";

  private final Study study;
  private final Path folder;
  private final String asked;

  /**
   * @param asked options of the evaluation, such as the features that images are compared by; empty
   *     if none were given
   */
  StudyReport(Study study, Path folder, String asked) {
    this.study = study;
    this.folder = folder;
    this.asked = asked;
  }

  /** Writes table.md and table.csv of what is known so far. */
  void write(List<StudyResults.Result> results) {
    write(TABLE, markdown(results));
    write("table.csv", csv(results));
  }

  /** Paints plot.png of what is known so far. */
  void plot(List<StudyResults.Result> results) {
    Charts.study(folder.resolve("plot.png"), study, asked, results);
  }

  private void write(String name, String text) {
    WholeFile.write(folder.resolve(name), out -> out.write(text.getBytes(UTF_8)));
  }

  /**
   * A table for each metric: a row for each variant, a column for each way to sample. Where not all
   * seeds are measured yet, the number of those that are stands behind the mean.
   */
  String markdown(List<StudyResults.Result> results) {
    var text = new StringBuilder("# " + study.title() + "\n");
    for (var metric : study.metrics()) {
      text.append("\n%s\n\n".formatted(metric));
      text.append("| |");
      study.sampling().keySet().forEach(way -> text.append(" %s |".formatted(cell(way))));
      text.append("\n|---|").append("---|".repeat(study.sampling().size())).append('\n');
      for (var variant : study.variants().keySet()) {
        text.append("| %s |".formatted(cell(variant)));
        for (var way : study.sampling().keySet()) {
          var summary = StudyResults.summary(results, variant, way, metric);
          text.append(" %s |".formatted(summary == null ? "" : told(summary)));
        }
        text.append('\n');
      }
    }
    return text.append("\n%s\n".formatted(note())).toString();
  }

  private static String cell(String name) {
    return name.replace("|", "\\|");
  }

  private String told(StudyResults.Summary summary) {
    var all = study.seeds().size();
    return summary.count() == all
        ? summary.toString()
        : summary + " (%d)".formatted(summary.count());
  }

  private String note() {
    var seeds = study.seeds().size();
    return "%,d samples of each; %s%s"
        .formatted(
            study.samples(),
            seeds == 1 ? "one seed" : "mean ± deviation over %d seeds".formatted(seeds),
            asked.isEmpty() ? "" : "; with " + asked);
  }

  /** A line for each training and way to sample. */
  private String csv(List<StudyResults.Result> results) {
    var text = new StringBuilder("variant,sampling,seed,with," + String.join(",", study.metrics()));
    text.append('\n');
    for (var result : results) {
      text.append(quoted(result.variant())).append(',').append(quoted(result.sampling()));
      text.append(',').append(result.seed()).append(',');
      text.append(quoted(asked)).append(',');
      text.append(
          study.metrics().stream()
              .map(metric -> Double.toString(StudyResults.number(result, metric)))
              .collect(Collectors.joining(",")));
      text.append('\n');
    }
    return text.toString();
  }

  private static String quoted(String text) {
    return text.matches("[^,\"\n]*") ? text : '"' + text.replace("\"", "\"\"") + '"';
  }
}

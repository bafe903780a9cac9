package org.bitdiffusion.cli;

import static java.nio.charset.StandardCharsets.UTF_8;
import static org.bitdiffusion.cli.StudyDifferences.told;

import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Comparator;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.function.Predicate;
import java.util.regex.Pattern;
import java.util.stream.Collectors;
import java.util.stream.Stream;
import org.bitdiffusion.io.WholeFile;

/** The tables and the plot of a study. */
final class StudyReport {
  private static final Pattern FORMULA = Pattern.compile("\\s*[=+@\\uff1d\\uff0b\\uff20\\uff0d-]");

  /** The file of tables in Markdown. */
  static final String TABLE = "table.md";

  /** All that is written to the study's folder. */
  static final List<String> FILES = List.of(TABLE, "table.csv", "differences.csv", "plot.png");

  /** Behind the name of a measure: that of as much data in the place of samples. */
  private static final String OF_DATA = "_of_data";

  private final Study study;
  private final Path folder;
  private final String asked;
  private final Predicate<String> higherIsBetter;

  /**
   * @param asked options of the evaluation, such as the features that images are compared by; empty
   *     if none were given
   * @param higherIsBetter of which measures more is better; of all others less is
   */
  StudyReport(Study study, Path folder, String asked, Predicate<String> higherIsBetter) {
    this.study = study;
    this.folder = folder;
    this.asked = asked;
    this.higherIsBetter = higherIsBetter;
  }

  /** Writes table.md, table.csv and differences.csv of what is known so far. */
  void write(List<StudyResults.Result> results) {
    write(TABLE, markdown(results));
    write("table.csv", csv(results));
    write("differences.csv", differencesCsv(StudyDifferences.of(study, results)));
  }

  /** Paints plot.png of what is known so far. */
  void plot(List<StudyResults.Result> results) {
    Charts.study(folder.resolve("plot.png"), study, asked, results);
  }

  private void write(String name, String text) {
    WholeFile.write(folder.resolve(name), out -> out.write(text.getBytes(UTF_8)));
  }

  /**
   * A table for each metric: a row for each variant, a column for each way to sample, and a last
   * row where it is told what data has. Where not all seeds are measured yet, the number of those
   * that are stands behind the mean. Below it, a table of the differences from the baseline.
   */
  String markdown(List<StudyResults.Result> results) {
    var comparisons = StudyDifferences.of(study, results);
    var text = new StringBuilder("# " + Visible.of(study.title()) + "\n");
    for (var metric : study.metrics()) {
      text.append("\n%s\n\n".formatted(Visible.of(metric)));
      text.append("| |");
      study.ways().keySet().forEach(way -> text.append(" %s |".formatted(cell(way))));
      text.append("\n|---|").append("---|".repeat(study.ways().size())).append('\n');
      for (var variant : study.variants().keySet()) {
        text.append("| %s |".formatted(cell(variant)));
        for (var way : study.ways().keySet()) {
          var summary = StudyResults.summary(results, variant, way, metric);
          text.append(" %s |".formatted(summary == null ? "" : withCount(summary)));
        }
        text.append('\n');
      }
      text.append(ofData(results, metric + OF_DATA));
      text.append(best(results, metric));
      text.append(
          differences(comparisons.stream().filter(c -> c.metric().equals(metric)).toList()));
    }
    text.append("\n%s\n".formatted(Visible.of(note())));
    return text.append("\n%s\n".formatted(Visible.of(noteOfDifferences(comparisons)))).toString();
  }

  /** A row of what data has in the place of samples, which does not depend on the variant. */
  private String ofData(List<StudyResults.Result> results, String measure) {
    var told = results.stream().filter(r -> r.numbers().containsKey(measure)).toList();
    if (told.isEmpty()) {
      return "";
    }
    var text = new StringBuilder("| *data, as much* |");
    for (var way : study.ways().keySet()) {
      var summary = StudyResults.summary(told, told.get(0).variant(), way, measure);
      text.append(" %s |".formatted(summary == null ? "" : withCount(summary)));
    }
    return text.append('\n').toString();
  }

  /**
   * A table of the best way of each group that a list of values stands for, with the name of the
   * way: of those that are measured, by their means. As it is chosen from the same numbers, it
   * looks a little better than it is.
   */
  private String best(List<StudyResults.Result> results, String metric) {
    var groups = new LinkedHashMap<String, List<String>>();
    study
        .ways()
        .forEach((way, of) -> groups.computeIfAbsent(of.group(), g -> new ArrayList<>()).add(way));
    if (groups.size() == study.ways().size()) {
      return "";
    }
    var text = new StringBuilder("\n| best of |");
    groups.keySet().forEach(group -> text.append(" %s |".formatted(cell(group))));
    text.append("\n|---|").append("---|".repeat(groups.size())).append('\n');
    for (var variant : study.variants().keySet()) {
      text.append("| %s |".formatted(cell(variant)));
      for (var ways : groups.values()) {
        var best =
            ways.stream()
                .filter(way -> StudyResults.summary(results, variant, way, metric) != null)
                .min(
                    Comparator.comparingDouble(
                        way -> {
                          var mean = StudyResults.summary(results, variant, way, metric).mean();
                          return higherIsBetter.test(metric) ? -mean : mean;
                        }));
        text.append(
            best.map(
                    way ->
                        " %s (%s) |"
                            .formatted(
                                withCount(StudyResults.summary(results, variant, way, metric)),
                                cell(way)))
                .orElse(" |"));
      }
      text.append('\n');
    }
    return text.toString();
  }

  /** A table of the differences of one metric. */
  private static String differences(List<StudyDifferences.Comparison> comparisons) {
    if (comparisons.isEmpty()) {
      return "";
    }
    var text = new StringBuilder("\n| variant | sampling | difference | 95% interval | p | |\n");
    text.append("|---|---|---|---|---|---|\n");
    for (var comparison : comparisons) {
      var paired = comparison.paired();
      text.append(
          "| %s | %s | %s | %s | %s | %s |\n"
              .formatted(
                  cell(comparison.place().variant()),
                  cell(comparison.place().sampling()),
                  paired == null ? "" : told(paired.mean()),
                  paired == null ? "" : told(paired.low()) + " to " + told(paired.high()),
                  comparison.isJudged() ? told(comparison.p()) : "",
                  comparison.verdict()));
    }
    return text.toString();
  }

  private String noteOfDifferences(List<StudyDifferences.Comparison> comparisons) {
    return comparisons.isEmpty()
        ? "Nothing is compared: there is nothing beside " + study.baseline()
        : ("Differences are from %s with the same seed. Each interval is for itself; p is corrected"
                + " for all %d comparisons (Holm), and lower or higher is said where it is below"
                + " 0.05.")
            .formatted(study.baseline(), comparisons.size());
  }

  private static String cell(String name) {
    return Visible.of(name).replace("|", "\\|");
  }

  private String withCount(StudyResults.Summary summary) {
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
  String csv(List<StudyResults.Result> results) {
    var text = new StringBuilder("variant,sampling,seed,with");
    study.metrics().forEach(metric -> text.append(',').append(quoted(metric)));
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

  /** A line for each comparison; what is not known is empty. */
  private static String differencesCsv(List<StudyDifferences.Comparison> comparisons) {
    var text =
        new StringBuilder(
            "metric,variant,sampling,baseline_variant,baseline_sampling,seeds,difference,"
                + "standard_error,low,high,p,corrected_p,verdict\n");
    for (var comparison : comparisons) {
      var paired = comparison.paired();
      var judged = comparison.isJudged();
      var cells =
          Stream.of(
              comparison.metric(),
              comparison.place().variant(),
              comparison.place().sampling(),
              comparison.baseline().variant(),
              comparison.baseline().sampling(),
              comparison.differences().size(),
              paired == null ? "" : paired.mean(),
              paired == null ? "" : paired.standardError(),
              paired == null ? "" : paired.low(),
              paired == null ? "" : paired.high(),
              judged ? paired.p() : "",
              judged ? comparison.p() : "",
              comparison.verdict());
      text.append(cells.map(StudyReport::cellOf).collect(Collectors.joining(",")));
      text.append('\n');
    }
    return text.toString();
  }

  /** A number as it is, also below 0, and a text as one cell. */
  private static String cellOf(Object value) {
    return value instanceof Number ? value.toString() : quoted(value.toString());
  }

  /**
   * A text as one cell, in one line. Spreadsheets take some beginnings for those of a formula, also
   * behind blanks or in their wide forms, and execute it; behind an apostrophe they do not.
   */
  static String quoted(String name) {
    var visible = Visible.of(name);
    var text = FORMULA.matcher(visible).lookingAt() ? "'" + visible : visible;
    return text.matches("[^,\"\n\r]*") ? text : '"' + text.replace("\"", "\"\"") + '"';
  }
}

package org.bitdiffusion.modality.table;

import java.nio.file.Path;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import org.bitdiffusion.ConfigurationException;
import org.bitdiffusion.DataException;
import org.bitdiffusion.config.RunConfig;
import org.bitdiffusion.data.DataSource;
import org.bitdiffusion.data.DataSpec;
import org.bitdiffusion.data.Part;
import org.bitdiffusion.data.Split;
import org.bitdiffusion.metrics.table.BoostedTrees;
import org.bitdiffusion.metrics.table.Efficacy;
import org.bitdiffusion.metrics.table.TableMeasures;
import org.bitdiffusion.modality.Evaluation;
import org.bitdiffusion.modality.Modality;
import org.bitdiffusion.modality.Watch;

/**
 * Compares samples with the rows of a table. Options:
 *
 * <ul>
 *   <li>{@code held_out}, a source of rows that were not trained on, which are tested on, and tell
 *       copies
 *   <li>{@code report}, an HTML file of all measures, with a picture of each column
 *   <li>{@code grid}, {@code true} to choose among the field's 36 sets of parameters of trees for
 *       efficacy, in place of their defaults
 *   <li>{@code fill}, the share of fields of held-out rows that are masked, filled and compared
 *   <li>{@code rows}, a source of rows from elsewhere, such as another program's, that are measured
 *       in place of drawn ones
 * </ul>
 */
final class TableEvaluation implements Evaluation {
  private static final String HELD_OUT = "held_out";
  private static final String REPORT = "report";
  private static final String GRID = "grid";
  private static final String FILL = "fill";
  private static final String ROWS_FROM = "rows";

  /** Rows that are drawn and compared at most, unless more are asked for: time is their square. */
  private static final int ROWS = 50_000;

  /** The fewest rows of which something can be told. */
  private static final int FEWEST = 3;

  @Override
  public List<String> options() {
    return List.of(HELD_OUT, REPORT, GRID, FILL, ROWS_FROM);
  }

  @Override
  public Comparison with(DataSource source, int n, Map<String, String> options, Watch watch) {
    var columns = columns(source);
    requireRight(options, n);
    return compare(source, opened(HELD_OUT, columns, options, watch), n, options, watch);
  }

  /** Rows that an option names, read as those of the run's columns. */
  private static Optional<DataSource> opened(
      String option, Columns columns, Map<String, String> options, Watch watch) {
    if (!options.containsKey(option)) {
      return Optional.empty();
    }
    var plan = Modality.plan(DataSpec.parse(options.get(option)));
    if (!(plan instanceof TableSources.Plan table)) {
      throw new ConfigurationException(
          "%s is %s, which is no table".formatted(option, options.get(option)));
    }
    var rows = table.openToCompare(columns);
    if (!rows.warning().isEmpty()) {
      watch.say(rows.warning());
    }
    return Optional.of(rows);
  }

  @Override
  public Comparison with(
      DataSource source, Split split, int n, Map<String, String> options, Watch watch) {
    columns(source);
    requireRight(options, n);
    return compare(
        new Part(source, split.training()),
        Optional.of(new Part(source, split.validation())),
        n,
        options,
        watch);
  }

  private static Columns columns(DataSource source) {
    var whole = source instanceof Part part ? part.whole() : source;
    if (!(whole instanceof TableData table)) {
      throw new ConfigurationException(source.name() + " is no table to compare with");
    }
    return table.columns();
  }

  private void requireRight(Map<String, String> options, int n) {
    requireKnown(options);
    if (n != 0 && n < FEWEST) {
      throw new ConfigurationException(
          "n is %d; measures of a table need %d rows at least".formatted(n, FEWEST));
    }
    var grid = options.getOrDefault(GRID, "false");
    if (!grid.equals("true") && !grid.equals("false")) {
      throw new ConfigurationException("grid is '%s'; it must be true or false".formatted(grid));
    }
    if (fill(options) > 0 && options.containsKey(ROWS_FROM)) {
      throw new ConfigurationException(
          "fill and rows exclude each other: gaps are filled by the run, and rows are from"
              + " elsewhere");
    }
    if (n != 0 && options.containsKey(ROWS_FROM)) {
      throw new ConfigurationException(
          "n and rows exclude each other: all rows from elsewhere are measured; give fewer");
    }
  }

  /** 0 where nothing is to be filled. */
  private static double fill(Map<String, String> options) {
    if (!options.containsKey(FILL)) {
      return 0;
    }
    var share = RunConfig.TrainingConfig.share(options.get(FILL)).orElse(0);
    if (!(share > 0 && share < 1)) {
      throw new ConfigurationException(
          "fill is '%s'; it must be a share of fields, such as 30%%".formatted(options.get(FILL)));
    }
    return share;
  }

  private static Comparison compare(
      DataSource source,
      Optional<DataSource> heldOut,
      int n,
      Map<String, String> options,
      Watch watch) {
    if (source.size() < FEWEST) {
      throw new DataException(
          "%s has %d rows; measures of a table need %d at least"
              .formatted(source.name(), source.size(), FEWEST));
    }
    var others = heldOut.filter(rows -> rows.size() >= FEWEST);
    var columns = columns(source);
    var elsewhere = opened(ROWS_FROM, columns, options, watch);
    elsewhere
        .filter(rows -> rows.size() < FEWEST)
        .ifPresent(
            rows -> {
              throw new DataException(
                  "rows: %s has %d rows that the run's columns can hold; measures of a table need %d"
                      .formatted(rows.name(), rows.size(), FEWEST));
            });
    var trees = BoostedTrees.areThere();
    say(columns, heldOut.map(DataSource::size).orElse(0), trees, watch);
    var samples =
        elsewhere.map(DataSource::size).orElse(n == 0 ? Math.min(ROWS, source.size()) : n);
    var asked =
        new TableMeasures.Options(
            columns.target().orElse(null),
            options.getOrDefault(GRID, "false").equals("true")
                ? Efficacy.PUBLISHED
                : Efficacy.FIXED,
            trees,
            Math.max(ROWS, samples),
            0);
    return new TableComparison(
        source,
        columns,
        others,
        others
            .filter(rows -> fill(options) > 0)
            .map(rows -> new MaskedRows(columns, rows, fill(options))),
        elsewhere,
        asked,
        samples,
        Optional.ofNullable(options.get(REPORT)).map(Path::of));
  }

  /** What is not told, and why. */
  private static void say(Columns columns, int heldOut, boolean trees, Watch watch) {
    if (heldOut < FEWEST) {
      watch.say(
          "not told without %s: efficacy, nearer_to_training, how gaps are filled, and what data has"
              .formatted(
                  heldOut == 0
                      ? "held-out rows"
                      : "more held-out rows than %d".formatted(heldOut)));
    }
    if (columns.target().isEmpty()) {
      watch.say("not told without a target among the run's columns: efficacy");
    }
    if (!trees) {
      watch.say(
          "not told without XGBoost, which does not run here: detection_xgboost and efficacy");
    }
  }
}

package org.bitdiffusion.metrics.table;

import java.util.Collections;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Random;
import org.bitdiffusion.Seed;

/**
 * All measures of synthetic rows at once, by name, in the order in which they are read, each beside
 * those of rows that need no model: {@code shape}, {@code shape_of_independent}, {@code
 * shape_of_smote}, {@code shape_of_data}.
 *
 * <ul>
 *   <li>{@code shape}, {@code trend}: {@link Shape} and {@link Trend} against the training rows.
 *   <li>{@code detection_logistic}, {@code detection_xgboost}: {@link Detection} from as many
 *       training rows.
 *   <li>{@code efficacy_auc} and {@code efficacy_f1}, or {@code efficacy_rmse} and {@code
 *       efficacy_r2}: {@link Efficacy} on the held-out rows, where a target is named.
 *   <li>{@code alpha_precision}, {@code beta_recall}: {@link PrecisionAndRecall} of as many
 *       training rows.
 *   <li>{@code nearer_to_training}, {@code copies}: {@link ClosestRecords} with the held-out rows.
 * </ul>
 *
 * <p>{@code _of_independent} and {@code _of_smote} are of {@link Baselines} of the training rows,
 * as many as there are synthetic ones. {@code _of_data} are of the held-out rows, as if these were
 * synthetic: what the best model reaches. But {@code efficacy_*_of_data} is what training rows
 * teach, as many as there are synthetic ones, and of data there is no nearer_to_training: half.
 */
public final class TableMeasures {
  private TableMeasures() {}

  /**
   * How to measure.
   *
   * @param target the name of the column whose prediction is measured; null for none
   * @param grid {@link Efficacy#FIXED} or {@link Efficacy#PUBLISHED}
   * @param trees whether XGBoost is asked at all
   * @param rows the most rows of each table that are looked at, at random: time grows with their
   *     square
   * @param seed of all choices at random
   */
  public record Options(
      String target, List<BoostedTrees> grid, boolean trees, int rows, long seed) {
    /** Some 30,000 rows, with fixed parameters of trees. */
    public static Options of(String target, long seed) {
      return new Options(target, Efficacy.FIXED, true, 30_000, seed);
    }
  }

  /** Is told what is measured, which may take minutes. */
  public interface Watch {
    /** For those who do not watch. */
    Watch NONE = (done, of, what) -> {};

    /**
     * One set of rows is about to be measured.
     *
     * @param done how many have been
     * @param of how many there are
     * @param what of what the next is: "", "independent", "smote" or "data"
     */
    void progress(int done, int of, String what);
  }

  /**
   * Measures.
   *
   * @param training the rows that the model learned from
   * @param heldOut rows of the same source that it did not
   * @param synthetic rows that it made
   * @return numbers by name; NaN where the tables do not give one
   * @throws org.bitdiffusion.DataException if columns are not alike, the target is absent, or there
   *     are too few rows: 3 of each table
   * @throws org.bitdiffusion.ConfigurationException if XGBoost is asked for and cannot be loaded
   */
  public static Map<String, Double> of(
      Table training, Table heldOut, Table synthetic, Options options, Watch watch) {
    training.requireSameColumns(heldOut);
    training.requireSameColumns(synthetic);
    var target = options.target() == null ? -1 : training.indexOf(options.target());
    for (var table : List.of(training, heldOut, synthetic)) {
      table.requireRows(Detection.FEWEST, "measuring a table");
    }
    var seed = options.seed();
    var data = new Data(some(training, options, 1), some(heldOut, options, 2), target, options);
    var rows = some(synthetic, options, 3);
    var count = rows.rows();
    watch.progress(0, 4, "");
    var result = new LinkedHashMap<>(data.measured(rows));
    watch.progress(1, 4, "independent");
    var independent =
        data.measured(Baselines.independent(data.training(), count, Seed.of(seed, 4)));
    watch.progress(2, 4, "smote");
    var smote =
        data.measured(
            Baselines.smote(data.training(), Math.max(target, 0), count, Seed.of(seed, 5)));
    watch.progress(3, 4, "data");
    var real = data.measuredOfData(count);
    watch.progress(4, 4, "");
    var ordered = new LinkedHashMap<String, Double>();
    result.forEach(
        (name, value) -> {
          ordered.put(name, value);
          ordered.put(name + "_of_independent", independent.get(name));
          ordered.put(name + "_of_smote", smote.get(name));
          if (real.containsKey(name)) {
            ordered.put(name + "_of_data", real.get(name));
          }
        });
    return Collections.unmodifiableMap(ordered);
  }

  private static Table some(Table table, Options options, long place) {
    return table.rows() <= options.rows()
        ? table
        : table.take(
            Rows.some(table.rows(), options.rows(), new Random(Seed.of(options.seed(), place))));
  }

  /** What rows are compared with. */
  private record Data(Table training, Table heldOut, int target, Options options) {
    Map<String, Double> measured(Table rows) {
      var result = alike(rows);
      learned(rows, result);
      near(rows, result);
      return result;
    }

    Map<String, Double> measuredOfData(int count) {
      var result = alike(heldOut);
      learned(as(training, count), result);
      near(heldOut, result);
      result.remove("nearer_to_training");
      return result;
    }

    private Map<String, Double> alike(Table rows) {
      var result = new LinkedHashMap<String, Double>();
      result.put("shape", Shape.of(training, rows).mean());
      result.put("trend", Trend.of(training, rows).mean());
      var count = Math.min(training.rows(), rows.rows());
      var real = as(training, count);
      var others = as(rows, count);
      var folds = Detection.folds(real, others, Seed.of(options.seed(), 6));
      result.put("detection_logistic", Detection.logistic(real, others, folds).score());
      if (options.trees()) {
        result.put(
            "detection_xgboost",
            Detection.trees(real, others, folds, BoostedTrees.DEFAULT).score());
      }
      return result;
    }

    private Table as(Table table, int count) {
      return table.take(Rows.some(table.rows(), count, new Random(Seed.of(options.seed(), 7))));
    }

    private void learned(Table rows, Map<String, Double> result) {
      if (target < 0 || !options.trees()) {
        return;
      }
      var efficacy = Efficacy.of(rows, heldOut, target, options.grid(), Seed.of(options.seed(), 8));
      if (training.column(target) instanceof Column.Numbers) {
        result.put("efficacy_rmse", efficacy.rootMeanSquare());
        result.put("efficacy_r2", efficacy.explained());
      } else {
        result.put("efficacy_auc", efficacy.area());
        result.put("efficacy_f1", efficacy.f1());
      }
    }

    private void near(Table rows, Map<String, Double> result) {
      var count = Math.min(training.rows(), rows.rows());
      var both = PrecisionAndRecall.of(as(training, count), as(rows, count));
      result.put("alpha_precision", both.alphaPrecision());
      result.put("beta_recall", both.betaRecall());
      var closest = ClosestRecords.of(training, heldOut, rows, Seed.of(options.seed(), 9));
      result.put("nearer_to_training", closest.nearerToTraining());
      result.put("copies", closest.copies());
    }
  }
}

package org.bitdiffusion.metrics.table;

import java.util.Collections;
import java.util.LinkedHashMap;
import java.util.LinkedHashSet;
import java.util.List;
import java.util.Map;
import java.util.Random;
import java.util.Set;
import java.util.stream.IntStream;
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
 *
 * <p>Without held-out rows there is neither efficacy nor nearer_to_training, and nothing of data.
 * What stands beside is measured once for all tables of as many synthetic rows. Not safe for
 * several threads.
 */
public final class TableMeasures {
  private static final String SHAPE = "shape";
  private static final String TREND = "trend";
  private static final String LOGISTIC = "detection_logistic";
  private static final String TREES = "detection_xgboost";
  private static final String ERROR = "efficacy_rmse";
  private static final String EXPLAINED = "efficacy_r2";
  private static final String AREA = "efficacy_auc";
  private static final String F1 = "efficacy_f1";
  private static final String PRECISION = "alpha_precision";
  private static final String RECALL = "beta_recall";
  private static final String NEARER = "nearer_to_training";
  private static final String COPIES = "copies";

  /** Sets of rows that are measured. */
  private static final int SETS = 4;

  private final Table training;
  private final Table heldOut; // or null
  private final int target; // or -1
  private final Options options;
  private final List<String> names;
  private Beside beside; // or null, before it is measured

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
   * Measures of rows that need no model.
   *
   * @param count how many rows
   * @param wanted which measures
   */
  private record Beside(
      int count,
      Set<String> wanted,
      Map<String, Double> independent,
      Map<String, Double> smote,
      Map<String, Double> data) {}

  /**
   * @param training the rows that models learned from
   * @param heldOut rows of the same source that they did not; null where there are none
   * @throws org.bitdiffusion.DataException if columns are not alike, the target is absent, or there
   *     are too few rows: 3 of each table
   */
  public TableMeasures(Table training, Table heldOut, Options options) {
    requireRows(training);
    if (heldOut != null) {
      training.requireSameColumns(heldOut);
      requireRows(heldOut);
    }
    target = options.target() == null ? -1 : training.indexOf(options.target());
    this.training = some(training, options, 1);
    this.heldOut = heldOut == null ? null : some(heldOut, options, 2);
    this.options = options;
    names = List.copyOf(told());
  }

  private static void requireRows(Table table) {
    table.requireRows(Detection.FEWEST, "measuring a table");
  }

  private Set<String> told() {
    var told = new LinkedHashSet<String>();
    var isPair = training.columns().size() > 1;
    told.add(SHAPE);
    if (isPair) {
      told.add(TREND);
    }
    told.add(LOGISTIC);
    if (options.trees()) {
      told.add(TREES);
      if (heldOut != null && target >= 0 && isPair) {
        var isNumber = training.column(target) instanceof Values.Numbers;
        told.addAll(isNumber ? List.of(ERROR, EXPLAINED) : List.of(AREA, F1));
      }
    }
    told.addAll(List.of(PRECISION, RECALL));
    if (heldOut != null) {
      told.add(NEARER);
    }
    told.add(COPIES);
    return told;
  }

  /** What is measured, in this order, without what stands beside. */
  public List<String> names() {
    return names;
  }

  /**
   * Measures all.
   *
   * @param training the rows that the model learned from
   * @param heldOut rows of the same source that it did not; null where there are none
   * @param synthetic rows that it made
   * @return numbers by name; NaN where the tables do not give one
   * @throws org.bitdiffusion.DataException if columns are not alike, the target is absent, or there
   *     are too few rows: 3 of each table
   * @throws org.bitdiffusion.ConfigurationException if XGBoost is asked for and cannot be loaded
   */
  public static Map<String, Double> of(
      Table training, Table heldOut, Table synthetic, Options options, Watch watch) {
    return new TableMeasures(training, heldOut, options).of(synthetic, List.of(), watch);
  }

  /**
   * Measures rows.
   *
   * @param synthetic rows that a model made
   * @param only some of {@link #names}, of which nothing else need be told; empty for all
   * @return numbers by name; NaN where the tables do not give one
   * @throws org.bitdiffusion.DataException if columns are not alike, or there are less than 3 rows
   * @throws org.bitdiffusion.ConfigurationException if XGBoost is asked for and cannot be loaded
   */
  public Map<String, Double> of(Table synthetic, List<String> only, Watch watch) {
    training.requireSameColumns(synthetic);
    requireRows(synthetic);
    var wanted = new LinkedHashSet<>(names);
    if (!only.isEmpty()) {
      wanted.retainAll(only);
    }
    var rows = some(synthetic, options, 3);
    watch.progress(0, SETS, "");
    var measured = measured(rows, wanted);
    var others = beside(rows.rows(), wanted, watch);
    watch.progress(SETS, SETS, "");
    var ordered = new LinkedHashMap<String, Double>();
    for (var name : names) {
      if (wanted.contains(name)) {
        ordered.put(name, measured.get(name));
        put(ordered, name + "_of_independent", others.independent().get(name));
        put(ordered, name + "_of_smote", others.smote().get(name));
        put(ordered, name + "_of_data", others.data().get(name));
      }
    }
    return Collections.unmodifiableMap(ordered);
  }

  private static void put(Map<String, Double> to, String name, Double value) {
    if (value != null) {
      to.put(name, value);
    }
  }

  private static Table some(Table table, Options options, long place) {
    return table.rows() <= options.rows()
        ? table
        : table.take(
            Rows.some(table.rows(), options.rows(), new Random(Seed.of(options.seed(), place))));
  }

  private Beside beside(int count, Set<String> wanted, Watch watch) {
    if (beside == null || beside.count() != count || !beside.wanted().equals(wanted)) {
      var seed = options.seed();
      watch.progress(1, SETS, "independent");
      var independent = measured(Baselines.independent(training, count, Seed.of(seed, 4)), wanted);
      watch.progress(2, SETS, "smote");
      var smote =
          measured(Baselines.smote(training, Math.max(target, 0), count, Seed.of(seed, 5)), wanted);
      watch.progress(3, SETS, "data");
      var data = heldOut == null ? Map.<String, Double>of() : measuredOfData(count, wanted);
      beside = new Beside(count, wanted, independent, smote, data);
    }
    return beside;
  }

  private Map<String, Double> measured(Table rows, Set<String> wanted) {
    var result = new LinkedHashMap<String, Double>();
    alike(rows, wanted, result);
    learned(rows, wanted, result);
    near(rows, wanted, result);
    return result;
  }

  private Map<String, Double> measuredOfData(int count, Set<String> wanted) {
    var result = new LinkedHashMap<String, Double>();
    alike(heldOut, wanted, result);
    learned(as(training, count), wanted, result);
    var others = new LinkedHashSet<>(wanted);
    others.remove(NEARER);
    near(heldOut, others, result);
    return result;
  }

  private void alike(Table rows, Set<String> wanted, Map<String, Double> result) {
    if (wanted.contains(SHAPE)) {
      result.put(SHAPE, Shape.of(training, rows).mean());
    }
    if (wanted.contains(TREND)) {
      result.put(TREND, Trend.of(training, rows).mean());
    }
    if (!wanted.contains(LOGISTIC) && !wanted.contains(TREES)) {
      return;
    }
    var count = Math.min(training.rows(), rows.rows());
    var real = as(training, count);
    var others = as(rows, count);
    var folds = Detection.folds(real, others, Seed.of(options.seed(), 6));
    if (wanted.contains(LOGISTIC)) {
      result.put(LOGISTIC, Detection.logistic(real, others, folds).score());
    }
    if (wanted.contains(TREES)) {
      result.put(TREES, Detection.trees(real, others, folds, BoostedTrees.DEFAULT).score());
    }
  }

  private Table as(Table table, int count) {
    return table.take(Rows.some(table.rows(), count, new Random(Seed.of(options.seed(), 7))));
  }

  private void learned(Table rows, Set<String> wanted, Map<String, Double> result) {
    var asked = List.of(ERROR, EXPLAINED, AREA, F1).stream().filter(wanted::contains).toList();
    if (asked.isEmpty()) {
      return;
    }
    if (!isKnown(rows) || !isKnown(heldOut)) {
      asked.forEach(name -> result.put(name, Double.NaN)); // nothing to learn, or to test
      return;
    }
    var efficacy = Efficacy.of(rows, heldOut, target, options.grid(), Seed.of(options.seed(), 8));
    for (var name : asked) {
      result.put(
          name,
          switch (name) {
            case ERROR -> efficacy.rootMeanSquare();
            case EXPLAINED -> efficacy.explained();
            case AREA -> efficacy.area();
            default -> efficacy.f1();
          });
    }
  }

  /** Whether some row has the target. */
  private boolean isKnown(Table table) {
    var column = table.column(target);
    return IntStream.range(0, table.rows()).anyMatch(row -> !column.isMissing(row));
  }

  private void near(Table rows, Set<String> wanted, Map<String, Double> result) {
    if (wanted.contains(PRECISION) || wanted.contains(RECALL)) {
      var count = Math.min(training.rows(), rows.rows());
      var both = PrecisionAndRecall.of(as(training, count), as(rows, count));
      result.put(PRECISION, both.alphaPrecision());
      result.put(RECALL, both.betaRecall());
    }
    if (wanted.contains(NEARER)) {
      var closest = ClosestRecords.of(training, heldOut, rows, Seed.of(options.seed(), 9));
      result.put(NEARER, closest.nearerToTraining());
    }
    if (wanted.contains(COPIES)) {
      result.put(COPIES, ClosestRecords.copies(training, rows));
    }
  }
}

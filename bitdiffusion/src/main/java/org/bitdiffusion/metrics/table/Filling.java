package org.bitdiffusion.metrics.table;

import java.util.ArrayList;
import java.util.Arrays;
import java.util.Random;
import java.util.function.IntToDoubleFunction;
import java.util.stream.IntStream;
import org.bitdiffusion.DataException;
import org.bitdiffusion.Seed;
import org.bitdiffusion.metrics.table.Neighbours.Metric;
import org.bitdiffusion.metrics.table.Values.Categories;
import org.bitdiffusion.metrics.table.Values.Numbers;

/**
 * How well gaps were filled whose truth is known: fields were masked, filled, and are compared with
 * what they were.
 *
 * @param accuracies of each column of categories the share of masked fields that are right; NaN of
 *     others and where none was masked
 * @param errors of each column of numbers the root of the mean square of the errors of masked
 *     fields, over the column's standard deviation in the training rows, so that filling in the
 *     mean gives about 1; NaN of others and where none was masked
 */
public record Filling(double[] accuracies, double[] errors) {
  /** How many rows {@link #byNeighbours} asks, as scikit-learn's KNNImputer does. */
  public static final int NEIGHBOURS = 5;

  /**
   * Compares.
   *
   * @param training the rows that were learned from
   * @param truth the rows as they were
   * @param gaps the same with fields missing
   * @param filled the same with fields filled
   * @throws DataException if the columns are not alike or rows not as many, or a field that was
   *     masked is still missing
   */
  public static Filling of(Table training, Table truth, Table gaps, Table filled) {
    truth.requireSameColumns(training);
    truth.requireSameColumns(gaps);
    truth.requireSameColumns(filled);
    if (truth.rows() != gaps.rows() || truth.rows() != filled.rows()) {
      throw new DataException(
          "rows that were filled must be those with gaps: %d, %d with gaps, %d filled"
              .formatted(truth.rows(), gaps.rows(), filled.rows()));
    }
    var count = truth.columns().size();
    var accuracies = new double[count];
    var errors = new double[count];
    Arrays.fill(accuracies, Double.NaN);
    Arrays.fill(errors, Double.NaN);
    for (var i = 0; i < count; i++) {
      var rows = masked(truth.column(i), gaps.column(i));
      for (var row : rows) {
        if (filled.column(i).isMissing(row)) {
          throw new DataException(
              "row %d of column \"%s\" was masked and is not filled"
                  .formatted(row, truth.names().get(i)));
        }
      }
      if (rows.length == 0) {
        continue;
      }
      if (truth.column(i) instanceof Numbers numbers) {
        var deviation = Points.deviation(((Numbers) training.column(i)).present());
        errors[i] =
            Scores.rootMeanSquare(
                    ((Numbers) filled.column(i)).take(rows).values(), numbers.take(rows).values())
                / (deviation > 0 ? deviation : 1);
      } else {
        var codes = ((Categories) truth.column(i)).codes();
        var others = ((Categories) filled.column(i)).codes();
        accuracies[i] =
            (double) IntStream.of(rows).filter(row -> codes[row] == others[row]).count()
                / rows.length;
      }
    }
    return new Filling(accuracies, errors);
  }

  private static int[] masked(Values truth, Values gaps) {
    return IntStream.range(0, truth.rows())
        .filter(row -> !truth.isMissing(row) && gaps.isMissing(row))
        .toArray();
  }

  /** The mean over columns of categories; NaN if there are none. */
  public double accuracy() {
    return Shape.meanOf(accuracies);
  }

  /** The mean over columns of numbers; NaN if there are none. */
  public double error() {
    return Shape.meanOf(errors);
  }

  /** Rows with fields missing at random, each with the same probability. */
  public static Table masked(Table truth, double share, long seed) {
    var columns = new ArrayList<Values>();
    for (var i = 0; i < truth.columns().size(); i++) {
      var random = new Random(Seed.of(seed, i));
      if (truth.column(i) instanceof Numbers numbers) {
        columns.add(
            new Numbers(
                Arrays.stream(numbers.values())
                    .map(value -> random.nextDouble() < share ? Double.NaN : value)
                    .toArray()));
      } else {
        var categories = (Categories) truth.column(i);
        columns.add(
            new Categories(
                IntStream.of(categories.codes())
                    .map(code -> random.nextDouble() < share ? Categories.MISSING : code)
                    .toArray(),
                categories.count()));
      }
    }
    return new Table(truth.names(), columns);
  }

  /** Fills every gap with the mean of the training rows' numbers, or their likeliest category. */
  public static Table byModeAndMean(Table training, Table gaps) {
    training.requireSameColumns(gaps);
    var columns = new ArrayList<Values>();
    for (var i = 0; i < gaps.columns().size(); i++) {
      var usual = usual(training.column(i));
      columns.add(filled(gaps.column(i), row -> usual));
    }
    return new Table(gaps.names(), columns);
  }

  /** The mean, or the most frequent category; 0 of a column without a value. */
  private static double usual(Values column) {
    if (column instanceof Numbers numbers) {
      return Arrays.stream(numbers.present()).average().orElse(0);
    }
    var counts = ((Categories) column).counts();
    return IntStream.range(0, counts.length - 1)
        .reduce((best, v) -> counts[v] > counts[best] ? v : best)
        .orElse(0);
  }

  private static Values filled(Values column, IntToDoubleFunction value) {
    if (column instanceof Numbers numbers) {
      var values = numbers.values().clone();
      for (var row = 0; row < values.length; row++) {
        values[row] = Double.isNaN(values[row]) ? value.applyAsDouble(row) : values[row];
      }
      return new Numbers(values);
    }
    var categories = (Categories) column;
    var codes = categories.codes().clone();
    for (var row = 0; row < codes.length; row++) {
      codes[row] = column.isMissing(row) ? (int) value.applyAsDouble(row) : codes[row];
    }
    return new Categories(codes, categories.count());
  }

  /**
   * Fills every gap of a row from the 5 training rows that are nearest in the fields that it has:
   * the mean of the numbers that these have, or the category of most of them, of equally frequent
   * ones that of the nearest; where they have none, as {@link #byModeAndMean} does. Distances are
   * Euclidean, of numbers over their standard deviation and of one-hot vectors over the root of 2,
   * so that a category that differs counts as one deviation; so does a number that the training row
   * lacks, which is taken for the mean. A row without any value has the first training rows for
   * neighbours.
   */
  public static Table byNeighbours(Table training, Table gaps) {
    training.requireSameColumns(gaps);
    training.requireRows(1, "filling by neighbours");
    var points = Points.standardised(training, gaps, training);
    var known = points.get(0).knownOf(gaps);
    var found = Neighbours.of(known, points.get(1), Metric.SQUARED, 1, NEIGHBOURS, false);
    var columns = new ArrayList<Values>();
    for (var i = 0; i < gaps.columns().size(); i++) {
      var column = training.column(i);
      var usual = usual(column);
      columns.add(filled(gaps.column(i), row -> value(column, found.of(row), usual)));
    }
    return new Table(gaps.names(), columns);
  }

  private static double value(Values column, int[] near, double usual) {
    var rows = IntStream.of(near).filter(row -> !column.isMissing(row)).toArray();
    if (rows.length == 0) {
      return usual;
    }
    return column instanceof Numbers numbers
        ? Arrays.stream(numbers.take(rows).values()).average().orElseThrow()
        : Baselines.vote((Categories) column, rows);
  }
}

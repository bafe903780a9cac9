package org.bitdiffusion.metrics.table;

import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.Random;
import java.util.stream.DoubleStream;
import java.util.stream.IntStream;
import org.bitdiffusion.DataException;
import org.bitdiffusion.metrics.table.BoostedTrees.Task;
import org.bitdiffusion.metrics.table.Values.Categories;
import org.bitdiffusion.metrics.table.Values.Numbers;

/**
 * What can be learned from rows about real ones: XGBoost learns the target from them, synthetic or
 * real, and is tested on real rows that neither was made of. The difference to what real rows teach
 * is the loss by synthesis.
 *
 * <p>Features are the numbers and an indicator of each category; rows without the target are left
 * out.
 *
 * @param area of a target of categories: AUC; of more than two the mean of each against the rest;
 *     else NaN
 * @param f1 of two categories: of the one that is rarer among the tested rows, at a probability of
 *     a half; of more the mean of all, by the likeliest; else NaN
 * @param rootMeanSquare of a target of numbers: the root of the mean square of the errors, in its
 *     units; else NaN
 * @param explained of a target of numbers: R^2, 1 at best; else NaN
 * @param trees the parameters that were chosen
 */
public record Efficacy(
    double area, double f1, double rootMeanSquare, double explained, BoostedTrees trees) {
  /** One set of parameters: the defaults of XGBoost. */
  public static final List<BoostedTrees> FIXED = List.of(BoostedTrees.DEFAULT);

  /**
   * The 36 sets among which the tables of the field choose (STaSy, arXiv 2210.04018; TabSyn,
   * 2310.09656; TabDiff, 2410.20626): 10, 50 or 100 trees, depth 5, 10 or 20, least child weight 1
   * or 10, gamma 0 or 1. As there, a ninth of the rows that are learned from is kept for choosing,
   * by AUC or the error. These scale numbers first or take their logarithms, which trees do not
   * see.
   */
  public static final List<BoostedTrees> PUBLISHED =
      IntStream.of(10, 50, 100)
          .boxed()
          .flatMap(
              rounds ->
                  IntStream.of(5, 10, 20)
                      .boxed()
                      .flatMap(
                          depth ->
                              DoubleStream.of(1, 10)
                                  .boxed()
                                  .flatMap(
                                      weight ->
                                          DoubleStream.of(0, 1)
                                              .mapToObj(
                                                  gamma ->
                                                      new BoostedTrees(
                                                          rounds, depth, 0.3, weight, gamma)))))
          .toList();

  private static final int PART_FOR_CHOOSING = 9;

  /**
   * Learns and tests.
   *
   * @param training the rows to learn from
   * @param test real rows
   * @param target the place of the column that is predicted
   * @param grid {@link #FIXED}, {@link #PUBLISHED} or others; of several sets the one that does
   *     best on a ninth of the training rows, which no set learns from
   * @param seed of the choice of those rows
   * @throws DataException if the columns are not alike, there is none but the target, or a table
   *     has no row with the target
   * @throws org.bitdiffusion.ConfigurationException if XGBoost cannot be loaded
   */
  public static Efficacy of(
      Table training, Table test, int target, List<BoostedTrees> grid, long seed) {
    training.requireSameColumns(test);
    if (training.columns().size() < 2) {
      throw new DataException(
          "nothing can be learned about \"%s\", the only column"
              .formatted(training.names().get(target)));
    }
    var learned = known(training, target);
    var tested = known(test, target);
    var problem = Problem.of(learned, tested, target);
    var features =
        Features.of(learned.without(target), learned.without(target), tested.without(target));
    var rows = IntStream.range(0, learned.rows()).toArray();
    var chosen = grid.get(0);
    if (grid.size() > 1) {
      learned.requireRows(PART_FOR_CHOOSING, "choosing parameters of trees");
      var kept = rows.length / PART_FOR_CHOOSING;
      Rows.shuffle(rows, new Random(seed));
      var choosing = Arrays.copyOf(rows, kept);
      rows = Arrays.copyOfRange(rows, kept, rows.length);
      var best = Double.NEGATIVE_INFINITY;
      for (var trees : grid) {
        var efficacy =
            problem.test(trees, features.get(0), rows, learned, features.get(0), choosing, learned);
        var quality = problem.task() == Task.NUMBER ? -efficacy.rootMeanSquare() : efficacy.area();
        if (quality > best) {
          best = quality;
          chosen = trees;
        }
      }
    }
    var all = IntStream.range(0, tested.rows()).toArray();
    return problem.test(chosen, features.get(0), rows, learned, features.get(1), all, tested);
  }

  private static Table known(Table table, int target) {
    var column = table.column(target);
    var known = IntStream.range(0, table.rows()).filter(row -> !column.isMissing(row)).toArray();
    if (known.length == 0) {
      throw new DataException(
          "no row has a value of the target \"%s\"".formatted(table.names().get(target)));
    }
    return known.length == table.rows() ? table : table.take(known);
  }

  /**
   * What is predicted.
   *
   * @param target the column
   * @param labels of each category its place among those that there are
   * @param classes how many of these there are
   */
  private record Problem(Task task, int target, int[] labels, int classes) {
    static Problem of(Table learned, Table tested, int target) {
      if (learned.column(target) instanceof Numbers) {
        return new Problem(Task.NUMBER, target, new int[0], 1);
      }
      var one = ((Categories) learned.column(target)).counts();
      var other = ((Categories) tested.column(target)).counts();
      var labels = new int[one.length];
      var classes = 0;
      // Of two the rarer one among the tested is the second.
      var order =
          IntStream.range(0, one.length)
              .filter(v -> one[v] + other[v] > 0)
              .boxed()
              .sorted((v, w) -> other[w] - other[v])
              .toList();
      for (var v : order) {
        labels[v] = classes++;
      }
      return new Problem(classes > 2 ? Task.CLASSES : Task.BINARY, target, labels, classes);
    }

    private float[] labels(Table table, int[] rows) {
      var result = new float[rows.length];
      for (var i = 0; i < rows.length; i++) {
        result[i] =
            table.column(target) instanceof Categories categories
                ? labels[categories.codes()[rows[i]]]
                : (float) ((Numbers) table.column(target)).values()[rows[i]];
      }
      return result;
    }

    Efficacy test(
        BoostedTrees trees,
        Features training,
        int[] rows,
        Table learned,
        Features others,
        int[] testRows,
        Table tested) {
      var predictions =
          trees
              .predictions(
                  task,
                  classes,
                  training,
                  rows,
                  labels(learned, rows),
                  List.of(new BoostedTrees.Rows(others, testRows)))
              .get(0);
      var truth = labels(tested, testRows);
      return switch (task) {
        case NUMBER -> numbers(trees, column(predictions, 0), exact(tested, testRows));
        case BINARY -> binary(trees, column(predictions, 0), truth);
        case CLASSES -> classes(trees, predictions, truth);
      };
    }

    private double[] exact(Table table, int[] rows) {
      return ((Numbers) table.column(target)).take(rows).values();
    }

    private static double[] column(float[][] predictions, int j) {
      return Arrays.stream(predictions).mapToDouble(row -> row[j]).toArray();
    }

    private static Efficacy numbers(BoostedTrees trees, double[] predicted, double[] truth) {
      return new Efficacy(
          Double.NaN,
          Double.NaN,
          Scores.rootMeanSquare(predicted, truth),
          Scores.explained(predicted, truth),
          trees);
    }

    private static Efficacy binary(BoostedTrees trees, double[] predicted, float[] truth) {
      var isOne = is(truth, 1);
      var isPredicted = new boolean[truth.length];
      for (var row = 0; row < truth.length; row++) {
        isPredicted[row] = predicted[row] > 0.5;
      }
      return new Efficacy(
          Scores.areaUnderCurve(predicted, isOne),
          Scores.f1(isPredicted, isOne),
          Double.NaN,
          Double.NaN,
          trees);
    }

    private Efficacy classes(BoostedTrees trees, float[][] predictions, float[] truth) {
      var likeliest = new float[truth.length];
      for (var row = 0; row < truth.length; row++) {
        for (var c = 1; c < classes; c++) {
          if (predictions[row][c] > predictions[row][(int) likeliest[row]]) {
            likeliest[row] = c;
          }
        }
      }
      var areas = new ArrayList<Double>();
      var f1 = new ArrayList<Double>();
      for (var c = 0; c < classes; c++) {
        var isOne = is(truth, c);
        areas.add(Scores.areaUnderCurve(column(predictions, c), isOne));
        f1.add(Scores.f1(is(likeliest, c), isOne));
      }
      return new Efficacy(mean(areas), mean(f1), Double.NaN, Double.NaN, trees);
    }

    /** Of those that are numbers: a class that is not among the tested has no AUC. */
    private static double mean(List<Double> values) {
      return Shape.meanOf(values.stream().mapToDouble(Double::doubleValue).toArray());
    }

    private static boolean[] is(float[] labels, int label) {
      var is = new boolean[labels.length];
      for (var row = 0; row < labels.length; row++) {
        is[row] = labels[row] == label;
      }
      return is;
    }
  }
}

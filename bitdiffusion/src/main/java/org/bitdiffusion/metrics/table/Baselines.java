package org.bitdiffusion.metrics.table;

import java.util.ArrayList;
import java.util.Arrays;
import java.util.Random;
import java.util.stream.IntStream;
import org.bitdiffusion.Seed;
import org.bitdiffusion.metrics.table.Neighbours.Metric;
import org.bitdiffusion.metrics.table.Values.Categories;
import org.bitdiffusion.metrics.table.Values.Numbers;

/** Synthetic rows that need no model, beside which those of one are measured. */
public final class Baselines {
  private static final int NEIGHBOURS = 5;
  private static final int MOST_DECIMALS = 6;

  private Baselines() {}

  /**
   * Rows whose columns have nothing to do with each other: each value is drawn from the column, all
   * of it once before any again, so that shares are the column's.
   *
   * @param count how many rows
   */
  public static Table independent(Table training, int count, long seed) {
    training.requireRows(1, "drawing from columns");
    var columns = new ArrayList<Values>();
    for (var i = 0; i < training.columns().size(); i++) {
      columns.add(training.column(i).take(drawn(training.rows(), count, Seed.of(seed, i))));
    }
    return new Table(training.names(), columns);
  }

  /** Places in random order, all of them once before any again. */
  private static int[] drawn(int rows, int count, long seed) {
    var random = new Random(seed);
    var drawn = new int[count];
    for (var first = 0; first < count; first += rows) {
      var shuffled = Rows.shuffled(rows, random);
      System.arraycopy(shuffled, 0, drawn, first, Math.min(rows, count - first));
    }
    return drawn;
  }

  /**
   * Rows between neighbours: SMOTE (Chawla et al. 2002, arXiv 1106.1813), for categories as well as
   * SMOTE-NC there and in imbalanced-learn, of all classes in the shares that they have. A row is
   * taken, as {@link #independent} takes values, and one of its 5 nearest rows of the same class at
   * random; each number lies between theirs, at one random share of the way for all columns, and is
   * rounded to the decimals that the column has (to 6 at most); each category is the most frequent
   * of the 5, of equally frequent ones that of the nearest. Distances are Euclidean, of numbers
   * over their standard deviation; a category that differs counts as a difference of the root of a
   * half, as there. A number that one of the two lacks is that of the row itself.
   *
   * @param target the place of the column of classes; one of numbers is between the neighbours' as
   *     others are, is compared with them, and any rows are neighbours
   * @param count how many rows
   */
  public static Table smote(Table training, int target, int count, long seed) {
    training.requireRows(1, "SMOTE");
    var near = neighbours(training, target);
    var rows = drawn(training.rows(), count, Seed.of(seed, 0));
    var random = new Random(Seed.of(seed, 1));
    var others = new int[count];
    var shares = new double[count];
    for (var i = 0; i < count; i++) {
      var choice = near[rows[i]];
      others[i] = choice.length == 0 ? rows[i] : choice[random.nextInt(choice.length)];
      shares[i] = random.nextDouble();
    }
    var columns = new ArrayList<Values>();
    for (var j = 0; j < training.columns().size(); j++) {
      if (training.column(j) instanceof Numbers numbers) {
        columns.add(new Numbers(between(numbers, rows, others, shares)));
      } else if (j == target) {
        columns.add(training.column(j).take(rows));
      } else {
        var categories = (Categories) training.column(j);
        var codes =
            IntStream.of(rows)
                .map(
                    row ->
                        near[row].length == 0
                            ? categories.codes()[row]
                            : vote(categories, near[row]))
                .toArray();
        columns.add(new Categories(codes, categories.count()));
      }
    }
    return new Table(training.names(), columns);
  }

  /** Of each row those of its class that are nearest, nearest first. */
  private static int[][] neighbours(Table training, int target) {
    var near = new int[training.rows()][];
    for (var rows : classes(training, target)) {
      var table = training.take(rows);
      var points = Points.standardised(training, table).get(0);
      var found = Neighbours.of(points, points, Metric.SQUARED, 0.5f, NEIGHBOURS, true);
      for (var i = 0; i < rows.length; i++) {
        near[rows[i]] = IntStream.of(found.of(i)).map(row -> rows[row]).toArray();
      }
    }
    return near;
  }

  private static int[][] classes(Table training, int target) {
    if (!(training.column(target) instanceof Categories categories)) {
      return new int[][] {IntStream.range(0, training.rows()).toArray()};
    }
    var codes = categories.codes();
    return IntStream.range(Categories.MISSING, categories.count())
        .mapToObj(c -> IntStream.range(0, codes.length).filter(row -> codes[row] == c).toArray())
        .filter(rows -> rows.length > 0)
        .toArray(int[][]::new);
  }

  private static double[] between(Numbers numbers, int[] rows, int[] others, double[] shares) {
    var values = numbers.values();
    var unit = unit(numbers.present());
    var result = new double[rows.length];
    for (var i = 0; i < rows.length; i++) {
      var value = values[rows[i]];
      var other = values[others[i]];
      result[i] =
          Double.isNaN(value) || Double.isNaN(other) || value == other
              ? value
              : Math.rint((value + shares[i] * (other - value)) * unit) / unit;
    }
    return result;
  }

  /** The power of ten of which all values have whole multiples, up to 10^6. */
  private static double unit(double[] values) {
    var unit = 1.0;
    for (var decimals = 0; decimals < MOST_DECIMALS; decimals++, unit *= 10) {
      var tried = unit;
      if (Arrays.stream(values).allMatch(v -> Math.rint(v * tried) / tried == v)) {
        break;
      }
    }
    return unit;
  }

  /** The most frequent category of some rows; of equally frequent ones that of the first row. */
  static int vote(Categories categories, int... rows) {
    var best = Categories.MISSING;
    var most = 0L;
    for (var row : rows) {
      var code = categories.codes()[row];
      var count = Arrays.stream(rows).filter(other -> categories.codes()[other] == code).count();
      if (count > most) {
        most = count;
        best = code;
      }
    }
    return best;
  }
}

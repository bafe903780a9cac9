package org.bitdiffusion.metrics.table;

import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.stream.IntStream;
import org.bitdiffusion.metrics.table.Values.Categories;
import org.bitdiffusion.metrics.table.Values.Numbers;

/**
 * Rows as classifiers see them: numbers, then for each category of each column, and for missing
 * ones, a feature that is 1 where the row is of it and else 0. Those are not stored.
 *
 * @param numbers of each column of numbers the values, NaN where missing
 * @param categories of each other column the feature that is 1 for each row, counted from 0 behind
 *     the numbers; -1 where none is
 * @param features how many there are behind the numbers
 */
record Features(double[][] numbers, int[][] categories, int features) {
  static final int NONE = -1;

  /**
   * Of some tables, which have features for those categories that the first of them has.
   *
   * @return one for each table
   */
  static List<Features> of(Table reference, Table... tables) {
    var indices = new ArrayList<int[]>();
    var count = 0;
    for (var column : reference.columns()) {
      if (column instanceof Categories categories) {
        var index = categories.counts();
        for (var v = 0; v < index.length; v++) {
          index[v] = index[v] == 0 ? NONE : count++;
        }
        indices.add(index);
      }
    }
    var features = count;
    return Arrays.stream(tables).map(table -> of(table, indices, features)).toList();
  }

  private static Features of(Table table, List<int[]> indices, int features) {
    var numbers = new ArrayList<double[]>();
    var categories = new ArrayList<int[]>();
    for (var column : table.columns()) {
      if (column instanceof Categories some) {
        var index = indices.get(categories.size());
        categories.add(IntStream.of(some.codes()).map(code -> index[some.place(code)]).toArray());
      } else {
        numbers.add(((Numbers) column).values());
      }
    }
    return new Features(
        numbers.toArray(double[][]::new), categories.toArray(int[][]::new), features);
  }

  /** How many features there are in all. */
  int width() {
    return numbers.length + features;
  }
}

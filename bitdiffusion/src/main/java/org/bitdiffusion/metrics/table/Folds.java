package org.bitdiffusion.metrics.table;

import java.util.Random;
import java.util.stream.IntStream;
import org.bitdiffusion.DataException;

/**
 * A division of rows for cross validation: each fold is predicted by what learned from the others.
 *
 * @param foldOf the fold of each row, 0 .. count - 1
 * @param count how many folds there are
 */
public record Folds(int[] foldOf, int count) {
  /**
   * Random folds in which each class has the same share, up to one row.
   *
   * @param classes of the rows
   * @throws DataException if a class has less rows than there are folds
   */
  public static Folds stratified(int[] classes, int count, long seed) {
    var random = new Random(seed);
    var foldOf = new int[classes.length];
    var most = IntStream.of(classes).max().orElse(-1);
    for (var c = 0; c <= most; c++) {
      var one = c;
      var rows = IntStream.range(0, classes.length).filter(r -> classes[r] == one).toArray();
      if (rows.length > 0 && rows.length < count) {
        throw new DataException(
            "%d folds need as many rows of each kind, and of one there are %d"
                .formatted(count, rows.length));
      }
      Rows.shuffle(rows, random);
      for (var i = 0; i < rows.length; i++) {
        foldOf[rows[i]] = i % count;
      }
    }
    return new Folds(foldOf, count);
  }

  /** The rows of a fold, ascending. */
  int[] rowsOf(int fold) {
    return IntStream.range(0, foldOf.length).filter(row -> foldOf[row] == fold).toArray();
  }

  /** All other rows, ascending. */
  int[] rowsBeside(int fold) {
    return IntStream.range(0, foldOf.length).filter(row -> foldOf[row] != fold).toArray();
  }
}

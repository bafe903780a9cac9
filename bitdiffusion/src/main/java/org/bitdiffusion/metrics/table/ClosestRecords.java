package org.bitdiffusion.metrics.table;

import java.nio.ByteBuffer;
import java.util.HashSet;
import java.util.Random;
import java.util.Set;
import java.util.stream.IntStream;
import org.bitdiffusion.DataException;
import org.bitdiffusion.metrics.table.Neighbours.Metric;
import org.bitdiffusion.metrics.table.Values.Categories;
import org.bitdiffusion.metrics.table.Values.Numbers;

/**
 * Whether synthetic rows lie nearer to those that were trained on than to others: the distance to
 * the closest record. The distance of two rows is the sum of the differences of their numbers,
 * scaled to [0, 1] of the training rows' lowest and highest, and of 2 for each category that
 * differs, as one-hot vectors have it. A missing number is 1/2, and differs from one that is there
 * by 2 more.
 *
 * @param nearerToTraining the share of synthetic rows that are nearer to a training row than to any
 *     held-out row; half of those that are as near. 0.5 is ideal: training and held-out rows are
 *     equally many
 * @param copies the share of synthetic rows that equal a training row in all columns
 * @param copiesOfHeldOut the share of held-out rows that do: what chance gives
 */
public record ClosestRecords(double nearerToTraining, double copies, double copiesOfHeldOut) {
  /** What sums of floats may differ by that are equal: whole numbers often are as far. */
  private static final float ROUNDING = 2e-6f;

  /**
   * Compares.
   *
   * @param training the rows that were trained on; of these and the held-out rows, as many as the
   *     fewer are taken at random for the distances, all for copies
   * @param heldOut other rows of the same source
   * @param seed of that choice
   * @throws DataException if the columns are not alike, or a table is empty
   */
  public static ClosestRecords of(Table training, Table heldOut, Table synthetic, long seed) {
    training.requireSameColumns(heldOut);
    training.requireSameColumns(synthetic);
    training.requireRows(1, "the distance to the closest record");
    heldOut.requireRows(1, "the distance to the closest record");
    synthetic.requireRows(1, "the distance to the closest record");
    var random = new Random(seed);
    var fewer = Math.min(training.rows(), heldOut.rows());
    var points =
        Points.minMax(
            training,
            synthetic,
            training.take(Rows.some(training.rows(), fewer, random)),
            heldOut.take(Rows.some(heldOut.rows(), fewer, random)));
    var toTraining = nearest(points.get(0), points.get(1));
    var toHeldOut = nearest(points.get(0), points.get(2));
    var nearer =
        IntStream.range(0, toTraining.length)
            .mapToDouble(i -> nearer(toTraining[i], toHeldOut[i]))
            .average()
            .orElseThrow();
    var rows = keys(training);
    return new ClosestRecords(nearer, shareOf(synthetic, rows), shareOf(heldOut, rows));
  }

  /** The share of rows that equal a training row in all columns. */
  static double copies(Table training, Table rows) {
    return shareOf(rows, keys(training));
  }

  private static double nearer(float toTraining, float toHeldOut) {
    if (Math.abs(toTraining - toHeldOut) <= ROUNDING) {
      return 0.5;
    }
    return toTraining < toHeldOut ? 1 : 0;
  }

  private static float[] nearest(Points queries, Points points) {
    return Neighbours.of(queries, points, Metric.ABSOLUTE, Points.ONE_HOT, 1, false).nearest();
  }

  private static Set<ByteBuffer> keys(Table table) {
    var keys = new HashSet<ByteBuffer>();
    IntStream.range(0, table.rows()).mapToObj(row -> key(table, row)).forEach(keys::add);
    return keys;
  }

  private static double shareOf(Table table, Set<ByteBuffer> keys) {
    return (double)
            IntStream.range(0, table.rows()).filter(row -> keys.contains(key(table, row))).count()
        / table.rows();
  }

  private static ByteBuffer key(Table table, int row) {
    var key = ByteBuffer.allocate(Double.BYTES * table.columns().size());
    for (var column : table.columns()) {
      if (column instanceof Numbers numbers) {
        // Adding makes 0 of -0, and this call one NaN of all.
        key.putLong(Double.doubleToLongBits(numbers.values()[row] + 0.0));
      } else {
        key.putLong(((Categories) column).codes()[row]);
      }
    }
    return key.flip();
  }
}

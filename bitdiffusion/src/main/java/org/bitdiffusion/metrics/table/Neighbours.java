package org.bitdiffusion.metrics.table;

import java.util.Arrays;
import java.util.stream.IntStream;

/**
 * The nearest points of each of some others, nearest first; of equally near ones the first row.
 * Found by comparing all with all, by all cores, in loops that a compiler makes vector instructions
 * of: 30,000 with 30,000 of 15 columns takes 17 s of a core.
 *
 * @param rows [N * count] which points they are; -1 where there are not as many
 * @param distances [N * count]; infinite there
 * @param count how many for each
 */
record Neighbours(int[] rows, float[] distances, int count) {
  /** How differences of numbers are added. */
  enum Metric {
    /** The sum of absolute differences. */
    ABSOLUTE,
    /** The sum of squares, without its root. */
    SQUARED
  }

  /** Points that are compared at once, so that their distances stay in the nearest cache. */
  private static final int BLOCK = 2048;

  private static final int QUERIES = 16;

  /**
   * Finds them.
   *
   * @param queries a value of theirs that is NaN is not compared
   * @param mismatch what is added where a category differs
   * @param areTheSame whether both are the same rows, of which none is its own neighbour
   */
  static Neighbours of(
      Points queries, Points points, Metric metric, float mismatch, int count, boolean areTheSame) {
    var rows = new int[queries.rows() * count];
    var distances = new float[queries.rows() * count];
    Arrays.fill(rows, -1);
    Arrays.fill(distances, Float.POSITIVE_INFINITY);
    var result = new Neighbours(rows, distances, count);
    IntStream.range(0, (queries.rows() + QUERIES - 1) / QUERIES)
        .parallel()
        .forEach(
            part -> {
              var end = Math.min(queries.rows(), (part + 1) * QUERIES);
              var block = new float[BLOCK];
              for (var first = 0; first < points.rows(); first += BLOCK) {
                var size = Math.min(BLOCK, points.rows() - first);
                for (var query = part * QUERIES; query < end; query++) {
                  distances(queries, query, points, first, size, metric, mismatch, block);
                  if (areTheSame && query >= first && query < first + size) {
                    block[query - first] = Float.POSITIVE_INFINITY;
                  }
                  result.take(query, first, size, block);
                }
              }
            });
    return result;
  }

  private static void distances(
      Points queries,
      int query,
      Points points,
      int first,
      int size,
      Metric metric,
      float mismatch,
      float[] sums) {
    Arrays.fill(sums, 0, size, 0);
    for (var j = 0; j < points.numbers().length; j++) {
      var value = queries.numbers()[j][query];
      if (Float.isNaN(value)) {
        continue;
      }
      if (metric == Metric.ABSOLUTE) {
        addAbsolute(value, points.numbers()[j], first, size, sums);
      } else {
        addSquared(value, points.numbers()[j], first, size, sums);
      }
    }
    for (var j = 0; j < points.categories().length; j++) {
      var code = queries.categories()[j][query];
      if (!Float.isNaN(code)) {
        addMismatch(code, points.categories()[j], first, size, mismatch, sums);
      }
    }
  }

  private static void addAbsolute(float value, float[] column, int first, int n, float[] sums) {
    for (var i = 0; i < n; i++) {
      sums[i] += Math.abs(column[first + i] - value);
    }
  }

  private static void addSquared(float value, float[] column, int first, int n, float[] sums) {
    for (var i = 0; i < n; i++) {
      var difference = column[first + i] - value;
      sums[i] += difference * difference;
    }
  }

  /** Codes are whole numbers: where they differ, by 1 at least. */
  private static void addMismatch(
      float value, float[] column, int first, int n, float mismatch, float[] sums) {
    for (var i = 0; i < n; i++) {
      sums[i] += mismatch * Math.min(1, Math.abs(column[first + i] - value));
    }
  }

  private void take(int query, int first, int size, float[] block) {
    var last = (query + 1) * count - 1;
    var farthest = distances[last];
    for (var i = 0; i < size; i++) {
      if (block[i] < farthest) {
        var at = last;
        while (at > query * count && distances[at - 1] > block[i]) {
          distances[at] = distances[at - 1];
          rows[at] = rows[at - 1];
          at--;
        }
        distances[at] = block[i];
        rows[at] = first + i;
        farthest = distances[last];
      }
    }
  }

  /** The rows that are nearest to a query, which may be less than asked for. */
  int[] of(int query) {
    return Arrays.stream(rows, query * count, (query + 1) * count)
        .filter(row -> row >= 0)
        .toArray();
  }

  /** The nearest point's distance, of each. */
  float[] nearest() {
    var nearest = new float[rows.length / count];
    for (var i = 0; i < nearest.length; i++) {
      nearest[i] = distances[i * count];
    }
    return nearest;
  }
}

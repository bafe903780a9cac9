package org.bitdiffusion.modality.image;

import java.util.Arrays;

/**
 * Gives one channel of an image another size by averaging: a new pixel is the mean of the area that
 * it covers, where old pixels at its edges count by the part of them inside, so sizes need not
 * divide each other, and new pixels may be smaller than old ones. Rows are added one after the
 * other, so a large image need not be held twice.
 *
 * <p>Weights are whole numbers, as along a side an old pixel has the length {@code newLength} and a
 * new one the length {@code length}: means of whole numbers are exact but for the last division.
 */
final class Area {
  private final Side vertical;
  private final Side horizontal;
  private final double[] narrow;
  private final double[] sums;
  private int rows;

  /** From [height, width] to [newHeight, newWidth]. */
  Area(int height, int width, int newHeight, int newWidth) {
    vertical = new Side(height, newHeight);
    horizontal = new Side(width, newWidth);
    narrow = new double[newWidth];
    sums = new double[newHeight * newWidth];
  }

  /** Adds the next row, from the top. */
  void add(double[] row) {
    Arrays.fill(narrow, 0);
    for (var x = 0; x < horizontal.length(); x++) {
      var last = horizontal.last(x);
      for (var i = horizontal.first(x); i <= last; i++) {
        narrow[i] += row[x] * horizontal.shared(x, i);
      }
    }
    for (var y = vertical.first(rows); y <= vertical.last(rows); y++) {
      add(y, vertical.shared(rows, y));
    }
    rows++;
  }

  private void add(int y, int weight) {
    for (var x = 0; x < narrow.length; x++) {
      sums[y * narrow.length + x] += narrow[x] * weight;
    }
  }

  /** The means [newHeight, newWidth], row-major, when all rows were added. */
  double[] means() {
    if (rows != vertical.length()) {
      throw new IllegalStateException("only %d of %d rows".formatted(rows, vertical.length()));
    }
    var weight = (double) vertical.length() * horizontal.length();
    return Arrays.stream(sums).map(sum -> sum / weight).toArray();
  }

  /** One dimension. */
  private record Side(int length, int newLength) {
    Side {
      if (newLength < 1 || length < 1) {
        throw new IllegalArgumentException(length + " pixels cannot be averaged to " + newLength);
      }
    }

    /** The first new pixel that an old one shares something with. */
    int first(int old) {
      return (int) ((long) old * newLength / length);
    }

    /** The last one. */
    int last(int old) {
      return (int) (((old + 1L) * newLength - 1) / length);
    }

    /** The length that an old pixel and a new one share; the old one is newLength long. */
    int shared(int old, int i) {
      var begin = Math.max((long) old * newLength, (long) i * length);
      return (int) (Math.min((old + 1L) * newLength, (i + 1L) * length) - begin);
    }
  }
}

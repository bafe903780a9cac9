package org.bitdiffusion.modality.image;

import java.util.Arrays;

/**
 * Makes one channel of an image smaller by averaging: a new pixel is the mean of the area that it
 * covers, where old pixels at its edges count by the part of them inside, so sizes need not divide
 * each other. Rows are added one after the other, so a large image need not be held twice.
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

  /** From [height, width] to [newHeight, newWidth], which must not be larger. */
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
      var i = horizontal.first(x);
      var inside = horizontal.inside(x, i);
      narrow[i] += row[x] * inside;
      if (inside < horizontal.newLength()) {
        narrow[i + 1] += row[x] * (horizontal.newLength() - inside);
      }
    }
    var y = vertical.first(rows);
    var inside = vertical.inside(rows, y);
    add(y, inside);
    if (inside < vertical.newLength()) {
      add(y + 1, vertical.newLength() - inside);
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

  /** One dimension. As new pixels are no shorter than old ones, an old one lies in two at most. */
  private record Side(int length, int newLength) {
    Side {
      if (newLength < 1 || newLength > length) {
        throw new IllegalArgumentException(length + " pixels cannot be averaged to " + newLength);
      }
    }

    /** The new pixel in which an old one begins. */
    int first(int old) {
      return (int) ((long) old * newLength / length);
    }

    /** The length of an old pixel's part in that new one; an old pixel is newLength long. */
    int inside(int old, int first) {
      return (int) Math.min(newLength, (first + 1L) * length - (long) old * newLength);
    }
  }
}

package org.bitdiffusion.data;

/** Makes an image smaller by averaging: each new pixel is the mean of the area that it covers. */
final class Area {
  private Area() {}

  /**
   * One channel [height, width], row-major, to [newHeight, newWidth]; sizes need not divide each
   * other, as pixels count by the part of them that is covered.
   */
  static float[] average(float[] values, int height, int width, int newHeight, int newWidth) {
    var narrow = new float[height * newWidth];
    for (var y = 0; y < height; y++) {
      line(values, y * width, 1, width, narrow, y * newWidth, 1, newWidth);
    }
    var small = new float[newHeight * newWidth];
    for (var x = 0; x < newWidth; x++) {
      line(narrow, x, newWidth, height, small, x, newWidth, newHeight);
    }
    return small;
  }

  private static void line(
      float[] from,
      int start,
      int stride,
      int length,
      float[] to,
      int at,
      int toStride,
      int parts) {
    var ratio = (double) length / parts;
    for (var i = 0; i < parts; i++) {
      var begin = i * ratio;
      var end = begin + ratio;
      var sum = 0.0;
      for (var j = (int) begin; j < Math.min(length, Math.ceil(end - 1e-9)); j++) {
        sum += from[start + j * stride] * (Math.min(end, j + 1) - Math.max(begin, j));
      }
      to[at + i * toStride] = (float) (sum / ratio);
    }
  }
}

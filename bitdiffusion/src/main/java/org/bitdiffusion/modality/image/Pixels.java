package org.bitdiffusion.modality.image;

import java.awt.image.Raster;
import java.util.Arrays;

/**
 * A decoded image: its samples as stored, and what colours they stand for.
 *
 * @param samples with as many bands as the file has channels
 * @param pillow as {@code convert("RGB")} of Pillow makes them, which cuts 16 bits of grey off at
 *     255; all others are the same
 */
record Pixels(Raster samples, Colours colours, Colours pillow) {
  Pixels(Raster samples, Colours colours) {
    this(samples, colours, colours);
  }

  /** With Pillow's colours. */
  Pixels asPillow() {
    return new Pixels(samples, pillow);
  }

  /** What colours the samples of an image stand for. */
  interface Colours {
    /**
     * @param samples those of one pixel after the other
     * @param argb filled with 8 bits each of alpha, red, green and blue of each pixel; colours are
     *     not multiplied by alpha, so that those behind transparent parts are as stored
     */
    void of(int[] samples, int[] argb);
  }

  int width() {
    return samples.getWidth();
  }

  int height() {
    return samples.getHeight();
  }

  /** A buffer for the samples of as many pixels. */
  int[] buffer(int pixels) {
    return new int[pixels * samples.getNumBands()];
  }

  /**
   * Reads a part of a row.
   *
   * @param buffer of {@link #buffer} of argb.length
   */
  void row(int x, int y, int[] buffer, int[] argb) {
    samples.getPixels(x, y, argb.length, 1, buffer);
    colours.of(buffer, argb);
  }

  static int argb(int alpha, int red, int green, int blue) {
    return alpha << 24 | red << 16 | green << 8 | blue;
  }

  /**
   * Indices of a palette.
   *
   * @param argb its entries; indices beyond them are black, as Pillow has them
   */
  static Colours palette(int... argb) {
    var all = new int[256];
    Arrays.setAll(all, i -> i < argb.length ? argb[i] : argb(255, 0, 0, 0));
    return (samples, row) -> {
      for (var i = 0; i < row.length; i++) {
        row[i] = all[samples[i]];
      }
    };
  }
}

package org.bitdiffusion.data;

import java.util.List;

/**
 * How symbols {@code [C, H, W]} in {@code 0 .. K-1} are to be painted: with one channel and no
 * palette as grey levels (0 black, K-1 white), with three channels as RGB of K levels each, with a
 * palette (one channel) as colours.
 *
 * @param palette {@code 0xRRGGBB} by symbol, K entries; empty where the symbols are intensities
 */
public record ImageFormat(
    int channels, int height, int width, int categories, List<Integer> palette) {
  public ImageFormat {
    palette = List.copyOf(palette);
    if (channels != 1 && channels != 3) {
      throw new IllegalArgumentException("images have 1 or 3 channels, not " + channels);
    }
    if (!palette.isEmpty() && (channels != 1 || palette.size() != categories)) {
      throw new IllegalArgumentException(
          "a palette has one colour for each of " + categories + " categories, and one channel");
    }
  }

  /** Number of symbols in one image. */
  public int symbols() {
    return channels * height * width;
  }

  /** The colour {@code 0xRRGGBB} of pixel (y, x) of the image whose symbols start at offset. */
  public int rgb(int[] symbols, int offset, int y, int x) {
    var at = offset + y * width + x;
    if (!palette.isEmpty()) {
      return palette.get(symbols[at]);
    }
    var plane = height * width;
    var red = intensity(symbols[at]);
    var green = channels == 1 ? red : intensity(symbols[at + plane]);
    var blue = channels == 1 ? red : intensity(symbols[at + 2 * plane]);
    return red << 16 | green << 8 | blue;
  }

  /**
   * An image as bytes of red, green and blue.
   *
   * @param symbols of the image, from {@code offset} on
   * @param target gets unsigned bytes [3, H, W], from {@code start} on
   */
  public void rgb(int[] symbols, int offset, byte[] target, int start) {
    var plane = height * width;
    for (var y = 0; y < height; y++) {
      for (var x = 0; x < width; x++) {
        var rgb = rgb(symbols, offset, y, x);
        for (var c = 0; c < 3; c++) {
          target[start + c * plane + y * width + x] = (byte) (rgb >> (16 - 8 * c));
        }
      }
    }
  }

  /**
   * Images as bytes of red, green and blue.
   *
   * @param symbols row-major [B, C, H, W]
   * @return unsigned bytes, row-major [B, 3, H, W]
   */
  public byte[] rgb(int[] symbols) {
    var size = 3 * height * width;
    var count = symbols.length / symbols();
    var rgb = new byte[count * size];
    for (var i = 0; i < count; i++) {
      rgb(symbols, i * symbols(), rgb, i * size);
    }
    return rgb;
  }

  private int intensity(int symbol) {
    return Math.round(symbol * 255f / (categories - 1));
  }
}

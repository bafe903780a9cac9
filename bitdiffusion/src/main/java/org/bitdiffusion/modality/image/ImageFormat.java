package org.bitdiffusion.modality.image;

import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.Map;
import org.bitdiffusion.data.Condition;
import org.bitdiffusion.data.Schema;
import org.bitdiffusion.data.Space;

/**
 * How symbols {@code [C, H, W]} in {@code 0 .. K-1} are to be painted: with one channel and no
 * palette as grey levels (0 black, K-1 white), with three channels as RGB of K levels each, with a
 * palette (one channel) as colours.
 *
 * @param palette {@code 0xRRGGBB} by symbol, K entries; empty where the symbols are intensities
 */
public record ImageFormat(
    int channels, int height, int width, int categories, List<Integer> palette) {
  private static final String PALETTE = "palette";

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

  /** The format of the images that a schema describes. */
  public static ImageFormat of(Schema schema) {
    var shape = schema.space().shape();
    var palette = new ArrayList<Integer>();
    if (schema.details().get(PALETTE) instanceof List<?> colours) {
      colours.forEach(colour -> palette.add(((Number) colour).intValue()));
    }
    return new ImageFormat(
        shape.get(0), shape.get(1), shape.get(2), schema.space().mostCategories(), palette);
  }

  /**
   * What a run must remember of images of this format.
   *
   * @param classes names by label; empty where there are none
   */
  public Schema schema(List<String> classes) {
    return new Schema(
        Space.of(List.of(channels, height, width), categories),
        classes.isEmpty() ? Condition.NONE : new Condition.Labels(classes),
        Schema.NO_END,
        palette.isEmpty() ? Map.of() : Map.of(PALETTE, palette));
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

  /**
   * The symbols whose colours are nearest to those of an image of this size.
   *
   * @param rgb unsigned bytes [3, H, W]
   * @return row-major [C, H, W]
   */
  int[] nearest(byte[] rgb) {
    var plane = height * width;
    var symbols = new int[symbols()];
    if (!palette.isEmpty()) {
      var colors = new Palette(palette);
      Arrays.setAll(symbols, i -> colors.nearest(Palette.color(rgb, plane, i)));
    } else if (channels == 1) {
      Arrays.setAll(symbols, i -> level(Palette.luma(Palette.color(rgb, plane, i))));
    } else {
      Arrays.setAll(symbols, i -> level(rgb[i] & 255));
    }
    return symbols;
  }

  /** The symbol nearest to an intensity of 0 to 255. */
  private int level(double intensity) {
    return (int) Math.round(intensity * (categories - 1) / 255);
  }

  private int intensity(int symbol) {
    return Math.round(symbol * 255f / (categories - 1));
  }
}

package org.bitdiffusion.modality.image;

import java.awt.Color;
import java.awt.image.BufferedImage;
import org.bitdiffusion.io.Png;

/** Paints symbols as PNG images, side by side or one by one. */
public final class ImageGrid {
  private static final int GAP = 2;
  private static final Color GAP_COLOR = new Color(0x808080);
  private static final int SMALL = 64; // narrower images are enlarged about to this
  private static final int WIDEST = 2400; // of a grid of enlarged images

  private ImageGrid() {}

  /**
   * Images side by side, in about as many rows as columns.
   *
   * @param symbols row-major [N, C, H, W], each in 0 .. K-1
   * @return a PNG
   */
  public static byte[] png(int[] symbols, ImageFormat format) {
    return png(symbols, format, (int) Math.ceil(Math.sqrt(count(symbols, format))));
  }

  /**
   * Images side by side in rows of {@code columns}. Small ones are enlarged by a whole number.
   *
   * @param symbols row-major [N, C, H, W], each in 0 .. K-1
   * @return a PNG
   */
  public static byte[] png(int[] symbols, ImageFormat format, int columns) {
    var count = count(symbols, format);
    var rows = (count + columns - 1) / columns;
    var zoom = Math.max(1, Math.min(SMALL / format.width(), WIDEST / (columns * format.width())));
    var cellWidth = format.width() * zoom + GAP;
    var cellHeight = format.height() * zoom + GAP;
    var grid =
        new BufferedImage(
            columns * cellWidth + GAP, rows * cellHeight + GAP, BufferedImage.TYPE_INT_RGB);
    var graphics = grid.createGraphics();
    graphics.setColor(GAP_COLOR);
    graphics.fillRect(0, 0, grid.getWidth(), grid.getHeight());
    for (var i = 0; i < count; i++) {
      graphics.drawImage(
          paint(symbols, i, format),
          GAP + i % columns * cellWidth,
          GAP + i / columns * cellHeight,
          format.width() * zoom,
          format.height() * zoom,
          null);
    }
    graphics.dispose();
    return Png.of(grid);
  }

  /**
   * One image in its own size.
   *
   * @param symbols row-major [1, C, H, W], each in 0 .. K-1
   * @return a PNG
   */
  public static byte[] one(int[] symbols, ImageFormat format) {
    count(symbols, format); // complains
    return Png.of(paint(symbols, 0, format));
  }

  private static int count(int[] symbols, ImageFormat format) {
    if (symbols.length == 0 || symbols.length % format.symbols() != 0) {
      throw new IllegalArgumentException(
          "%d symbols are no images of %d".formatted(symbols.length, format.symbols()));
    }
    for (var symbol : symbols) {
      if (symbol < 0 || symbol >= format.categories()) {
        throw new IllegalArgumentException(
            "a symbol is %d, not in 0 to %d".formatted(symbol, format.categories() - 1));
      }
    }
    return symbols.length / format.symbols();
  }

  private static BufferedImage paint(int[] symbols, int index, ImageFormat format) {
    var image = new BufferedImage(format.width(), format.height(), BufferedImage.TYPE_INT_RGB);
    for (var y = 0; y < format.height(); y++) {
      for (var x = 0; x < format.width(); x++) {
        image.setRGB(x, y, format.rgb(symbols, index * format.symbols(), y, x));
      }
    }
    return image;
  }
}

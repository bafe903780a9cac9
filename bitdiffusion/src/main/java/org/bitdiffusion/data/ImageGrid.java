package org.bitdiffusion.data;

import java.awt.Color;
import java.awt.image.BufferedImage;
import java.io.ByteArrayOutputStream;
import java.io.IOException;
import java.io.UncheckedIOException;
import java.nio.file.Path;
import java.util.Locale;
import javax.imageio.ImageIO;
import javax.imageio.stream.MemoryCacheImageOutputStream;

/**
 * Paints symbols as PNG images, side by side or one by one. Files are written beside their place
 * and renamed, so that they are whole whenever they are there; the folders above them are made.
 */
public final class ImageGrid {
  private static final int GAP = 2;
  private static final Color GAP_COLOR = new Color(0x808080);
  private static final int SMALL = 64; // narrower images are enlarged about to this
  private static final int WIDEST = 2400; // of a grid of enlarged images

  private ImageGrid() {}

  /**
   * Writes images side by side, in about as many rows as columns.
   *
   * @param symbols row-major [N, C, H, W], each in 0 .. K-1
   * @throws org.bitdiffusion.DataException if the file cannot be written
   */
  public static void write(Path file, int[] symbols, ImageFormat format) {
    write(file, symbols, format, (int) Math.ceil(Math.sqrt(count(symbols, format))));
  }

  /**
   * Writes images side by side in rows of {@code columns}. Small ones are enlarged by a whole
   * number.
   *
   * @param symbols row-major [N, C, H, W], each in 0 .. K-1
   * @throws org.bitdiffusion.DataException if the file cannot be written
   */
  public static void write(Path file, int[] symbols, ImageFormat format, int columns) {
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
    write(file, grid);
  }

  /**
   * Writes each image, in its own size, to {@code folder/000000.png} and so on.
   *
   * @param symbols row-major [N, C, H, W], each in 0 .. K-1
   * @param first number of the first one
   * @throws org.bitdiffusion.DataException if a file cannot be written
   */
  public static void writeEach(Path folder, int[] symbols, ImageFormat format, int first) {
    for (var i = 0; i < count(symbols, format); i++) {
      write(
          folder.resolve(String.format(Locale.ROOT, "%06d.png", first + i)),
          paint(symbols, i, format));
    }
  }

  /**
   * Writes a PNG.
   *
   * @throws org.bitdiffusion.DataException if it cannot be written
   */
  public static void write(Path file, BufferedImage image) {
    // Through memory: ImageIO loses some failures of a file, and would use temporary ones.
    var png = new ByteArrayOutputStream();
    try (var out = new MemoryCacheImageOutputStream(png)) {
      ImageIO.write(image, "png", out);
    } catch (IOException e) {
      throw new UncheckedIOException("memory does not fail", e);
    }
    WholeFile.write(file, png::writeTo);
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

package org.bitdiffusion.data;

import java.awt.image.BufferedImage;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.StandardCopyOption;
import javax.imageio.ImageIO;
import org.bitdiffusion.DataException;

/** Paints symbols as PNG images. Files are written beside their place and renamed. */
public final class ImageGrid {
  private static final int GAP = 2;
  private static final int GAP_COLOR = 0x808080;

  private ImageGrid() {}

  /**
   * Writes images side by side, in about as many rows as columns.
   *
   * @param symbols row-major [N, C, H, W]
   * @throws DataException if the file cannot be written
   */
  public static void write(Path file, int[] symbols, ImageFormat format) {
    var count = symbols.length / format.symbols();
    write(file, symbols, format, (int) Math.ceil(Math.sqrt(count)));
  }

  /** Writes images side by side in rows of {@code columns}; small ones are enlarged. */
  public static void write(Path file, int[] symbols, ImageFormat format, int columns) {
    var count = symbols.length / format.symbols();
    var rows = (count + columns - 1) / columns;
    var zoom = Math.max(1, Math.min(64 / format.width(), 2400 / (columns * format.width())));
    var cellWidth = format.width() * zoom + GAP;
    var cellHeight = format.height() * zoom + GAP;
    var image =
        new BufferedImage(
            columns * cellWidth + GAP, rows * cellHeight + GAP, BufferedImage.TYPE_INT_RGB);
    for (var y = 0; y < image.getHeight(); y++) {
      for (var x = 0; x < image.getWidth(); x++) {
        image.setRGB(x, y, GAP_COLOR);
      }
    }
    for (var i = 0; i < count; i++) {
      paint(
          image,
          GAP + i % columns * cellWidth,
          GAP + i / columns * cellHeight,
          zoom,
          symbols,
          i * format.symbols(),
          format);
    }
    write(file, image);
  }

  /** Writes each image, in its own size, to {@code folder/000000.png} and so on. */
  public static void writeEach(Path folder, int[] symbols, ImageFormat format, int first) {
    try {
      Files.createDirectories(folder);
    } catch (IOException e) {
      throw new DataException(folder + " cannot be made: " + e.getMessage(), e);
    }
    var count = symbols.length / format.symbols();
    for (var i = 0; i < count; i++) {
      var image = new BufferedImage(format.width(), format.height(), BufferedImage.TYPE_INT_RGB);
      paint(image, 0, 0, 1, symbols, i * format.symbols(), format);
      write(folder.resolve("%06d.png".formatted(first + i)), image);
    }
  }

  private static void paint(
      BufferedImage image,
      int left,
      int top,
      int zoom,
      int[] symbols,
      int offset,
      ImageFormat format) {
    for (var y = 0; y < format.height() * zoom; y++) {
      for (var x = 0; x < format.width() * zoom; x++) {
        image.setRGB(left + x, top + y, format.rgb(symbols, offset, y / zoom, x / zoom));
      }
    }
  }

  /** Writes a PNG. */
  public static void write(Path file, BufferedImage image) {
    var unfinished = file.resolveSibling("." + file.getFileName() + ".unfinished");
    try {
      if (file.toAbsolutePath().getParent() != null) {
        Files.createDirectories(file.toAbsolutePath().getParent());
      }
      try (var out = Files.newOutputStream(unfinished)) {
        ImageIO.write(image, "png", out);
      }
      Files.move(unfinished, file, StandardCopyOption.REPLACE_EXISTING);
    } catch (IOException e) {
      throw new DataException(file + " cannot be written: " + e.getMessage(), e);
    }
  }
}

package org.bitdiffusion.data;

import java.awt.color.ColorSpace;
import java.awt.image.BufferedImage;
import java.awt.image.ColorConvertOp;
import java.io.EOFException;
import java.io.IOException;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.concurrent.Semaphore;
import java.util.regex.Pattern;
import javax.imageio.ImageIO;
import javax.imageio.ImageReader;
import org.bitdiffusion.DataException;

/**
 * Reads image files as small squares: the central square is averaged down ({@link Area}) in the
 * file's own values, without linear light, as the paper's image preparation does. Transparent parts
 * become white. Other colour spaces are converted to sRGB; an orientation noted in the file is not
 * applied.
 */
final class ImageFiles {
  private static final int KIB = 1024;

  /** Bytes that decoding may take for a pixel: 16 bits for each of R, G, B and alpha. */
  private static final int PIXEL = 8;

  /** Memory for images being decoded, by all threads together, in KiB: a quarter of Java's. */
  private static final int MEMORY =
      (int) Math.min(Runtime.getRuntime().maxMemory() / 4 / KIB, Integer.MAX_VALUE);

  private static final Semaphore FREE = new Semaphore(MEMORY);

  /** Warnings of readers that go on where data is missing or wrong. Most others are harmless. */
  private static final Pattern DAMAGE =
      Pattern.compile(
          "truncated|premature|corrupt jpeg data(?!.*extraneous bytes)|out-of-sequence"
              + "|invalid sos|inconsistent progression",
          Pattern.CASE_INSENSITIVE);

  private ImageFiles() {}

  /**
   * Reads an image.
   *
   * @return unsigned bytes of R, G and B, [3, size, size]
   * @throws DataException if the file is damaged, smaller than size, or too large for memory
   */
  static byte[] square(Path file, int size) {
    try (var in = ImageIO.createImageInputStream(file.toFile())) {
      var readers = in == null ? null : ImageIO.getImageReaders(in);
      if (readers == null || !readers.hasNext()) {
        throw new DataException(file + " is no image that can be read, whatever its name says");
      }
      var reader = readers.next();
      try {
        reader.setInput(in, true, true);
        return square(file, reader, size);
      } finally {
        reader.dispose();
      }
    } catch (EOFException e) {
      throw new DataException(file + " is damaged: it ends too early", e);
    } catch (IOException e) {
      throw new DataException(
          "%s is damaged, or of a kind that cannot be read: %s".formatted(file, reason(e)), e);
    }
  }

  private static String reason(IOException e) {
    return e.getMessage() == null ? e.getClass().getSimpleName() : e.getMessage();
  }

  private static byte[] square(Path file, ImageReader reader, int size) throws IOException {
    var warnings = new ArrayList<String>();
    reader.addIIOReadWarningListener((source, warning) -> warnings.add(warning));
    try {
      var width = reader.getWidth(0);
      var height = reader.getHeight(0);
      if (Math.min(width, height) < size) {
        throw new DataException(
            "%s is %dx%d, smaller than size=%d".formatted(file, width, height, size));
      }
      var memory = (long) PIXEL * width * height / KIB;
      if (memory > MEMORY) {
        throw new DataException(
            "%s claims %,d x %,d pixels, which need %,d MB to decode, more than a quarter of Java's memory; make it smaller, or raise -Xmx"
                .formatted(file, width, height, memory / KIB));
      }
      FREE.acquireUninterruptibly((int) memory);
      try {
        var image = reader.read(0);
        requireWhole(file, warnings);
        return square(image, size);
      } finally {
        FREE.release((int) memory);
      }
    } catch (DataException e) {
      throw e;
    } catch (RuntimeException e) {
      // Readers throw all kinds of exceptions on damaged files.
      throw new IOException(e.toString(), e);
    }
  }

  private static void requireWhole(Path file, Iterable<String> warnings) {
    for (var warning : warnings) {
      if (DAMAGE.matcher(warning).find()) {
        throw new DataException(file + " is damaged: " + warning);
      }
    }
  }

  /** The central square of an image, no larger than its sides, as bytes of R, G and B. */
  static byte[] square(BufferedImage image, int size) {
    var side = Math.min(image.getWidth(), image.getHeight());
    var left = (image.getWidth() - side) / 2;
    var top = (image.getHeight() - side) / 2;
    var pixels = Pixels.of(image.getSubimage(left, top, side, side));
    var channels = new Area[3];
    for (var c = 0; c < 3; c++) {
      channels[c] = new Area(side, side, size, size);
    }
    var rows = new double[3][side];
    for (var y = 0; y < side; y++) {
      pixels.read(y, rows);
      for (var c = 0; c < 3; c++) {
        channels[c].add(rows[c]);
      }
    }
    var result = new byte[3 * size * size];
    for (var c = 0; c < 3; c++) {
      var means = channels[c].means();
      for (var i = 0; i < means.length; i++) {
        result[c * means.length + i] = (byte) Math.round(means[i]);
      }
    }
    return result;
  }

  /** The pixels of an image, whatever its layout. */
  private interface Pixels {
    /** Fills red, green and blue of a row, 0 to 255, on white. */
    void read(int y, double[][] rgb);

    static Pixels of(BufferedImage image) {
      var space = image.getColorModel().getColorSpace();
      if (space.getType() == ColorSpace.TYPE_GRAY) {
        return grey(image);
      }
      return argb(
          space.isCS_sRGB()
              ? image
              : new ColorConvertOp(null)
                  .filter(
                      image,
                      new BufferedImage(
                          image.getWidth(), image.getHeight(), BufferedImage.TYPE_INT_ARGB)));
    }

    /**
     * As stored. BufferedImage would take grey for linear light and brighten it: 128 would become
     * 188.
     */
    private static Pixels grey(BufferedImage image) {
      var raster = image.getRaster();
      var most = (1 << raster.getSampleModel().getSampleSize(0)) - 1;
      var alpha = image.getColorModel().hasAlpha();
      return (y, rgb) -> {
        for (var x = 0; x < image.getWidth(); x++) {
          var value = raster.getSample(x, y, 0) * 255.0 / most;
          var opacity = alpha ? raster.getSample(x, y, 1) / (double) most : 1;
          rgb[0][x] = value * opacity + 255 * (1 - opacity);
          rgb[1][x] = rgb[0][x];
          rgb[2][x] = rgb[0][x];
        }
      };
    }

    private static Pixels argb(BufferedImage image) {
      var row = new int[image.getWidth()];
      return (y, rgb) -> {
        image.getRGB(0, y, row.length, 1, row, 0, row.length);
        for (var x = 0; x < row.length; x++) {
          var alpha = row[x] >>> 24;
          for (var c = 0; c < 3; c++) {
            var value = row[x] >> 16 - 8 * c & 255;
            rgb[c][x] = alpha == 255 ? value : (value * alpha + 255 * (255 - alpha)) / 255.0;
          }
        }
      };
    }
  }
}

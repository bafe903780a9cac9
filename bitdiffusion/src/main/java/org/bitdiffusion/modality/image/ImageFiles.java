package org.bitdiffusion.modality.image;

import java.awt.color.ColorSpace;
import java.awt.image.BufferedImage;
import java.awt.image.ColorConvertOp;
import java.awt.image.ComponentColorModel;
import java.io.EOFException;
import java.io.FileNotFoundException;
import java.io.IOException;
import java.nio.file.AccessDeniedException;
import java.nio.file.FileSystemLoopException;
import java.nio.file.FileVisitOption;
import java.nio.file.FileVisitResult;
import java.nio.file.Files;
import java.nio.file.NoSuchFileException;
import java.nio.file.Path;
import java.nio.file.SimpleFileVisitor;
import java.nio.file.attribute.BasicFileAttributes;
import java.util.ArrayList;
import java.util.Collections;
import java.util.List;
import java.util.Locale;
import java.util.Set;
import java.util.concurrent.Semaphore;
import java.util.function.Function;
import java.util.regex.Pattern;
import javax.imageio.ImageIO;
import javax.imageio.ImageReader;
import javax.imageio.stream.FileImageInputStream;
import org.bitdiffusion.DataException;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * Reads image files as small squares: the central square is averaged down ({@link Area}) in the
 * file's own values, without linear light, as the paper's image preparation does. Transparent parts
 * become white. Other colour spaces are converted to sRGB; an orientation noted in the file is not
 * applied.
 */
public final class ImageFiles {
  private static final Set<String> ENDINGS = Set.of("png", "jpg", "jpeg", "gif", "bmp");

  /** Of images that Java does not read. */
  private static final Set<String> FOREIGN =
      Set.of("webp", "tif", "tiff", "ppm", "pgm", "avif", "heic", "jp2", "jxl");

  private static final Logger LOGGER = LoggerFactory.getLogger(ImageFiles.class);
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
   * @throws DataException if the file cannot be read, is damaged, smaller than size, or too large
   *     for memory
   */
  public static byte[] square(Path file, int size) {
    return read(file, size, image -> square(image, size));
  }

  /**
   * An image as it is.
   *
   * @param rgb unsigned bytes of R, G and B, [3, height, width]
   */
  @SuppressWarnings("ArrayRecordComponent") // for reading, not for comparing
  public record Rgb(int height, int width, byte[] rgb) {}

  /**
   * Reads an image whole, in its own size and without its transparency: the colours as stored, as
   * the usual programs that compute FID read them.
   *
   * @throws DataException if the file cannot be read, is damaged, or too large for memory
   */
  public static Rgb whole(Path file) {
    return read(file, 1, ImageFiles::whole);
  }

  private static Rgb whole(BufferedImage image) {
    var height = image.getHeight();
    var width = image.getWidth();
    var pixels = Pixels.of(image, true);
    var rows = new double[3][width];
    var rgb = new byte[3 * height * width];
    for (var y = 0; y < height; y++) {
      pixels.read(y, rows);
      for (var c = 0; c < 3; c++) {
        for (var x = 0; x < width; x++) {
          rgb[(c * height + y) * width + x] = (byte) Math.round(rows[c][x]);
        }
      }
    }
    return new Rgb(height, width, rgb);
  }

  /**
   * An image of which parts may be missing.
   *
   * @param transparent where nothing of it is seen, [height, width]
   */
  @SuppressWarnings("ArrayRecordComponent") // for reading, not for comparing
  record Partial(Rgb image, boolean[] transparent) {}

  /**
   * Reads an image whole, in its own size, and where it is transparent.
   *
   * @throws DataException as {@link #whole}
   */
  static Partial partial(Path file) {
    return read(file, 1, image -> new Partial(whole(image), transparent(image)));
  }

  private static boolean[] transparent(BufferedImage image) {
    var width = image.getWidth();
    var transparent = new boolean[image.getHeight() * width];
    for (var i = 0; i < transparent.length; i++) {
      transparent[i] = image.getRGB(i % width, i / width) >>> 24 == 0;
    }
    return transparent;
  }

  /**
   * @param least the smallest side that an image may have
   */
  private static <T> T read(Path file, int least, Function<BufferedImage, T> use) {
    requireReadable(file);
    try (var in = new FileImageInputStream(file.toFile())) {
      var readers = ImageIO.getImageReaders(in);
      if (!readers.hasNext()) {
        throw new DataException(file + " is no image that can be read, whatever its name says");
      }
      var reader = readers.next();
      try {
        reader.setInput(in, true, true);
        return read(file, reader, least, use);
      } finally {
        reader.dispose();
      }
    } catch (FileNotFoundException e) {
      throw DataException.cannotRead(file, e); // the system has no more open files, for example
    } catch (EOFException e) {
      throw new DataException(file + " is damaged: it ends too early", e);
    } catch (IOException e) {
      throw new DataException(
          "%s is damaged, or of a kind that cannot be read: %s".formatted(file, reason(e)), e);
    }
  }

  /**
   * The PNG, JPEG, GIF and BMP files of a folder and those below it, in the order of their names,
   * but for hidden ones. Of images in other formats a warning tells how many there are.
   *
   * @throws DataException if one of the folders cannot be read: it might hold some
   */
  public static List<Path> below(Path folder) {
    var files = new ArrayList<Path>();
    var foreign = new ArrayList<Path>();
    var visitor =
        new SimpleFileVisitor<Path>() {
          @Override
          public FileVisitResult preVisitDirectory(Path inside, BasicFileAttributes attributes) {
            return isHidden(folder, inside)
                ? FileVisitResult.SKIP_SUBTREE
                : FileVisitResult.CONTINUE;
          }

          @Override
          public FileVisitResult visitFile(Path file, BasicFileAttributes attributes) {
            if (!isHidden(folder, file)) {
              if (ENDINGS.contains(ending(file))) {
                files.add(file);
              } else if (FOREIGN.contains(ending(file))) {
                foreign.add(file);
              }
            }
            return FileVisitResult.CONTINUE;
          }

          @Override
          public FileVisitResult visitFileFailed(Path inside, IOException e) {
            if (isHidden(folder, inside)) {
              return FileVisitResult.CONTINUE;
            }
            if (e instanceof FileSystemLoopException) {
              throw new DataException(
                  inside + " is a link to a folder that it lies in; remove the link", e);
            }
            throw DataException.cannotRead(inside, e);
          }

          @Override
          public FileVisitResult postVisitDirectory(Path inside, IOException e) {
            if (e != null) {
              throw DataException.cannotRead(inside, e);
            }
            return FileVisitResult.CONTINUE;
          }
        };
    try {
      Files.walkFileTree(folder, Set.of(FileVisitOption.FOLLOW_LINKS), Integer.MAX_VALUE, visitor);
    } catch (IOException e) {
      throw DataException.cannotRead(folder, e);
    }
    if (!foreign.isEmpty()) {
      LOGGER.warn(
          "{} holds {} images that are left out, such as {}: only PNG, JPEG, GIF and BMP are read",
          folder,
          foreign.size(),
          Collections.min(foreign).getFileName());
    }
    Collections.sort(files);
    return files;
  }

  /** Whatever the name of the folder itself, and of those above it. */
  private static boolean isHidden(Path folder, Path inside) {
    return !inside.equals(folder) && inside.getFileName().toString().startsWith(".");
  }

  private static String ending(Path file) {
    var name = file.getFileName().toString().toLowerCase(Locale.ROOT);
    return name.substring(name.lastIndexOf('.') + 1);
  }

  /** Before it is opened, which of a pipe would wait for ever, and says less of what is wrong. */
  private static void requireReadable(Path file) {
    try {
      if (!Files.readAttributes(file, BasicFileAttributes.class).isRegularFile()) {
        throw new DataException(file + " is no file of bytes, but a pipe or device");
      }
      if (!Files.isReadable(file)) {
        throw new AccessDeniedException(file.toString());
      }
    } catch (NoSuchFileException e) {
      if (Files.isSymbolicLink(file)) {
        throw new DataException(file + " cannot be read: it is a link to a file that is gone", e);
      }
      throw DataException.cannotRead(file, e);
    } catch (IOException e) {
      throw DataException.cannotRead(file, e);
    }
  }

  private static String reason(IOException e) {
    return e.getMessage() == null ? e.getClass().getSimpleName() : e.getMessage();
  }

  private static <T> T read(
      Path file, ImageReader reader, int least, Function<BufferedImage, T> use) throws IOException {
    var warnings = new ArrayList<String>();
    reader.addIIOReadWarningListener((source, warning) -> warnings.add(warning));
    try {
      var width = reader.getWidth(0);
      var height = reader.getHeight(0);
      if (Math.min(width, height) < least) {
        throw new DataException(
            "%s is %dx%d, smaller than size=%d".formatted(file, width, height, least));
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
        requireRgb(file, image.getColorModel().getColorSpace());
        return use.apply(image);
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

  private static void requireRgb(Path file, ColorSpace space) {
    if (space.getType() != ColorSpace.TYPE_RGB && space.getType() != ColorSpace.TYPE_GRAY) {
      // Java's values of CMYK are wrong for the inverted ones that most programs write.
      throw new DataException(
          file + " is neither RGB nor grey (CMYK, for example); convert it to RGB");
    }
  }

  /** The central square of an image, no larger than its sides, as bytes of R, G and B. */
  static byte[] square(BufferedImage image, int size) {
    var side = Math.min(image.getWidth(), image.getHeight());
    var left = (image.getWidth() - side) / 2;
    var top = (image.getHeight() - side) / 2;
    return averaged(image.getSubimage(left, top, side, side), size);
  }

  /** An image averaged down, on white, as bytes of R, G and B [3, size, size]. */
  private static byte[] averaged(BufferedImage image, int size) {
    var pixels = Pixels.of(image, false);
    var channels = new Area[3];
    for (var c = 0; c < 3; c++) {
      channels[c] = new Area(image.getHeight(), image.getWidth(), size, size);
    }
    var rows = new double[3][image.getWidth()];
    for (var y = 0; y < image.getHeight(); y++) {
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

    /**
     * @param opaque whether transparency is left out
     */
    static Pixels of(BufferedImage image, boolean opaque) {
      var model = image.getColorModel();
      var space = model.getColorSpace();
      var grey = space.getType() == ColorSpace.TYPE_GRAY;
      if (model instanceof ComponentColorModel && (grey || space.isCS_sRGB())) {
        return samples(image, opaque);
      }
      return argb(space.isCS_sRGB() ? image : converted(image), opaque);
    }

    private static BufferedImage converted(BufferedImage image) {
      var type = BufferedImage.TYPE_INT_ARGB;
      return new ColorConvertOp(null)
          .filter(image, new BufferedImage(image.getWidth(), image.getHeight(), type));
    }

    /**
     * Red, green and blue or only grey, and alpha, as stored. Java's own conversion would take grey
     * for linear light and brighten it: 128 would become 188.
     */
    private static Pixels samples(BufferedImage image, boolean opaque) {
      var raster = image.getRaster();
      var width = image.getWidth();
      var most = (1 << raster.getSampleModel().getSampleSize(0)) - 1;
      var bands = raster.getNumBands();
      var alpha = image.getColorModel().hasAlpha();
      var colors = alpha ? bands - 1 : bands;
      var row = new int[bands * width];
      return (y, rgb) -> {
        raster.getPixels(0, y, width, 1, row);
        for (var x = 0; x < width; x++) {
          var at = x * bands;
          var opacity = alpha && !opaque ? (double) row[at + colors] / most : 1;
          for (var c = 0; c < 3; c++) {
            rgb[c][x] = onWhite(row[at + c % colors] * 255.0 / most, opacity);
          }
        }
      };
    }

    /** What Java makes of palettes and of pixels packed into one number. */
    private static Pixels argb(BufferedImage image, boolean opaque) {
      var row = new int[image.getWidth()];
      return (y, rgb) -> {
        image.getRGB(0, y, row.length, 1, row, 0, row.length);
        for (var x = 0; x < row.length; x++) {
          var opacity = opaque ? 1 : (row[x] >>> 24) / 255.0;
          for (var c = 0; c < 3; c++) {
            rgb[c][x] = onWhite((row[x] >> (16 - 8 * c)) & 255, opacity);
          }
        }
      };
    }

    private static double onWhite(double value, double opacity) {
      return value * opacity + 255 * (1 - opacity);
    }
  }
}

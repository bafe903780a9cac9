package org.bitdiffusion.modality.image;

import java.awt.Rectangle;
import java.io.EOFException;
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
import java.util.Arrays;
import java.util.Collections;
import java.util.List;
import java.util.Locale;
import java.util.Set;
import java.util.concurrent.Semaphore;
import java.util.stream.Collectors;
import org.bitdiffusion.DataException;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * Reads PNG, JPEG, GIF (its first frame, on a screen of its size) and BMP, known by their first
 * bytes whatever their names say. Colours are those that {@code convert("RGB")} of Pillow gives:
 * profiles and gammas are not applied, so an image is the same in all formats; of 16 bits the upper
 * 8 are taken.
 *
 * <p>{@link #square} is for data: an image is turned upright as its EXIF (or XMP) says, its
 * transparent parts become white, and its central square or all of it ({@link Fit}) is averaged
 * ({@link Area}) in the file's own values, without linear light, as the paper's image preparation
 * does. {@link #whole} is for FID.
 */
public final class ImageFiles {
  /** Of files that are taken for images without a look: if they are none, that is an error. */
  private static final Set<String> ENDINGS =
      Set.of("png", "jpg", "jpeg", "jpe", "jfif", "gif", "bmp");

  private static final Logger LOGGER = LoggerFactory.getLogger(ImageFiles.class);
  private static final int NAMED = 5; // files that are left out, in one message
  private static final int KIB = 1024;

  /** 0.3 of white, as pix2seq pads. */
  private static final byte PADDING = (byte) Math.round(0.3 * 255);

  /** Bytes that decoding may take for a pixel: 16 bits for each of R, G, B and alpha. */
  private static final int PIXEL = 8;

  /** Memory for images being decoded, by all threads together, in KiB: a quarter of Java's. */
  private static final int MEMORY =
      (int) Math.min(Runtime.getRuntime().maxMemory() / 4 / KIB, Integer.MAX_VALUE);

  private static final Semaphore FREE = new Semaphore(MEMORY);

  /**
   * Memory for files, which are read whole, and held by a thread that waits for {@link #FREE}: as
   * it is another, that thread goes on at last. In KiB, and no more than an array takes.
   */
  private static final int FILE_MEMORY = Math.min(MEMORY / 2, (1 << 21) - KIB);

  private static final Semaphore FREE_OF_FILES = new Semaphore(FILE_MEMORY);

  private ImageFiles() {}

  /**
   * Reads an image as data.
   *
   * @return unsigned bytes of R, G and B, [3, size, size]
   * @throws DataException if the file cannot be read, is damaged, smaller than size, or too large
   *     for memory
   */
  public static byte[] square(Path file, int size) {
    return read(file, size, (pixels, orientation) -> square(pixels, orientation, size));
  }

  /**
   * Reads an image of any shape as data.
   *
   * @return unsigned bytes of R, G and B, [3, size, size]
   * @throws DataException if the file cannot be read, is damaged, too small for its fit, or too
   *     large for memory
   */
  public static byte[] square(Path file, int size, Fit fit) {
    return fit == Fit.CROP
        ? square(file, size)
        : read(file, 1, (pixels, orientation) -> padded(pixels, orientation, size));
  }

  /**
   * An image as it is.
   *
   * @param rgb unsigned bytes of R, G and B, [3, height, width]
   */
  @SuppressWarnings("ArrayRecordComponent") // for reading, not for comparing
  public record Rgb(int height, int width, byte[] rgb) {}

  /**
   * Reads an image whole, in its own size, as the usual programs that compute FID do ({@code
   * convert("RGB")} of Pillow): as stored even if EXIF tells how to turn it, with the colours that
   * are stored of transparent parts too, and of 16 bits of grey all above 255 as white.
   *
   * @throws DataException if the file cannot be read, is damaged, or too large for memory
   */
  public static Rgb whole(Path file) {
    return read(file, 1, (pixels, orientation) -> partial(pixels.asPillow(), Orientation.AS_STORED))
        .image();
  }

  /**
   * An image of which parts may be missing.
   *
   * @param transparent where nothing of it is seen, [height, width]
   */
  @SuppressWarnings("ArrayRecordComponent") // for reading, not for comparing
  record Partial(Rgb image, boolean[] transparent) {}

  /**
   * Reads an image whole and upright, in its own size, and where it is transparent.
   *
   * @throws DataException as {@link #whole}
   */
  static Partial partial(Path file) {
    return read(file, 1, ImageFiles::partial);
  }

  private static Partial partial(Pixels pixels, Orientation orientation) {
    var width = pixels.width();
    var height = pixels.height();
    var plane = width * height;
    var rgb = new byte[3 * plane];
    var transparent = new boolean[plane];
    var buffer = pixels.buffer(width);
    var row = new int[width];
    for (var y = 0; y < height; y++) {
      pixels.row(0, y, buffer, row);
      for (var x = 0; x < width; x++) {
        var i = y * width + x;
        rgb[i] = (byte) (row[x] >> 16);
        rgb[plane + i] = (byte) (row[x] >> 8);
        rgb[2 * plane + i] = (byte) row[x];
        transparent[i] = row[x] >>> 24 == 0;
      }
    }
    var stored = new Partial(new Rgb(height, width, rgb), transparent);
    return orientation.equals(Orientation.AS_STORED) ? stored : upright(stored, orientation);
  }

  private static Partial upright(Partial stored, Orientation orientation) {
    var width = stored.image().width();
    var height = stored.image().height();
    var places = orientation.places(width, height);
    var transparent = new boolean[places.length];
    for (var i = 0; i < places.length; i++) {
      transparent[i] = stored.transparent()[places[i]];
    }
    return new Partial(
        new Rgb(
            orientation.uprightHeight(width, height),
            orientation.uprightWidth(width, height),
            at(places, stored.image().rgb())),
        transparent);
  }

  /** The bytes of [3, height, width] at places of [height, width]. */
  private static byte[] at(int[] places, byte[] rgb) {
    var plane = places.length;
    var result = new byte[rgb.length];
    for (var i = 0; i < result.length; i++) {
      result[i] = rgb[i - i % plane + places[i % plane]];
    }
    return result;
  }

  /** What is made of an image that is decoded. */
  private interface Use<T> {
    T of(Pixels pixels, Orientation orientation);
  }

  /**
   * @param least the smallest side that an image may have
   */
  private static <T> T read(Path file, int least, Use<T> use) {
    requireReadable(file);
    var memory = requireImage(file) / KIB;
    if (memory > FILE_MEMORY) {
      throw new DataException(
          "%s is %,d MB large, more than an eighth of Java's memory; make it smaller, or raise -Xmx"
              .formatted(file, memory / KIB));
    }
    FREE_OF_FILES.acquireUninterruptibly((int) memory);
    try (var encoded = FileFormat.open(bytes(file))) {
      return read(file, encoded, least, use);
    } catch (BadPicture e) {
      throw new DataException(file + " " + e.getMessage(), e);
    } catch (EOFException e) {
      throw new DataException(file + " is damaged: it ends too early", e);
    } catch (IOException | RuntimeException e) {
      if (e instanceof DataException told) {
        throw told;
      }
      // Readers throw all kinds of exceptions on damaged files.
      throw new DataException(
          "%s is damaged, or of a kind that cannot be read: %s".formatted(file, reason(e)), e);
    } finally {
      FREE_OF_FILES.release((int) memory);
    }
  }

  /**
   * @return the file's size
   */
  private static long requireImage(Path file) {
    try (var in = Files.newInputStream(file)) {
      if (!FileFormat.isKnown(in.readNBytes(FileFormat.MAGIC))) {
        throw new DataException(file + " is no image that can be read, whatever its name says");
      }
      return Files.size(file);
    } catch (IOException e) {
      throw DataException.cannotRead(file, e);
    }
  }

  private static byte[] bytes(Path file) {
    try {
      return Files.readAllBytes(file);
    } catch (IOException e) {
      throw DataException.cannotRead(file, e);
    }
  }

  private static <T> T read(Path file, Encoded encoded, int least, Use<T> use) throws IOException {
    var orientation = encoded.orientation();
    var width = encoded.width();
    var height = encoded.height();
    if (Math.min(width, height) < least) {
      throw new DataException(
          "%s is %dx%d, smaller than size=%d, and size=%d would take it"
              .formatted(
                  file,
                  orientation.uprightWidth(width, height),
                  orientation.uprightHeight(width, height),
                  least,
                  Math.min(width, height)));
    }
    var memory = (long) PIXEL * width * height / KIB;
    if (memory > MEMORY) {
      throw new DataException(
          "%s claims %,d x %,d pixels, which need %,d MB to decode, more than a quarter of Java's memory; make it smaller, or raise -Xmx"
              .formatted(file, width, height, memory / KIB));
    }
    FREE.acquireUninterruptibly((int) memory);
    try {
      return use.of(encoded.decoding().decode(encoded.reader()), orientation);
    } finally {
      FREE.release((int) memory);
    }
  }

  /**
   * The PNG, JPEG, GIF and BMP files of a folder and those below it, in the order of their names:
   * all with an ending of these, and all others that begin as these do. A warning tells how many
   * other files there are, and names some. What is hidden is not looked at, and only counted.
   *
   * @throws DataException if one of the folders cannot be read: it might hold some
   */
  public static List<Path> below(Path folder) {
    var files = new ArrayList<Path>();
    var others = new ArrayList<Path>();
    var hidden = new ArrayList<Path>();
    var visitor =
        new SimpleFileVisitor<Path>() {
          @Override
          public FileVisitResult preVisitDirectory(Path inside, BasicFileAttributes attributes) {
            if (isHidden(folder, inside)) {
              hidden.add(inside);
              return FileVisitResult.SKIP_SUBTREE;
            }
            return FileVisitResult.CONTINUE;
          }

          @Override
          public FileVisitResult visitFile(Path file, BasicFileAttributes attributes) {
            var kind = isHidden(folder, file) ? hidden : isImage(file, attributes) ? files : others;
            kind.add(file);
            return FileVisitResult.CONTINUE;
          }

          @Override
          public FileVisitResult visitFileFailed(Path inside, IOException e) {
            if (isHidden(folder, inside)) {
              hidden.add(inside);
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
    if (!others.isEmpty()) {
      LOGGER.warn(
          "{}: left out {}, as only PNG, JPEG, GIF and BMP are read",
          folder,
          named(folder, others, "file"));
    }
    if (!hidden.isEmpty()) {
      LOGGER.info(
          "{}: did not look at what is hidden: {}",
          folder,
          named(folder, hidden, "file or folder"));
    }
    Collections.sort(files);
    return files;
  }

  /** Whatever the name of the folder itself, and of those above it. */
  private static boolean isHidden(Path folder, Path inside) {
    return !inside.equals(folder) && inside.getFileName().toString().startsWith(".");
  }

  /** How many there are, and the names of the first. */
  private static String named(Path folder, List<Path> files, String kind) {
    Collections.sort(files);
    return files.stream()
        .limit(NAMED)
        .map(file -> folder.relativize(file).toString())
        .collect(
            Collectors.joining(
                ", ",
                "%,d %s ("
                    .formatted(
                        files.size(),
                        files.size() == 1 ? kind : kind.replaceAll("(file|folder)", "$1s")),
                files.size() > NAMED ? ", ...)" : ")"));
  }

  private static boolean isImage(Path file, BasicFileAttributes attributes) {
    if (ENDINGS.contains(ending(file))) {
      return true;
    }
    if (!attributes.isRegularFile()) {
      return false; // a pipe would be waited for
    }
    try (var in = Files.newInputStream(file)) {
      return FileFormat.isKnown(in.readNBytes(FileFormat.MAGIC));
    } catch (IOException e) {
      return false; // it is named as one that is left out
    }
  }

  private static String ending(Path file) {
    var name = file.getFileName().toString().toLowerCase(Locale.ROOT);
    return name.substring(name.lastIndexOf('.') + 1);
  }

  /** Before it is opened, which of a pipe would wait for ever, and says less of what is wrong. */
  private static void requireReadable(Path file) {
    try {
      var attributes = Files.readAttributes(file, BasicFileAttributes.class);
      if (attributes.isDirectory()) {
        throw new DataException(file + " is a folder; name one of the pictures in it");
      }
      if (!attributes.isRegularFile()) {
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

  private static String reason(Exception e) {
    return e instanceof IOException && e.getMessage() != null ? e.getMessage() : e.toString();
  }

  /** The central square of an image, no larger than its sides, averaged down on white. */
  private static byte[] square(Pixels pixels, Orientation orientation, int size) {
    var side = Math.min(pixels.width(), pixels.height());
    var left = orientation.left(pixels.width(), side);
    var top = orientation.top(pixels.height(), side);
    var result = averaged(pixels, new Rectangle(left, top, side, side), size, size);
    // So small a square is turned at last, and not the large one.
    return orientation.equals(Orientation.AS_STORED)
        ? result
        : at(orientation.places(size, size), result);
  }

  /** A whole image on white, as {@link Fit#PAD} says. */
  private static byte[] padded(Pixels pixels, Orientation orientation, int size) {
    var longer = Math.max(pixels.width(), pixels.height());
    var width = (int) Math.max(1, Math.round((double) pixels.width() * size / longer));
    var height = (int) Math.max(1, Math.round((double) pixels.height() * size / longer));
    var whole = new Rectangle(0, 0, pixels.width(), pixels.height());
    var image = at(orientation.places(width, height), averaged(pixels, whole, width, height));
    var across = orientation.uprightWidth(width, height);
    var result = new byte[3 * size * size];
    Arrays.fill(result, PADDING);
    for (var row = 0; row < image.length / across; row++) {
      var down = orientation.uprightHeight(width, height);
      var at = (row / down * size + row % down) * size;
      System.arraycopy(image, row * across, result, at, across);
    }
    return result;
  }

  /** A part of an image on white, as means of areas: [3, height, width]. */
  private static byte[] averaged(Pixels pixels, Rectangle part, int width, int height) {
    var buffer = pixels.buffer(part.width);
    var argb = new int[part.width];
    var row = new double[part.width];
    var channels = new Area[3];
    Arrays.setAll(channels, c -> new Area(part.height, part.width, height, width));
    for (var y = 0; y < part.height; y++) {
      pixels.row(part.x, part.y + y, buffer, argb);
      for (var c = 0; c < 3; c++) {
        for (var x = 0; x < part.width; x++) {
          row[x] = onWhite(argb[x] >> (16 - 8 * c) & 255, argb[x] >>> 24);
        }
        channels[c].add(row);
      }
    }
    var result = new byte[3 * height * width];
    for (var c = 0; c < 3; c++) {
      var means = channels[c].means();
      for (var i = 0; i < means.length; i++) {
        result[c * means.length + i] = (byte) Math.round(means[i]);
      }
    }
    return result;
  }

  private static double onWhite(int value, int alpha) {
    return alpha == 255 ? value : (value * alpha + 255 * (255 - alpha)) / 255.0;
  }
}

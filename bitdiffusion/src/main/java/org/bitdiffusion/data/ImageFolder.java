package org.bitdiffusion.data;

import java.io.IOException;
import java.io.UncheckedIOException;
import java.nio.file.FileVisitOption;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Arrays;
import java.util.List;
import java.util.Locale;
import java.util.Objects;
import java.util.Set;
import java.util.stream.IntStream;
import org.bitdiffusion.DataException;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * A folder of PNG, JPEG, GIF (its first frame) and BMP images; its sub-folders are classes, and an
 * image beside them has none. Hidden files and folders are not looked at. Each image is cropped to
 * its central square and averaged down to the size asked for ({@link ImageFiles}), then its bytes
 * become levels of grey, levels of red, green and blue, or the indices of a {@link Palette}.
 *
 * <p>All images are decoded once when the folder is opened, on all processors, so that a bad one is
 * found at once and not in the middle of the night. They are kept as symbols if these fit in half
 * of Java's memory, else decoded again whenever they are read.
 */
final class ImageFolder implements ImageSource {
  /**
   * @param size side of the images, in pixels
   * @param color {@code rgb}, {@code grey} or {@code palette}
   * @param categories K: levels of grey, levels of each of R, G and B, or colours of the palette
   * @param skipBad whether images that cannot be used are left out instead of an error
   */
  record Settings(int size, String color, int categories, boolean skipBad) {
    int channels() {
      return color.equals("rgb") ? 3 : 1;
    }
  }

  private static final Logger LOGGER = LoggerFactory.getLogger(ImageFolder.class);
  private static final Set<String> ENDINGS = Set.of("png", "jpg", "jpeg", "gif", "bmp");
  private static final int NAMED = 20; // bad images in one message

  private final Path folder;
  private final Settings settings;
  private final List<Path> files;
  private final List<String> classes;
  private final int[] labels;
  private final Palette palette;
  private final ImageFormat format;

  /** Symbols [C, H, W] by image, or null if they are decoded on demand. */
  private final byte[][] images;

  private ImageFolder(
      Path folder, Settings settings, List<Path> files, Palette palette, byte[][] pixels) {
    this.folder = folder;
    this.settings = settings;
    this.files = files;
    this.palette = palette;
    classes =
        files.stream().map(this::className).filter(name -> !name.isEmpty()).distinct().toList();
    labels = files.stream().mapToInt(file -> classes.indexOf(className(file))).toArray();
    format =
        new ImageFormat(
            settings.channels(),
            settings.size(),
            settings.size(),
            settings.categories(),
            palette == null ? List.of() : palette.colors());
    images = pixels;
    if (images != null) {
      // In place, as there may be no room for both.
      IntStream.range(0, images.length).parallel().forEach(i -> images[i] = symbols(images[i]));
    }
  }

  static ImageFolder open(Path folder, Settings settings) {
    var half = Runtime.getRuntime().maxMemory() / 2;
    return open(folder, settings, half);
  }

  /**
   * @param memory bytes that all images together may take to be kept, each being 3 bytes a pixel
   *     while the palette is not known yet
   */
  static ImageFolder open(Path folder, Settings settings, long memory) {
    var files = files(folder);
    if (files.isEmpty()) {
      throw new DataException(
          folder + " holds no images; PNG, JPEG, GIF and BMP are read, also in sub-folders");
    }
    var keep = files.size() * 3L * settings.size() * settings.size() <= memory;
    var colors = settings.color().equals("palette") ? new Palette.Builder() : null;
    var pixels = new byte[files.size()][];
    var faults = new String[files.size()];
    IntStream.range(0, files.size())
        .parallel()
        .forEach(
            i -> {
              try {
                var rgb = ImageFiles.square(files.get(i), settings.size());
                if (colors != null) {
                  colors.add(rgb);
                }
                pixels[i] = keep ? rgb : null;
              } catch (DataException e) {
                faults[i] = e.getMessage();
              }
            });
    var good = IntStream.range(0, faults.length).filter(i -> faults[i] == null).toArray();
    report(folder, faults, settings.skipBad());
    return new ImageFolder(
        folder,
        settings,
        Arrays.stream(good).mapToObj(files::get).toList(),
        colors == null ? null : colors.build(settings.categories()),
        keep ? Arrays.stream(good).mapToObj(i -> pixels[i]).toArray(byte[][]::new) : null);
  }

  private static void report(Path folder, String[] faults, boolean skip) {
    var bad = Arrays.stream(faults).filter(Objects::nonNull).toList();
    if (bad.isEmpty()) {
      return;
    }
    var more = bad.size() - 1;
    if (bad.size() == faults.length) {
      throw new DataException(
          "%s holds no image that can be used: %s%s"
              .formatted(folder, bad.get(0), more == 0 ? "" : " (and so on)"));
    }
    if (!skip) {
      throw new DataException(
          "%s%s; --skip-bad leaves bad images out"
              .formatted(bad.get(0), more == 0 ? "" : " (and %,d more)".formatted(more)));
    }
    LOGGER.warn(
        "left out {} of {} images: {}{}",
        bad.size(),
        faults.length,
        String.join("; ", bad.subList(0, Math.min(bad.size(), NAMED))),
        bad.size() > NAMED ? "; ..." : "");
  }

  private static List<Path> files(Path folder) {
    try (var walk = Files.walk(folder, FileVisitOption.FOLLOW_LINKS)) {
      return walk.filter(file -> isImage(folder.relativize(file)))
          .filter(Files::isRegularFile)
          .sorted()
          .toList();
    } catch (IOException e) {
      throw DataException.cannotRead(folder, e);
    } catch (UncheckedIOException e) {
      throw DataException.cannotRead(folder, e.getCause());
    }
  }

  private static boolean isImage(Path file) {
    for (var part : file) {
      if (part.toString().startsWith(".")) {
        return false;
      }
    }
    var name = file.getFileName().toString().toLowerCase(Locale.ROOT);
    return ENDINGS.contains(name.substring(name.lastIndexOf('.') + 1));
  }

  /** The sub-folder in which a file lies, or empty. */
  private String className(Path file) {
    var inside = folder.relativize(file);
    return inside.getNameCount() == 1 ? "" : inside.getName(0).toString();
  }

  /** Bytes of R, G and B [3, H, W] to symbols [C, H, W]. */
  private byte[] symbols(byte[] rgb) {
    if (palette != null) {
      return palette.symbols(rgb);
    }
    var plane = rgb.length / 3;
    var result = new byte[settings.channels() * plane];
    for (var i = 0; i < result.length; i++) {
      var intensity =
          settings.color().equals("grey")
              ? luma(rgb[i] & 255, rgb[plane + i] & 255, rgb[2 * plane + i] & 255)
              : rgb[i] & 255;
      result[i] = (byte) Math.round(intensity * (settings.categories() - 1) / 255);
    }
    return result;
  }

  /** The brightness of a colour by ITU-R BT.601, 0 to 255. */
  private static double luma(int red, int green, int blue) {
    return (299 * red + 587 * green + 114 * blue) / 1000.0;
  }

  @Override
  public String name() {
    return "images in %s at %dx%d, %s, K = %d"
        .formatted(
            folder, settings.size(), settings.size(), settings.color(), settings.categories());
  }

  @Override
  public ImageFormat format() {
    return format;
  }

  @Override
  public int size() {
    return files.size();
  }

  @Override
  public List<String> classes() {
    return classes;
  }

  @Override
  public int label(int index) {
    return labels[index];
  }

  @Override
  public void read(int index, int[] target, int offset) {
    var image =
        images != null
            ? images[index]
            : symbols(ImageFiles.square(files.get(index), settings.size()));
    for (var symbol : image) {
      target[offset++] = symbol & 255;
    }
  }
}

package org.bitdiffusion.data;

import java.awt.image.BufferedImage;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.Locale;
import java.util.Set;
import java.util.stream.IntStream;
import javax.imageio.ImageIO;
import org.bitdiffusion.DataException;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * A folder of PNG, JPEG, GIF and BMP images; sub-folders are classes. Each image is cropped to its
 * central square and averaged down to the size asked for; transparent parts become white.
 *
 * <p>All images are decoded once when the folder is opened, so that a bad one is found at once.
 * They are kept in memory as symbols if they fit in half of the heap, else decoded again when read.
 */
final class ImageFolder implements ImageSource {
  /**
   * @param size side of the images, in pixels
   * @param color {@code rgb}, {@code grey} or {@code palette}
   * @param levels K: levels of grey, levels of each of R, G and B, or colours of the palette
   * @param skipBad whether images that cannot be used are left out instead of an error
   */
  record Settings(int size, String color, int levels, boolean skipBad) {}

  private static final Logger LOGGER = LoggerFactory.getLogger(ImageFolder.class);
  private static final Set<String> ENDINGS = Set.of("png", "jpg", "jpeg", "gif", "bmp");

  private final Path folder;
  private final Settings settings;
  private final ImageFormat format;
  private final List<Path> files;
  private final int[] labels;
  private final List<String> classes;
  private final Palette palette;
  private final byte[][] symbols;

  private ImageFolder(
      Path folder,
      Settings settings,
      List<Path> files,
      int[] labels,
      List<String> classes,
      Palette palette,
      byte[][] pixels) {
    this.folder = folder;
    this.settings = settings;
    this.files = files;
    this.labels = labels;
    this.classes = classes;
    this.palette = palette;
    format =
        new ImageFormat(
            settings.color().equals("rgb") ? 3 : 1,
            settings.size(),
            settings.size(),
            settings.levels(),
            palette == null ? List.of() : palette.colors());
    symbols =
        pixels == null
            ? null
            : Arrays.stream(pixels).parallel().map(this::symbols).toArray(byte[][]::new);
  }

  static ImageFolder open(Path folder, Settings settings) {
    var files = files(folder);
    if (files.isEmpty()) {
      throw new DataException(
          folder + " holds no images; PNG, JPEG, GIF and BMP are read, also in sub-folders");
    }
    var keep =
        files.size() * 3L * settings.size() * settings.size()
            < Runtime.getRuntime().maxMemory() / 2;
    var colors = settings.color().equals("palette") ? new Palette.Builder() : null;
    var pixels = new byte[files.size()][];
    var bad = new String[files.size()];
    IntStream.range(0, files.size())
        .parallel()
        .forEach(
            i -> {
              try {
                var rgb = pixels(files.get(i), settings.size());
                pixels[i] = keep ? rgb : new byte[0];
                if (colors != null) {
                  colors.add(rgb);
                }
              } catch (DataException e) {
                bad[i] = e.getMessage();
              }
            });
    var good = IntStream.range(0, files.size()).filter(i -> bad[i] == null).toArray();
    report(bad, settings.skipBad(), good.length);
    var kept = Arrays.stream(good).mapToObj(files::get).toList();
    var classes = classes(folder, kept);
    var labels = kept.stream().mapToInt(file -> classes.indexOf(className(folder, file))).toArray();
    return new ImageFolder(
        folder,
        settings,
        kept,
        labels,
        classes,
        colors == null ? null : colors.build(settings.levels()),
        keep ? Arrays.stream(good).mapToObj(i -> pixels[i]).toArray(byte[][]::new) : null);
  }

  private static void report(String[] bad, boolean skip, int good) {
    var messages = Arrays.stream(bad).filter(m -> m != null).toList();
    if (messages.isEmpty()) {
      return;
    }
    if (!skip) {
      throw new DataException(
          messages.get(0)
              + (messages.size() > 1 ? " (and " + (messages.size() - 1) + " more bad images)" : "")
              + "; --skip-bad leaves such images out");
    }
    messages.forEach(message -> LOGGER.warn("left out: {}", message));
    if (good == 0) {
      throw new DataException("all " + messages.size() + " images are bad; " + messages.get(0));
    }
  }

  private static List<Path> files(Path folder) {
    try (var walk = Files.walk(folder)) {
      return walk.filter(Files::isRegularFile).filter(ImageFolder::isImage).sorted().toList();
    } catch (IOException e) {
      throw new DataException(folder + " cannot be read: " + e.getMessage(), e);
    }
  }

  private static boolean isImage(Path file) {
    var name = file.getFileName().toString().toLowerCase(Locale.ROOT);
    return !name.startsWith(".") && ENDINGS.contains(name.substring(name.lastIndexOf('.') + 1));
  }

  private static List<String> classes(Path folder, List<Path> files) {
    var names = files.stream().map(file -> className(folder, file)).distinct().sorted().toList();
    var classes = new ArrayList<>(names);
    classes.remove("");
    return List.copyOf(classes);
  }

  /** The sub-folder in which a file lies, or empty. */
  private static String className(Path folder, Path file) {
    var relative = folder.relativize(file);
    return relative.getNameCount() == 1 ? "" : relative.getName(0).toString();
  }

  /** The image as unsigned bytes of R, G and B, [3, size, size]. */
  private static byte[] pixels(Path file, int size) {
    var image = decode(file);
    var side = Math.min(image.getWidth(), image.getHeight());
    if (side < size) {
      throw new DataException(
          "%s is %dx%d, smaller than size=%d"
              .formatted(file, image.getWidth(), image.getHeight(), size));
    }
    var left = (image.getWidth() - side) / 2;
    var top = (image.getHeight() - side) / 2;
    var argb = image.getRGB(left, top, side, side, null, 0, side);
    var result = new byte[3 * size * size];
    for (var c = 0; c < 3; c++) {
      var shift = 16 - 8 * c;
      var plane = new float[side * side];
      for (var i = 0; i < plane.length; i++) {
        var alpha = argb[i] >>> 24;
        plane[i] = ((argb[i] >> shift & 255) * alpha + 255 * (255 - alpha)) / 255f;
      }
      var small = Area.average(plane, side, side, size, size);
      for (var i = 0; i < small.length; i++) {
        result[c * small.length + i] = (byte) Math.round(small[i]);
      }
    }
    return result;
  }

  private static BufferedImage decode(Path file) {
    try (var in = ImageIO.createImageInputStream(file.toFile())) {
      var readers = in == null ? null : ImageIO.getImageReaders(in);
      if (readers == null || !readers.hasNext()) {
        throw new DataException(file + " is no image that can be read, whatever its name says");
      }
      var reader = readers.next();
      try {
        reader.setInput(in, true, true);
        var width = reader.getWidth(0);
        var height = reader.getHeight(0);
        // Decoded pixels take 4 bytes, and a colour conversion as much again.
        if (8L * width * height > Runtime.getRuntime().maxMemory() / 4) {
          throw new DataException(
              "%s claims %,dx%,d pixels, more than memory holds".formatted(file, width, height));
        }
        return reader.read(0);
      } finally {
        reader.dispose();
      }
    } catch (IOException | RuntimeException e) {
      if (e instanceof DataException known) {
        throw known;
      }
      // Readers throw all kinds of exceptions on damaged files.
      throw new DataException(file + " is damaged: " + e.getMessage(), e);
    }
  }

  /** R, G and B bytes to symbols of the format. */
  private byte[] symbols(byte[] rgb) {
    var plane = rgb.length / 3;
    if (palette != null) {
      return palette.symbols(rgb);
    }
    if (settings.color().equals("grey")) {
      var grey = new byte[plane];
      for (var i = 0; i < plane; i++) {
        // Luma of ITU-R BT.601.
        var y =
            0.299 * (rgb[i] & 255)
                + 0.587 * (rgb[plane + i] & 255)
                + 0.114 * (rgb[2 * plane + i] & 255);
        grey[i] = quantize(y);
      }
      return grey;
    }
    var result = new byte[rgb.length];
    for (var i = 0; i < rgb.length; i++) {
      result[i] = quantize(rgb[i] & 255);
    }
    return result;
  }

  private byte quantize(double intensity) {
    return (byte) Math.round(intensity * (settings.levels() - 1) / 255);
  }

  @Override
  public String name() {
    return "images in %s at %dx%d, %s"
        .formatted(folder, settings.size(), settings.size(), settings.color());
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
        symbols != null ? symbols[index] : symbols(pixels(files.get(index), settings.size()));
    for (var symbol : image) {
      target[offset++] = symbol & 255;
    }
  }
}

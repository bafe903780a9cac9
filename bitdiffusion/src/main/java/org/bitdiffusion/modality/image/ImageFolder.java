package org.bitdiffusion.modality.image;

import java.nio.file.Path;
import java.util.Collections;
import java.util.HashMap;
import java.util.List;
import java.util.function.UnaryOperator;
import java.util.stream.IntStream;
import org.bitdiffusion.DataException;

/**
 * A folder of PNG, JPEG, GIF (its first frame) and BMP images; its sub-folders are classes, and an
 * image beside them has none. Hidden files and folders are not looked at. Each image is turned
 * upright as its EXIF says, cropped to its central square and averaged down to the size asked for
 * ({@link ImageFiles}), then its bytes become levels of grey, levels of red, green and blue, or the
 * indices of a {@link Palette}.
 *
 * <p>All images are decoded once when the folder is opened, on all processors, so that a bad one is
 * found at once and not in the middle of the night. They are kept as symbols if these fit in half
 * of Java's memory ({@link ImagesInMemory}), else decoded again whenever they are read.
 *
 * @param labels of each file, -1 where it has none
 * @param symbols bytes of R, G and B [3, H, W] to symbols [C, H, W]
 */
@SuppressWarnings("ArrayRecordComponent") // never compared
record ImageFolder(
    String name,
    ImageFormat format,
    List<Path> files,
    int[] labels,
    List<String> classes,
    UnaryOperator<byte[]> symbols)
    implements ImageSource {
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

    /** What the images will be; of a palette the colours are not known before. */
    ImageFormat format() {
      var unknown =
          color.equals("palette") ? Collections.nCopies(categories, 0) : List.<Integer>of();
      return new ImageFormat(channels(), size, size, categories, unknown);
    }

    /** Bytes of R, G and B [3, H, W] to levels [C, H, W]. */
    byte[] levels(byte[] rgb) {
      var plane = rgb.length / 3;
      var result = new byte[channels() * plane];
      for (var i = 0; i < result.length; i++) {
        var intensity =
            color.equals("grey") ? Palette.luma(Palette.color(rgb, plane, i)) : rgb[i] & 255;
        result[i] = (byte) Math.round(intensity * (categories - 1) / 255);
      }
      return result;
    }
  }

  static ImageSource open(Path folder, Settings settings) {
    return open(folder, settings, Runtime.getRuntime().maxMemory() / 2);
  }

  /**
   * @param memory bytes that all images together may take to be kept, each being 3 bytes a pixel
   *     while the palette is not known yet
   */
  static ImageSource open(Path folder, Settings settings, long memory) {
    var files = ImageFiles.below(folder);
    if (files.isEmpty()) {
      throw new DataException(
          folder + " holds no images; PNG, JPEG, GIF and BMP are read, also in sub-folders");
    }
    var size = settings.size();
    var keep = files.size() * 3L * size * size <= memory;
    var colors = settings.color().equals("palette") ? new Palette.Builder() : null;
    var checked =
        CheckedFiles.decode(
            folder.toString(),
            files,
            file -> {
              var rgb = ImageFiles.square(file, size);
              if (colors != null) {
                colors.add(rgb);
              }
              return rgb;
            },
            keep,
            settings.skipBad());

    requireDistinctNames(folder, files);
    var good = checked.good(files);
    var names = good.stream().map(file -> className(folder, file)).toList();
    var classes = names.stream().filter(name -> !name.isEmpty()).distinct().toList();
    var palette = colors == null ? null : colors.build(settings.categories());
    UnaryOperator<byte[]> symbols = palette == null ? settings::levels : palette::symbols;
    var decoded =
        new ImageFolder(
            "images in %s at %dx%d, %s, K = %d"
                .formatted(folder, size, size, settings.color(), settings.categories()),
            new ImageFormat(
                settings.channels(),
                size,
                size,
                settings.categories(),
                palette == null ? List.of() : palette.colors()),
            good,
            names.stream().mapToInt(classes::indexOf).toArray(),
            classes,
            symbols);
    if (!keep) {
      return decoded;
    }
    var images = checked.images(); // changed in place, as there may be no room for both
    IntStream.range(0, images.length).parallel().forEach(i -> images[i] = symbols.apply(images[i]));
    return new ImagesInMemory(
        decoded.name(), decoded.format(), images, decoded.labels(), classes, List.of());
  }

  /** Where Java cannot decode names of folders, two may look the same, and be one class. */
  private static void requireDistinctNames(Path folder, List<Path> files) {
    var folders = new HashMap<String, Path>();
    for (var file : files) {
      var inside = folder.relativize(file);
      var other = folders.putIfAbsent(className(folder, file), inside.getName(0));
      if (inside.getNameCount() > 1 && other != null && !other.equals(inside.getName(0))) {
        throw new DataException(
            "%s holds several folders that Java reads as '%s', as their names are not in the encoding %s; rename them, or set LC_ALL to a locale of their encoding"
                .formatted(folder, inside.getName(0), System.getProperty("sun.jnu.encoding")));
      }
    }
  }

  /** The sub-folder in which a file lies, or empty. */
  private static String className(Path folder, Path file) {
    var inside = folder.relativize(file);
    return inside.getNameCount() == 1 ? "" : inside.getName(0).toString();
  }

  @Override
  public int size() {
    return files.size();
  }

  @Override
  public int label(int index) {
    return labels[index];
  }

  @Override
  public void read(int index, int[] target, int offset) {
    for (var symbol : symbols.apply(ImageFiles.square(files.get(index), format.height()))) {
      target[offset++] = symbol & 255;
    }
  }
}

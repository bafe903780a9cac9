package org.bitdiffusion.cli;

import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Arrays;
import java.util.regex.Pattern;
import org.bitdiffusion.ConfigurationException;
import org.bitdiffusion.data.ImageFormat;
import org.bitdiffusion.data.ImageGrid;
import org.bitdiffusion.data.Npy;

/**
 * Where images go, batch by batch: a grid ({@code .png}), an array ({@code .npy}), or under any
 * other name a folder with a file for each. The one file is written at the end, and all images are
 * held until then; those of a folder are written as they come.
 */
final class ImageTarget {
  /** Of a file, such as .gif: a folder's name seldom has one. */
  private static final Pattern ENDING = Pattern.compile("\\.[A-Za-z]\\w{1,4}$");

  private final Path out;
  private final ImageFormat format;
  private final int[] symbols; // null for a folder
  private int count;

  /**
   * @param out a name that {@link #require} has accepted
   * @param n how many images will come, at most
   */
  ImageTarget(Path out, ImageFormat format, int n) {
    this.out = out;
    this.format = format;
    symbols = isFile(out) ? new int[n * format.symbols()] : null;
  }

  private static boolean isFile(Path out) {
    return Target.endsIn(out, ".png") || Target.endsIn(out, ".npy");
  }

  /** Complains unless images can be written there. */
  static void require(String option, Path out) {
    if (isFile(out)) {
      Target.requireFile(option, out, ".png", ".npy");
    } else if (ENDING.matcher(out.toString()).find() && !Files.isDirectory(out)) {
      throw new ConfigurationException(
          "%s is %s; it must end in .png or .npy, or be a folder, which must be there already if its"
                  .formatted(option, out)
              + " name has an ending");
    } else {
      Target.requireFolder(out);
    }
  }

  /**
   * Complains if there are more images than one file takes, or one batch of them.
   *
   * @param n how many images
   * @param batch how many come at a time
   * @param each symbols of one
   */
  static void requireRoom(Path out, int n, int batch, int each) {
    var most = (Integer.MAX_VALUE - 8) / each;
    if (isFile(out) && n > most) {
      throw new ConfigurationException(
          "%d images are too many for one file; --n can be at most %d, or --out be a folder"
              .formatted(n, most));
    }
    if (Math.min(n, batch) > most) {
      throw new ConfigurationException(
          "--batch-size is %d; of images of this size it can be at most %d".formatted(batch, most));
    }
  }

  /**
   * Takes the next images.
   *
   * @param more row-major [B, C, H, W], each in 0 .. K-1
   */
  void add(int[] more) {
    if (symbols == null) {
      ImageGrid.writeEach(out, more, format, count);
    } else {
      System.arraycopy(more, 0, symbols, count * format.symbols(), more.length);
    }
    count += more.length / format.symbols();
  }

  /** Writes the file of those that have come, if it is one. */
  void finish() {
    if (symbols == null) {
      return;
    }
    var size = count * format.symbols();
    // What is whole is not copied: it may be a quarter of Java's memory.
    var all = size == symbols.length ? symbols : Arrays.copyOf(symbols, size);
    if (Target.endsIn(out, ".png")) {
      ImageGrid.write(out, all, format);
    } else {
      var shape = new int[] {count, format.channels(), format.height(), format.width()};
      Npy.write(out, all, shape, format.categories());
    }
  }
}

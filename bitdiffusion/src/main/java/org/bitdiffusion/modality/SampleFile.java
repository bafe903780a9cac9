package org.bitdiffusion.modality;

import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.Locale;
import java.util.regex.Pattern;
import org.bitdiffusion.ConfigurationException;
import org.bitdiffusion.data.Space;
import org.bitdiffusion.io.Npy;
import org.bitdiffusion.io.WholeFile;
import org.bitdiffusion.model.Samples;

/**
 * Where samples go, batch by batch: one file of an ending that their renderer makes, an array
 * ({@code .npy}), or under any other name a folder with a file for each. The one file is written at
 * the end, and all samples are held until then; those of a folder are written as they come.
 */
public final class SampleFile {
  private static final String ARRAY = ".npy";

  /** Of a file, such as .gif: a folder's name seldom has one. */
  private static final Pattern ENDING = Pattern.compile("\\.[A-Za-z]\\w{1,4}$");

  private final Path out;
  private final Renderer renderer;
  private final Space space;
  private final String ending; // null for a folder
  private final int[] symbols; // null for a folder
  private int count;

  /**
   * @param out a name that {@link #ending} accepts
   * @param n how many samples will come, at most
   */
  public SampleFile(Path out, Renderer renderer, Space space, int n) {
    this.out = out;
    this.renderer = renderer;
    this.space = space;
    ending = ending(out, renderer);
    requireRoom(out, renderer, space, n);
    symbols = ending == null ? null : new int[n * space.places()];
  }

  /** Writes samples. */
  public static void write(Path out, Renderer renderer, Samples samples) {
    var file = new SampleFile(out, renderer, samples.space(), samples.count());
    file.add(samples);
    file.finish();
  }

  /** All endings of one file. */
  public static List<String> endings(Renderer renderer) {
    var endings = new ArrayList<>(renderer.endings());
    endings.add(ARRAY);
    return endings;
  }

  /**
   * The ending of the one file that a name means, or null where it means a folder.
   *
   * @throws ConfigurationException if it has the ending of a file that cannot be made
   */
  public static String ending(Path out, Renderer renderer) {
    for (var ending : endings(renderer)) {
      if (out.toString().endsWith(ending)) {
        return ending;
      }
    }
    if (ENDING.matcher(out.toString()).find() && !Files.isDirectory(out)) {
      throw new ConfigurationException(
          "%s must end in %s, or be a folder, which must be there already if its name has an ending"
              .formatted(out, String.join(" or ", endings(renderer))));
    }
    return null;
  }

  /**
   * Complains if there are more samples than one file takes.
   *
   * @throws ConfigurationException if there are
   */
  public static void requireRoom(Path out, Renderer renderer, Space space, int n) {
    var most = (Integer.MAX_VALUE - 8) / space.places();
    if (ending(out, renderer) != null && n > most) {
      throw new ConfigurationException(
          "%d samples are too many for one file, which takes %d; name a folder".formatted(n, most));
    }
  }

  /** Takes the next samples. */
  public void add(Samples more) {
    if (symbols == null) {
      for (var i = 0; i < more.count(); i++) {
        var name = String.format(Locale.ROOT, "%06d%s", count + i, renderer.endings().get(0));
        var file = renderer.renderOne(more.part(i, 1));
        WholeFile.write(out.resolve(name), stream -> stream.write(file));
      }
    } else {
      System.arraycopy(more.symbols(), 0, symbols, count * space.places(), more.symbols().length);
    }
    count += more.count();
  }

  /** Writes the file of those that have come, if it is one. */
  public void finish() {
    if (symbols == null) {
      return;
    }
    var size = count * space.places();
    // What is whole is not copied: it may be a quarter of Java's memory.
    var all = size == symbols.length ? symbols : Arrays.copyOf(symbols, size);
    if (ending.equals(ARRAY)) {
      var shape = new int[space.shape().size() + 1];
      shape[0] = count;
      for (var i = 1; i < shape.length; i++) {
        shape[i] = space.shape().get(i - 1);
      }
      Npy.write(out, all, shape, space.mostCategories());
    } else {
      var file = renderer.render(ending, new Samples(space, all), Renderer.ANY_COLUMNS);
      WholeFile.write(out, stream -> stream.write(file));
    }
  }
}

package org.bitdiffusion.data;

import java.util.Arrays;
import java.util.List;
import java.util.stream.IntStream;
import org.bitdiffusion.ConfigurationException;
import org.bitdiffusion.Registry;

/**
 * What each of some examples is conditioned on, as the {@link Condition} of their source says.
 *
 * @param labels [N], -1 for no class in particular; empty where there are no classes
 * @param pixels unsigned bytes [N, C, H, W]; empty where there are no images
 * @param alike whether one image is there for any number of examples, instead of one for each
 */
@SuppressWarnings("ArrayRecordComponent") // for reading, not for comparing
public record Given(long[] labels, byte[] pixels, boolean alike) {
  /** One for each example. */
  public Given(long[] labels, byte[] pixels) {
    this(labels, pixels, false);
  }

  /** Classes that a message names. */
  private static final int LISTED = 25;

  /** In place of a label: no class in particular. */
  public static final int ANY_CLASS = -1;

  /** Nothing, of any number of examples. */
  public static final Given NONE = new Given(new long[0], new byte[0]);

  /** A class for each. */
  public static Given labels(long... labels) {
    return new Given(labels, new byte[0]);
  }

  /** The same class for all. */
  public static Given label(long label, int count) {
    var labels = new long[count];
    Arrays.fill(labels, label);
    return labels(labels);
  }

  /** One class after the other, and then from the first again. */
  public static Given inTurn(int count, long... classes) {
    return labels(IntStream.range(0, count).mapToLong(i -> classes[i % classes.length]).toArray());
  }

  /** An image for each. */
  public static Given pixels(byte[] pixels) {
    return new Given(new long[0], pixels);
  }

  /** The same image for all. */
  public static Given image(byte[] pixels) {
    return new Given(new long[0], pixels, true);
  }

  /**
   * What some examples of a source are conditioned on, as it is without changes for training.
   *
   * @throws org.bitdiffusion.DataException if one cannot be read
   */
  public static Given of(DataSource source, int... indexes) {
    var condition = source.schema().condition();
    var each = condition.pixels();
    var pixels = new byte[Math.multiplyExact(indexes.length, each)];
    for (var i = 0; i < indexes.length && each > 0; i++) {
      source.readPixels(indexes[i], pixels, i * each);
    }
    var labels =
        condition.classes().isEmpty()
            ? new long[0]
            : Arrays.stream(indexes).mapToLong(source::label).toArray();
    return new Given(labels, pixels);
  }

  /**
   * Classes that a user names, by their names or their numbers: {@code cat}, or {@code cat,dog,3}
   * for examples of each in turn.
   *
   * @throws ConfigurationException if there is none of such a name
   */
  public static Given ofClasses(List<String> classes, String text, int count) {
    if (classes.contains(text)) { // whose name may have commas
      return label(classes.indexOf(text), count);
    }
    var named =
        Arrays.stream(text.split(",", -1)).mapToLong(name -> number(classes, name)).toArray();
    return inTurn(count, named);
  }

  private static long number(List<String> classes, String text) {
    var byName = classes.indexOf(text);
    if (byName >= 0) {
      return byName;
    }
    try {
      var number = Integer.parseInt(text);
      if (number >= 0 && number < classes.size()) {
        return number;
      }
    } catch (NumberFormatException e) {
      // reported below
    }
    throw new ConfigurationException(
        "'%s' is none of the classes %s%s"
            .formatted(
                text,
                classes.size() <= LISTED
                    ? String.join(", ", classes)
                    : "0 to " + (classes.size() - 1),
                Registry.didYouMean(text, classes)));
  }

  /**
   * Examples first .. first + count - 1 of these {@code of} ones.
   *
   * @throws IllegalArgumentException if there is not one for each of so many
   */
  public Given part(int first, int count, int of) {
    if (alike) {
      return this;
    }
    if ((labels.length != 0 && labels.length != of) || pixels.length % of != 0) {
      throw new IllegalArgumentException(
          "%d examples, but %d labels or %d bytes of images are given"
              .formatted(of, labels.length, pixels.length));
    }
    var each = pixels.length / of;
    return new Given(
        labels.length == 0 ? labels : Arrays.copyOfRange(labels, first, first + count),
        Arrays.copyOfRange(pixels, first * each, (first + count) * each));
  }

  /** Indexes 0 .. count - 1 spread evenly over a source, from {@code first} on. */
  public static int[] evenly(DataSource source, int some, int first, int count) {
    return IntStream.range(first, first + count)
        .map(i -> (int) ((long) i * source.size() / some))
        .toArray();
  }
}

package org.bitdiffusion.data;

import java.util.Collections;
import java.util.List;
import java.util.Objects;
import org.bitdiffusion.DataException;

/**
 * What one example can be: symbols of one shape, and how many values each may have. A symbol of K
 * values is a whole number in {@code 0 .. K-1}.
 *
 * @param shape channels first, [C, ...]: such as [1, 28, 28] of images and [1, L] of sequences
 * @param categories K: one for all places, or one for each place in row-major order; as many that
 *     are all the same are kept as one. A place may have a single value, but not all of them
 */
public record Space(List<Integer> shape, List<Integer> categories) {
  public Space {
    shape = List.copyOf(shape);
    categories = List.copyOf(categories);
    var places = places(shape);
    if (categories.size() != 1 && categories.size() != places) {
      throw new IllegalArgumentException(
          "%d numbers of categories for the %d places of shape %s"
              .formatted(categories.size(), places, shape));
    }
    if (Collections.min(categories) < 1) {
      throw new IllegalArgumentException(
          "a place has %d categories".formatted(Collections.min(categories)));
    }
    if (Collections.max(categories) == 1) {
      throw new IllegalArgumentException("all places have a single category: nothing can differ");
    }
    if (Collections.frequency(categories, categories.get(0)) == categories.size()) {
      categories = categories.subList(0, 1);
    }
  }

  private static int places(List<Integer> shape) {
    if (shape.isEmpty() || Collections.min(shape) < 1) {
      throw new IllegalArgumentException("the shape of an example is " + shape);
    }
    var places = 1L;
    for (var side : shape) {
      places *= side;
      if (places > Integer.MAX_VALUE) {
        throw new IllegalArgumentException("an example of shape " + shape + " is too large");
      }
    }
    return (int) places;
  }

  /** A space with K values at all places. */
  public static Space of(List<Integer> shape, int k) {
    return new Space(shape, List.of(k));
  }

  /** Number of symbols in one example. */
  public int places() {
    return places(shape);
  }

  /** K of a place, of {@link #places} in row-major order. */
  public int categories(int place) {
    Objects.checkIndex(place, places());
    return categories.get(uniform() ? 0 : place);
  }

  /**
   * Complains of a symbol that is none of its place's: it would be learned as another, or end in
   * the engine.
   *
   * @param source and {@code example} that they are of, for the message
   * @param symbols of which one example begins at {@code offset}
   * @throws DataException if there is one
   */
  public void require(String source, int example, int[] symbols, int offset) {
    var places = places();
    for (var place = 0; place < places; place++) {
      var symbol = symbols[offset + place];
      var k = categories.get(uniform() ? 0 : place);
      if (symbol < 0 || symbol >= k) {
        throw new DataException(
            "%s: example %d has the symbol %d at place %d, which has the values 0 to %d"
                .formatted(source, example, symbol, place, k - 1));
      }
    }
  }

  /** Whether all places have the same K. */
  public boolean uniform() {
    return categories.size() == 1;
  }

  /** The largest K. */
  public int mostCategories() {
    return Collections.max(categories);
  }
}

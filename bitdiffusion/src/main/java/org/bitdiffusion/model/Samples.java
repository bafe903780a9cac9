package org.bitdiffusion.model;

import java.util.Arrays;
import org.bitdiffusion.data.Space;

/**
 * What was drawn.
 *
 * @param space of one sample
 * @param symbols row-major [N, C, ...]; not copied
 */
@SuppressWarnings("ArrayRecordComponent") // for reading, not for comparing
public record Samples(Space space, int[] symbols) {
  public Samples {
    if (symbols.length % space.places() != 0) {
      throw new IllegalArgumentException(
          "%d symbols are no samples of %d".formatted(symbols.length, space.places()));
    }
  }

  /** N. */
  public int count() {
    return symbols.length / space.places();
  }

  /** Samples first .. first + count - 1 of these. */
  public Samples part(int first, int count) {
    var size = space.places();
    return new Samples(space, Arrays.copyOfRange(symbols, first * size, (first + count) * size));
  }
}

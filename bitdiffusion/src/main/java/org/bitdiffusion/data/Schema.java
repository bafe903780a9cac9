package org.bitdiffusion.data;

import java.util.Map;

/**
 * What must be known of data to sample without it.
 *
 * @param space what one example is
 * @param condition what examples are conditioned on
 * @param end the symbol after which a sequence is over; {@link #NO_END} where every place counts
 * @param details what only its kind of data reads, such as a palette: texts, numbers, lists and
 *     maps of them
 */
public record Schema(Space space, Condition condition, int end, Map<String, Object> details) {
  /** In place of a symbol: sequences have no end. */
  public static final int NO_END = -1;

  public Schema {
    details = Map.copyOf(details);
  }

  /** Of data without a condition, of which every place counts and nothing else need be known. */
  public static Schema of(Space space) {
    return new Schema(space, Condition.NONE, NO_END, Map.of());
  }
}

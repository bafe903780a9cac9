package org.bitdiffusion.data;

import java.math.BigDecimal;
import java.math.BigInteger;
import java.util.Collections;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.OptionalInt;

/**
 * What must be known of data to sample without it.
 *
 * @param space what one example is
 * @param condition what examples are conditioned on
 * @param end the symbol after which a sequence is over; {@link #NO_END} where every place counts
 * @param details what only its kind of data reads, such as a palette: texts, numbers, lists and
 *     maps of them
 * @param marginals how often each value of a place occurs in the data, for each place in row-major
 *     order; empty where that is not known. A run keeps them in a file of their own
 */
public record Schema(
    Space space,
    Condition condition,
    int end,
    Map<String, Object> details,
    List<Marginal> marginals) {
  /** In place of a symbol: sequences have no end. */
  public static final int NO_END = -1;

  /** In {@link #details}: which place the others foretell, row-major, if the data names one. */
  public static final String TARGET_PLACE = "target_place";

  public Schema {
    var plain = new LinkedHashMap<String, Object>();
    details.forEach((key, value) -> plain.put(key, plain(value)));
    details = Collections.unmodifiableMap(plain);
    marginals =
        marginals == null ? List.of() : List.copyOf(marginals); // null: config.yaml has none
    requireFit(space, marginals);
  }

  private static void requireFit(Space space, List<Marginal> marginals) {
    if (marginals.isEmpty()) {
      return;
    }
    var places = space.places();
    if (marginals.size() != places) {
      throw new IllegalArgumentException(
          "%d marginals of %d places".formatted(marginals.size(), places));
    }
    for (var place = 0; place < places; place++) {
      if (marginals.get(place).categories() != space.categories(place)) {
        throw new IllegalArgumentException(
            "place %d has %d values, but a marginal of %d"
                .formatted(place, space.categories(place), marginals.get(place).categories()));
      }
    }
  }

  /** Of data whose marginals are not known. */
  public Schema(Space space, Condition condition, int end, Map<String, Object> details) {
    this(space, condition, end, details, List.of());
  }

  /** The place that the others foretell, row-major, if the data names one. */
  public OptionalInt target() {
    return details.get(TARGET_PLACE) instanceof Number place
        ? OptionalInt.of(place.intValue())
        : OptionalInt.empty();
  }

  /** This schema with what is known of how often values occur. */
  public Schema withMarginals(List<Marginal> known) {
    return new Schema(space, condition, end, details, known);
  }

  /** A value as a file of settings gives it back, so that a schema that was read equals its own. */
  private static Object plain(Object value) {
    if (value instanceof Float number) {
      return Double.valueOf(number.toString());
    }
    if (value instanceof Byte || value instanceof Short) {
      return ((Number) value).intValue();
    }
    if (value instanceof Long || value instanceof BigInteger) {
      var number = new BigInteger(value.toString());
      return number.bitLength() < Integer.SIZE
          ? (Object) number.intValue()
          : number.bitLength() < Long.SIZE ? (Object) number.longValue() : number;
    }
    if (value instanceof BigDecimal number) {
      return number.doubleValue();
    }
    if (value instanceof List<?> list) {
      return list.stream().map(Schema::plain).toList();
    }
    if (value instanceof Map<?, ?> map) {
      var plain = new LinkedHashMap<String, Object>();
      map.forEach((key, each) -> plain.put(key.toString(), plain(each)));
      return Collections.unmodifiableMap(plain);
    }
    if (value instanceof String
        || value instanceof Boolean
        || value instanceof Integer
        || value instanceof Double) {
      return value;
    }
    throw new IllegalArgumentException("details hold texts, numbers, lists and maps, not " + value);
  }

  /** Of data without a condition, of which every place counts and nothing else need be known. */
  public static Schema of(Space space) {
    return new Schema(space, Condition.NONE, NO_END, Map.of());
  }
}

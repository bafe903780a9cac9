package org.bitdiffusion.modality.table;

import static java.nio.charset.StandardCharsets.UTF_8;

import java.util.UUID;
import java.util.regex.Pattern;

/**
 * How new identifiers are made, which are none of the data's and differ from each other.
 *
 * @param pattern with {@code {n}} for a number, {@code {0000n}} for one of five digits at least, or
 *     {@code {uuid}}; empty where the column is left out when rows are written
 * @param next the first number, above those of the data
 */
record Identifiers(String pattern, long next) {
  private static final Pattern NUMBER = Pattern.compile("\\{(0*)n}");
  private static final String UUID_MARK = "{uuid}";

  Identifiers {
    if (!isPattern(pattern) || next < 0) {
      throw new IllegalArgumentException(
          "new identifiers like '%s' from %d".formatted(pattern, next));
    }
  }

  /** Whether rows are written with it. */
  boolean isWritten() {
    return !pattern.isEmpty();
  }

  /** Whether a pattern makes different ones. */
  static boolean isPattern(String pattern) {
    return pattern.isEmpty() || pattern.contains(UUID_MARK) || NUMBER.matcher(pattern).find();
  }

  /** The one of a new row. */
  String make(long row) {
    var number = NUMBER.matcher(pattern);
    if (number.find()) {
      var digits = number.group(1).length() + 1;
      return pattern.substring(0, number.start())
          + ("%0" + digits + "d").formatted(Math.addExact(next, row))
          + pattern.substring(number.end());
    }
    return pattern.replace(
        UUID_MARK,
        UUID.nameUUIDFromBytes(("bitdiffusion " + (next + row)).getBytes(UTF_8)).toString());
  }
}

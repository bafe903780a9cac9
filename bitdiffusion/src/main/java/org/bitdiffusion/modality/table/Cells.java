package org.bitdiffusion.modality.table;

import java.math.BigDecimal;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.HashMap;
import java.util.List;
import java.util.Map;

/**
 * The different cells of a column, numbered as they come. Numbers take 32 bytes each, not the
 * hundred of a text with its place in a map: a column may have a million.
 */
final class Cells {
  /** Packed: digits without the point, and behind these four bits of how many are after it. */
  private static final int SCALE_BITS = 4;

  private static final int MOST_DIGITS = 17;
  private static final long NONE = Long.MIN_VALUE;

  private long[] packed = new long[4]; // by number; NONE of what is in texts
  private int size;
  private int[] table = new int[8]; // number + 1 of what is packed, by hash
  private int inTable;
  private final List<String> texts = new ArrayList<>(); // by number where there are any, else null
  private final Map<String, Integer> numbers = new HashMap<>();

  /** How many there are. */
  int size() {
    return size;
  }

  /** The number of a cell. */
  int number(String cell) {
    var value = pack(cell);
    if (value == NONE) {
      var known = numbers.get(cell);
      if (known != null) {
        return known;
      }
      numbers.put(cell, size);
      while (texts.size() < size) {
        texts.add(null);
      }
      texts.add(cell);
      return add(NONE);
    }
    var at = find(value);
    if (table[at] == 0) {
      if (inTable * 2 >= table.length) {
        grow();
        at = find(value);
      }
      table[at] = size + 1;
      inTable++;
      return add(value);
    }
    return table[at] - 1;
  }

  /** The number of a cell that is there already, or -1. */
  int known(String cell) {
    var value = pack(cell);
    return value == NONE ? numbers.getOrDefault(cell, -1) : table[find(value)] - 1;
  }

  /** The cell of a number. */
  String text(int number) {
    return packed[number] == NONE ? texts.get(number) : decimal(packed[number]).toPlainString();
  }

  /** The cell of a number as what it counts; null if that is none. */
  BigDecimal decimal(int number, char sign) {
    return packed[number] == NONE
        ? Numbers.parse(texts.get(number), sign)
        : decimal(packed[number]);
  }

  private static BigDecimal decimal(long packed) {
    return BigDecimal.valueOf(packed >> SCALE_BITS, (int) (packed & (1 << SCALE_BITS) - 1));
  }

  private int add(long value) {
    if (size == packed.length) {
      packed = Arrays.copyOf(packed, size * 2);
    }
    packed[size] = value;
    return size++;
  }

  private int find(long value) {
    var mask = table.length - 1;
    var at = (int) ((value * 0x9E3779B97F4A7C15L) >>> 33) & mask;
    while (table[at] != 0 && packed[table[at] - 1] != value) {
      at = at + 1 & mask;
    }
    return at;
  }

  private void grow() {
    var old = table;
    table = new int[old.length * 2];
    for (var entry : old) {
      if (entry != 0) {
        table[find(packed[entry - 1])] = entry;
      }
    }
  }

  /** A number whose text is the usual one of it, such as -12.50; NONE of all else. */
  private static long pack(String cell) {
    var length = cell.length();
    var from = length > 0 && cell.charAt(0) == '-' ? 1 : 0;
    if (length - from < 1 || length - from > MOST_DIGITS + 1) {
      return NONE;
    }
    var value = 0L;
    var point = -1;
    for (var i = from; i < length; i++) {
      var c = cell.charAt(i);
      if (c == '.' && point < 0 && i > from && i < length - 1) {
        point = i;
      } else if (c >= '0' && c <= '9') {
        value = value * 10 + (c - '0');
      } else {
        return NONE;
      }
    }
    var whole = (point < 0 ? length : point) - from;
    var scale = point < 0 ? 0 : length - 1 - point;
    if (whole > 1 && cell.charAt(from) == '0'
        || whole + scale > MOST_DIGITS
        || scale >= 1 << SCALE_BITS
        || from == 1 && value == 0) {
      return NONE;
    }
    return (from == 1 ? -value : value) << SCALE_BITS | scale;
  }
}

package org.bitdiffusion.modality.table;

import java.util.Arrays;
import java.util.List;
import java.util.Locale;

/** What the values of a column are. */
public enum ColumnKind {
  /** Words in no order. */
  CATEGORY,
  /** Words in an order, such as small, medium, large. */
  ORDERED,
  /** Whole numbers. */
  INTEGER,
  /** Numbers with decimals. */
  DECIMAL,
  /** Dates, times, or both. */
  DATETIME,
  /** Yes or no, in the file's own words. */
  BOOLEAN,
  /** Another one in each row, such as a customer's number: nothing to learn. */
  IDENTIFIER,
  /** The same in all rows: nothing to learn. */
  CONSTANT;

  /** How columns.json writes it. */
  public String text() {
    return name().toLowerCase(Locale.ROOT);
  }

  /** How columns.json writes all of them. */
  static List<String> texts() {
    return Arrays.stream(values()).map(ColumnKind::text).toList();
  }

  /** Whether its values are a place of an example: something is to be learned of them. */
  public boolean isPlace() {
    return this != IDENTIFIER && this != CONSTANT;
  }

  /** Whether values have an order in which those between two are meant to be. */
  public boolean isNumber() {
    return this == INTEGER || this == DECIMAL || this == DATETIME;
  }

  /** Whether one value can be said to be between two others. */
  public boolean isOrdered() {
    return isNumber() || this == ORDERED;
  }
}

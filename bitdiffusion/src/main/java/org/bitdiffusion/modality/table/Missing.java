package org.bitdiffusion.modality.table;

import java.util.ArrayList;
import java.util.LinkedHashSet;
import java.util.List;
import java.util.Set;

/** Which cells mean that there is no value. */
final class Missing {
  /** Those of pandas' read_csv, and the question mark of many older tables. */
  static final List<String> USUAL =
      List.of(
          "",
          "?",
          "NA",
          "N/A",
          "n/a",
          "NULL",
          "null",
          "None",
          "NaN",
          "nan",
          "-NaN",
          "-nan",
          "<NA>",
          "#N/A",
          "#NA",
          "#N/A N/A",
          "1.#IND",
          "-1.#IND",
          "1.#QNAN",
          "-1.#QNAN");

  private Missing() {}

  /** These words and the empty cell, which is missing whatever else is. */
  static Set<String> words(List<String> words) {
    var all = new LinkedHashSet<>(words);
    all.add("");
    return all;
  }

  /** Words with that one first which is written. */
  static List<String> writtenFirst(Set<String> words, String written) {
    var ordered = new ArrayList<>(words);
    ordered.remove(written);
    ordered.add(0, written);
    return ordered;
  }
}

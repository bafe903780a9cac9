package org.bitdiffusion.metrics;

import java.util.ArrayList;
import java.util.HashMap;
import java.util.List;
import java.util.Map;

/**
 * How often each n-gram, n tokens in a row, occurs in one caption.
 *
 * @param counts at n - 1 those of length n
 */
record NGrams(List<Map<NGram, Integer>> counts) {
  /** The longest n-grams of the scores here. */
  static final int LONGEST = 4;

  /** The n-grams of 1 to {@link #LONGEST} tokens. */
  static NGrams of(List<String> tokens) {
    var counts = new ArrayList<Map<NGram, Integer>>(LONGEST);
    for (var n = 1; n <= LONGEST; n++) {
      var ofLength = new HashMap<NGram, Integer>();
      for (var i = 0; i + n <= tokens.size(); i++) {
        ofLength.merge(new NGram(tokens, i, n), 1, Integer::sum);
      }
      counts.add(ofLength);
    }
    return new NGrams(counts);
  }

  /** Those of n tokens. */
  Map<NGram, Integer> ofLength(int n) {
    return counts.get(n - 1);
  }
}

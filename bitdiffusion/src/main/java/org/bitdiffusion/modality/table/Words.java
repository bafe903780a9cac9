package org.bitdiffusion.modality.table;

import java.util.HashMap;
import java.util.List;
import java.util.Map;

/**
 * Words.
 *
 * @param words in their order
 * @param levels of each
 */
record Words(List<String> words, Map<String, Integer> levels) implements Levels {
  static Words of(List<String> words) {
    var levels = new HashMap<String, Integer>();
    for (var word : words) {
      levels.put(word, levels.size());
    }
    return new Words(List.copyOf(words), levels);
  }

  @Override
  public int count() {
    return words.size();
  }

  @Override
  public int level(String cell) {
    return levels.getOrDefault(cell, -1);
  }

  @Override
  public String text(int level) {
    return words.get(level);
  }

  @Override
  public double number(int level) {
    return Double.NaN;
  }

  @Override
  public double value(String cell) {
    var level = level(cell);
    return level < 0 ? Double.NaN : level;
  }

  @Override
  public double order(int level) {
    return level;
  }
}

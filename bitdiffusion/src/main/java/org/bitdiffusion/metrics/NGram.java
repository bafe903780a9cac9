package org.bitdiffusion.metrics;

import java.util.List;

/**
 * Some tokens in a row of a caption. Equal to another of the same tokens. The hash code is kept:
 * scoring looks each up many times, and going through the tokens each time took most of its time.
 */
final class NGram {
  private final List<String> caption;
  private final int begin;
  private final int length;
  private final int hash;

  /**
   * @param caption an immutable list
   * @param begin of the first token
   * @param length number of tokens
   */
  NGram(List<String> caption, int begin, int length) {
    this.caption = caption;
    this.begin = begin;
    this.length = length;
    var code = 1;
    for (var i = begin; i < begin + length; i++) {
      code = 31 * code + caption.get(i).hashCode();
    }
    this.hash = code;
  }

  @Override
  public boolean equals(Object object) {
    if (!(object instanceof NGram other) || hash != other.hash || length != other.length) {
      return false;
    }
    for (var i = 0; i < length; i++) {
      if (!caption.get(begin + i).equals(other.caption.get(other.begin + i))) {
        return false;
      }
    }
    return true;
  }

  @Override
  public int hashCode() {
    return hash;
  }

  @Override
  public String toString() {
    return String.join(" ", caption.subList(begin, begin + length));
  }
}

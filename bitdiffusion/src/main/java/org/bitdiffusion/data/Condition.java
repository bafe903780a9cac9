package org.bitdiffusion.data;

import java.util.List;

/** What the examples of a source are conditioned on. The set is closed: networks read these. */
public sealed interface Condition {
  /** Nothing. */
  Condition NONE = new None();

  /** Nothing. */
  record None() implements Condition {}

  /**
   * A class.
   *
   * @param names by label; an example without a class has the label -1
   */
  record Labels(List<String> names) implements Condition {
    public Labels {
      names = List.copyOf(names);
    }
  }

  /** An image of bytes [C, H, W], unsigned. */
  record Pixels(int channels, int height, int width) implements Condition {}

  /** The names of the classes by label; none where there are no classes. */
  default List<String> classes() {
    return this instanceof Labels labels ? labels.names() : List.of();
  }

  /** Bytes of one example's image; 0 where there is none. */
  default int pixels() {
    return this instanceof Pixels p
        ? Math.multiplyExact(p.channels(), Math.multiplyExact(p.height(), p.width()))
        : 0;
  }
}

package org.bitdiffusion.data;

import java.util.List;
import java.util.function.Function;
import java.util.function.Supplier;

/** What the examples of a source are conditioned on. The set is closed: networks read these. */
public sealed interface Condition {
  /** Nothing. */
  Condition NONE = new None();

  /** Nothing. */
  record None() implements Condition {
    @Override
    public <T> T match(
        Supplier<? extends T> none,
        Function<? super Labels, ? extends T> labels,
        Function<? super Pixels, ? extends T> pixels) {
      return none.get();
    }
  }

  /**
   * A class.
   *
   * @param names by label; an example without a class has the label -1
   */
  record Labels(List<String> names) implements Condition {
    public Labels {
      names = List.copyOf(names);
    }

    @Override
    public <T> T match(
        Supplier<? extends T> none,
        Function<? super Labels, ? extends T> labels,
        Function<? super Pixels, ? extends T> pixels) {
      return labels.apply(this);
    }
  }

  /** An image of bytes [C, H, W], unsigned. */
  record Pixels(int channels, int height, int width) implements Condition {
    @Override
    public <T> T match(
        Supplier<? extends T> none,
        Function<? super Labels, ? extends T> labels,
        Function<? super Pixels, ? extends T> pixels) {
      return pixels.apply(this);
    }
  }

  /** What is said for the one that it is; each has to be answered. */
  <T> T match(
      Supplier<? extends T> none,
      Function<? super Labels, ? extends T> labels,
      Function<? super Pixels, ? extends T> pixels);

  /** The names of the classes by label; none where there are no classes. */
  default List<String> classes() {
    return match(List::of, Labels::names, pixels -> List.of());
  }

  /** Bytes of one example's image; 0 where there is none. */
  default int pixels() {
    return match(
        () -> 0,
        labels -> 0,
        p -> Math.multiplyExact(p.channels(), Math.multiplyExact(p.height(), p.width())));
  }
}

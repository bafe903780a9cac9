package org.bitdiffusion.data;

import java.util.List;

/**
 * A finite set of discrete examples of one shape, each addressed by its index. All that is said of
 * it stays the same as long as it is open.
 *
 * <p>All methods but {@link #close} must be safe for use by several threads at a time: the trainer
 * reads batches on background threads, any of which may read any example, also the same one as
 * another. Those threads are interrupted when training ends; who must read in a way that an
 * interrupt breaks for all (a channel is closed by it) keeps a file for each thread, or another
 * kind of file. The source is closed when no thread reads any more.
 */
public interface DataSource extends AutoCloseable {
  /** A short description for people, such as {@code icons 24x24, 2 levels}. */
  String name();

  /** Shape of one example without the batch, channels first: {@code {C, H, W}} for images. */
  int[] shape();

  /** K: every symbol is in {@code 0 .. K-1}. */
  int categories();

  /** Number of examples; to train on, one at least. */
  int size();

  /** Names of the classes by label; empty where the source has no labels. */
  default List<String> classes() {
    return List.of();
  }

  /** The label of an example in {@code 0 .. classes().size()-1}, or -1 where it has none. */
  default int label(int index) {
    return -1;
  }

  /**
   * Writes the symbols of one example, row-major in {@link #shape()}, to {@code target[offset ..]}:
   * all of them, as the target may hold another example's.
   *
   * @throws org.bitdiffusion.DataException if the example cannot be read
   */
  void read(int index, int[] target, int offset);

  /**
   * Like {@link #read(int, int[], int)}, of an example that can be told in several ways, such as an
   * image's captions, the one that a number chooses.
   *
   * @param draw any number
   */
  default void read(int index, long draw, int[] target, int offset) {
    read(index, target, offset);
  }

  /** Shape of what an example is made from, such as the image of a caption; empty: nothing. */
  default int[] conditionShape() {
    return new int[0];
  }

  /**
   * Writes what an example is made from, unsigned, row-major in {@link #conditionShape()}, whole.
   */
  default void readCondition(int index, byte[] target, int offset) {}

  /**
   * Like {@link #readCondition(int, byte[], int)}, changed at random as suits training, the same
   * way for the same number.
   *
   * @param draw any number
   */
  default void readCondition(int index, long draw, byte[] target, int offset) {
    readCondition(index, target, offset);
  }

  /** Releases files; sources that hold none need not override it. */
  @Override
  default void close() {}
}

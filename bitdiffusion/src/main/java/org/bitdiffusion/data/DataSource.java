package org.bitdiffusion.data;

import java.nio.file.Path;
import java.util.List;
import java.util.Map;

/**
 * A finite set of discrete examples, each addressed by its index. All that is said of it stays the
 * same as long as it is open.
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

  /** Number of examples; to train on, one at least. */
  int size();

  /** What an example is, and what a run must remember of the data. */
  Schema schema();

  /**
   * Writes the symbols of one example, row-major in the schema's shape, to {@code target[offset
   * ..]}: all of them, as the target may hold another example's.
   *
   * @throws org.bitdiffusion.DataException if the example cannot be read
   */
  void read(int index, int[] target, int offset);

  /**
   * Like {@link #read(int, int[], int)}, as suits training: of an example that can be told in
   * several ways, the one that a number chooses, changed at random as the number says.
   *
   * @param draw any number; the same way for the same number
   */
  default void read(int index, long draw, int[] target, int offset) {
    read(index, target, offset);
  }

  /** The label of an example, or -1 where it has none. */
  default int label(int index) {
    return -1;
  }

  /**
   * Writes the image that an example is conditioned on, unsigned, row-major, whole; nothing where
   * there is none.
   *
   * @throws org.bitdiffusion.DataException if it cannot be read
   */
  default void readPixels(int index, byte[] target, int offset) {}

  /**
   * Like {@link #readPixels(int, byte[], int)}, changed at random as suits training.
   *
   * @param draw any number; the same way for the same number
   */
  default void readPixels(int index, long draw, byte[] target, int offset) {
    readPixels(index, target, offset);
  }

  /**
   * Writes the files that a run needs beside its config.yaml to sample without the data, such as a
   * vocabulary.
   *
   * @throws org.bitdiffusion.DataException if one cannot be written
   */
  default void keep(Path run) {}

  /**
   * Whether examples are read from this file, which may lie anywhere, so that it is not written
   * meanwhile. What is the source's path, or lies in it, is not asked for.
   */
  default boolean reads(Path file) {
    return false;
  }

  /** Something about the data that whoever trains on it should know; empty where all is well. */
  default String warning() {
    return "";
  }

  /**
   * What is to be told of parts of an example that have names, such as the columns of a table: of
   * each the same things by name, texts and numbers. Empty where there are none.
   */
  default List<Map<String, Object>> facts() {
    return List.of();
  }

  /** Releases files; sources that hold none need not override it. */
  @Override
  default void close() {}
}

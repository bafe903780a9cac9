package org.bitdiffusion.training;

import java.util.SplittableRandom;
import java.util.concurrent.ArrayBlockingQueue;
import java.util.concurrent.BlockingQueue;
import org.bitdiffusion.data.DataSource;
import org.bitdiffusion.runtime.Seed;

/**
 * Batches of a data source in random order, read ahead on a background thread so that the network
 * never waits. Each epoch is a permutation of all examples. Order and flips depend on the seed and
 * on the batch's number alone: a run that continues at batch n sees what an uninterrupted one sees.
 */
final class Batches implements AutoCloseable {
  /**
   * @param symbols row-major [B, C, ...]
   * @param labels [B], -1 where there is none
   */
  record Batch(int[] symbols, long[] labels) {}

  private static final int READ_AHEAD = 4;

  /** What the reader hands over: a batch, or why there is none. */
  private record Delivery(Batch batch, Throwable failure) {}

  private final DataSource source;
  private final int batchSize;
  private final boolean flip;
  private final long seed;
  private final BlockingQueue<Delivery> queue = new ArrayBlockingQueue<>(READ_AHEAD);
  private final Thread reader;

  private long epoch = -1;
  private int[] order;

  /**
   * @param flip whether to mirror every other image (at random) left to right; examples are [C, H,
   *     W] then
   * @param first number of the first batch
   */
  Batches(DataSource source, int batchSize, boolean flip, long seed, long first) {
    this.source = source;
    this.batchSize = batchSize;
    this.flip = flip;
    this.seed = seed;
    reader = new Thread(() -> readAhead(first), "batch reader");
    reader.setDaemon(true);
    reader.start();
  }

  /** The next batch; waits if it is not read yet. Failures of the reader are thrown here. */
  Batch next() {
    try {
      var delivery = queue.take();
      if (delivery.failure() instanceof RuntimeException e) {
        throw e;
      }
      if (delivery.failure() instanceof Error e) {
        throw e;
      }
      return delivery.batch();
    } catch (InterruptedException e) {
      Thread.currentThread().interrupt();
      throw new IllegalStateException("interrupted while waiting for a batch", e);
    }
  }

  @Override
  public void close() {
    reader.interrupt();
  }

  private void readAhead(long first) {
    try {
      for (var number = first; ; number++) {
        queue.put(read(number));
      }
    } catch (InterruptedException e) {
      // closed
    }
  }

  private Delivery read(long number) {
    try {
      return new Delivery(batch(number), null);
    } catch (RuntimeException | Error e) {
      return new Delivery(null, e);
    }
  }

  private Batch batch(long number) {
    var length = 1;
    for (var side : source.shape()) {
      length *= side;
    }
    var symbols = new int[batchSize * length];
    var labels = new long[batchSize];
    for (var i = 0; i < batchSize; i++) {
      var position = number * batchSize + i;
      var index = index(position);
      source.read(index, symbols, i * length);
      labels[i] = source.label(index);
      if (flip && (Seed.of(seed, 1, position) & 1) == 1) {
        mirror(symbols, i * length, length);
      }
    }
    return new Batch(symbols, labels);
  }

  /** The example at a position of the endless sequence of epochs. */
  private int index(long position) {
    var size = source.size();
    var current = position / size;
    if (current != epoch) {
      order = permutation(size, Seed.of(seed, 0, current));
      epoch = current;
    }
    return order[(int) (position % size)];
  }

  static int[] permutation(int size, long seed) {
    var random = new SplittableRandom(seed);
    var order = new int[size];
    for (var i = 0; i < size; i++) {
      var j = random.nextInt(i + 1);
      order[i] = order[j];
      order[j] = i;
    }
    return order;
  }

  private void mirror(int[] symbols, int offset, int length) {
    var width = source.shape()[source.shape().length - 1];
    for (var row = offset; row < offset + length; row += width) {
      for (int left = row, right = row + width - 1; left < right; left++, right--) {
        var symbol = symbols[left];
        symbols[left] = symbols[right];
        symbols[right] = symbol;
      }
    }
  }
}

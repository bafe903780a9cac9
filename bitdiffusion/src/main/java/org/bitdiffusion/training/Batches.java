package org.bitdiffusion.training;

import java.util.ArrayDeque;
import java.util.Arrays;
import java.util.Queue;
import java.util.SplittableRandom;
import java.util.concurrent.CancellationException;
import java.util.concurrent.ExecutionException;
import java.util.concurrent.ExecutorService;
import java.util.concurrent.Executors;
import java.util.concurrent.Future;
import java.util.concurrent.TimeUnit;
import org.bitdiffusion.DataException;
import org.bitdiffusion.data.DataSource;
import org.bitdiffusion.runtime.Seed;

/**
 * Batches of a data source in random order, read ahead on background threads so that the network
 * hardly waits. Each epoch is a permutation of all examples, and the next one begins where it ends,
 * within a batch if need be: of a source smaller than a batch, a batch holds examples repeatedly.
 * Order and flips depend on the seed, on the sizes of batch and source and on the batch's number
 * alone: a run that continues at batch n sees what an uninterrupted one sees.
 *
 * <p>Each batch is read by one thread, and several batches at a time, but they are handed over in
 * order. All methods are called by one thread.
 *
 * <p>The arrays of a batch are used again. New ones would outlive a collection or two on their way
 * to the trainer, and then lie in Java's old generation, which grows for hours before it is
 * collected.
 */
final class Batches implements AutoCloseable {
  /**
   * What it holds stays until {@link #next} is called twice more: once would be too short for who
   * looks at a batch again after the next one could not be read.
   *
   * @param symbols row-major [B, C, ...]
   * @param labels [B], -1 where there is none
   * @param condition what the examples are made from, unsigned, row-major [B, ...]; empty: nothing
   */
  record Batch(int[] symbols, long[] labels, byte[] condition) {}

  private static final int READ_AHEAD = 4;

  private final DataSource source;
  private final int batchSize;
  private final boolean flip;
  private final long seed;
  private final ExecutorService readers;

  /** Batch n is in buffer n modulo their number. */
  private final Batch[] buffers;

  /** The batches that come next, in order, read or being read. */
  private final Queue<Future<Batch>> ahead = new ArrayDeque<>();

  /** Number of the batch after those. */
  private long number;

  private long epoch = -1;
  private int[] order;

  /**
   * @param flip whether to mirror every other image (at random) left to right; examples are [C, H,
   *     W] then
   * @param first number of the first batch
   */
  Batches(DataSource source, int batchSize, boolean flip, long seed, long first) {
    this(
        source,
        batchSize,
        flip,
        seed,
        first,
        Math.min(READ_AHEAD, Runtime.getRuntime().availableProcessors()));
  }

  /**
   * @param threads that read, each one batch at a time; batches are the same for any number
   * @throws DataException if the source is empty
   */
  Batches(DataSource source, int batchSize, boolean flip, long seed, long first, int threads) {
    if (source.size() < 1) {
      throw new DataException(source.name() + ": there are no examples to train on");
    }
    this.source = source;
    this.batchSize = batchSize;
    this.flip = flip;
    this.seed = seed;
    number = first;
    buffers = new Batch[READ_AHEAD + 2];
    Arrays.setAll(buffers, i -> buffer(source, batchSize));
    readers =
        Executors.newFixedThreadPool(
            threads,
            task -> {
              var thread = new Thread(task, "batch reader");
              thread.setDaemon(true);
              return thread;
            });
    while (ahead.size() < READ_AHEAD) {
      readOneMore();
    }
  }

  private static Batch buffer(DataSource source, int batchSize) {
    return new Batch(
        new int[batchSize * product(source.shape())],
        new long[batchSize],
        new byte
            [source.conditionShape().length == 0
                ? 0
                : batchSize * product(source.conditionShape())]);
  }

  /**
   * The next batch; waits if it is not read yet. Failures of its reader are thrown here.
   *
   * @throws IllegalStateException if closed, or interrupted while waiting
   */
  Batch next() {
    if (readers.isShutdown()) {
      throw new IllegalStateException("closed");
    }
    var next = ahead.remove();
    readOneMore();
    try {
      return next.get();
    } catch (ExecutionException e) {
      if (e.getCause() instanceof Error error) {
        throw error;
      }
      throw (RuntimeException) e.getCause(); // reading declares no other
    } catch (InterruptedException e) {
      Thread.currentThread().interrupt();
      throw new IllegalStateException("interrupted while waiting for a batch", e);
    }
  }

  /** Stops reading. No reader is at work on return, so the source may be closed then. */
  @Override
  public void close() {
    readers.shutdownNow();
    var interrupted = false;
    for (var ended = false; !ended; ) {
      try {
        ended = readers.awaitTermination(1, TimeUnit.DAYS);
      } catch (InterruptedException e) {
        interrupted = true; // whoever closes the source relies on this all the same
      }
    }
    if (interrupted) {
      Thread.currentThread().interrupt();
    }
  }

  private void readOneMore() {
    var first = number * batchSize;
    var examples = new int[batchSize];
    for (var i = 0; i < batchSize; i++) {
      examples[i] = index(first + i);
    }
    var buffer = buffers[(int) (number % buffers.length)];
    ahead.add(readers.submit(() -> read(first, examples, buffer)));
    number++;
  }

  /**
   * Reads a batch.
   *
   * @param first position of its first example in the endless sequence of epochs
   * @param examples by their indexes
   * @param batch to be filled
   * @return the batch
   */
  private Batch read(long first, int[] examples, Batch batch) {
    var length = batch.symbols.length / batchSize;
    var conditionLength = batch.condition.length / batchSize;
    for (var i = 0; i < batchSize; i++) {
      if (Thread.currentThread().isInterrupted()) {
        throw new CancellationException("closed"); // nobody waits for the rest
      }
      source.read(examples[i], Seed.of(seed, 2, first + i), batch.symbols, i * length);
      source.readCondition(
          examples[i], Seed.of(seed, 3, first + i), batch.condition, i * conditionLength);
      batch.labels[i] = source.label(examples[i]);
      if (flip && (Seed.of(seed, 1, first + i) & 1) == 1) {
        mirror(batch.symbols, i * length, length);
      }
    }
    return batch;
  }

  private static int product(int[] shape) {
    return Arrays.stream(shape).reduce(1, (a, b) -> a * b);
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

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
import org.bitdiffusion.Seed;
import org.bitdiffusion.data.Batch;
import org.bitdiffusion.data.DataSource;
import org.bitdiffusion.data.Given;
import org.bitdiffusion.data.Schema;
import org.bitdiffusion.data.Space;
import org.bitdiffusion.runtime.Group;

/**
 * Parts of the batches of a data source in random order, read ahead on background threads so that
 * the network hardly waits. Each epoch is a permutation of all examples, and the next one begins
 * where it ends, within a batch if need be: of a source smaller than a batch, a batch holds
 * examples repeatedly. Order and random changes depend on the seed, on the sizes of part and source
 * and on the part's number alone: a run that continues at part n sees what an uninterrupted one
 * sees, and members of a group see what one that is alone sees.
 *
 * <p>Each part is read by one thread, and several at a time, but they are handed over in order. All
 * methods are called by one thread.
 *
 * <p>The arrays of a part are used again: what it holds stays until {@link #next} is called twice
 * more (once would be too short for who looks at a batch again after the next one could not be
 * read). New arrays would outlive a collection or two on their way to the trainer, and then lie in
 * Java's old generation, which grows for hours before it is collected.
 */
public final class Batches implements AutoCloseable {
  private static final int READ_AHEAD = 4;

  private final DataSource source;
  private final Space space;
  private final int classes;
  private final int batchSize;
  private final long seed;
  private final ExecutorService readers;

  /** The nth part that is read is in buffer n modulo their number. */
  private final Batch[] buffers;

  private long reads;

  /** The batches that come next, in order, read or being read. */
  private final Queue<Future<Batch>> ahead = new ArrayDeque<>();

  /** Number of the part after those. */
  private long number;

  /** Between the numbers of two parts. */
  private final int stride;

  /** After so many parts the first one comes again. */
  private final long circle;

  private long epoch = -1;
  private int[] order;

  /**
   * @param size examples in a part
   * @param first number of the first part
   * @throws DataException if the source is empty
   */
  public Batches(DataSource source, int size, long seed, long first) {
    this(source, size, seed, first, Group.ALONE);
  }

  /**
   * @param first number of the first part of a step; of the parts from there on each member of the
   *     group reads those whose numbers have its rank as remainder
   */
  Batches(DataSource source, int size, long seed, long first, Group group) {
    this(
        source,
        size,
        seed,
        first + group.rank(),
        group.size(),
        Math.min(READ_AHEAD, Runtime.getRuntime().availableProcessors()));
  }

  /**
   * @param threads that read, each one part at a time; parts are the same for any number
   */
  Batches(DataSource source, int size, long seed, long first, int stride, int threads) {
    this(source, size, seed, first, stride, threads, Long.MAX_VALUE);
  }

  private Batches(
      DataSource source, int size, long seed, long first, int stride, int threads, long circle) {
    if (source.size() < 1) {
      throw new DataException(source.name() + ": there are no examples to train on");
    }
    this.source = source;
    batchSize = size;
    this.stride = stride;
    this.circle = circle;
    this.seed = seed;
    number = first;
    buffers = new Batch[READ_AHEAD + 2];
    var schema = source.schema();
    space = schema.space();
    classes = schema.condition().classes().size();
    Arrays.setAll(buffers, i -> buffer(schema, batchSize));
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

  /**
   * The first parts over and over, which are of less than an epoch: number 0 to {@code count} - 1,
   * then 0 again.
   */
  static Batches inCircle(DataSource source, int size, long seed, int count) {
    var threads = Math.min(READ_AHEAD, Runtime.getRuntime().availableProcessors());
    return new Batches(source, size, seed, 0, 1, threads, count);
  }

  private static Batch buffer(Schema schema, int size) {
    var labels = schema.condition().classes().isEmpty() ? 0 : size;
    return new Batch(
        new int[Math.multiplyExact(size, schema.space().places())],
        new Given(
            new long[labels], new byte[Math.multiplyExact(size, schema.condition().pixels())]));
  }

  /**
   * The next part; waits if it is not read yet. Failures of its reader are thrown here.
   *
   * @throws IllegalStateException if closed
   * @throws CancellationException if interrupted while waiting; the part can still be had
   */
  public Batch next() {
    if (readers.isShutdown()) {
      throw new IllegalStateException("closed");
    }
    var next = ahead.element();
    await(next);
    ahead.remove();
    readOneMore();
    try {
      return next.get();
    } catch (ExecutionException e) {
      if (e.getCause() instanceof Error error) {
        throw error;
      }
      throw (RuntimeException) e.getCause(); // reading declares no other
    } catch (InterruptedException e) { // it is there already
      Thread.currentThread().interrupt();
      throw new CancellationException("interrupted while waiting for a batch");
    }
  }

  private static void await(Future<Batch> next) {
    try {
      next.get();
    } catch (ExecutionException e) {
      // thrown where it is taken
    } catch (InterruptedException e) {
      Thread.currentThread().interrupt();
      throw new CancellationException("interrupted while waiting for a batch");
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
    var buffer = buffers[(int) (reads++ % buffers.length)];
    ahead.add(readers.submit(() -> read(first, examples, buffer)));
    number = (number + stride) % circle;
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
    var given = batch.given();
    var places = batch.symbols().length / batchSize;
    var pixels = given.pixels().length / batchSize;
    for (var i = 0; i < batchSize; i++) {
      if (Thread.currentThread().isInterrupted()) {
        throw new CancellationException("closed"); // nobody waits for the rest
      }
      var draw = Seed.of(seed, 1, first + i);
      source.read(examples[i], draw, batch.symbols(), i * places);
      space.require(source.name(), examples[i], batch.symbols(), i * places);
      if (pixels > 0) {
        source.readPixels(examples[i], draw, given.pixels(), i * pixels);
      }
      if (given.labels().length > 0) {
        given.labels()[i] = source.label(examples[i]);
        requireLabel(examples[i], given.labels()[i]);
      }
    }
    return batch;
  }

  private void requireLabel(int example, long label) {
    if (label < Given.ANY_CLASS || label >= classes) {
      throw new DataException(
          "%s: example %d is of class %d, but there are classes 0 to %d (-1: none)"
              .formatted(source.name(), example, label, classes - 1));
    }
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

  /** 0 .. size - 1 in random order. */
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
}

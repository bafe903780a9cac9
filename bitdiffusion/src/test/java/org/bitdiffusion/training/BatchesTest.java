package org.bitdiffusion.training;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import java.nio.ByteBuffer;
import java.time.Duration;
import java.util.ArrayList;
import java.util.HashSet;
import java.util.List;
import java.util.Map;
import java.util.concurrent.BrokenBarrierException;
import java.util.concurrent.CountDownLatch;
import java.util.concurrent.CyclicBarrier;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.TimeoutException;
import java.util.concurrent.atomic.AtomicInteger;
import java.util.stream.IntStream;
import org.bitdiffusion.DataException;
import org.bitdiffusion.data.Batch;
import org.bitdiffusion.data.Condition;
import org.bitdiffusion.data.DataSource;
import org.bitdiffusion.data.Schema;
import org.bitdiffusion.data.Space;
import org.bitdiffusion.runtime.Group;
import org.bytedeco.pytorch.Tensor;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

class BatchesTest {
  /** Examples of shape [1, 1, 2]: example i is (i, 100 + i) with label i. */
  private record Numbers(int size, int bad) implements DataSource {
    @Override
    public String name() {
      return "numbers";
    }

    @Override
    public Schema schema() {
      var classes = IntStream.range(0, size).mapToObj(Integer::toString).toList();
      return new Schema(
          Space.of(List.of(1, 1, 2), 256 + size),
          new Condition.Labels(classes),
          Schema.NO_END,
          Map.of());
    }

    @Override
    public int label(int index) {
      return index;
    }

    @Override
    public void read(int index, int[] target, int offset) {
      if (index == bad) {
        throw new DataException("example " + index + " is bad");
      }
      target[offset] = index;
      target[offset + 1] = 100 + index;
    }
  }

  private static class Wrapped implements DataSource {
    private final DataSource source;

    Wrapped(DataSource source) {
      this.source = source;
    }

    @Override
    public String name() {
      return source.name();
    }

    @Override
    public Schema schema() {
      return source.schema();
    }

    @Override
    public int size() {
      return source.size();
    }

    @Override
    public int label(int index) {
      return source.label(index);
    }

    @Override
    public void read(int index, int[] target, int offset) {
      source.read(index, target, offset);
    }
  }

  /** Examples that training sees the other way round where the number drawn is odd. */
  private static DataSource mirrored(DataSource source) {
    return new Wrapped(source) {
      @Override
      public void read(int index, long draw, int[] target, int offset) {
        read(index, target, offset);
        if ((draw & 1) == 1) {
          var left = target[offset];
          target[offset] = target[offset + 1];
          target[offset + 1] = left;
        }
      }
    };
  }

  private static List<Long> labels(Batches batches, int count) {
    var labels = new ArrayList<Long>();
    for (var i = 0; i < count; i++) {
      for (var label : batches.next().given().labels()) {
        labels.add(label);
      }
    }
    return labels;
  }

  /** Embeddings and codes beyond their tables end in the engine, or are those of other symbols. */
  @Test
  void whatIsNoneOfTheDatasValuesIsNamed() {
    var numbers = new Numbers(3, -1);
    var wrongSymbol =
        new Wrapped(numbers) {
          @Override
          public void read(int index, int[] target, int offset) {
            super.read(index, target, offset);
            target[offset + 1] = index == 2 ? 259 : 258;
          }
        };
    try (var batches = new Batches(wrongSymbol, 3, 1, 0)) {
      assertThatThrownBy(batches::next)
          .isInstanceOf(DataException.class)
          .hasMessage(
              "numbers: example 2 has the symbol 259 at place 1, which has the values 0 to 258");
    }
    var wrongLabel =
        new Wrapped(numbers) {
          @Override
          public int label(int index) {
            return index == 1 ? 3 : -1;
          }
        };
    try (var batches = new Batches(wrongLabel, 3, 1, 0)) {
      assertThatThrownBy(batches::next)
          .isInstanceOf(DataException.class)
          .hasMessage("numbers: example 1 is of class 3, but there are classes 0 to 2 (-1: none)");
    }
  }

  @Test
  void eachEpochHasEveryExampleOnceInAnotherOrder() {
    try (var batches = new Batches(new Numbers(12, -1), 4, 1, 0)) {
      var first = labels(batches, 3);
      var second = labels(batches, 3);
      var all = IntStream.range(0, 12).mapToObj(i -> (long) i).toList();
      assertThat(first).containsExactlyInAnyOrderElementsOf(all).isNotEqualTo(all);
      assertThat(second).containsExactlyInAnyOrderElementsOf(all).isNotEqualTo(first);
    }
  }

  @Test
  void startingLaterIsSkippingAhead() {
    var source = mirrored(new Numbers(10, -1));
    try (var whole = new Batches(source, 4, 1, 0);
        var later = new Batches(source, 4, 1, 5)) {
      labels(whole, 5);
      for (var i = 0; i < 4; i++) {
        var expected = whole.next();
        var actual = later.next();
        assertThat(actual.given().labels()).isEqualTo(expected.given().labels());
        assertThat(actual.symbols()).isEqualTo(expected.symbols());
      }
    }
  }

  /** Examples are made from images that change at random in training, here to the number drawn. */
  @Test
  void pixelsAreDrawnAnewInEachEpochAndAgainInARunThatContinues() {
    var source =
        new Wrapped(new Numbers(4, -1)) {
          @Override
          public Schema schema() {
            return new Schema(
                super.schema().space(),
                new Condition.Pixels(1, 1, Long.BYTES),
                Schema.NO_END,
                Map.of());
          }

          @Override
          public void readPixels(int index, long draw, byte[] target, int offset) {
            ByteBuffer.wrap(target).putLong(offset, draw);
          }
        };
    try (var whole = new Batches(source, 4, 1, 0);
        var later = new Batches(source, 4, 1, 1)) {
      var first = draws(whole.next());
      var second = draws(whole.next());
      assertThat(first).hasSize(4).doesNotHaveDuplicates().doesNotContainAnyElementsOf(second);
      assertThat(draws(later.next())).isEqualTo(second);
    }
  }

  private static List<Long> draws(Batch batch) {
    var bytes = ByteBuffer.wrap(batch.given().pixels());
    return IntStream.range(0, bytes.capacity() / Long.BYTES)
        .mapToObj(i -> bytes.getLong(i * Long.BYTES))
        .toList();
  }

  @Test
  void aboutHalfOfTheNumbersDrawnAreOdd() {
    try (var batches = new Batches(mirrored(new Numbers(100, -1)), 100, 3, 0)) {
      var batch = batches.next();
      var mirrored = 0;
      for (var i = 0; i < 100; i++) {
        var label = (int) batch.given().labels()[i];
        var left = batch.symbols()[2 * i];
        assertThat(batch.symbols()[2 * i + 1]).isEqualTo(left < 100 ? label + 100 : label);
        mirrored += left >= 100 ? 1 : 0;
      }
      assertThat(mirrored).isEqualTo(44);
    }
  }

  /** One of a group whose members never meet: batches ask only who it is. */
  private record Member(int rank, int size) implements Group {
    @Override
    public void sum(Tensor tensor) {
      throw new AssertionError("met");
    }

    @Override
    public boolean any(boolean mine) {
      throw new AssertionError("met");
    }
  }

  /** Also draws are those of one that is alone, and also where a run continues. */
  @ParameterizedTest
  @ValueSource(ints = {0, 6})
  void theMembersOfAGroupReadInTurnsWhatOneAloneReads(int first) {
    var source = mirrored(new Numbers(10, -1));
    try (var alone = new Batches(source, 4, 1, first);
        var even = new Batches(source, 4, 1, first, new Member(0, 2));
        var odd = new Batches(source, 4, 1, first, new Member(1, 2))) {
      for (var part = 0; part < 10; part++) {
        var expected = alone.next();
        var actual = (part % 2 == 0 ? even : odd).next();
        assertThat(actual.given().labels())
            .as("part %d", part)
            .isEqualTo(expected.given().labels());
        assertThat(actual.symbols()).as("part %d", part).isEqualTo(expected.symbols());
      }
    }
  }

  @Test
  void failuresOfTheReaderReachTheTrainer() {
    try (var batches = new Batches(new Numbers(4, 2), 4, 1, 0)) {
      assertThatThrownBy(batches::next)
          .isInstanceOf(DataException.class)
          .hasMessage("example 2 is bad");
    }
  }

  /** Reads that take long for some examples, so that threads finish in another order. */
  private static DataSource uneven(DataSource source) {
    return new Wrapped(source) {
      @Override
      public void read(int index, int[] target, int offset) {
        pause(index % 5 == 0 ? 3 : 0);
        super.read(index, target, offset);
      }
    };
  }

  private static void pause(long millis) {
    try {
      Thread.sleep(millis);
    } catch (InterruptedException e) {
      Thread.currentThread().interrupt();
    }
  }

  @ParameterizedTest
  @ValueSource(ints = {2, 3, 4})
  void batchesAreTheSameForAnyNumberOfThreads(int threads) {
    var source = mirrored(uneven(new Numbers(50, -1)));
    try (var one = new Batches(source, 4, 1, 3, 1, 1);
        var several = new Batches(source, 4, 1, 3, 1, threads)) {
      for (var i = 0; i < 40; i++) {
        var expected = one.next();
        var actual = several.next();
        assertThat(actual.given().labels()).as("batch %d", i).isEqualTo(expected.given().labels());
        assertThat(actual.symbols()).as("batch %d", i).isEqualTo(expected.symbols());
      }
    }
  }

  /** Values from version 0.1: a run must be able to continue with another version. */
  @Test
  void theOrderIsThatOfEarlierVersions() {
    try (var batches = new Batches(mirrored(new Numbers(10, -1)), 4, 1, 1)) {
      var batch = batches.next();
      assertThat(batch.given().labels()).containsExactly(5, 9, 3, 4);
      assertThat(batch.symbols()).containsExactly(5, 105, 109, 9, 3, 103, 4, 104);
      batch = batches.next(); // of two epochs
      assertThat(batch.given().labels()).containsExactly(1, 7, 9, 6);
      assertThat(batch.symbols()).containsExactly(101, 1, 107, 7, 109, 9, 6, 106);
    }
  }

  /** Each batch waits for the other: one thread alone would never get through. */
  @Test
  void severalBatchesAreReadAtATime() {
    var both = new CyclicBarrier(2);
    var source =
        new Wrapped(new Numbers(2, -1)) {
          @Override
          public void read(int index, int[] target, int offset) {
            try {
              both.await(20, TimeUnit.SECONDS);
            } catch (InterruptedException | BrokenBarrierException | TimeoutException e) {
              throw new DataException("alone", e);
            }
            super.read(index, target, offset);
          }
        };
    try (var batches = new Batches(source, 1, 1, 0, 1, 2)) {
      assertThat(labels(batches, 2)).containsExactlyInAnyOrder(0L, 1L);
    }
  }

  /** However long a run is, it makes no garbage of its batches; and none is overwritten in use. */
  @Test
  void arraysAreUsedAgainAfterTheNextBatch() {
    try (var batches = new Batches(new Numbers(1_000, -1), 10, 1, 0)) {
      var arrays = new HashSet<Integer>();
      var before = batches.next();
      for (var i = 0; i < 200; i++) {
        var labels = before.given().labels().clone();
        var symbols = before.symbols().clone();
        var next = batches.next();
        pause(1); // the readers, if they should not
        assertThat(before.given().labels()).isEqualTo(labels);
        assertThat(before.symbols()).isEqualTo(symbols);
        arrays.add(System.identityHashCode(before.symbols()));
        before = next;
      }
      assertThat(arrays).hasSize(6);
    }
  }

  @Test
  void aBatchLargerThanTheSourceGoesOnIntoTheNextEpochs() {
    try (var batches = new Batches(new Numbers(3, -1), 7, 1, 0)) {
      var labels = labels(batches, 3);
      assertThat(labels).hasSize(21);
      for (var epoch = 0; epoch < 7; epoch++) {
        assertThat(labels.subList(3 * epoch, 3 * epoch + 3))
            .as("epoch %d", epoch)
            .containsExactlyInAnyOrder(0L, 1L, 2L);
      }
    }
  }

  @Test
  void noExampleIsNotEnough() {
    var empty = new Numbers(0, -1);
    assertThatThrownBy(() -> new Batches(empty, 1, 1, 0))
        .isInstanceOf(DataException.class)
        .hasMessage("numbers: there are no examples to train on");
  }

  @Test
  void oneExampleIsEnough() {
    try (var batches = new Batches(new Numbers(1, -1), 3, 1, 0)) {
      for (var i = 0; i < 3; i++) {
        var batch = batches.next();
        assertThat(batch.given().labels()).containsExactly(0, 0, 0);
        assertThat(batch.symbols()).containsExactly(0, 100, 0, 100, 0, 100);
      }
    }
  }

  /** A batch of 1,000 examples of 20 s each is being read: closing waits for one of them only. */
  @Test
  void closingInterruptsTheReadersAndWaitsForThem() throws Exception {
    var reading = new AtomicInteger();
    var started = new CountDownLatch(2);
    var source =
        new Wrapped(new Numbers(1_000, -1)) {
          @Override
          public void read(int index, int[] target, int offset) {
            reading.incrementAndGet();
            started.countDown();
            pause(20_000);
            var interrupted = Thread.interrupted();
            pause(100); // goes on for a while, as the end of a system call does
            reading.decrementAndGet();
            if (interrupted) {
              Thread.currentThread().interrupt();
              throw new DataException("the file was closed by an interrupt");
            }
          }
        };
    var batches = new Batches(source, 1_000, 1, 0, 1, 2);
    assertThat(started.await(20, TimeUnit.SECONDS)).isTrue();
    var begin = System.nanoTime();
    batches.close();
    assertThat(reading).hasValue(0);
    assertThat(Duration.ofNanos(System.nanoTime() - begin)).isLessThan(Duration.ofSeconds(10));
    // Not the failure that the interrupt made of a file.
    assertThatThrownBy(batches::next)
        .isInstanceOf(IllegalStateException.class)
        .hasMessage("closed");
    batches.close();
  }

  /** The example that is being read is the last one of its batch, and nothing is begun after it. */
  @Test
  void closingWaitsEvenWhenInterruptedItself() throws Exception {
    var reading = new AtomicInteger();
    var read = new AtomicInteger();
    var started = new CountDownLatch(1);
    var source =
        new Wrapped(new Numbers(1, -1)) {
          @Override
          public void read(int index, int[] target, int offset) {
            reading.incrementAndGet();
            started.countDown();
            pause(20_000);
            var interrupted = Thread.interrupted();
            pause(100);
            reading.decrementAndGet();
            read.incrementAndGet();
            if (interrupted) {
              Thread.currentThread().interrupt();
            }
          }
        };
    var batches = new Batches(source, 1_000, 1, 0, 1, 1);
    assertThat(started.await(20, TimeUnit.SECONDS)).isTrue();
    Thread.currentThread().interrupt();
    batches.close();
    assertThat(Thread.interrupted()).isTrue();
    assertThat(reading).hasValue(0);
    assertThat(read).hasValue(1);
  }

  @Test
  void afterAFailureTheNextBatchesFollow() {
    try (var batches = new Batches(new Numbers(4, 2), 1, 1, 0)) {
      var seen = new ArrayList<Long>();
      for (var i = 0; i < 4; i++) {
        try {
          seen.add(batches.next().given().labels()[0]);
        } catch (DataException e) {
          seen.add(-1L);
        }
      }
      assertThat(seen).containsExactlyInAnyOrder(0L, 1L, 3L, -1L);
    }
  }
}

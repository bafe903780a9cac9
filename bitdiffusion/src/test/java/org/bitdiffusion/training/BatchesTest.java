package org.bitdiffusion.training;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import java.util.ArrayList;
import java.util.List;
import java.util.stream.IntStream;
import org.bitdiffusion.DataException;
import org.bitdiffusion.data.DataSource;
import org.junit.jupiter.api.Test;

class BatchesTest {
  /** Examples of shape [1, 1, 2]: example i is (i, 100 + i) with label i. */
  private record Numbers(int size, int bad) implements DataSource {
    @Override
    public String name() {
      return "numbers";
    }

    @Override
    public int[] shape() {
      return new int[] {1, 1, 2};
    }

    @Override
    public int categories() {
      return 256;
    }

    @Override
    public List<String> classes() {
      return IntStream.range(0, size).mapToObj(Integer::toString).toList();
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

  private static List<Long> labels(Batches batches, int count) {
    var labels = new ArrayList<Long>();
    for (var i = 0; i < count; i++) {
      for (var label : batches.next().labels()) {
        labels.add(label);
      }
    }
    return labels;
  }

  @Test
  void eachEpochHasEveryExampleOnceInAnotherOrder() {
    try (var batches = new Batches(new Numbers(12, -1), 4, false, 1, 0)) {
      var first = labels(batches, 3);
      var second = labels(batches, 3);
      var all = IntStream.range(0, 12).mapToObj(i -> (long) i).toList();
      assertThat(first).containsExactlyInAnyOrderElementsOf(all).isNotEqualTo(all);
      assertThat(second).containsExactlyInAnyOrderElementsOf(all).isNotEqualTo(first);
    }
  }

  @Test
  void startingLaterIsSkippingAhead() {
    try (var whole = new Batches(new Numbers(10, -1), 4, true, 1, 0);
        var later = new Batches(new Numbers(10, -1), 4, true, 1, 5)) {
      labels(whole, 5);
      for (var i = 0; i < 4; i++) {
        var expected = whole.next();
        var actual = later.next();
        assertThat(actual.labels()).isEqualTo(expected.labels());
        assertThat(actual.symbols()).isEqualTo(expected.symbols());
      }
    }
  }

  @Test
  void aboutHalfOfTheImagesAreMirrored() {
    try (var batches = new Batches(new Numbers(100, -1), 100, true, 3, 0)) {
      var batch = batches.next();
      var mirrored = 0;
      for (var i = 0; i < 100; i++) {
        var label = (int) batch.labels()[i];
        var left = batch.symbols()[2 * i];
        assertThat(batch.symbols()[2 * i + 1]).isEqualTo(left < 100 ? label + 100 : label);
        mirrored += left >= 100 ? 1 : 0;
      }
      assertThat(mirrored).isBetween(30, 70);
    }
  }

  @Test
  void failuresOfTheReaderReachTheTrainer() {
    try (var batches = new Batches(new Numbers(4, 2), 4, false, 1, 0)) {
      assertThatThrownBy(batches::next)
          .isInstanceOf(DataException.class)
          .hasMessage("example 2 is bad");
    }
  }
}

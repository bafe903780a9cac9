package org.bitdiffusion.runtime;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;
import static org.bytedeco.pytorch.global.torch.full;
import static org.bytedeco.pytorch.global.torch.ones;

import java.util.ArrayList;
import java.util.Collections;
import java.util.concurrent.CountDownLatch;
import java.util.concurrent.FutureTask;
import java.util.concurrent.TimeUnit;
import org.bytedeco.javacpp.PointerScope;
import org.bytedeco.pytorch.GradMode;
import org.bytedeco.pytorch.NoGradGuard;
import org.bytedeco.pytorch.Scalar;
import org.bytedeco.pytorch.Tensor;
import org.bytedeco.pytorch.global.torch;
import org.junit.jupiter.api.AfterAll;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.Test;

class WorkersTest {
  private static int threads;

  @BeforeAll
  static void load() {
    threads = Engine.threads();
  }

  @AfterAll
  static void reset() {
    Engine.threads(threads);
  }

  @Test
  void tasksRunAtTheSameTimeAndTheirResultsAreInOrder() {
    var all = new CountDownLatch(3); // each waits for the others
    try (var scope = new PointerScope()) {
      var results =
          Workers.run(
              3,
              i -> {
                all.countDown();
                try {
                  assertThat(all.await(1, TimeUnit.MINUTES)).isTrue();
                } catch (InterruptedException e) {
                  throw new AssertionError(e);
                }
                return full(new long[] {2}, new Scalar(i));
              });
      assertThat(results).extracting(t -> t.sum().item_int()).containsExactly(0, 2, 4);
    }
  }

  @Test
  void theScopeAroundTheCallOwnsTheResults() {
    var made = Collections.synchronizedList(new ArrayList<Tensor>());
    var results = new ArrayList<Tensor>();
    try (var scope = new PointerScope()) {
      results.addAll(
          Workers.run(
              2,
              i -> {
                made.add(ones(3));
                return made.get(made.size() - 1).add(new Scalar(i));
              }));
      assertThat(made).hasSize(2).allMatch(t -> t.isNull());
      assertThat(results).noneMatch(t -> t.isNull());
    }
    assertThat(results).hasSize(2).allMatch(t -> t.isNull());
  }

  @Test
  void withoutAScopeTheCallerOwnsThem() {
    var results = Workers.run(2, i -> ones(3));
    assertThat(results).noneMatch(t -> t.isNull());
    results.forEach(Tensor::close);
    assertThat(results).allMatch(t -> t.isNull());
  }

  @Test
  void gradientsAreEnabledAsInTheCaller() {
    assertThat(gradientsInWorkers()).isTrue();
    try (var noGrad = new NoGradGuard()) {
      assertThat(gradientsInWorkers()).isFalse();
    }
    assertThat(gradientsInWorkers()).isTrue();
  }

  private static boolean gradientsInWorkers() {
    try (var scope = new PointerScope()) {
      return Workers.run(2, i -> full(new long[] {1}, new Scalar(GradMode.is_enabled() ? 1 : 0)))
              .stream()
              .mapToInt(Tensor::item_int)
              .distinct()
              .sum()
          == 1;
    }
  }

  @Test
  void eachHasItsShareOfTheThreadsAndOtherThreadsHaveAll() throws Exception {
    Engine.threads(6);
    try (var scope = new PointerScope()) {
      var shares = Workers.run(3, i -> full(new long[] {1}, new Scalar(torch.get_num_threads())));
      assertThat(shares).extracting(Tensor::item_int).containsOnly(2);
      assertThat(Engine.threads()).isEqualTo(6);
      var other = new FutureTask<>(torch::get_num_threads);
      new Thread(other).start();
      assertThat(other.get()).isEqualTo(6);
      assertThat(Workers.run(12, i -> full(new long[] {1}, new Scalar(torch.get_num_threads()))))
          .extracting(Tensor::item_int)
          .containsOnly(1);
    }
  }

  @Test
  void aFailureWaitsForTheOthersAndLeavesNothingBehind() {
    var made = Collections.synchronizedList(new ArrayList<Tensor>());
    var failed = new CountDownLatch(1);
    assertThatThrownBy(
            () ->
                Workers.run(
                    3,
                    i -> {
                      if (i > 0) {
                        failed.countDown();
                        throw new IllegalStateException("task " + i);
                      }
                      try {
                        assertThat(failed.await(1, TimeUnit.MINUTES)).isTrue();
                        Thread.sleep(50);
                      } catch (InterruptedException e) {
                        throw new AssertionError(e);
                      }
                      made.add(ones(3));
                      return made.get(0);
                    }))
        .isInstanceOf(IllegalStateException.class)
        .hasMessage("task 1");
    assertThat(made).hasSize(1).allMatch(t -> t.isNull());
  }

  @Test
  void anInterruptedCallerStillWaits() {
    var made = Collections.synchronizedList(new ArrayList<Tensor>());
    Thread.currentThread().interrupt();
    try (var scope = new PointerScope()) {
      Workers.run(
          2,
          i -> {
            made.add(ones(i + 1));
            return made.get(made.size() - 1);
          });
      assertThat(made).hasSize(2);
    } finally {
      assertThat(Thread.interrupted()).isTrue();
    }
  }
}

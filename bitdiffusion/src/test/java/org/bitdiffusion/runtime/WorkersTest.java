package org.bitdiffusion.runtime;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;
import static org.bytedeco.pytorch.global.torch.full;
import static org.bytedeco.pytorch.global.torch.ones;

import java.util.ArrayList;
import java.util.Collections;
import java.util.List;
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
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

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
                var between = ones(3);
                made.add(between);
                return between.add(new Scalar(i));
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
    assertThat(gradientsInWorkers()).containsExactly(1, 1);
    try (var noGrad = new NoGradGuard()) {
      assertThat(gradientsInWorkers()).containsExactly(0, 0);
    }
    assertThat(gradientsInWorkers()).containsExactly(1, 1);
  }

  private static List<Integer> gradientsInWorkers() {
    try (var scope = new PointerScope()) {
      return Workers.run(2, i -> full(new long[] {1}, new Scalar(GradMode.is_enabled() ? 1 : 0)))
          .stream()
          .map(Tensor::item_int)
          .toList();
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

  @ParameterizedTest
  @ValueSource(booleans = {false, true})
  void aFailureWaitsForTheOthersAndLeavesNothingBehind(boolean inScope) {
    var made = Collections.synchronizedList(new ArrayList<Tensor>());
    var failed = new CountDownLatch(2);
    try (var scope = inScope ? new PointerScope() : null) {
      assertThatThrownBy(
              () ->
                  Workers.run(
                      3,
                      i -> {
                        if (i > 0) {
                          failed.countDown();
                          throw new IllegalStateException("task " + i);
                        }
                        made.add(afterAWhile(failed));
                        return made.get(0);
                      }))
          .isInstanceOf(IllegalStateException.class)
          .hasMessage("task 1")
          .satisfies(
              e ->
                  assertThat(e.getSuppressed())
                      .singleElement()
                      .hasToString("java.lang.IllegalStateException: task 2"));
      assertThat(made).hasSize(1);
    }
    assertThat(made).allMatch(t -> t.isNull());
  }

  @Test
  void anInterruptedCallerStillWaits() {
    Thread.currentThread().interrupt();
    try (var scope = new PointerScope()) {
      var results = Workers.run(2, i -> afterAWhile(new CountDownLatch(0)));
      assertThat(results).extracting(t -> t.sum().item_int()).containsExactly(3, 3);
    } finally {
      assertThat(Thread.interrupted()).isTrue();
    }
  }

  private static Tensor afterAWhile(CountDownLatch latch) {
    try {
      assertThat(latch.await(1, TimeUnit.MINUTES)).isTrue();
      Thread.sleep(50);
    } catch (InterruptedException e) {
      throw new AssertionError(e);
    }
    return ones(3);
  }
}

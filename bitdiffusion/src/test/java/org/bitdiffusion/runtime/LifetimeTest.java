package org.bitdiffusion.runtime;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import java.util.concurrent.CountDownLatch;
import java.util.concurrent.ExecutorService;
import java.util.concurrent.Executors;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.atomic.AtomicInteger;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;

@Timeout(60)
class LifetimeTest {
  private final Lifetime lifetime = new Lifetime("the thing");
  private final AtomicInteger freed = new AtomicInteger();
  private final ExecutorService others = Executors.newCachedThreadPool();

  @AfterEach
  void end() {
    others.shutdownNow();
  }

  private void close() {
    lifetime.close(freed::incrementAndGet);
  }

  /** Waits until a thread that closes has begun to. */
  private void awaitClosing() throws InterruptedException {
    while (!lifetime.isClosing()) {
      Thread.sleep(1);
    }
  }

  @Test
  void whatIsClosedRefusesAndIsFreedOnce() {
    lifetime.use().close();
    close();
    close();
    assertThat(freed).hasValue(1);
    assertThatThrownBy(lifetime::use)
        .isInstanceOf(IllegalStateException.class)
        .hasMessage("the thing is closed");
  }

  @Test
  void closingWaitsForTheCallsOfOthersWhichMayCallOn() throws Exception {
    var begun = new CountDownLatch(1);
    var end = new CountDownLatch(1);
    var user =
        others.submit(
            () -> {
              try (var use = lifetime.use()) {
                begun.countDown();
                end.await();
                try (var inner = lifetime.use()) {
                  return freed.get();
                }
              }
            });
    begun.await();
    var first = others.submit(this::close);
    awaitClosing();
    var second = others.submit(this::close);
    assertThatThrownBy(lifetime::use).hasMessage("the thing is closed"); // of a newcomer
    Thread.sleep(50);
    assertThat(first.isDone() || second.isDone()).isFalse();
    end.countDown();
    assertThat(user.get()).isZero();
    first.get();
    second.get();
    assertThat(freed).hasValue(1);
  }

  @Test
  void closingFromInsideACallIsRefusedAndChangesNothing() {
    try (var use = lifetime.use()) {
      assertThatThrownBy(this::close)
          .isInstanceOf(IllegalStateException.class)
          .hasMessageStartingWith("the thing cannot be closed from inside one of its own calls");
    }
    assertThat(freed).hasValue(0);
    lifetime.use().close();
    close();
    assertThat(freed).hasValue(1);
  }

  @Test
  void anInterruptDoesNotCutTheWaitingShort() throws Exception {
    var end = new CountDownLatch(1);
    var begun = new CountDownLatch(1);
    others.submit(
        () -> {
          try (var use = lifetime.use()) {
            begun.countDown();
            return end.await(30, TimeUnit.SECONDS);
          }
        });
    begun.await();
    var closer =
        new Thread(
            () -> {
              close();
              freed.addAndGet(Thread.currentThread().isInterrupted() ? 10 : 0);
            });
    closer.start();
    awaitClosing();
    closer.interrupt();
    Thread.sleep(50);
    assertThat(freed).hasValue(0);
    end.countDown();
    closer.join();
    assertThat(freed).hasValue(11); // freed, and still interrupted
  }

  /** As a model closes its weights, while a thread that uses these is about to ask the model. */
  @Test
  void whatIsOwnedMayBeInUseByAThreadThatAsksTheOwner() throws Exception {
    var owned = new Lifetime("the part");
    var begun = new CountDownLatch(1);
    var user =
        others.submit(
            () -> {
              try (var use = owned.use()) {
                begun.countDown();
                while (!owned.isClosing()) {
                  Thread.sleep(1);
                }
                assertThatThrownBy(lifetime::use).hasMessage("the thing is closed");
              }
              return null;
            });
    begun.await();
    lifetime.close(() -> owned.close(freed::incrementAndGet));
    user.get();
    assertThat(freed).hasValue(1);
  }

  @Test
  void whatFailsToBeFreedIsClosedAllTheSame() {
    assertThatThrownBy(
            () ->
                lifetime.close(
                    () -> {
                      throw new IllegalStateException("no");
                    }))
        .hasMessage("no");
    close();
    assertThat(freed).hasValue(0);
  }
}

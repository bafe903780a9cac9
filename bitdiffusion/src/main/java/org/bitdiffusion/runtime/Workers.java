package org.bitdiffusion.runtime;

import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.ExecutionException;
import java.util.concurrent.ExecutorService;
import java.util.concurrent.Executors;
import java.util.concurrent.Future;
import java.util.concurrent.atomic.AtomicBoolean;
import java.util.function.IntFunction;
import org.bytedeco.javacpp.Pointer;
import org.bytedeco.javacpp.PointerScope;
import org.bytedeco.pytorch.AutoGradMode;
import org.bytedeco.pytorch.GradMode;

/**
 * Threads that compute at the same time, each with an equal share of the engine's threads for its
 * operations.
 */
public final class Workers {
  private static final ExecutorService POOL =
      Executors.newCachedThreadPool(
          task -> {
            var thread = new Thread(task, "worker");
            thread.setDaemon(true);
            return thread;
          });

  private Workers() {}

  /**
   * Computes {@code task} of 0 .. count - 1 at the same time, and returns when all have ended,
   * since they use what the caller owns. Whether gradients are enabled is as in the caller.
   *
   * @return the results in order, which belong to the scope around the call; without one, to the
   *     caller
   * @throws RuntimeException what a task threw, of several the first in order
   */
  public static <P extends Pointer> List<P> run(int count, IntFunction<P> task) {
    var threads = Engine.threads();
    var share = Math.max(1, threads / count);
    var gradients = GradMode.is_enabled();
    var changed = new AtomicBoolean();
    var running = new ArrayList<Future<P>>();
    Throwable failure = null;
    try {
      for (var i = 0; i < count; i++) {
        var index = i;
        running.add(
            POOL.submit(
                () -> {
                  if (Engine.threadsOfThisThread(share)) {
                    changed.set(true);
                  }
                  try (var mode = new AutoGradMode(gradients)) {
                    return Scope.owned(() -> task.apply(index));
                  }
                }));
      }
    } catch (RuntimeException | Error e) { // no thread is to be had
      failure = e;
    }
    var results = new ArrayList<P>();
    for (var future : running) {
      try {
        results.add(await(future));
      } catch (ExecutionException e) {
        if (failure == null) {
          failure = e.getCause();
        } else {
          failure.addSuppressed(e.getCause());
        }
      }
    }
    if (changed.get()) {
      Engine.threads(threads); // for threads that are new to the engine
    }
    var scope = PointerScope.getInnerScope();
    if (scope != null) {
      results.forEach(
          result -> {
            scope.attach(result);
            result.releaseReference(); // the worker's
          });
    } else if (failure != null) {
      results.forEach(Pointer::close);
    }
    if (failure instanceof Error error) {
      throw error;
    }
    if (failure != null) {
      throw (RuntimeException) failure; // a task declares no other
    }
    return results;
  }

  /** Waits also where the thread is interrupted, which it then still is. */
  private static <P> P await(Future<P> future) throws ExecutionException {
    var interrupted = false;
    try {
      while (true) {
        try {
          return future.get();
        } catch (InterruptedException e) {
          interrupted = true;
        }
      }
    } finally {
      if (interrupted) {
        Thread.currentThread().interrupt();
      }
    }
  }
}

package org.bitdiffusion.runtime;

import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.ExecutionException;
import java.util.concurrent.ExecutorService;
import java.util.concurrent.Executors;
import java.util.concurrent.Future;
import java.util.concurrent.atomic.AtomicBoolean;
import java.util.function.IntFunction;
import java.util.stream.IntStream;
import org.bytedeco.javacpp.Pointer;
import org.bytedeco.javacpp.PointerScope;
import org.bytedeco.pytorch.AutoGradMode;
import org.bytedeco.pytorch.GradMode;
import org.bytedeco.pytorch.global.torch;

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
    var gradients = GradMode.is_enabled();
    var threads = Engine.threads();
    var share = Math.max(1, threads / count);
    var changed = new AtomicBoolean();
    var running =
        IntStream.range(0, count)
            .mapToObj(
                i ->
                    POOL.submit(
                        () -> {
                          // Asking first makes the engine set up this thread, which would undo it.
                          if (torch.get_num_threads() != share) {
                            torch.set_num_threads(share);
                            changed.set(true);
                          }
                          try (var mode = new AutoGradMode(gradients)) {
                            return Scope.owned(() -> task.apply(i));
                          }
                        }))
            .toList();
    try {
      return results(running);
    } finally {
      if (changed.get()) {
        torch.set_num_threads(threads); // threads that are new to the engine take the last number
      }
    }
  }

  private static <P extends Pointer> List<P> results(List<Future<P>> running) {
    var results = new ArrayList<P>();
    Throwable failure = null;
    var interrupted = false;
    for (var next = running.iterator(); next.hasNext(); ) {
      var future = next.next();
      for (var ended = false; !ended; ) {
        try {
          results.add(future.get());
          ended = true;
        } catch (ExecutionException e) {
          failure = failure == null ? e.getCause() : failure;
          ended = true;
        } catch (InterruptedException e) {
          interrupted = true; // later
        }
      }
    }
    if (interrupted) {
      Thread.currentThread().interrupt();
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
}

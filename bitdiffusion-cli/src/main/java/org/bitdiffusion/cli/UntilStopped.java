package org.bitdiffusion.cli;

import java.util.concurrent.CountDownLatch;
import org.bitdiffusion.training.Trainer;

/** Work that the end of the process (SIGINT, SIGTERM) asks to stop, and waits for. */
final class UntilStopped {
  private UntilStopped() {}

  /** Runs a trainer, which saves before it returns, and then the report on it. */
  static void train(Trainer trainer, Runnable report) {
    run(
        () -> {
          trainer.run();
          report.run();
        },
        trainer::stop);
  }

  /**
   * Runs {@code work}.
   *
   * @param stop makes it return soon; called by another thread where the process is ending
   */
  static void run(Runnable work, Runnable stop) {
    var returned = new CountDownLatch(1);
    var hook =
        new Thread(
            () -> {
              stop.run();
              try {
                returned.await();
              } catch (InterruptedException e) {
                Thread.currentThread().interrupt();
              }
            });
    Runtime.getRuntime().addShutdownHook(hook);
    try {
      work.run();
    } finally {
      returned.countDown();
      try {
        Runtime.getRuntime().removeShutdownHook(hook);
      } catch (IllegalStateException e) {
        // the process is ending already
      }
    }
  }
}

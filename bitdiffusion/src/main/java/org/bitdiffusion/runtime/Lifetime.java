package org.bitdiffusion.runtime;

import java.util.HashMap;
import java.util.Map;

/**
 * How long what owns native memory may be used. Each public call that reads such memory is a {@link
 * #use}; closing waits for those in progress, so that no thread computes with memory that another
 * has freed. A use costs less than a microsecond, whatever is computed during it.
 */
public final class Lifetime {
  private final String owner;

  /** Of each thread, how many uses of its own are in progress, one inside the other. */
  private final Map<Thread, Integer> users = new HashMap<>();

  private boolean closing;
  private Thread freeing; // or null
  private volatile boolean freed;

  /**
   * @param owner in the words of messages, such as {@code the model}
   */
  public Lifetime(String owner) {
    this.owner = owner;
  }

  /** A call in progress, which ends when it is closed, by the thread that began it. */
  @FunctionalInterface
  public interface Use extends AutoCloseable {
    @Override
    void close();
  }

  /**
   * Begins a call. What is called inside a call of the same thread may still begin when another
   * thread has asked to close.
   *
   * @throws IllegalStateException if it is closed, or about to be
   */
  public synchronized Use use() {
    if (closing && !users.containsKey(Thread.currentThread())) {
      throw new IllegalStateException(owner + " is closed");
    }
    users.merge(Thread.currentThread(), 1, Integer::sum);
    return this::end;
  }

  private synchronized void end() {
    users.computeIfPresent(Thread.currentThread(), (user, uses) -> uses == 1 ? null : uses - 1);
    notifyAll();
  }

  /** Whether it is closed or about to be: a long call that asks now and then can end early. */
  public synchronized boolean isClosing() {
    return closing;
  }

  /**
   * Ends it: refuses new calls, waits for those in progress, and frees. A second time it only waits
   * until the first is done.
   *
   * @param free runs once, and may close what is owned
   * @throws IllegalStateException if this thread is inside a call of its own, as a listener is:
   *     that would wait for itself. Nothing is closed then
   */
  public void close(Runnable free) {
    var interrupted = false;
    synchronized (this) {
      if (users.containsKey(Thread.currentThread())) {
        throw new IllegalStateException(
            owner
                + " cannot be closed from inside one of its own calls; close it when that returned");
      }
      closing = true;
      while (!users.isEmpty() || freeing != null && freeing != Thread.currentThread()) {
        try {
          wait();
        } catch (InterruptedException e) {
          interrupted = true; // what is freed too early ends the process
        }
      }
      if (!freed) {
        freeing = Thread.currentThread();
      }
    }
    try {
      free(free);
    } finally {
      if (interrupted) {
        Thread.currentThread().interrupt();
      }
    }
  }

  /** Outside of the monitor, as what is owned may wait for calls that want it. */
  private void free(Runnable free) {
    if (freed) {
      return;
    }
    freed = true;
    try {
      free.run();
    } finally {
      synchronized (this) {
        freeing = null;
        notifyAll();
      }
    }
  }
}

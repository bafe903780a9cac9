package org.bitdiffusion.runtime;

import org.bytedeco.javacpp.Pointer;

/** Counts native objects, for tests that nothing leaks. */
public final class NativeObjects {
  private NativeObjects() {}

  /**
   * How many there are once the collector has freed what earlier tests have left, so that it cannot
   * hide a leak, or look like one, while a test counts.
   */
  public static long settled() {
    var count = Pointer.totalCount();
    for (var unchanged = 0; unchanged < 3; ) {
      System.gc();
      try {
        Thread.sleep(20); // JavaCPP frees on a thread of its own
      } catch (InterruptedException e) {
        throw new AssertionError(e);
      }
      var now = Pointer.totalCount();
      unchanged = now == count ? unchanged + 1 : 0;
      count = now;
    }
    return count;
  }
}

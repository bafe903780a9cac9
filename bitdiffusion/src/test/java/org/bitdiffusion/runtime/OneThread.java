package org.bitdiffusion.runtime;

import org.junit.jupiter.api.extension.AfterAllCallback;
import org.junit.jupiter.api.extension.BeforeAllCallback;
import org.junit.jupiter.api.extension.ExtensionContext;

/**
 * Loads the engine, and lets a class's tests compute with one thread: sums are added in the same
 * order then, and small networks gain nothing by more.
 */
public final class OneThread implements BeforeAllCallback, AfterAllCallback {
  private int threads;

  @Override
  public void beforeAll(ExtensionContext context) {
    threads = Engine.threads();
    Engine.threads(1);
  }

  @Override
  public void afterAll(ExtensionContext context) {
    Engine.threads(threads);
  }
}

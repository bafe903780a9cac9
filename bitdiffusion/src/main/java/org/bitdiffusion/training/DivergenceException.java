package org.bitdiffusion.training;

/**
 * The loss or its gradient is no number any more. The message says at which step, and what to do.
 */
public final class DivergenceException extends RuntimeException {
  /** Says at which step, and what may help. */
  public DivergenceException(String message) {
    super(message);
  }
}

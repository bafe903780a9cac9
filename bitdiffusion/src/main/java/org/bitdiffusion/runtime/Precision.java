package org.bitdiffusion.runtime;

import java.util.Locale;
import org.bytedeco.pytorch.global.torch;

/**
 * The type in which a network computes. Weights, their moments, their moving average, the loss and
 * the sampler's arithmetic are float32 in both.
 */
public enum Precision {
  FLOAT32,
  BFLOAT16;

  /** The engine's type; loads the engine. */
  public torch.ScalarType type() {
    return this == FLOAT32 ? torch.ScalarType.Float : torch.ScalarType.BFloat16;
  }

  /** The name in settings, such as {@code float32}. */
  @Override
  public String toString() {
    return name().toLowerCase(Locale.ROOT);
  }
}

package org.bitdiffusion.runtime;

import java.util.Arrays;
import java.util.List;
import java.util.Locale;
import java.util.stream.Stream;
import org.bytedeco.pytorch.global.torch;

/**
 * The type in which a network computes. Weights, their moments, their moving average, the loss and
 * the sampler's arithmetic are float32 in both.
 */
public enum Precision {
  FLOAT32,
  BFLOAT16;

  /** What {@link Compute#choose} takes: {@code auto}, or the name of a type. */
  public static final List<String> NAMES =
      Stream.concat(Stream.of("auto"), Arrays.stream(values()).map(Precision::toString)).toList();

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

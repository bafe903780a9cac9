package org.bitdiffusion.diffusion;

import static java.util.Locale.ROOT;

import java.util.Arrays;
import java.util.List;
import org.bitdiffusion.Registry;

/** Which examples of a batch see an estimate of x_0 in training (arXiv 2208.04202, section 3). */
public enum SelfConditioning {
  /** None does. */
  NONE,
  /** One coin decides for the whole batch: algorithm 1. */
  COIN,
  /** The first part of every batch does: the reference implementation; steadier steps. */
  HALF_BATCH;

  /** Names of the values, in lower case. */
  public static final List<String> NAMES =
      Arrays.stream(values()).map(value -> value.name().toLowerCase(ROOT)).toList();

  /**
   * The value of a name.
   *
   * @throws org.bitdiffusion.ConfigurationException if there is none
   */
  public static SelfConditioning parse(String name) {
    Registry.require("diffusion.self_conditioning", name, NAMES);
    return valueOf(name.toUpperCase(ROOT));
  }
}

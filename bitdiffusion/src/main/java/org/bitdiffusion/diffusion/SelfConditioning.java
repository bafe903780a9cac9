package org.bitdiffusion.diffusion;

import org.bitdiffusion.ConfigurationException;

/** Which examples of a batch see an estimate of x_0 in training (arXiv 2208.04202, section 3). */
public enum SelfConditioning {
  /** None does. */
  NONE,
  /** One coin decides for the whole batch: algorithm 1. */
  COIN,
  /** The first part of every batch does: the reference implementation; steadier steps. */
  HALF_BATCH;

  /** The value of a name in lower case. */
  public static SelfConditioning parse(String name) {
    return switch (name) {
      case "none" -> NONE;
      case "coin" -> COIN;
      case "half_batch" -> HALF_BATCH;
      default ->
          throw new ConfigurationException(
              "diffusion.self_conditioning '"
                  + name
                  + "' is unknown; use half_batch, coin or none");
    };
  }
}

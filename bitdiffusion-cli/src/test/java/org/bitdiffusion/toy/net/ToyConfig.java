package org.bitdiffusion.toy.net;

import org.bitdiffusion.nn.NetworkConfig;

/**
 * The size of a {@code ToyNetwork}.
 *
 * @param width of its hidden layer
 * @param activation behind it
 */
public record ToyConfig(int width, Activation activation) implements NetworkConfig {
  /** What makes it more than one linear map. */
  public enum Activation {
    SILU,
    HARD_TANH
  }

  @Override
  public String kind() {
    return "toy";
  }
}

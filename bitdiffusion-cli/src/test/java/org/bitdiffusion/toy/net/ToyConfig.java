package org.bitdiffusion.toy.net;

import org.bitdiffusion.nn.NetworkConfig;

/**
 * The size of a {@code ToyNetwork}.
 *
 * @param width of its hidden layer
 */
public record ToyConfig(int width) implements NetworkConfig {
  @Override
  public String kind() {
    return "toy";
  }
}

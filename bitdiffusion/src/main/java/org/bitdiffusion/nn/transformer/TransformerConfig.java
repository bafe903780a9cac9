package org.bitdiffusion.nn.transformer;

import static org.bitdiffusion.nn.NetworkConfig.require;

import org.bitdiffusion.nn.NetworkConfig;

/**
 * The size of a {@link Transformer}.
 *
 * @param width of the vector of each symbol, a multiple of {@code heads}
 * @param layers of attention and two linear maps
 * @param heads of attention
 * @param embedding width in which the time is told
 * @param dropout rate at the end of each part of a layer, in [0, 1)
 */
public record TransformerConfig(int width, int layers, int heads, int embedding, double dropout)
    implements NetworkConfig {
  static final String KIND = "transformer";

  // Far above what fits into a memory, and so low that no product overflows.
  private static final int LARGEST = 1 << 16;
  private static final int DEEPEST = 1000;

  public TransformerConfig {
    require(
        width >= 4 && width <= LARGEST && width % 4 == 0,
        "width",
        width,
        "a multiple of 4, at least 4 and at most " + LARGEST);
    require(layers >= 1 && layers <= DEEPEST, "layers", layers, "1 to " + DEEPEST);
    require(
        heads >= 1 && heads <= width && width % heads == 0,
        "heads",
        heads,
        "a divisor of network.width, which is " + width);
    require(
        embedding >= 4 && embedding <= LARGEST && embedding % 2 == 0,
        "embedding",
        embedding,
        "an even number, at least 4 and at most " + LARGEST);
    require(dropout >= 0 && dropout < 1, "dropout", dropout, "in [0, 1)");
  }

  @Override
  public String kind() {
    return KIND;
  }
}

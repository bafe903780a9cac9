package org.bitdiffusion.nn.mlp;

import static org.bitdiffusion.nn.NetworkConfig.require;

import org.bitdiffusion.nn.NetworkConfig;

/**
 * The size of an {@link Mlp}.
 *
 * @param width of the vector that the blocks change, a multiple of 4
 * @param blocks residual blocks
 * @param expansion width inside a block in multiples of {@code width}
 * @param embedding width in which the time is told
 * @param dropout rate inside the blocks, in [0, 1)
 */
public record MlpConfig(int width, int blocks, int expansion, int embedding, double dropout)
    implements NetworkConfig {
  static final String KIND = "mlp";

  // Far above what fits into a memory, and so low that no product overflows.
  private static final int LARGEST = 1 << 16;
  private static final int DEEPEST = 1000;
  private static final int WIDEST = 64;

  public MlpConfig {
    require(
        width >= 4 && width <= LARGEST && width % 4 == 0,
        "width",
        width,
        "a multiple of 4, at least 4 and at most " + LARGEST);
    require(blocks >= 1 && blocks <= DEEPEST, "blocks", blocks, "1 to " + DEEPEST);
    require(expansion >= 1 && expansion <= WIDEST, "expansion", expansion, "1 to " + WIDEST);
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

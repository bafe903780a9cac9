package org.bitdiffusion.nn;

/** The settings of a kind of network: the section {@code network} of a configuration. */
public interface NetworkConfig {
  /** The name of the kind. */
  String kind();

  /** Whether the network gives the next symbol from those before it, instead of denoising all. */
  default boolean autoregressive() {
    return false;
  }
}

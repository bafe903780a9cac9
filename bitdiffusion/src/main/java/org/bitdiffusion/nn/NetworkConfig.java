package org.bitdiffusion.nn;

import org.bitdiffusion.ConfigurationException;

/** The settings of a kind of network: the section {@code network} of a configuration. */
public interface NetworkConfig {
  /** The name of the kind. */
  String kind();

  /** Whether the network gives the next symbol from those before it, instead of denoising all. */
  default boolean autoregressive() {
    return false;
  }

  /**
   * Complains of a setting.
   *
   * @param key its name in the section
   * @param expected what it must be, in words
   * @throws ConfigurationException unless it is right
   */
  static void require(boolean right, String key, Object value, String expected) {
    if (!right) {
      throw new ConfigurationException(
          "network." + key + " is " + value + "; it must be " + expected);
    }
  }
}

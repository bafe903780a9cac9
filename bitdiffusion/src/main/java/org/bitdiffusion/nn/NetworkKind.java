package org.bitdiffusion.nn;

import org.bitdiffusion.Named;
import org.bitdiffusion.Registry;
import org.bitdiffusion.runtime.Compute;

/**
 * What computes: a kind of network. Its settings' defaults are in a file {@code defaults.yaml}
 * beside its class, which {@code META-INF/services} names.
 *
 * @param <C> the record of its settings
 */
public interface NetworkKind<C extends NetworkConfig> extends Named {
  /** All kinds on the class path. */
  Registry<NetworkKind<?>> ALL = Registry.load(NetworkKind.class, "kind of network");

  /** The record of its settings. */
  Class<C> settings();

  /**
   * A network of this kind for some data, with random weights.
   *
   * @param config its size
   * @param seed of the weights
   * @throws org.bitdiffusion.ConfigurationException if it cannot be of this size, or not for such
   *     data
   */
  Network create(C config, Signature signature, Compute compute, long seed);

  /** The network that a configuration describes, of whatever kind. */
  static Network of(NetworkConfig config, Signature signature, Compute compute, long seed) {
    return of(ALL.get("network.kind", config.kind()), config, signature, compute, seed);
  }

  private static <C extends NetworkConfig> Network of(
      NetworkKind<C> kind, NetworkConfig config, Signature signature, Compute compute, long seed) {
    return kind.create(kind.settings().cast(config), signature, compute, seed);
  }
}

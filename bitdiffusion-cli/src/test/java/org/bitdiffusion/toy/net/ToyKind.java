package org.bitdiffusion.toy.net;

import org.bitdiffusion.nn.Network;
import org.bitdiffusion.nn.NetworkConfig;
import org.bitdiffusion.nn.NetworkKind;
import org.bitdiffusion.nn.Signature;
import org.bitdiffusion.runtime.Compute;

/** A network that main knows not of. */
public final class ToyKind implements NetworkKind {
  @Override
  public String name() {
    return "toy";
  }

  @Override
  public Class<? extends NetworkConfig> settings() {
    return ToyConfig.class;
  }

  @Override
  public Network create(NetworkConfig config, Signature signature, Compute compute, long seed) {
    return new ToyNetwork((ToyConfig) config, signature.input().get(0), compute, seed);
  }
}

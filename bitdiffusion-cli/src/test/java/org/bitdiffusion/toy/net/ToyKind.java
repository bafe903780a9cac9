package org.bitdiffusion.toy.net;

import org.bitdiffusion.nn.Network;
import org.bitdiffusion.nn.NetworkKind;
import org.bitdiffusion.nn.Signature;
import org.bitdiffusion.runtime.Compute;

/** A network that main knows not of. */
public final class ToyKind implements NetworkKind<ToyConfig> {
  @Override
  public String name() {
    return "toy";
  }

  @Override
  public Class<ToyConfig> settings() {
    return ToyConfig.class;
  }

  @Override
  public Network create(ToyConfig config, Signature signature, Compute compute, long seed) {
    return new ToyNetwork(config, signature.input().get(0), compute, seed);
  }
}

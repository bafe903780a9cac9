package org.bitdiffusion.nn.mlp;

import org.bitdiffusion.ConfigurationException;
import org.bitdiffusion.nn.Network;
import org.bitdiffusion.nn.NetworkKind;
import org.bitdiffusion.nn.Signature;
import org.bitdiffusion.runtime.Compute;

/** A multilayer perceptron, of examples whose bits have no places, such as rows of a table. */
public final class MlpKind implements NetworkKind<MlpConfig> {
  @Override
  public String name() {
    return MlpConfig.KIND;
  }

  @Override
  public Class<MlpConfig> settings() {
    return MlpConfig.class;
  }

  @Override
  public Network create(MlpConfig size, Signature signature, Compute compute, long seed) {
    if (signature.input().size() != 1 || signature.output().size() != 1) {
      throw new ConfigurationException(
          "network.kind is mlp, which reads examples whose bits are one row, [D], such as those of"
              + " tables; the data's are "
              + signature.input());
    }
    if (signature.condition().pixels() > 0) {
      throw new ConfigurationException(
          "network.kind is mlp, which knows classes; the data's examples come with images");
    }
    return new Mlp(
        size,
        signature.input().get(0) + signature.estimate().get(0),
        signature.output().get(0),
        signature.condition().classes().size(),
        compute,
        seed);
  }
}

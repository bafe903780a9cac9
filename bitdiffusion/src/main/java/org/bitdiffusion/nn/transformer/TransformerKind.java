package org.bitdiffusion.nn.transformer;

import org.bitdiffusion.ConfigurationException;
import org.bitdiffusion.nn.Network;
import org.bitdiffusion.nn.NetworkKind;
import org.bitdiffusion.nn.Signature;
import org.bitdiffusion.runtime.Compute;

/** A transformer over the symbols of an example, such as the columns of a row. */
public final class TransformerKind implements NetworkKind<TransformerConfig> {
  @Override
  public String name() {
    return TransformerConfig.KIND;
  }

  @Override
  public Class<TransformerConfig> settings() {
    return TransformerConfig.class;
  }

  @Override
  public Network create(TransformerConfig size, Signature signature, Compute compute, long seed) {
    if (!signature.output().equals(signature.estimate())) {
      throw new ConfigurationException(
          "network.kind is transformer, which gives a number for each bit;"
              + " set diffusion.softmax_factorization=false and diffusion.word_cells=0");
    }
    if (signature.condition().pixels() > 0) {
      throw new ConfigurationException(
          "network.kind is transformer, which knows classes; the data's examples come with images");
    }
    return new Transformer(size, signature, compute, seed);
  }
}

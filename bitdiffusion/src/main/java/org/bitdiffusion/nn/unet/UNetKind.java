package org.bitdiffusion.nn.unet;

import org.bitdiffusion.ConfigurationException;
import org.bitdiffusion.nn.Network;
import org.bitdiffusion.nn.NetworkKind;
import org.bitdiffusion.nn.Signature;
import org.bitdiffusion.runtime.Compute;

/** A U-Net, of images. */
public final class UNetKind implements NetworkKind<UNetConfig> {
  @Override
  public String name() {
    return UNetConfig.KIND;
  }

  @Override
  public Class<UNetConfig> settings() {
    return UNetConfig.class;
  }

  @Override
  public Network create(UNetConfig size, Signature signature, Compute compute, long seed) {
    signature.requireSides(name(), 3, "[C, H, W]");
    if (signature.condition().pixels() > 0) {
      throw new ConfigurationException(
          "network.kind is unet, which knows classes; the data's examples come with images");
    }
    var distributions = !signature.output().equals(signature.estimate()); // of symbols, not bits
    return new UNet(
        distributions ? size.forDistributions() : size,
        signature.input().get(0) + signature.estimate().get(0),
        signature.output().get(0),
        signature.input().get(1),
        signature.input().get(2),
        signature.condition().classes().size(),
        compute,
        seed);
  }
}

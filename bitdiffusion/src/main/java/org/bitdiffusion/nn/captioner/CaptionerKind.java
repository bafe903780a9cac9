package org.bitdiffusion.nn.captioner;

import org.bitdiffusion.ConfigurationException;
import org.bitdiffusion.data.Condition;
import org.bitdiffusion.nn.Network;
import org.bitdiffusion.nn.NetworkKind;
import org.bitdiffusion.nn.Signature;
import org.bitdiffusion.runtime.Compute;

/** Describes images: an image encoder, and a decoder of bits or of tokens. */
public final class CaptionerKind implements NetworkKind<CaptionerConfig> {
  @Override
  public String name() {
    return CaptionerConfig.KIND;
  }

  @Override
  public Class<CaptionerConfig> settings() {
    return CaptionerConfig.class;
  }

  @Override
  public Network create(CaptionerConfig size, Signature signature, Compute compute, long seed) {
    signature.requireSides(name(), 2, "[1, L]");
    var pixels =
        signature
            .condition()
            .match(CaptionerKind::noImages, labels -> noImages(), images -> images);
    if (pixels.height() != size.encoder().imageSize()
        || pixels.width() != size.encoder().imageSize()) {
      throw new ConfigurationException(
          "the data's images are %dx%d, but network.encoder.image_size is %d"
              .formatted(pixels.width(), pixels.height(), size.encoder().imageSize()));
    }
    if (size.encoder().kind().equals("resnet50")
        && !size.encoder().frozen()
        && size.encoder().imageSize() <= 32
        && signature.batch() == 1) {
      throw new ConfigurationException(
          "a resnet50 needs more than one value for the statistics of a batch: larger images, or"
              + " more than one of them in each part of training.batch_size");
    }
    int length = signature.space().shape().get(1);
    return size.autoregressive()
        ? new AutoregressiveCaptioner(
            size, signature.space().mostCategories(), length, compute, seed)
        : new BitCaptioner(
            size, signature.input().get(0), signature.output().get(0), length, compute, seed);
  }

  private static Condition.Pixels noImages() {
    throw new ConfigurationException(
        "network.kind is captioner, which describes images; the data's examples come with none");
  }
}

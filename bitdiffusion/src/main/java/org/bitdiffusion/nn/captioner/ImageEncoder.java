package org.bitdiffusion.nn.captioner;

import java.util.List;
import org.bitdiffusion.nn.ConvolutionCheck;
import org.bitdiffusion.nn.Parameters;
import org.bitdiffusion.runtime.Compute;
import org.bitdiffusion.runtime.Noise;
import org.bytedeco.pytorch.Tensor;

/** Images to a sequence of features. */
sealed interface ImageEncoder permits VisionTransformer, ResNet50 {
  /** The encoder that a configuration describes, with random weights. */
  static ImageEncoder of(
      Parameters.Builder parameters,
      CaptionerConfig.Encoder config,
      double dropout,
      Compute compute) {
    return switch (config.kind()) {
      case "vit" ->
          new VisionTransformer(
              parameters,
              config.imageSize(),
              config.patch(),
              config.width(),
              config.layers(),
              config.heads(),
              dropout);
      case "resnet50" -> new ResNet50(parameters, config.imageSize(), compute);
      default -> throw new IllegalStateException(config.kind());
    };
  }

  /** D, the size of a feature. */
  int width();

  /**
   * @param images [B, 3, S, S], about standardised, in the type to compute in
   * @param training whether statistics are those of the batch, which running ones follow
   * @param noise that says what dropout leaves out; null where it leaves out nothing
   * @return features [B, T, D] in that type
   */
  Tensor forward(Tensor images, boolean training, Noise noise);

  /** The convolutions that it computes, to be checked on a machine. */
  List<ConvolutionCheck.Shape> convolutions();
}

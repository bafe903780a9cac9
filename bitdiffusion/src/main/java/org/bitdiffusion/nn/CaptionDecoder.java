package org.bitdiffusion.nn;

import java.util.ArrayList;
import java.util.List;
import org.bitdiffusion.runtime.Compute;
import org.bytedeco.pytorch.Scalar;
import org.bytedeco.pytorch.Tensor;

/**
 * What the two captioners share: an image encoder, and Transformer layers over the positions of a
 * caption that attend to the image's features.
 */
final class CaptionDecoder {
  private static final double SMALL = 0.035; // uniform with the standard deviation 0.02

  private final Compute compute;
  private final int width;
  private final Tensor positions;
  private final ImageEncoder encoder;
  private final Linear memory;
  private final List<TransformerLayer> layers = new ArrayList<>();
  private final LayerNorm norm;

  /**
   * @param length L, the number of positions
   */
  CaptionDecoder(Parameters.Builder p, CaptionerConfig config, int length, Compute compute) {
    this.compute = compute;
    width = config.width();
    var e = config.encoder();
    encoder =
        new VisionTransformer(
            p.in("encoder"),
            e.imageSize(),
            e.patch(),
            e.width(),
            e.layers(),
            e.heads(),
            config.dropout());
    memory = new Linear(p.in("memory"), encoder.width(), 2 * config.layers() * width);
    positions = p.in("positions").uniform("weight", SMALL, length, width);
    for (var i = 0; i < config.layers(); i++) {
      layers.add(
          new TransformerLayer(p.in("layers." + i), width, config.heads(), true, config.dropout()));
    }
    norm = new LayerNorm(p.in("norm"), width);
  }

  /**
   * What the layers attend to: computed once an image, not once a step.
   *
   * @param images [B, 3, S, S], values in [0, 1]
   * @return keys and values of all layers, [B, T, 2 layers D]
   */
  Tensor memory(Tensor images, boolean training) {
    var standard = images.mul(new Scalar(2)).sub(new Scalar(1)).to(compute.precision().type());
    return memory.forward(encoder.forward(standard, training));
  }

  /**
   * @param x [B, P, D], the inputs of positions first .. first + P - 1
   * @param past of each layer, or null
   * @return [B, P, D]
   */
  Tensor forward(
      Tensor x,
      int first,
      Tensor mask,
      List<? extends TransformerLayer.Past> past,
      Tensor memory,
      boolean training) {
    var type = compute.precision().type();
    var h = x.to(type).add(positions.narrow(0, first, x.size(1)).to(type));
    for (var i = 0; i < layers.size(); i++) {
      var keysAndValues =
          new TransformerLayer.Memory(
              memory.narrow(2, 2L * i * width, width),
              memory.narrow(2, (2L * i + 1) * width, width));
      h =
          layers
              .get(i)
              .forward(h, mask, past == null ? null : past.get(i), keysAndValues, training);
    }
    return norm.forward(h);
  }

  int width() {
    return width;
  }

  int layers() {
    return layers.size();
  }

  List<ConvolutionCheck.Shape> convolutions() {
    return encoder.convolutions();
  }
}

package org.bitdiffusion.nn.captioner;

import java.util.ArrayList;
import java.util.List;
import org.bitdiffusion.nn.ConvolutionCheck;
import org.bitdiffusion.nn.LayerNorm;
import org.bitdiffusion.nn.Linear;
import org.bitdiffusion.nn.Parameters;
import org.bitdiffusion.nn.TransformerLayer;
import org.bitdiffusion.runtime.Compute;
import org.bitdiffusion.runtime.Noise;
import org.bitdiffusion.runtime.Scope;
import org.bytedeco.pytorch.AutoGradMode;
import org.bytedeco.pytorch.GradMode;
import org.bytedeco.pytorch.Scalar;
import org.bytedeco.pytorch.Tensor;

/**
 * What the two captioners share: an image encoder, and Transformer layers over the positions of a
 * caption that attend to the image's features.
 */
final class CaptionDecoder {
  // Of red, green and blue in [0, 1], as all published networks for ImageNet have them.
  private static final float[] IMAGENET_MEAN = {0.485f, 0.456f, 0.406f};
  private static final float[] IMAGENET_DEVIATION = {0.229f, 0.224f, 0.225f};
  private final Compute compute;
  private final int width;
  private final Tensor positions;
  private final boolean frozen;
  private final String pixels;
  private final CaptionerConfig.Encoder encoderConfig;
  private final ImageEncoder encoder;
  private final PlacedFeatures placed; // null of an encoder that adds positions itself
  private final Linear memory;
  private final List<TransformerLayer> layers = new ArrayList<>();
  private final LayerNorm norm;

  /**
   * @param length L, the number of positions
   * @param deviation of the initial position embeddings: about that of the inputs, which would
   *     drown them otherwise
   */
  CaptionDecoder(
      Parameters.Builder p, CaptionerConfig config, int length, double deviation, Compute compute) {
    this.compute = compute;
    width = config.width();
    var e = config.encoder();
    encoderConfig = e;
    frozen = e.frozen();
    pixels = e.pixels();
    var named = p.in("encoder");
    encoder = ImageEncoder.of(frozen ? named.fixed() : named, e, config.dropout(), compute);
    placed =
        encoder instanceof ResNet50 resNet && e.positions()
            ? new PlacedFeatures(
                p.in("features"),
                resNet.places(),
                resNet.width(),
                width,
                e.layers(),
                config.heads(),
                config.dropout())
            : null;
    var features = placed == null ? encoder.width() : width;
    memory = new Linear(p.in("memory"), features, 2 * config.layers() * width);
    positions = p.in("positions").uniform("weight", Math.sqrt(3) * deviation, length, width);
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
   * @param noise that says what dropout leaves out; null where it leaves out nothing
   * @return keys and values of all layers, [B, T, 2 layers D]
   */
  Tensor memory(Tensor images, Noise noise) {
    var training = GradMode.is_enabled() && !frozen;
    var features =
        Scope.result(
            () -> {
              try (var gradients = new AutoGradMode(training)) {
                var standard = standard(images).to(compute.precision().type());
                return encoder.forward(standard, training, training ? noise : null);
              }
            });
    return memoryOf(features, noise);
  }

  /**
   * What the layers attend to, of features that the encoder has made.
   *
   * @param features [B, T, F]
   */
  Tensor memoryOf(Tensor features, Noise noise) {
    return memory.forward(placed == null ? features : placed.forward(features, noise));
  }

  private Tensor standard(Tensor images) {
    if (pixels.equals("symmetric")) {
      return images.mul(new Scalar(2)).sub(new Scalar(1));
    }
    var mean = Tensor.create(IMAGENET_MEAN, 3, 1, 1).to(images.device(), images.scalar_type());
    var deviation =
        Tensor.create(IMAGENET_DEVIATION, 3, 1, 1).to(images.device(), images.scalar_type());
    return images.sub(mean).div(deviation);
  }

  /**
   * @param x [B, P, D], the inputs of positions first .. first + P - 1
   * @param mask what is added to the scores of self-attention, [P, S]; null for nothing
   * @param past of each layer, or null
   * @param memory keys and values of all layers, [B, T, 2 layers D]
   * @param noise that says what dropout leaves out; null where it leaves out nothing
   * @return [B, P, D]
   */
  Tensor forward(
      Tensor x,
      int first,
      Tensor mask,
      List<? extends TransformerLayer.Past> past,
      Tensor memory,
      Noise noise) {
    var type = compute.precision().type();
    var h = x.to(type).add(positions.narrow(0, first, x.size(1)).to(type));
    for (var i = 0; i < layers.size(); i++) {
      var keysAndValues =
          new TransformerLayer.Memory(
              memory.narrow(2, 2L * i * width, width),
              memory.narrow(2, (2L * i + 1) * width, width));
      h = layers.get(i).forward(h, mask, past == null ? null : past.get(i), keysAndValues, noise);
    }
    return norm.forward(h);
  }

  /** The settings of the image encoder. */
  CaptionerConfig.Encoder encoderConfig() {
    return encoderConfig;
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

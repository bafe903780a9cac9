package org.bitdiffusion.nn.captioner;

import static org.bytedeco.pytorch.global.torch.cat;
import static org.bytedeco.pytorch.global.torch.silu;

import org.bitdiffusion.nn.DenoisingNetwork;
import org.bitdiffusion.nn.Linear;
import org.bitdiffusion.nn.Parameters;
import org.bitdiffusion.nn.TimeFeatures;
import org.bitdiffusion.runtime.Compute;
import org.bitdiffusion.runtime.Noise;
import org.bytedeco.pytorch.Tensor;
import org.bytedeco.pytorch.TensorVector;
import org.bytedeco.pytorch.global.torch;

/**
 * The captioner of arXiv 2208.04202, section 5: a Transformer in which all positions of a caption
 * see each other and the image. Its input at a position is the n noisy bits and the n estimated
 * bits, its output what the objective says of the n bits.
 *
 * <p>Takes x_t and the estimate [B, n, L], gamma [B] and the image's features, {@link #encode}d to
 * [B, T, M]; gives [B, out, L] float32. Dropout is on where noise is given to draw it from.
 */
public final class BitCaptioner implements CaptionNetwork, DenoisingNetwork {
  /** Of the input layer's values for bits of -1 and +1, at its initial weights. */
  private static final double INPUT_DEVIATION = 0.5;

  private final Parameters parameters;
  private final CaptionDecoder decoder;
  private final Linear input;
  private final Linear time0;
  private final Linear time1;
  private final Linear output;

  /**
   * A network with random weights.
   *
   * @param bits n
   * @param out values that it gives for each position
   * @param length L
   * @param seed of the weights
   */
  public BitCaptioner(
      CaptionerConfig config, int bits, int out, int length, Compute compute, long seed) {
    try (var p = new Parameters.Builder(seed)) {
      var width = config.width();
      decoder = new CaptionDecoder(p, config, length, INPUT_DEVIATION, compute);
      input = new Linear(p.in("input"), 2 * bits, width);
      time0 = new Linear(p.in("time.0"), width, 4 * width);
      time1 = new Linear(p.in("time.1"), 4 * width, width);
      output = new Linear(p.in("output"), width, out);
      parameters = p.build(compute);
    }
  }

  @Override
  public Parameters parameters() {
    return parameters;
  }

  @Override
  public CaptionDecoder decoder() {
    return decoder;
  }

  @Override
  public Tensor forward(Tensor xt, Tensor estimate, Tensor gamma, Tensor memory) {
    return forward(xt, estimate, gamma, memory, null);
  }

  @Override
  public Tensor forward(Tensor xt, Tensor estimate, Tensor gamma, Tensor memory, Noise noise) {
    return parameters.compute(
        () -> {
          var features = TimeFeatures.of(gamma, decoder.width());
          var time = time1.forward(silu(time0.forward(features))).unsqueeze(1);
          var bits = cat(new TensorVector(xt, estimate), 1).transpose(1, 2);
          var h = decoder.forward(input.forward(bits).add(time), 0, null, null, memory, noise);
          return output.forward(h.to(torch.ScalarType.Float)).transpose(1, 2);
        });
  }
}

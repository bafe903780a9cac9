package org.bitdiffusion.nn.unet;

import static org.bytedeco.pytorch.global.torch.add;
import static org.bytedeco.pytorch.global.torch.silu;

import java.util.ArrayList;
import java.util.List;
import org.bitdiffusion.nn.Conv2d;
import org.bitdiffusion.nn.ConvolutionCheck;
import org.bitdiffusion.nn.Dropout;
import org.bitdiffusion.nn.GroupNorm;
import org.bitdiffusion.nn.Linear;
import org.bitdiffusion.nn.Parameters;
import org.bitdiffusion.runtime.Noise;
import org.bitdiffusion.runtime.Scope;
import org.bytedeco.pytorch.Scalar;
import org.bytedeco.pytorch.Tensor;

/**
 * Group norm, SiLU, 3x3 convolution; group norm scaled and shifted by the time embedding, SiLU,
 * dropout, 3x3 convolution that starts near zero; and a skip path, 1x1 where the widths differ. The
 * sum is divided by sqrt 2.
 */
final class ResidualBlock {
  /** Factor of the usual initial weights with which a residual path starts near zero. */
  static final double NEAR_ZERO = 1e-5;

  private static final double HALF_POWER = Math.sqrt(0.5);

  private final GroupNorm norm0;
  private final Conv2d conv0;
  private final Linear scaleAndShift;
  private final GroupNorm norm1;
  private final Dropout dropout;
  private final Conv2d conv1;
  private final Conv2d skip;

  ResidualBlock(Parameters.Builder parameters, int in, int out, int embedding, double dropout) {
    this.dropout = new Dropout(dropout);
    norm0 = new GroupNorm(parameters.in("norm0"), in, groups(in));
    conv0 = new Conv2d(parameters.in("conv0"), in, out, 3, 1, 1);
    scaleAndShift = Linear.scaled(parameters.in("embedding"), embedding, 2 * out, 1);
    norm1 = new GroupNorm(parameters.in("norm1"), out, groups(out));
    conv1 = new Conv2d(parameters.in("conv1"), out, out, 3, 1, NEAR_ZERO);
    skip = in == out ? null : new Conv2d(parameters.in("skip"), in, out, 1, 1, 1);
  }

  /** The convolutions of a block, to be checked. */
  static List<ConvolutionCheck.Shape> convolutions(int in, int out, int side) {
    var shapes =
        new ArrayList<>(
            List.of(
                new ConvolutionCheck.Shape(in, out, 3, 1, side),
                new ConvolutionCheck.Shape(out, out, 3, 1, side)));
    if (in != out) {
      shapes.add(new ConvolutionCheck.Shape(in, out, 1, 1, side));
    }
    return shapes;
  }

  /** The number of groups in which everything but attention normalises its channels. */
  static int groups(int channels) {
    return Math.min(channels / 4, 32);
  }

  /**
   * x [B, in, H, W], embedding [B, E] float32, to [B, out, H, W].
   *
   * @param noise that says what dropout leaves out; null where it leaves out nothing
   */
  Tensor forward(Tensor x, Tensor embedding, Noise noise) {
    return Scope.result(
        () -> {
          var modulation = scaleAndShift.forward(embedding).chunk(2, 1);
          var h = conv0.forward(silu(norm0.forward(x)));
          h = silu(norm1.forward(h, modulation.get(0), modulation.get(1)));
          h = conv1.forward(dropout.forward(h, noise), HALF_POWER);
          return skip == null
              ? add(h, x, new Scalar(HALF_POWER))
              : add(h, skip.forward(x, HALF_POWER));
        });
  }
}

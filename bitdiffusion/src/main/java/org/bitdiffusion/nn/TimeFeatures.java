package org.bitdiffusion.nn;

import static org.bytedeco.pytorch.global.torch.arange;
import static org.bytedeco.pytorch.global.torch.cat;

import org.bytedeco.pytorch.Scalar;
import org.bytedeco.pytorch.Tensor;
import org.bytedeco.pytorch.TensorVector;

/** How a network is told the time: as sines and cosines of 1000 gamma. */
public final class TimeFeatures {
  private TimeFeatures() {}

  /** Gamma [B] to features [B, width], at frequencies from 1 down to about 1 / 10000. */
  public static Tensor of(Tensor gamma, int width) {
    var half = width / 2;
    var frequencies =
        arange(new Scalar(half), gamma.options()).mul(new Scalar(-Math.log(10000) / half)).exp();
    var angles = gamma.mul(new Scalar(1000)).unsqueeze(1).mul(frequencies);
    return cat(new TensorVector(angles.sin(), angles.cos()), 1);
  }
}

package org.bitdiffusion.nn;

import static org.bytedeco.pytorch.global.torch.linear;

import org.bytedeco.pytorch.Scalar;
import org.bytedeco.pytorch.Tensor;
import org.bytedeco.pytorch.TensorOptional;

/** An affine map of the last dimension, [..., in] to [..., out], in the type of its input. */
public final class Linear {
  private final Tensor weight;
  private final Tensor bias;

  public Linear(Parameters.Builder parameters, int in, int out) {
    var bound = 1 / Math.sqrt(in);
    weight = parameters.uniform("weight", bound, out, in);
    bias = parameters.uniform("bias", bound, out);
  }

  public Tensor forward(Tensor x) {
    var type = x.scalar_type();
    return linear(x, weight.to(type), new TensorOptional(bias.to(type)));
  }

  /** {@link #forward(Tensor)} times a constant, which is multiplied into the (small) weights. */
  public Tensor forward(Tensor x, double factor) {
    var type = x.scalar_type();
    var by = new Scalar(factor);
    return linear(x, weight.mul(by).to(type), new TensorOptional(bias.mul(by).to(type)));
  }
}

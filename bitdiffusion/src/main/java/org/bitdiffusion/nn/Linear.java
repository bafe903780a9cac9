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
    this(parameters, in, out, 1);
  }

  private Linear(Parameters.Builder parameters, int in, int out, int maps) {
    weight = parameters.scaled("weight", 1, in, out, (long) maps * out, in);
    bias = parameters.constant("bias", 0, (long) maps * out);
  }

  /**
   * Several maps of the same input, whose outputs lie one after the other, [..., in] to [..., maps
   * out]: each has the initial weights that it would have alone.
   */
  public static Linear several(Parameters.Builder parameters, int in, int out, int maps) {
    return new Linear(parameters, in, out, maps);
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

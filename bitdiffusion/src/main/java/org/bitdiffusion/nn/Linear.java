package org.bitdiffusion.nn;

import static org.bytedeco.pytorch.global.torch.linear;

import org.bytedeco.pytorch.Scalar;
import org.bytedeco.pytorch.Tensor;
import org.bytedeco.pytorch.TensorOptional;

/** An affine map of the last dimension, [..., in] to [..., out], in the type of its input. */
public final class Linear {
  private final Tensor weight;
  private final Tensor bias;

  /** Weights and biases begin uniformly within 1 / sqrt(in). */
  public Linear(Parameters.Builder parameters, int in, int out) {
    var bound = 1 / Math.sqrt(in);
    weight = parameters.uniform("weight", bound, out, in);
    bias = parameters.uniform("bias", bound, out);
  }

  private Linear(Tensor weight, Tensor bias) {
    this.weight = weight;
    this.bias = bias;
  }

  /**
   * Maps of the same input, whose outputs lie one after the other, [..., in] to [..., maps out],
   * that begin as those of the paper's U-Net, each as if it were alone: see {@link
   * Parameters.Builder#scaled}; biases begin at 0.
   */
  public static Linear scaled(Parameters.Builder parameters, int in, int out, int maps) {
    return new Linear(
        parameters.scaled("weight", 1, in, out, (long) maps * out, in),
        parameters.constant("bias", 0, (long) maps * out));
  }

  /** A map that gives 0 until it is trained, [..., in] to [..., out]. */
  public static Linear zero(Parameters.Builder parameters, int in, int out) {
    return new Linear(
        parameters.constant("weight", 0, out, in), parameters.constant("bias", 0, out));
  }

  /** What is added at last, [out]. */
  public Tensor bias() {
    return bias;
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

package org.bitdiffusion.nn;

import static org.bytedeco.pytorch.global.torch.layer_norm;

import org.bytedeco.pytorch.Tensor;
import org.bytedeco.pytorch.TensorOptional;

/** Shifts and scales each vector of [..., D] to mean 0 and variance 1, then by learned weights. */
public final class LayerNorm {
  private static final double EPSILON = 1e-6;

  private final int width;
  private final Tensor weight;
  private final Tensor bias;

  public LayerNorm(Parameters.Builder parameters, int width) {
    this.width = width;
    weight = parameters.constant("weight", 1, width);
    bias = parameters.constant("bias", 0, width);
  }

  public Tensor forward(Tensor x) {
    var type = x.scalar_type();
    return layer_norm(
        x,
        new long[] {width},
        new TensorOptional(weight.to(type)),
        new TensorOptional(bias.to(type)),
        EPSILON,
        false);
  }
}

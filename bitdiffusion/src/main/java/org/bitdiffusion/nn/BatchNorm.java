package org.bitdiffusion.nn;

import static org.bytedeco.pytorch.global.torch.batch_norm;

import org.bytedeco.pytorch.Tensor;
import org.bytedeco.pytorch.TensorOptional;

/**
 * Batch norm (arXiv 1502.03167) of feature maps [B, C, H, W]: each channel is shifted and scaled to
 * mean 0 and variance 1, then by learned weights. In training by the statistics of the batch, which
 * the running ones follow; afterwards by the running ones.
 */
public final class BatchNorm {
  private static final double MOMENTUM = 0.1; // the share of the newest batch
  private static final double EPSILON = 1e-5; // what networks have unless they say another

  private final double epsilon;
  private final Tensor weight;
  private final Tensor bias;
  private final Tensor runningMean;
  private final Tensor runningVariance;

  public BatchNorm(Parameters.Builder parameters, int channels) {
    this(parameters, channels, EPSILON);
  }

  /**
   * @param epsilon what is added to the variance
   */
  public BatchNorm(Parameters.Builder parameters, int channels, double epsilon) {
    this.epsilon = epsilon;
    weight = parameters.constant("weight", 1, channels);
    bias = parameters.constant("bias", 0, channels);
    runningMean = parameters.fixed().constant("running_mean", 0, channels);
    runningVariance = parameters.fixed().constant("running_var", 1, channels);
  }

  public Tensor forward(Tensor x, boolean training) {
    return batch_norm(
        x,
        new TensorOptional(weight),
        new TensorOptional(bias),
        new TensorOptional(runningMean),
        new TensorOptional(runningVariance),
        training,
        MOMENTUM,
        epsilon,
        true);
  }
}

package org.bitdiffusion.nn;

import static org.bytedeco.pytorch.global.torch.arange;
import static org.bytedeco.pytorch.global.torch.cat;
import static org.bytedeco.pytorch.global.torch.silu;

import org.bytedeco.pytorch.Scalar;
import org.bytedeco.pytorch.Tensor;
import org.bytedeco.pytorch.TensorVector;
import org.bytedeco.pytorch.global.torch;

/** How a network is told the time, and the class where there are some: as one vector. */
public final class TimeEmbedding {
  private final int features;
  private final int classes;
  private final Linear first;
  private final Linear second;

  /**
   * @param features of the time, see {@link TimeFeatures}
   * @param width of the vector
   * @param classes 0 for none
   */
  public TimeEmbedding(Parameters.Builder parameters, int features, int width, int classes) {
    this.features = features;
    this.classes = classes;
    first = Linear.scaled(parameters.in("0"), features, width, 1);
    second = Linear.scaled(parameters.in("1"), width + classes, width, 1);
  }

  /**
   * @param gamma [B] float32
   * @param labels [B] int64, where -1 means "no class"; not looked at where there are none
   * @return [B, width] float32
   */
  public Tensor forward(Tensor gamma, Tensor labels) {
    var e = silu(first.forward(TimeFeatures.of(gamma, features)));
    if (classes > 0) {
      // A label of -1 equals no class's number: all zeros, "no class".
      var numbers = arange(new Scalar(classes), labels.options());
      var oneHot = labels.unsqueeze(1).eq(numbers).to(torch.ScalarType.Float);
      e = cat(new TensorVector(e, oneHot), 1);
    }
    return silu(second.forward(e));
  }
}

package org.bitdiffusion.nn;

import org.bitdiffusion.ConfigurationException;
import org.bitdiffusion.runtime.Noise;
import org.bytedeco.pytorch.MemoryFormatOptional;
import org.bytedeco.pytorch.Scalar;
import org.bytedeco.pytorch.Tensor;

/**
 * Dropout (arXiv 1207.0580): in training each entry becomes 0 at a rate, independently, and the
 * others grow by 1 / (1 - rate), so that the mean stays. Which ones is drawn from the noise that is
 * given, never from a generator that others draw from too.
 *
 * @param rate in [0, 1)
 */
public record Dropout(double rate) {
  public Dropout {
    if (!(rate >= 0 && rate < 1)) {
      throw new ConfigurationException("a rate of dropout is " + rate + "; it must be in [0, 1)");
    }
  }

  /**
   * @param x of any shape
   * @param noise of the batch; null where nothing is left out, as outside of training
   * @return x itself where nothing is left out
   */
  public Tensor forward(Tensor x, Noise noise) {
    if (noise == null || rate == 0) {
      return x;
    }
    // Drawn in the order of the shape, so that a layout of memory does not change the mask.
    var kept =
        noise
            .uniform(x.shape())
            .ge(new Scalar(rate))
            .to(
                x.device(),
                x.scalar_type(),
                false,
                false,
                new MemoryFormatOptional(x.suggest_memory_format()));
    return x.mul(kept).mul_(new Scalar(1 / (1 - rate)));
  }
}

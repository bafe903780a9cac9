package org.bitdiffusion.nn;

import java.util.List;
import org.bytedeco.pytorch.Tensor;

/** Images to a sequence of features. */
sealed interface ImageEncoder permits VisionTransformer {
  /** D, the size of a feature. */
  int width();

  /**
   * @param images [B, 3, S, S], about standardised, in the type to compute in
   * @return features [B, T, D] in that type
   */
  Tensor forward(Tensor images, boolean training);

  /** The convolutions that it computes, to be checked on a machine. */
  List<ConvolutionCheck.Shape> convolutions();
}

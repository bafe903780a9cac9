package org.bitdiffusion.nn;

import org.bytedeco.pytorch.Tensor;

/** A network that describes images. */
public sealed interface CaptionNetwork extends Network
    permits BitCaptioner, AutoregressiveCaptioner {
  /**
   * What captions of images are made from: the condition of all steps, computed once.
   *
   * @param images [B, 3, S, S] float32, values in [0, 1]
   * @return [B, T, M]
   */
  Tensor memory(Tensor images);
}

package org.bitdiffusion.nn;

import java.util.List;
import org.bitdiffusion.runtime.Noise;
import org.bytedeco.pytorch.Tensor;

/**
 * Weights that can be trained, and what is computed with them. It denoises ({@link
 * DenoisingNetwork}) or gives the next symbol ({@link NextSymbolNetwork}). Closing it frees the
 * weights.
 */
public interface Network extends AutoCloseable {
  /** The weights, in float32. */
  Parameters parameters();

  /** The convolutions that it computes, to be checked on a machine. */
  default List<ConvolutionCheck.Shape> convolutions() {
    return List.of();
  }

  /**
   * What is computed of a condition once, and not at each step of sampling.
   *
   * @param condition labels [B] int64 (-1 where unknown), or images [B, C, H, W] float32 in [0, 1];
   *     null where there is none
   * @return [B, ...], or null
   */
  default Tensor encode(Tensor condition) {
    return condition;
  }

  /**
   * The same in training, with a gradient: dropout draws from the noise what it leaves out.
   *
   * @param noise of the batch, or null for no dropout; networks without it take no notice
   */
  default Tensor encode(Tensor condition, Noise noise) {
    return encode(condition);
  }

  /**
   * Reads the weights of a part that begins pre-trained, where the settings name some.
   *
   * @throws org.bitdiffusion.DataException if their file is missing, damaged or of another network
   */
  default void readPretrained() {}

  @Override
  default void close() {
    parameters().close();
  }
}

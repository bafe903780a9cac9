package org.bitdiffusion.nn;

import java.util.List;
import org.bitdiffusion.diffusion.Denoiser;

/** A denoiser that can be trained. Closing it frees its weights. */
public interface Network extends Denoiser, AutoCloseable {
  /** The weights, in float32. */
  Parameters parameters();

  /** The convolutions that it computes, to be checked on a machine. */
  List<ConvolutionCheck.Shape> convolutions();

  @Override
  default void close() {
    parameters().close();
  }
}

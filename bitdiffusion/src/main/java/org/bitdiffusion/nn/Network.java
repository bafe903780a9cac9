package org.bitdiffusion.nn;

import org.bitdiffusion.diffusion.Denoiser;

/** A denoiser that can be trained. Closing it frees its weights. */
public interface Network extends Denoiser, AutoCloseable {
  /** The weights, in float32. */
  Parameters parameters();

  @Override
  default void close() {
    parameters().close();
  }
}

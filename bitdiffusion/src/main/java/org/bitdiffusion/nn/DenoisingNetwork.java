package org.bitdiffusion.nn;

import org.bitdiffusion.diffusion.Denoiser;

/** A network that a diffusion model denoises with. */
public interface DenoisingNetwork extends Network, Denoiser {
  /**
   * Whether parts of a batch may be computed at the same time by several threads: each example is
   * treated alone, and the output depends on all trained weights and on nothing else that has a
   * gradient.
   *
   * @param gradients whether a gradient is asked for
   */
  default boolean inParts(boolean gradients) {
    return false;
  }
}

package org.bitdiffusion.nn;

import java.util.Optional;
import org.bitdiffusion.diffusion.Denoiser;
import org.bitdiffusion.runtime.Noise;
import org.bytedeco.pytorch.Tensor;

/** A network that a diffusion model denoises with. */
public interface DenoisingNetwork extends Network, Denoiser {
  /**
   * The same in training, with a gradient: dropout draws from the noise what it leaves out.
   *
   * @param noise of the batch, or null for no dropout; networks without it take no notice
   */
  default Tensor forward(Tensor xt, Tensor estimate, Tensor gamma, Tensor condition, Noise noise) {
    return forward(xt, estimate, gamma, condition);
  }

  /**
   * Whether parts of a batch may be computed at the same time by several threads: each example is
   * treated alone, the output depends on all trained weights and on nothing else that has a
   * gradient, and where there is one, nothing is drawn, as dropout does: one generator serves the
   * whole batch.
   *
   * @param gradients whether a gradient is asked for
   */
  default boolean inParts(boolean gradients) {
    return false;
  }

  /**
   * The weights that are added to its outputs and change nothing else, one for each output of an
   * example in row-major order; empty where it has none. They are the network's.
   */
  default Optional<Tensor> outputBiases() {
    return Optional.empty();
  }
}

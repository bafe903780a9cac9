package org.bitdiffusion.diffusion;

import org.bytedeco.pytorch.Tensor;

/** The network f(x_t, estimate, t) of arXiv 2208.04202, algorithms 1 and 2. */
@FunctionalInterface
public interface Denoiser {
  /**
   * @param xt noisy analog bits [B, D, ...] float32; of a process in which symbols may be known,
   *     with a channel for each symbol that says so, [B, D + C, ...]
   * @param estimate an earlier estimate of x_0, [B, D, ...], or zeros
   * @param gamma gamma(t) of each example, [B] float32
   * @param condition what is known of each example, [B, ...], such as class labels [B] int64 (-1
   *     where unknown) or features; null where there is nothing
   * @return what the {@link Objective} says, [B, ...] float32
   */
  Tensor forward(Tensor xt, Tensor estimate, Tensor gamma, Tensor condition);
}

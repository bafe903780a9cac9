package org.bitdiffusion.sampling;

import java.util.function.Supplier;
import org.bytedeco.pytorch.Scalar;
import org.bytedeco.pytorch.Tensor;

/**
 * Ancestral sampling (arXiv 2006.11239, algorithm 2) with variance 1 - a, where a = gamma(t_now) /
 * gamma(t_next): the larger of that paper's two choices.
 *
 * <p>Order of convergence: 1, in law.
 */
public final class Ddpm implements Solver {
  @Override
  public String name() {
    return "ddpm";
  }

  @Override
  public Solving begin(double eta, double lastGamma) {
    return (xt, x0, g, gNext, noise, ask) -> step(xt, x0, g, gNext, 1, noise);
  }

  /** A move with variance {@code factor} (1 - a). */
  static Tensor step(
      Tensor xt, Tensor x0, double g, double gNext, double factor, Supplier<Tensor> noise) {
    var a = Math.min(1, g / gNext);
    // (x_t - (1-a)/sqrt(1-g) eps) / sqrt(a), with eps the noise in x_t if x0 is right: where a is
    // small, this form does not cancel the digits of float32.
    var mean =
        Solver.combine(
            xt, Math.sqrt(a) * (1 - gNext) / (1 - g), x0, Math.sqrt(gNext) * (1 - a) / (1 - g));
    return mean.add_(noise.get(), new Scalar(Math.sqrt(factor * (1 - a))));
  }
}

package org.bitdiffusion.sampling;

import org.bytedeco.pytorch.Scalar;
import org.bytedeco.pytorch.Tensor;

/**
 * DDIM (arXiv 2010.02502, equation 12): keeps the noise that x_t and the estimate imply, or
 * replaces a part of it, which {@code sampling.eta} sets, with fresh noise. With eta 0 it is
 * deterministic; with eta 1 it is {@link DdpmSmall}.
 *
 * <p>Order of convergence: 1. With eta 0 it is Euler's method for dy/d(rho) = x_0, where y = x_t /
 * sqrt(1 - gamma) and rho = sqrt(gamma / (1 - gamma)).
 */
public final class Ddim implements Solver {
  @Override
  public String name() {
    return "ddim";
  }

  @Override
  public boolean takesEta() {
    return true;
  }

  @Override
  public boolean forgets() {
    return true;
  }

  @Override
  public Solving begin(double eta, double lastGamma) {
    if (eta == 0) {
      return (xt, x0, g, gNext, noise, ask) -> step(xt, x0, g, gNext);
    }
    return (xt, x0, g, gNext, noise, ask) -> {
      var fresh = eta * eta * (1 - gNext) / (1 - g) * (1 - Math.min(1, g / gNext));
      var kept = Math.max(0, 1 - gNext - fresh); // below 0 by rounding alone
      return Solver.combine(x0, Math.sqrt(gNext), eps(xt, x0, g), Math.sqrt(kept))
          .add_(noise.get(), new Scalar(Math.sqrt(fresh)));
    };
  }

  /** The deterministic move. */
  static Tensor step(Tensor xt, Tensor x0, double g, double gNext) {
    return Solver.combine(x0, Math.sqrt(gNext), eps(xt, x0, g), Math.sqrt(1 - gNext));
  }

  /** The noise in x_t if x0 is right. */
  private static Tensor eps(Tensor xt, Tensor x0, double g) {
    return Solver.combine(xt, 1 / Math.sqrt(1 - g), x0, -Math.sqrt(g / (1 - g)));
  }
}

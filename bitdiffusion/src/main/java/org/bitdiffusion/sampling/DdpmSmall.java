package org.bitdiffusion.sampling;

/**
 * Ancestral sampling (arXiv 2006.11239, algorithm 2) with variance (1 - g') / (1 - g) (1 - a),
 * where g' = gamma(t_next) and a = g / g': the smaller of that paper's two choices. It is the
 * variance of x at t_next given x_t and x_0, so that a right estimate leaves the right noise at any
 * number of steps.
 *
 * <p>Order of convergence: 1, in law.
 */
public final class DdpmSmall implements Solver {
  @Override
  public String name() {
    return "ddpm_small";
  }

  @Override
  public Solving begin(double eta, double lastGamma) {
    return (xt, x0, g, gNext, noise, ask) ->
        Ddpm.step(xt, x0, g, gNext, (1 - gNext) / (1 - g), noise);
  }
}

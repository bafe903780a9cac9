package org.bitdiffusion.sampling;

/**
 * Heun's method for the deterministic process: a step of DDIM to see where it leads, and the step
 * taken with the mean of the estimates at both ends. DDIM is Euler's method for dy/d(rho) = x_0,
 * with y = x_t / sqrt(1 - gamma) and rho = sqrt(gamma / (1 - gamma)); this is the trapezoid of the
 * same. It is DPM-Solver++ 2S with r_1 = 1 (arXiv 2211.01095, algorithm 1), and to estimates of x_0
 * what algorithm 1 of arXiv 2206.00364 is to those of the noise.
 *
 * <p>Order of convergence: 2, at two estimates a step.
 */
public final class Heun implements Solver {
  @Override
  public String name() {
    return "heun";
  }

  @Override
  public boolean forgets() {
    return true;
  }

  @Override
  public Solving begin(double eta, double lastGamma) {
    return (xt, x0, g, gNext, noise, ask) -> {
      var there = ask.estimate(Ddim.step(xt, x0, g, gNext), gNext);
      return Ddim.step(xt, Solver.combine(x0, 0.5, there, 0.5), g, gNext);
    };
  }

  /** The last estimate has no move after it. */
  @Override
  public int evaluations(int steps) {
    return 2 * steps - 1;
  }
}

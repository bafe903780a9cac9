package org.bitdiffusion.toy.solver;

import org.bitdiffusion.sampling.Solver;

/** A solver that main knows not of: straight to the estimate, with fresh noise at each step. */
public final class Straight implements Solver {
  @Override
  public String name() {
    return "straight";
  }

  @Override
  public Solving begin(double eta, double lastGamma) {
    return (xt, x0, g, gNext, noise, ask) ->
        Solver.combine(x0, Math.sqrt(gNext), noise.get(), Math.sqrt(1 - gNext));
  }
}

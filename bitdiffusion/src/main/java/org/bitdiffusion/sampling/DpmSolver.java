package org.bitdiffusion.sampling;

import java.util.function.Supplier;
import org.bitdiffusion.runtime.Scope;
import org.bytedeco.pytorch.Tensor;

/**
 * DPM-Solver++ 2M (arXiv 2211.01095, algorithm 2): integrates the deterministic process in the
 * logarithm of the signal-to-noise ratio, extrapolating the estimate of x_0 from its last two
 * values. The first step, and one to the end of time, where the ratio may be infinite, are of first
 * order, which is DDIM.
 *
 * <p>With asymmetric time intervals the steps taken and the times of the estimates differ; the
 * slope is taken between the times at which the network was asked.
 *
 * <p>Order of convergence: 2, at one estimate a step.
 */
public final class DpmSolver implements Solver {
  @Override
  public String name() {
    return "dpm++";
  }

  @Override
  public Solving begin(double eta, double lastGamma) {
    return new Multistep(lastGamma);
  }

  /** Half of the logarithm of the signal-to-noise ratio. */
  private static double lambda(double g) {
    return 0.5 * (Math.log(g) - Math.log1p(-g));
  }

  /** Holds the last estimate between steps. */
  private static final class Multistep implements Solving {
    private final double lastGamma;
    private Tensor previous;
    private double previousLambda;

    Multistep(double lastGamma) {
      this.lastGamma = lastGamma;
    }

    @Override
    public Tensor step(
        Tensor xt, Tensor x0, double g, double gNext, Supplier<Tensor> noise, Ask ask) {
      var lambda = lambda(g);
      var h = lambda(gNext) - lambda;
      var estimate = x0;
      // Where the schedule is flat (cut at its smallest value), or a step is taken once more, there
      // is no slope.
      if (previous != null && lambda > previousLambda && gNext < lastGamma) {
        var slope = h / (2 * (lambda - previousLambda));
        estimate = Solver.combine(x0, 1 + slope, previous, -slope);
      }
      var next =
          Solver.combine(
              xt, Math.sqrt((1 - gNext) / (1 - g)), estimate, -Math.sqrt(gNext) * Math.expm1(-h));
      if (previous == null) {
        previous = Scope.owned(() -> x0.clone());
      } else {
        previous.copy_(x0);
      }
      previousLambda = lambda;
      return next;
    }

    @Override
    public void close() {
      if (previous != null) {
        previous.close();
      }
    }
  }
}

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
 * <p>Holds the last estimate between steps: one object a trajectory, closed after it.
 */
final class DpmSolver implements Transition {
  private final double lastGamma;
  private Tensor previous;
  private double previousLambda;

  /**
   * @param lastGamma gamma at t = 0
   */
  DpmSolver(double lastGamma) {
    this.lastGamma = lastGamma;
  }

  @Override
  public Tensor step(Tensor xt, Tensor x0, double g, double gNext, Supplier<Tensor> noise) {
    var lambda = lambda(g);
    var h = lambda(gNext) - lambda;
    var estimate = x0;
    // Where the schedule is flat (cut at its smallest value) there is no slope.
    if (previous != null && lambda > previousLambda && gNext < lastGamma) {
      var slope = h / (2 * (lambda - previousLambda));
      estimate = Transition.combine(x0, 1 + slope, previous, -slope);
    }
    var next =
        Transition.combine(
            xt, Math.sqrt((1 - gNext) / (1 - g)), estimate, -Math.sqrt(gNext) * Math.expm1(-h));
    if (previous == null) {
      previous = Scope.owned(() -> x0.clone());
    } else {
      previous.copy_(x0);
    }
    previousLambda = lambda;
    return next;
  }

  /** Half of the logarithm of the signal-to-noise ratio. */
  private static double lambda(double g) {
    return 0.5 * (Math.log(g) - Math.log1p(-g));
  }

  @Override
  public void close() {
    if (previous != null) {
      previous.close();
    }
  }
}

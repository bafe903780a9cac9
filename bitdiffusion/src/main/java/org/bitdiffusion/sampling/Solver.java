package org.bitdiffusion.sampling;

import java.util.function.Supplier;
import org.bitdiffusion.Named;
import org.bitdiffusion.Registry;
import org.bytedeco.pytorch.Scalar;
import org.bytedeco.pytorch.Tensor;

/**
 * How x_t moves to a smaller time, given estimates of x_0 (arXiv 2208.04202, algorithm 2 and
 * appendices E and G). Others are found by a line in {@code META-INF/services}. They are immutable;
 * what a trajectory carries from step to step is in its {@link Solving}.
 */
public interface Solver extends Named {
  /** Those of the class path: the values of {@code sampling.sampler}. */
  Registry<Solver> ALL = Registry.load(Solver.class, "sampler");

  /**
   * Begins a trajectory of a batch of samples.
   *
   * @param eta how much noise is added, of solvers that take it, in [0, 1]; 0 of others
   * @param lastGamma gamma at t = 0
   */
  Solving begin(double eta, double lastGamma);

  /** Whether the noise that is added is a matter of choice ({@code sampling.eta}). */
  default boolean takesEta() {
    return false;
  }

  /**
   * Whether a step is that of a deterministic process and depends on x_t alone, so that noise may
   * be added in between ({@code sampling.churn}).
   */
  default boolean forgets() {
    return false;
  }

  /** How many estimates S steps ask for: one each, unless the moves between them ask for more. */
  default int evaluations(int steps) {
    return steps;
  }

  /** One trajectory. It owns what it holds between steps, and is closed after them. */
  @FunctionalInterface
  interface Solving extends AutoCloseable {
    /**
     * One move. It changes none of its arguments and keeps none of them.
     *
     * @param xt [N, D, ...]
     * @param x0 the clipped estimate, [N, D, ...]
     * @param g gamma(t_now), below 1
     * @param gNext gamma(t_next), from g to 1
     * @param noise fresh standard normal noise [N, D, ...] at each call
     * @param ask for estimates at other places than x_t
     * @return x at t_next
     */
    Tensor step(Tensor xt, Tensor x0, double g, double gNext, Supplier<Tensor> noise, Ask ask);

    /** Frees what is held between steps; most hold nothing. */
    @Override
    default void close() {}
  }

  /** The network, as a solver sees it. */
  @FunctionalInterface
  interface Ask {
    /**
     * Another estimate of x_0: clipped and guided as that of the step is. The network sees as
     * earlier estimate what it will see in the next step; what is asked here leaves no trace there.
     *
     * @param x [N, D, ...]
     * @param g its gamma
     */
    Tensor estimate(Tensor x, double g);
  }

  /** a x + b y. */
  static Tensor combine(Tensor x, double a, Tensor y, double b) {
    return x.mul(new Scalar(a)).add_(y, new Scalar(b));
  }
}

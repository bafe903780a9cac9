package org.bitdiffusion.sampling;

import java.util.function.Supplier;
import org.bytedeco.pytorch.Scalar;
import org.bytedeco.pytorch.Tensor;

/**
 * One move of x_t to a smaller time, given an estimate of x_0 (arXiv 2208.04202, algorithm 2 and
 * appendices E and G).
 */
@FunctionalInterface
public interface Transition extends AutoCloseable {
  /**
   * @param xt [N, D, ...]
   * @param x0 the clipped estimate, [N, D, ...]
   * @param g gamma(t_now)
   * @param gNext gamma(t_next)
   * @param noise fresh standard normal noise [N, D, ...]
   * @return x at t_next
   */
  Tensor step(Tensor xt, Tensor x0, double g, double gNext, Supplier<Tensor> noise);

  /** Frees what is held between steps; most hold nothing. */
  @Override
  default void close() {}

  /** Deterministic: keeps the noise that x_t and the estimate imply. */
  static Tensor ddim(Tensor xt, Tensor x0, double g, double gNext, Supplier<Tensor> noise) {
    return combine(x0, Math.sqrt(gNext), eps(xt, x0, g), Math.sqrt(1 - gNext));
  }

  /** Ancestral, with variance 1 - a. */
  static Tensor ddpm(Tensor xt, Tensor x0, double g, double gNext, Supplier<Tensor> noise) {
    return ancestral(xt, x0, g, gNext, 1, noise);
  }

  /** Ancestral, with variance (1 - g') / (1 - g) (1 - a). */
  static Tensor ddpmSmall(Tensor xt, Tensor x0, double g, double gNext, Supplier<Tensor> noise) {
    return ancestral(xt, x0, g, gNext, (1 - gNext) / (1 - g), noise);
  }

  private static Tensor ancestral(
      Tensor xt, Tensor x0, double g, double gNext, double factor, Supplier<Tensor> noise) {
    var a = Math.min(1, g / gNext);
    // (x_t - (1-a)/sqrt(1-g) eps) / sqrt(a), with eps as in eps() below: where a is small, this
    // form does not cancel the digits of float32.
    var mean =
        combine(xt, Math.sqrt(a) * (1 - gNext) / (1 - g), x0, Math.sqrt(gNext) * (1 - a) / (1 - g));
    return mean.add_(noise.get(), new Scalar(Math.sqrt(factor * (1 - a))));
  }

  /** The noise in x_t if x0 is right. */
  private static Tensor eps(Tensor xt, Tensor x0, double g) {
    return combine(xt, 1 / Math.sqrt(1 - g), x0, -Math.sqrt(g / (1 - g)));
  }

  /** a x + b y. */
  static Tensor combine(Tensor x, double a, Tensor y, double b) {
    return x.mul(new Scalar(a)).add_(y, new Scalar(b));
  }
}

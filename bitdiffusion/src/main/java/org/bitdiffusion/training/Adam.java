package org.bitdiffusion.training;

import java.util.LinkedHashMap;
import java.util.Map;
import org.bitdiffusion.nn.Parameters;
import org.bitdiffusion.runtime.Lifetime;
import org.bitdiffusion.runtime.Scope;
import org.bytedeco.javacpp.PointerScope;
import org.bytedeco.pytorch.NoGradGuard;
import org.bytedeco.pytorch.Scalar;
import org.bytedeco.pytorch.Tensor;
import org.bytedeco.pytorch.global.torch;

/**
 * Adam (Kingma and Ba, 2015) and, with a decay, AdamW (Loshchilov and Hutter, 2019: weights shrink
 * apart from the gradient), on all trained weights of a network at once. Owns the two moments.
 */
public final class Adam implements AutoCloseable {
  private final Lifetime lifetime = new Lifetime("the optimizer");
  private final Parameters parameters;
  private final double beta1;
  private final double beta2;
  private final double epsilon;
  private final double weightDecay;
  private final Tensor firstMoment;
  private final Tensor secondMoment;

  /** Moments of zero. */
  public Adam(
      Parameters parameters, double beta1, double beta2, double epsilon, double weightDecay) {
    this.parameters = parameters;
    this.beta1 = beta1;
    this.beta2 = beta2;
    this.epsilon = epsilon;
    this.weightDecay = weightDecay;
    firstMoment = Scope.owned(() -> torch.zeros_like(parameters.trained()));
    try {
      secondMoment = Scope.owned(() -> torch.zeros_like(parameters.trained()));
    } catch (RuntimeException | Error e) {
      firstMoment.close();
      throw e;
    }
  }

  /**
   * Moves the weights against their gradients.
   *
   * @param step 1 for the first, to correct the moments' bias towards zero
   */
  public void step(long step, double learningRate) {
    try (var use = lifetime.use();
        var weights = parameters.use();
        var scope = new PointerScope();
        var noGrad = new NoGradGuard()) {
      var trained = parameters.trained();
      var gradient = parameters.gradients();
      if (weightDecay > 0) {
        trained.mul_(new Scalar(1 - learningRate * weightDecay));
      }
      firstMoment.lerp_(gradient, new Scalar(1 - beta1));
      secondMoment.mul_(new Scalar(beta2)).addcmul_(gradient, gradient, new Scalar(1 - beta2));
      var correction1 = 1 - Math.pow(beta1, step);
      var correction2 = 1 - Math.pow(beta2, step);
      var denominator =
          secondMoment.sqrt().div_(new Scalar(Math.sqrt(correction2))).add_(new Scalar(epsilon));
      trained.addcdiv_(firstMoment, denominator, new Scalar(-learningRate / correction1));
    }
  }

  /** What a checkpoint must hold to continue, by name. */
  public Map<String, Tensor> state() {
    lifetime.use().close(); // or it complains
    var state = new LinkedHashMap<String, Tensor>();
    state.put("first_moment", firstMoment);
    state.put("second_moment", secondMoment);
    return state;
  }

  @Override
  public void close() {
    lifetime.close(
        () -> {
          firstMoment.close();
          secondMoment.close();
        });
  }
}

package org.bitdiffusion.diffusion;

import static org.bytedeco.pytorch.global.torch.ones_like;
import static org.bytedeco.pytorch.global.torch.where;

import java.util.OptionalInt;
import org.bitdiffusion.ConfigurationException;
import org.bitdiffusion.runtime.Noise;
import org.bytedeco.pytorch.Scalar;
import org.bytedeco.pytorch.Tensor;
import org.bytedeco.pytorch.global.torch;

/**
 * Which symbols of an example the network is told in training, so that it learns to draw the others
 * given these: none of them, a random share, or all but the target, drawn anew for each example.
 *
 * @param rate how often some are known, in [0, 1]
 * @param targetRate how often, of these, it is all but the target, in [0, 1]; else any are as
 *     likely known as others, with a share from none to all
 * @param target the place, row-major in [C, ...], that the others foretell; empty where the data
 *     names none
 */
public record KnownInTraining(double rate, double targetRate, OptionalInt target) {
  /** Nothing is ever known. */
  public static final KnownInTraining NOTHING = new KnownInTraining(0, 0, OptionalInt.empty());

  public KnownInTraining {
    requireRate("diffusion.known_rate", rate);
    requireRate("diffusion.target_rate", targetRate);
    if (targetRate > 0 && rate == 0) {
      throw new ConfigurationException(
          "diffusion.target_rate is "
              + targetRate
              + " of the examples of which some symbols are known, but diffusion.known_rate is 0;"
              + " set it above 0");
    }
  }

  private static void requireRate(String key, double rate) {
    if (!(rate >= 0 && rate <= 1)) {
      throw new ConfigurationException(key + " is " + rate + "; it must be in [0, 1]");
    }
  }

  /** Whether some symbols are known at times, so that the network must see which. */
  public boolean something() {
    return rate > 0;
  }

  /**
   * Draws which symbols are known.
   *
   * @param symbols [B, C, ...]
   * @return [B, C, ...] of 1 and 0, float32
   * @throws IllegalStateException if all but the target are to be known, and there is none
   */
  Tensor draw(Tensor symbols, Noise noise) {
    var batch = symbols.size(0);
    var shares = noise.uniform(batch).mul(happens(rate, batch, noise)).unsqueeze(1);
    var known = noise.uniform(symbols.shape()).flatten(1, -1).lt(shares).to(torch.ScalarType.Float);
    if (targetRate > 0) {
      var place = target.orElseThrow(() -> new IllegalStateException("the data names no target"));
      var others = ones_like(known);
      others.narrow(1, place, 1).zero_();
      var allButTarget =
          happens(targetRate, batch, noise)
              .gt(new Scalar(0))
              .unsqueeze(1)
              .logical_and(shares.gt(new Scalar(0)));
      known = where(allButTarget, others, known);
    }
    return known.view(symbols.shape());
  }

  private static Tensor happens(double rate, long batch, Noise noise) {
    return noise.uniform(batch).lt(new Scalar(rate)).to(torch.ScalarType.Float);
  }
}

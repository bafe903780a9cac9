package org.bitdiffusion.sampling;

import static org.bytedeco.pytorch.global.torch.softmax;

import org.bitdiffusion.ConfigurationException;
import org.bitdiffusion.runtime.Scope;
import org.bytedeco.pytorch.LongOptional;
import org.bytedeco.pytorch.Scalar;
import org.bytedeco.pytorch.Tensor;
import org.bytedeco.pytorch.global.torch;

/**
 * How the next symbol of a sequence is chosen where a model gives the logits of each.
 *
 * @param temperature T, at least 0: symbols are drawn with the probabilities softmax(logits / T),
 *     so that less of it makes likely ones likelier; 0 takes the likeliest
 * @param topK only the K likeliest are drawn from; 0 for all
 * @param topP of these only the nucleus (arXiv 1904.09751): the fewest of the likeliest that have
 *     the probability P together, in (0, 1]; 1 for all
 */
public record NextSymbol(double temperature, int topK, double topP) {
  /** Far above any that tells symbols apart. */
  private static final double HIGHEST = 1e6;

  /**
   * @throws ConfigurationException if one of them is out of range
   */
  public NextSymbol {
    require(
        temperature >= 0 && temperature <= HIGHEST,
        "temperature",
        temperature,
        "at least 0 and at most " + HIGHEST);
    require(topK >= 0, "top_k", topK, "at least 0 (0: all)");
    require(topP > 0 && topP <= 1, "top_p", topP, "above 0 and at most 1");
  }

  private static void require(boolean right, String key, Object value, String expected) {
    if (!right) {
      throw new ConfigurationException(
          "sampling." + key + " is " + value + "; it must be " + expected);
    }
  }

  /** Whether nothing is drawn, as the likeliest symbol is taken. */
  public boolean isGreedy() {
    return temperature == 0;
  }

  /**
   * Chooses a symbol for each row.
   *
   * @param logits [B, K]
   * @param uniform what decides, in [0, 1), [B, 1]; not looked at where nothing is drawn
   * @return symbols [B] int64
   */
  public Tensor choose(Tensor logits, Tensor uniform) {
    if (isGreedy()) {
      return logits.argmax(new LongOptional(-1), false);
    }
    return Scope.result(
        () -> {
          var sorted = logits.to(torch.ScalarType.Double).sort(-1, true); // the likeliest first
          var p = softmax(sorted.get0().div(new Scalar(temperature)), -1);
          if (topK > 0 && topK < p.size(1)) {
            p = p.narrow(1, 0, topK);
            p = p.div(p.sum(new long[] {1}, true, null));
          }
          if (topP < 1) {
            var likelier = p.cumsum(1).sub(p);
            p = p.masked_fill(likelier.ge(new Scalar(topP)), new Scalar(0));
          }
          var upTo = p.cumsum(1);
          var all = upTo.narrow(1, upTo.size(1) - 1, 1);
          var rank =
              upTo.le(uniform.to(torch.ScalarType.Double).mul(all)).sum(new long[] {1}, true, null);
          return sorted.get1().gather(1, rank).squeeze(1);
        });
  }
}

package org.bitdiffusion.nn;

import java.util.List;
import org.bitdiffusion.ConfigurationException;
import org.bitdiffusion.data.Condition;
import org.bitdiffusion.data.Space;

/**
 * What a network takes and gives, which the data and the codec say.
 *
 * @param space of the symbols
 * @param input shape of one example's analog bits, [D, ...]; a denoising network gets x_t and the
 *     estimate, both of this shape
 * @param output shape of what it gives for one example
 * @param condition that it is told
 * @param batch examples that are trained on at a time
 */
public record Signature(
    Space space, List<Integer> input, List<Integer> output, Condition condition, int batch) {
  public Signature {
    input = List.copyOf(input);
    output = List.copyOf(output);
  }

  /**
   * Complains unless the symbols have a number of sides.
   *
   * @param kind of network that asks
   * @param shape in words, such as {@code [C, H, W]}
   * @throws ConfigurationException if they have another
   */
  public void requireSides(String kind, int sides, String shape) {
    if (space.shape().size() != sides || !space.uniform()) {
      throw new ConfigurationException(
          "network.kind is %s, which reads examples of shape %s with one number of values for all"
                  .formatted(kind, shape)
              + " places; the data's are of shape "
              + space.shape());
    }
  }
}

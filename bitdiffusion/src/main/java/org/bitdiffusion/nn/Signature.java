package org.bitdiffusion.nn;

import java.util.List;
import org.bitdiffusion.ConfigurationException;
import org.bitdiffusion.data.Condition;
import org.bitdiffusion.data.Space;

/**
 * What a network takes and gives, which the data and the codec say.
 *
 * @param space of the symbols
 * @param input shape of one example's x_t, [D, ...], or with channels that say which symbols are
 *     known, [D + C, ...]; of a network that gives the next symbol that of the symbols
 * @param estimate shape of the estimate that a denoising network gets beside it, [D, ...]
 * @param output shape of what it gives for one example
 * @param condition that it is told
 * @param batch examples that are trained on at a time
 * @param placeOfBit of each analog bit, row-major in [D, ...], the place of its symbol, row-major
 *     in the symbols' shape; empty of a network that sees no bits
 */
@SuppressWarnings("ArrayRecordComponent") // for reading, not for comparing
public record Signature(
    Space space,
    List<Integer> input,
    List<Integer> estimate,
    List<Integer> output,
    Condition condition,
    int batch,
    int[] placeOfBit) {
  public Signature {
    input = List.copyOf(input);
    estimate = List.copyOf(estimate);
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
    if (space.shape().size() != sides || !space.uniform() || input.size() != sides) {
      throw new ConfigurationException(
          "network.kind is %s, which reads examples of shape %s with one number of values for all"
                  .formatted(kind, shape)
              + " places; the data's are of shape "
              + space.shape());
    }
  }
}

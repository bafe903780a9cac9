package org.bitdiffusion.nn;

import java.util.Collections;
import java.util.List;
import java.util.stream.Stream;
import org.bitdiffusion.ConfigurationException;

/**
 * The size of a {@link UNet}.
 *
 * @param width channels of a stage with multiplier 1
 * @param multipliers width of each stage in multiples of {@code width}; the image is halved between
 *     stages
 * @param blocks residual blocks a down stage; up stages have one more
 * @param attention sides of the feature maps at which each block is followed by self-attention; of
 *     maps that are not square, the larger side counts. Sides that no stage has are allowed, as
 *     long as some stage has one of them
 * @param headWidth channels a head of the attention
 * @param dropout rate in the residual blocks, in [0, 1)
 */
public record UNetConfig(
    int width,
    List<Integer> multipliers,
    int blocks,
    List<Integer> attention,
    int headWidth,
    double dropout)
    implements NetworkConfig {
  public UNetConfig {
    multipliers = List.copyOf(multipliers);
    attention = List.copyOf(attention);
    require(width >= 8 && width % 4 == 0, "width", width, "a multiple of 4, at least 8");
    require(
        !multipliers.isEmpty() && multipliers.stream().allMatch(m -> m >= 1),
        "multipliers",
        multipliers,
        "a list of numbers of at least 1");
    require(blocks >= 1, "blocks", blocks, "at least 1");
    require(headWidth >= 1, "head_width", headWidth, "at least 1");
    require(dropout >= 0 && dropout < 1, "dropout", dropout, "in [0, 1)");
  }

  /**
   * The larger side of the feature maps of each stage, for images of a size.
   *
   * @throws ConfigurationException if attention is asked for, but at none of these sides
   */
  List<Integer> sides(int height, int width) {
    var sides =
        Stream.iterate(Math.max(height, width), side -> (side + 1) / 2)
            .limit(multipliers.size())
            .toList();
    require(
        attention.isEmpty() || !Collections.disjoint(attention, sides),
        "attention",
        attention,
        "[], or name one of the sides of the feature maps, " + sides);
    return sides;
  }

  /**
   * Complains of heads that do not divide the channels of a stage with attention.
   *
   * @param sides of the stages
   * @throws ConfigurationException if they do not
   */
  void requireHeads(List<Integer> sides) {
    for (var i = 0; i < sides.size(); i++) {
      var channels = width * multipliers.get(i);
      require(
          !attention.contains(sides.get(i)) || channels % headWidth == 0,
          "head_width",
          headWidth,
          "a divisor of the %d channels that have attention".formatted(channels));
    }
  }

  private static void require(boolean right, String key, Object value, String expected) {
    if (!right) {
      throw new ConfigurationException(
          "network." + key + " is " + value + "; it must be " + expected);
    }
  }
}

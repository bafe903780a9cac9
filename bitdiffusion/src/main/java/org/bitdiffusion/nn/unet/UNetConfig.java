package org.bitdiffusion.nn.unet;

import static org.bitdiffusion.nn.NetworkConfig.require;

import java.util.Collections;
import java.util.List;
import java.util.regex.Pattern;
import java.util.stream.Stream;
import org.bitdiffusion.ConfigurationException;
import org.bitdiffusion.nn.NetworkConfig;

/**
 * The size of a {@link UNet}.
 *
 * @param width channels of a stage with multiplier 1
 * @param multipliers width of each stage in multiples of {@code width}; the image is halved between
 *     stages
 * @param blocks residual blocks a down stage; up stages have one more
 * @param attention sides of the feature maps at which each block is followed by self-attention: in
 *     pixels, such as {@code 16}, or as fractions of the image's, such as {@code 1/2}, which fit
 *     any size; of maps that are not square, the larger side counts. Sides that no stage has are
 *     allowed, as long as some stage has one of them
 * @param headWidth channels a head of the attention
 * @param dropout rate in the residual blocks, in [0, 1)
 * @param patch side of the squares of pixels that the network sees as one, with all their bits as
 *     its channels: its feature maps begin at a patch-th of the image's sides, rounded up, which is
 *     what "the image" means above
 * @param outputKernel side of the last convolution, 1 or 3; 0 for what the paper's public code has:
 *     1 where the network gives distributions over symbols (softmax factorization), else 3
 */
public record UNetConfig(
    int width,
    List<Integer> multipliers,
    int blocks,
    List<String> attention,
    int headWidth,
    double dropout,
    int patch,
    int outputKernel)
    implements NetworkConfig {
  /** A number of pixels, or a half, a quarter and so on of the image. */
  private static final Pattern SIDE = Pattern.compile("[1-9]\\d{0,5}|1/(1|2|4|8|16|32|64|128|256)");

  // Far above what fits into a memory, and so low that no number of channels overflows.
  private static final int LARGEST = 1 << 16;
  private static final int DEEPEST = 1000;
  private static final int LARGEST_PATCH = 64;

  public UNetConfig {
    multipliers = List.copyOf(multipliers);
    attention = List.copyOf(attention);
    require(width >= 8 && width % 4 == 0, "width", width, "a multiple of 4, at least 8");
    require(width <= LARGEST, "width", width, "at most " + LARGEST);
    require(
        !multipliers.isEmpty() && multipliers.stream().allMatch(m -> m >= 1),
        "multipliers",
        multipliers,
        "a list of numbers of at least 1");
    for (var entry : attention) {
      require(SIDE.matcher(entry).matches(), "attention", attention, "sides such as 16 or 1/2");
    }
    require(
        multipliers.stream().allMatch(m -> m <= DEEPEST),
        "multipliers",
        multipliers,
        "a list of numbers of at most " + DEEPEST);
    require(blocks >= 1, "blocks", blocks, "at least 1");
    require(blocks <= DEEPEST, "blocks", blocks, "at most " + DEEPEST);
    require(headWidth >= 1, "head_width", headWidth, "at least 1");
    require(dropout >= 0 && dropout < 1, "dropout", dropout, "in [0, 1)");
    require(patch >= 1 && patch <= LARGEST_PATCH, "patch", patch, "1 to " + LARGEST_PATCH);
    require(
        outputKernel == 0 || outputKernel == 1 || outputKernel == 3,
        "output_kernel",
        outputKernel,
        "1, 3, or 0 for what suits the output");
  }

  static final String KIND = "unet";

  @Override
  public String kind() {
    return KIND;
  }

  /** One whose output is distributions over symbols, unless its last convolution is given. */
  UNetConfig forDistributions() {
    return outputKernel > 0
        ? this
        : new UNetConfig(width, multipliers, blocks, attention, headWidth, dropout, patch, 1);
  }

  /** The larger side of the feature maps of each stage, for images of a size. */
  List<Integer> sides(int height, int width) {
    var largest = Math.max(height, width);
    return Stream.iterate((largest + patch - 1) / patch, side -> (side + 1) / 2)
        .limit(multipliers.size())
        .toList();
  }

  /**
   * The sides at which there is attention.
   *
   * @param sides of the stages
   * @throws ConfigurationException if attention is asked for, but at none of these sides, or with
   *     heads that do not divide the channels there
   */
  List<Integer> attentionSides(List<Integer> sides) {
    var asked = attention.stream().map(at -> side(at, sides)).toList();
    require(
        attention.isEmpty() || !Collections.disjoint(asked, sides),
        "attention",
        attention,
        "[], or name one of the sides of the feature maps, "
            + sides
            + ", or their fractions of the image's, such as 1/2");
    for (var i = 0; i < sides.size(); i++) {
      var channels = width * multipliers.get(i);
      require(
          !asked.contains(sides.get(i)) || channels % headWidth == 0,
          "head_width",
          headWidth,
          "a divisor of the %d channels that have attention".formatted(channels));
    }
    return asked;
  }

  /** The side that an entry of {@code attention} means; 0 where no stage has it. */
  private static int side(String entry, List<Integer> sides) {
    if (!entry.startsWith("1/")) {
      return Integer.parseInt(entry);
    }
    var stage = Integer.numberOfTrailingZeros(Integer.parseInt(entry.substring(2)));
    return stage < sides.size() ? sides.get(stage) : 0;
  }
}

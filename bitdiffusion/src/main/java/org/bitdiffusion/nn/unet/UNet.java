package org.bitdiffusion.nn.unet;

import static org.bytedeco.pytorch.global.torch.cat;
import static org.bytedeco.pytorch.global.torch.constant_pad_nd;
import static org.bytedeco.pytorch.global.torch.pixel_shuffle;
import static org.bytedeco.pytorch.global.torch.pixel_unshuffle;
import static org.bytedeco.pytorch.global.torch.silu;
import static org.bytedeco.pytorch.global.torch.upsample_nearest2d;

import java.util.ArrayDeque;
import java.util.ArrayList;
import java.util.List;
import org.bitdiffusion.ConfigurationException;
import org.bitdiffusion.nn.Conv2d;
import org.bitdiffusion.nn.ConvolutionCheck;
import org.bitdiffusion.nn.DenoisingNetwork;
import org.bitdiffusion.nn.GroupNorm;
import org.bitdiffusion.nn.Parameters;
import org.bitdiffusion.nn.SelfAttention;
import org.bitdiffusion.nn.TimeEmbedding;
import org.bitdiffusion.runtime.Compute;
import org.bitdiffusion.runtime.Noise;
import org.bitdiffusion.runtime.Scope;
import org.bytedeco.pytorch.MemoryFormatOptional;
import org.bytedeco.pytorch.Tensor;
import org.bytedeco.pytorch.TensorVector;
import org.bytedeco.pytorch.global.torch;

/**
 * The U-Net of arXiv 2208.04202 (section 3.1): stages of residual blocks at falling and rising
 * resolution, joined by skip connections, self-attention at the small resolutions, no middle block.
 * Images of any height and width: a stage's maps have half the sides of the one before, rounded up.
 * The first may be of patches of pixels instead of pixels, which makes it faster on a CPU.
 *
 * <p>Takes x_t and the estimate, [B, in / 2, H, W] each, gamma [B], and, if there are classes,
 * their labels [B] int64, where -1 means "no class". Gives [B, out, H, W] float32. Several threads
 * may compute with it at once.
 *
 * <p>Dropout is on where noise is given to draw it from. The estimate for self-conditioning in
 * training, which is made without gradient, is made without dropout, like the estimates that the
 * network sees when it is sampled. (The paper's algorithm 1 does not say, its public code has
 * dropout on in both passes; at rate 0, which the paper takes for discrete data, there is no
 * difference.)
 */
public final class UNet implements DenoisingNetwork {
  private record Block(ResidualBlock residual, SelfAttention attention) {
    Tensor attend(Tensor h) {
      return attention == null ? h : attention.forward(h);
    }

    /**
     * Of an up stage. Frees the joined input at once: where no gradient is asked for, all of it.
     */
    Tensor join(Tensor h, Tensor skip, Tensor embedding, Noise noise) {
      return Scope.result(
          () -> {
            var wide = cat(new TensorVector(h, skip), 1);
            return attend(residual.forward(wide, embedding, noise));
          });
    }
  }

  /**
   * Blocks of one size of feature maps, and the convolution to the next size (null at the last).
   */
  private record Stage(List<Block> blocks, Conv2d resample) {
    /** To the size of the next skip: twice this one's, or one less where it was odd. */
    Tensor upsample(Tensor h, Tensor skip) {
      return Scope.result(
          () -> resample.forward(upsample_nearest2d(h, skip.size(2), skip.size(3))));
    }
  }

  private final UNetConfig config;
  private final List<Integer> attention;
  private final Compute compute;
  private final Parameters parameters;
  private final TimeEmbedding time;
  private final Conv2d input;
  private final GroupNorm inputNorm;
  private final List<Stage> down = new ArrayList<>();
  private final List<Stage> up = new ArrayList<>();
  private final GroupNorm outputNorm;
  private final Conv2d output;
  private final List<ConvolutionCheck.Shape> convolutions = new ArrayList<>();

  /**
   * A network with random weights.
   *
   * @param in channels of x_t and the estimate together
   * @param out channels of the output
   * @param height of the images; the larger one of height and width decides where attention is
   * @param width of the images
   * @param classes number of classes, 0 for an unconditional network
   * @param seed of the weights
   * @throws ConfigurationException if attention is asked for at sides of which no stage has one, or
   *     with heads that do not divide its channels
   */
  public UNet(
      UNetConfig config,
      int in,
      int out,
      int height,
      int width,
      int classes,
      Compute compute,
      long seed) {
    this.config = config;
    this.compute = compute;
    var sides = config.sides(height, width);
    attention = config.attentionSides(sides); // complains before there are weights
    try (var p = new Parameters.Builder(seed)) {
      var base = config.width();
      var multipliers = config.multipliers();
      time = new TimeEmbedding(p.in("embedding"), base, 4 * base, classes);
      var channels = base * multipliers.get(0);
      var pixels = config.patch() * config.patch();
      input = convolution(p.in("input"), pixels * in, channels, 3, 1, 1, sides.get(0));
      inputNorm = new GroupNorm(p.in("input_norm"), channels, ResidualBlock.groups(channels));
      var skips = new ArrayDeque<>(List.of(channels));
      for (var i = 0; i < multipliers.size(); i++) {
        var stage = p.in("down." + i);
        var blocks = new ArrayList<Block>();
        for (var j = 0; j < config.blocks(); j++) {
          blocks.add(block(stage.in("" + j), channels, base * multipliers.get(i), sides.get(i)));
          channels = base * multipliers.get(i);
          skips.push(channels);
        }
        Conv2d downsample = null;
        if (i < multipliers.size() - 1) {
          downsample =
              convolution(stage.in("downsample"), channels, channels, 3, 2, 1, sides.get(i));
          skips.push(channels);
        }
        down.add(new Stage(blocks, downsample));
      }
      for (var i = multipliers.size() - 1; i >= 0; i--) {
        var stage = p.in("up." + i);
        var blocks = new ArrayList<Block>();
        for (var j = 0; j <= config.blocks(); j++) {
          blocks.add(
              block(
                  stage.in("" + j),
                  channels + skips.pop(),
                  base * multipliers.get(i),
                  sides.get(i)));
          channels = base * multipliers.get(i);
        }
        Conv2d upsample = null;
        if (i > 0) {
          upsample =
              convolution(stage.in("upsample"), channels, channels, 3, 1, 1, sides.get(i - 1));
        }
        up.add(new Stage(blocks, upsample));
      }
      outputNorm = new GroupNorm(p.in("output_norm"), channels, ResidualBlock.groups(channels));
      output =
          convolution(
              p.in("output"),
              channels,
              pixels * out,
              config.outputKernel() == 1 ? 1 : 3,
              1,
              ResidualBlock.NEAR_ZERO,
              sides.get(0));
      parameters = p.build(compute);
    }
  }

  private Conv2d convolution(
      Parameters.Builder p, int in, int out, int kernel, int stride, double gain, int side) {
    convolutions.add(new ConvolutionCheck.Shape(in, out, kernel, stride, side));
    return new Conv2d(p, in, out, kernel, stride, gain);
  }

  private Block block(Parameters.Builder p, int in, int out, int side) {
    convolutions.addAll(ResidualBlock.convolutions(in, out, side));
    return new Block(
        new ResidualBlock(p.in("residual"), in, out, 4 * config.width(), config.dropout()),
        attention.contains(side)
            ? new SelfAttention(p.in("attention"), out, config.headWidth())
            : null);
  }

  @Override
  public boolean inParts(boolean gradients) {
    // What dropout leaves out is drawn from one generator, in the order of operations.
    return !gradients || config.dropout() == 0;
  }

  @Override
  public List<ConvolutionCheck.Shape> convolutions() {
    return List.copyOf(convolutions);
  }

  @Override
  public Parameters parameters() {
    return parameters;
  }

  @Override
  public Tensor forward(Tensor xt, Tensor estimate, Tensor gamma, Tensor labels) {
    return forward(xt, estimate, gamma, labels, null);
  }

  @Override
  public Tensor forward(Tensor xt, Tensor estimate, Tensor gamma, Tensor labels, Noise noise) {
    return parameters.compute(
        () -> {
          var e = time.forward(gamma, labels);
          var x =
              patches(cat(new TensorVector(xt, estimate), 1))
                  .to(
                      compute.precision().type(),
                      false,
                      false,
                      new MemoryFormatOptional(compute.layout()));
          var h = inputNorm.forward(input.forward(x));
          var skips = new ArrayDeque<>(List.of(h));
          for (var stage : down) {
            for (var block : stage.blocks()) {
              h = block.residual().forward(h, e, noise);
              skips.push(h);
              h = block.attend(h);
            }
            if (stage.resample() != null) {
              h = stage.resample().forward(h);
              skips.push(h);
            }
          }
          for (var stage : up) {
            for (var block : stage.blocks()) {
              h = block.join(h, skips.pop(), e, noise);
            }
            if (stage.resample() != null) {
              h = stage.upsample(h, skips.peek());
            }
          }
          var y = output.forward(silu(outputNorm.forward(h))).to(torch.ScalarType.Float);
          return pixels(y, xt.size(2), xt.size(3));
        });
  }

  /**
   * [B, C, H, W] to [B, patch^2 C, ceil(H / patch), ceil(W / patch)], where what is missing of the
   * last patches is 0, which is between the two values of a bit.
   */
  private Tensor patches(Tensor x) {
    var patch = config.patch();
    if (patch == 1) {
      return x;
    }
    var below = Math.floorMod(-x.size(2), patch);
    var right = Math.floorMod(-x.size(3), patch);
    return pixel_unshuffle(constant_pad_nd(x, 0, right, 0, below), patch);
  }

  /** The other way round, without what is beyond the height and the width of the image. */
  private Tensor pixels(Tensor y, long height, long width) {
    return config.patch() == 1
        ? y
        : pixel_shuffle(y, config.patch()).narrow(2, 0, height).narrow(3, 0, width).contiguous();
  }
}

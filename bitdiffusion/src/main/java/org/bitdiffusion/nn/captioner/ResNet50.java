package org.bitdiffusion.nn.captioner;

import static org.bytedeco.pytorch.global.torch.max_pool2d;
import static org.bytedeco.pytorch.global.torch.relu;

import java.util.ArrayList;
import java.util.List;
import org.bitdiffusion.nn.BatchNorm;
import org.bitdiffusion.nn.Conv2d;
import org.bitdiffusion.nn.ConvolutionCheck;
import org.bitdiffusion.nn.Parameters;
import org.bitdiffusion.runtime.Compute;
import org.bitdiffusion.runtime.Noise;
import org.bitdiffusion.runtime.Scope;
import org.bytedeco.pytorch.MemoryFormatOptional;
import org.bytedeco.pytorch.Tensor;

/**
 * ResNet-50 (arXiv 1512.03385) without its classifier: each place of the last feature map, of a
 * side of a 32nd of the image's, is a feature of 2048 values. The stride of a stage lies in the 3x3
 * convolution of its first block, and the weights have the names and shapes of torchvision, so that
 * public checkpoints fit.
 */
final class ResNet50 implements ImageEncoder {
  private static final int[] BLOCKS = {3, 4, 6, 3};
  private static final int STEM = 64;
  private static final int EXPANSION = 4;

  private final Compute compute;
  private final Conv2d stem;
  private final BatchNorm stemNorm;
  private final List<Bottleneck> blocks = new ArrayList<>();
  private final List<ConvolutionCheck.Shape> convolutions = new ArrayList<>();
  private final int width;
  private final int places;

  /**
   * @param imageSize side of the images
   */
  ResNet50(Parameters.Builder parameters, int imageSize, Compute compute) {
    this.compute = compute;
    stem = convolution(parameters.in("conv1"), 3, STEM, 7, 2, imageSize);
    stemNorm = new BatchNorm(parameters.in("bn1"), STEM);
    var side = half(half(imageSize)); // the convolution's and the pool's
    var in = STEM;
    for (var stage = 0; stage < BLOCKS.length; stage++) {
      var inner = STEM << stage;
      for (var i = 0; i < BLOCKS[stage]; i++) {
        var stride = stage > 0 && i == 0 ? 2 : 1;
        var name = "layer" + (stage + 1) + "." + i;
        blocks.add(new Bottleneck(parameters.in(name), in, inner, stride, side));
        in = EXPANSION * inner;
        side = stride == 2 ? half(side) : side;
      }
    }
    width = in;
    places = side * side;
  }

  private static int half(int side) {
    return (side + 1) / 2;
  }

  private Conv2d convolution(
      Parameters.Builder p, int in, int out, int kernel, int stride, int side) {
    convolutions.add(new ConvolutionCheck.Shape(in, out, kernel, stride, side));
    return Conv2d.withoutBias(p, in, out, kernel, stride);
  }

  @Override
  public int width() {
    return width;
  }

  /** T, the number of features. */
  int places() {
    return places;
  }

  @Override
  public Tensor forward(Tensor images, boolean training, Noise noise) {
    return Scope.result(
        () -> {
          var h =
              images.to(
                  compute.newDevice(),
                  images.scalar_type(),
                  false,
                  false,
                  new MemoryFormatOptional(compute.layout()));
          h = relu(stemNorm.forward(stem.forward(h), training));
          h =
              max_pool2d(
                  h,
                  new long[] {3, 3},
                  new long[] {2, 2},
                  new long[] {1, 1},
                  new long[] {1, 1},
                  false);
          for (var block : blocks) {
            h = block.forward(h, training);
          }
          return h.flatten(2, 3).transpose(1, 2);
        });
  }

  @Override
  public List<ConvolutionCheck.Shape> convolutions() {
    return List.copyOf(convolutions);
  }

  /** 1x1 to a narrower map, 3x3, 1x1 to a wider one, added to the input. */
  private final class Bottleneck {
    private final Conv2d conv1;
    private final BatchNorm bn1;
    private final Conv2d conv2;
    private final BatchNorm bn2;
    private final Conv2d conv3;
    private final BatchNorm bn3;
    private final Conv2d skip; // where the output is of another size than the input, else null
    private final BatchNorm skipNorm;

    Bottleneck(Parameters.Builder p, int in, int inner, int stride, int side) {
      var out = EXPANSION * inner;
      conv1 = convolution(p.in("conv1"), in, inner, 1, 1, side);
      bn1 = new BatchNorm(p.in("bn1"), inner);
      conv2 = convolution(p.in("conv2"), inner, inner, 3, stride, side);
      bn2 = new BatchNorm(p.in("bn2"), inner);
      conv3 = convolution(p.in("conv3"), inner, out, 1, 1, stride == 2 ? half(side) : side);
      bn3 = new BatchNorm(p.in("bn3"), out);
      var resized = stride != 1 || in != out;
      skip = resized ? convolution(p.in("downsample.0"), in, out, 1, stride, side) : null;
      skipNorm = resized ? new BatchNorm(p.in("downsample.1"), out) : null;
    }

    Tensor forward(Tensor x, boolean training) {
      return Scope.result(
          () -> {
            var h = relu(bn1.forward(conv1.forward(x), training));
            h = relu(bn2.forward(conv2.forward(h), training));
            h = bn3.forward(conv3.forward(h), training);
            var same = skip == null ? x : skipNorm.forward(skip.forward(x), training);
            return relu(h.add(same));
          });
    }
  }
}

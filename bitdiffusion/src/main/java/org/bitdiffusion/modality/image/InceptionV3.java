package org.bitdiffusion.modality.image;

import static org.bytedeco.pytorch.global.torch.avg_pool2d;
import static org.bytedeco.pytorch.global.torch.cat;
import static org.bytedeco.pytorch.global.torch.max_pool2d;
import static org.bytedeco.pytorch.global.torch.relu;
import static org.bytedeco.pytorch.global.torch.upsample_bilinear2d;

import java.util.ArrayList;
import java.util.List;
import org.bitdiffusion.nn.BatchNorm;
import org.bitdiffusion.nn.Conv2d;
import org.bitdiffusion.nn.ConvolutionCheck.Shape;
import org.bitdiffusion.nn.Linear;
import org.bitdiffusion.nn.Parameters;
import org.bitdiffusion.runtime.Compute;
import org.bitdiffusion.runtime.Scope;
import org.bytedeco.pytorch.LongOptional;
import org.bytedeco.pytorch.MemoryFormatOptional;
import org.bytedeco.pytorch.Scalar;
import org.bytedeco.pytorch.Tensor;
import org.bytedeco.pytorch.TensorVector;
import org.bytedeco.pytorch.global.torch;

/**
 * The Inception-v3 (arXiv 1512.00567) whose features FID is measured with: the graph that the first
 * paper on FID used, which differs from the published network in its pooling. The average pools of
 * the blocks leave the padding out of the mean, and the last block has a maximum pool. Its classes
 * are the graph's 1008. Weights have the names and shapes of the PyTorch port of that graph
 * (pytorch-fid), so that its file fits.
 */
public final class InceptionV3 implements AutoCloseable {
  /** The number of features of an image. */
  public static final int FEATURES = 2048;

  /** The number of classes. */
  public static final int CLASSES = 1008;

  private static final int SIDE = 299;
  private static final double EPSILON = 1e-3; // of its batch norms

  private final Compute compute;
  private final Parameters parameters;
  private final List<Shape> convolutions = new ArrayList<>();
  private final Layer conv1a;
  private final Layer conv2a;
  private final Layer conv2b;
  private final Layer conv3b;
  private final Layer conv4a;
  private final Block[] blocks;
  private final Linear classes;

  /**
   * What the network says of images.
   *
   * @param pooled the features, [B, {@value InceptionV3#FEATURES}] float32
   * @param logits of the classes, [B, {@value InceptionV3#CLASSES}] float32
   * @param unbiased the logits without the last layer's bias, of which the Inception Score is made:
   *     its first program left the bias out, and the literature with it
   */
  public record Output(Tensor pooled, Tensor logits, Tensor unbiased) {}

  /** Random weights, to be replaced by those of a file. */
  public InceptionV3(Compute compute) {
    this.compute = compute;
    try (var p = new Parameters.Builder(0)) {
      var net = p.fixed();
      conv1a = layer(net.in("Conv2d_1a_3x3"), new Shape(3, 32, 3, 3, 2, 0, 0, SIDE));
      conv2a = layer(net.in("Conv2d_2a_3x3"), new Shape(32, 32, 3, 3, 1, 0, 0, 149));
      conv2b = layer(net.in("Conv2d_2b_3x3"), new Shape(32, 64, 3, 1, 147));
      conv3b = layer(net.in("Conv2d_3b_1x1"), new Shape(64, 80, 1, 1, 73));
      conv4a = layer(net.in("Conv2d_4a_3x3"), new Shape(80, 192, 3, 3, 1, 0, 0, 73));
      blocks =
          new Block[] {
            blockA(net.in("Mixed_5b"), 192, 32),
            blockA(net.in("Mixed_5c"), 256, 64),
            blockA(net.in("Mixed_5d"), 288, 64),
            blockB(net.in("Mixed_6a"), 288),
            blockC(net.in("Mixed_6b"), 768, 128),
            blockC(net.in("Mixed_6c"), 768, 160),
            blockC(net.in("Mixed_6d"), 768, 160),
            blockC(net.in("Mixed_6e"), 768, 192),
            blockD(net.in("Mixed_7a"), 768),
            blockE(net.in("Mixed_7b"), 1280, InceptionV3::averagePool),
            blockE(net.in("Mixed_7c"), 2048, x -> maximumPool(x, 1, 1)),
          };
      classes = new Linear(net.in("fc"), FEATURES, CLASSES);
      parameters = p.build(compute);
    }
  }

  /** The weights and running statistics, none of which is trained. */
  public Parameters parameters() {
    return parameters;
  }

  /** The shapes of all convolutions. */
  public List<Shape> convolutions() {
    return List.copyOf(convolutions);
  }

  @Override
  public void close() {
    parameters.close();
  }

  /**
   * Images of any size, which are resized to 299x299 by bilinear interpolation, in float32 and
   * without smoothing, as the port does.
   *
   * @param images [B, 3, H, W] float32, values in [0, 1]
   */
  public Output forward(Tensor images) {
    try (var use = parameters.use()) {
      var pooled =
          Scope.result(
              () -> {
                var resized =
                    upsample_bilinear2d(images, new long[] {SIDE, SIDE}, false)
                        .mul(new Scalar(2))
                        .sub(new Scalar(1));
                var h =
                    resized.to(
                        compute.newDevice(),
                        compute.precision().type(),
                        false,
                        false,
                        new MemoryFormatOptional(compute.layout()));
                h = conv2b.forward(conv2a.forward(conv1a.forward(h)));
                h = maximumPool(h, 2, 0);
                h = conv4a.forward(conv3b.forward(h));
                h = maximumPool(h, 2, 0);
                for (var block : blocks) {
                  var x = h;
                  h = Scope.result(() -> block.forward(x));
                }
                return h.to(torch.ScalarType.Float).mean(2, 3);
              });
      var logits = Scope.result(() -> classes.forward(pooled));
      return new Output(pooled, logits, logits.sub(parameters.byName().get("fc.bias")));
    }
  }

  /** Several ways from the same input, whose results are stacked: [B, C, H, W] to [B, C', ...]. */
  private interface Block {
    Tensor forward(Tensor x);
  }

  private Block blockA(Parameters.Builder p, int in, int pooled) {
    var one = same(p.in("branch1x1"), in, 64, 1, 1, 35);
    var five =
        chain(
            same(p.in("branch5x5_1"), in, 48, 1, 1, 35),
            same(p.in("branch5x5_2"), 48, 64, 5, 5, 35));
    var twice =
        chain(
            same(p.in("branch3x3dbl_1"), in, 64, 1, 1, 35),
            same(p.in("branch3x3dbl_2"), 64, 96, 3, 3, 35),
            same(p.in("branch3x3dbl_3"), 96, 96, 3, 3, 35));
    var pool = same(p.in("branch_pool"), in, pooled, 1, 1, 35);
    return x ->
        stack(one.forward(x), five.forward(x), twice.forward(x), pool.forward(averagePool(x)));
  }

  private Block blockB(Parameters.Builder p, int in) {
    var three = halving(p.in("branch3x3"), in, 384, 35);
    var twice =
        chain(
            same(p.in("branch3x3dbl_1"), in, 64, 1, 1, 35),
            same(p.in("branch3x3dbl_2"), 64, 96, 3, 3, 35),
            halving(p.in("branch3x3dbl_3"), 96, 96, 35));
    return x -> stack(three.forward(x), twice.forward(x), maximumPool(x, 2, 0));
  }

  private Block blockC(Parameters.Builder p, int in, int inner) {
    var one = same(p.in("branch1x1"), in, 192, 1, 1, 17);
    var seven =
        chain(
            same(p.in("branch7x7_1"), in, inner, 1, 1, 17),
            same(p.in("branch7x7_2"), inner, inner, 1, 7, 17),
            same(p.in("branch7x7_3"), inner, 192, 7, 1, 17));
    var twice =
        chain(
            same(p.in("branch7x7dbl_1"), in, inner, 1, 1, 17),
            same(p.in("branch7x7dbl_2"), inner, inner, 7, 1, 17),
            same(p.in("branch7x7dbl_3"), inner, inner, 1, 7, 17),
            same(p.in("branch7x7dbl_4"), inner, inner, 7, 1, 17),
            same(p.in("branch7x7dbl_5"), inner, 192, 1, 7, 17));
    var pool = same(p.in("branch_pool"), in, 192, 1, 1, 17);
    return x ->
        stack(one.forward(x), seven.forward(x), twice.forward(x), pool.forward(averagePool(x)));
  }

  private Block blockD(Parameters.Builder p, int in) {
    var three =
        chain(
            same(p.in("branch3x3_1"), in, 192, 1, 1, 17),
            halving(p.in("branch3x3_2"), 192, 320, 17));
    var seven =
        chain(
            same(p.in("branch7x7x3_1"), in, 192, 1, 1, 17),
            same(p.in("branch7x7x3_2"), 192, 192, 1, 7, 17),
            same(p.in("branch7x7x3_3"), 192, 192, 7, 1, 17),
            halving(p.in("branch7x7x3_4"), 192, 192, 17));
    return x -> stack(three.forward(x), seven.forward(x), maximumPool(x, 2, 0));
  }

  private Block blockE(Parameters.Builder p, int in, Block pooling) {
    var one = same(p.in("branch1x1"), in, 320, 1, 1, 8);
    var three = same(p.in("branch3x3_1"), in, 384, 1, 1, 8);
    var wide = same(p.in("branch3x3_2a"), 384, 384, 1, 3, 8);
    var high = same(p.in("branch3x3_2b"), 384, 384, 3, 1, 8);
    var twice =
        chain(
            same(p.in("branch3x3dbl_1"), in, 448, 1, 1, 8),
            same(p.in("branch3x3dbl_2"), 448, 384, 3, 3, 8));
    var wideAgain = same(p.in("branch3x3dbl_3a"), 384, 384, 1, 3, 8);
    var highAgain = same(p.in("branch3x3dbl_3b"), 384, 384, 3, 1, 8);
    var pool = same(p.in("branch_pool"), in, 192, 1, 1, 8);
    return x -> {
      var once = three.forward(x);
      var two = twice.forward(x);
      return stack(
          one.forward(x),
          wide.forward(once),
          high.forward(once),
          wideAgain.forward(two),
          highAgain.forward(two),
          pool.forward(pooling.forward(x)));
    };
  }

  private static Block chain(Layer... layers) {
    return x -> {
      for (var layer : layers) {
        x = layer.forward(x);
      }
      return x;
    };
  }

  private static Tensor stack(Tensor... parts) {
    return cat(new TensorVector(parts), 1);
  }

  /** 3x3, of the same size; zeros around the image do not count. */
  static Tensor averagePool(Tensor x) {
    return avg_pool2d(
        x,
        new long[] {3, 3},
        new long[] {1, 1},
        new long[] {1, 1},
        false,
        false,
        new LongOptional());
  }

  private static Tensor maximumPool(Tensor x, int stride, int padding) {
    return max_pool2d(
        x,
        new long[] {3, 3},
        new long[] {stride, stride},
        new long[] {padding, padding},
        new long[] {1, 1},
        false);
  }

  /** A layer whose output has the size of its input. */
  private Layer same(Parameters.Builder p, int in, int out, int height, int width, int side) {
    return layer(p, new Shape(in, out, height, width, 1, height / 2, width / 2, side));
  }

  private Layer halving(Parameters.Builder p, int in, int out, int side) {
    return layer(p, new Shape(in, out, 3, 3, 2, 0, 0, side));
  }

  private Layer layer(Parameters.Builder p, Shape shape) {
    convolutions.add(shape);
    return new Layer(p, shape);
  }

  /** A convolution without bias, batch norm by the running statistics, ReLU. */
  private static final class Layer {
    private final Conv2d convolution;
    private final BatchNorm norm;

    Layer(Parameters.Builder p, Shape shape) {
      convolution =
          Conv2d.withoutBias(
              p.in("conv"),
              shape.in(),
              shape.out(),
              shape.kernel(),
              shape.stride(),
              shape.padding());
      norm = new BatchNorm(p.in("bn"), shape.out(), EPSILON);
    }

    Tensor forward(Tensor x) {
      return relu(norm.forward(convolution.forward(x), false));
    }
  }
}

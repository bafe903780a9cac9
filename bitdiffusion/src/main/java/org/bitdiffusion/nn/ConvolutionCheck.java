package org.bitdiffusion.nn;

import static org.bytedeco.pytorch.global.torch.globalContext;

import java.util.ArrayList;
import java.util.Collection;
import java.util.List;
import java.util.Locale;
import org.bitdiffusion.runtime.Compute;
import org.bitdiffusion.runtime.Noise;
import org.bitdiffusion.runtime.Precision;
import org.bytedeco.javacpp.PointerScope;
import org.bytedeco.pytorch.BoolOptional;
import org.bytedeco.pytorch.Device;
import org.bytedeco.pytorch.MemoryFormatOptional;
import org.bytedeco.pytorch.Tensor;
import org.bytedeco.pytorch.TensorArrayRefOptional;
import org.bytedeco.pytorch.TensorOptional;
import org.bytedeco.pytorch.global.torch;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * Compares convolutions, forward and both gradients, with float64, which oneDNN does not compute.
 * On some processors the engine's convolutions are wrong, silently; {@link Conv2d} avoids the cases
 * that are known, and this finds others.
 */
public final class ConvolutionCheck {
  /** Feature maps are compared up to this side: larger ones take the same code. */
  private static final int LARGEST_SIDE = 32;

  private static final Logger LOGGER = LoggerFactory.getLogger(ConvolutionCheck.class);

  private ConvolutionCheck() {}

  /**
   * One convolution of a network.
   *
   * @param height of the kernel
   * @param width of the kernel
   * @param rows of zeros above and below the image
   * @param columns of zeros on each side of it
   * @param side of the feature map that it reads
   */
  public record Shape(
      int in, int out, int height, int width, int stride, int rows, int columns, int side) {
    /** One with a square kernel, and zeros around the image that keep its size. */
    public Shape(int in, int out, int kernel, int stride, int side) {
      this(in, out, kernel, kernel, stride, kernel / 2, kernel / 2, side);
    }

    @Override
    public String toString() {
      return String.format(
          Locale.ROOT, "%d->%d %dx%d/%d at %d", in, out, height, width, stride, side);
    }

    /** Height and width. */
    public long[] kernel() {
      return new long[] {height, width};
    }

    /** Rows and columns. */
    public long[] padding() {
      return new long[] {rows, columns};
    }
  }

  /**
   * The largest errors of a convolution, relative to the largest value of the right result.
   *
   * @param right whether all are as small as the type allows
   */
  public record Result(
      Shape shape, double output, double inputGradient, double weightGradient, boolean right) {}

  /** Compares each different shape, on random values, in the type and layout of {@code compute}. */
  public static List<Result> run(Collection<Shape> shapes, Compute compute) {
    return run(shapes, compute, Conv2d::forward);
  }

  /** How a layer is computed that is compared: another way only in tests of this check. */
  @FunctionalInterface
  interface Forward {
    Tensor of(Conv2d layer, Tensor x);
  }

  static List<Result> run(Collection<Shape> shapes, Compute compute, Forward forward) {
    var results = new ArrayList<Result>();
    for (var shape : shapes.stream().distinct().toList()) {
      results.add(run(shape, compute, forward));
    }
    return results;
  }

  /**
   * Makes a network's convolutions right on this machine: where one of them is wrong, oneDNN is
   * switched off for the process, which is slow, and a warning says so.
   */
  public static void ensureRight(Collection<Shape> shapes, Compute compute) {
    ensureRight(shapes, compute, Conv2d::forward);
  }

  static void ensureRight(Collection<Shape> shapes, Compute compute, Forward forward) {
    if (compute.device() != torch.DeviceType.CPU) {
      return; // another library's convolutions
    }
    var wrong = run(shapes, compute, forward).stream().filter(result -> !result.right()).toList();
    if (!wrong.isEmpty()) {
      LOGGER.warn(
          "{} of this network's convolutions are wrong on this processor, the first is {}: oneDNN is"
              + " switched off, which is slow",
          wrong.size(),
          wrong.get(0));
      globalContext().setUserEnabledMkldnn(false);
    }
  }

  private static Result run(Shape shape, Compute compute, Forward forward) {
    // Rounding to bfloat16 costs up to 2^-9 of each value, of float32 2^-24; sums add to that.
    var tolerance = compute.precision() == Precision.BFLOAT16 ? 0.02 : 1e-4;
    var side = Math.min(LARGEST_SIDE, shape.side());
    try (var parameters = new Parameters.Builder(0)) {
      var convolution =
          new Conv2d(
              parameters,
              shape.in(),
              shape.out(),
              shape.kernel(),
              shape.stride(),
              shape.padding(),
              1,
              true);
      try (var weights = parameters.build(compute);
          var noise = new Noise.OfBatch(0, new Device(torch.DeviceType.CPU));
          var scope = new PointerScope()) {
        var type = compute.precision().type();
        var weight = weights.byName().get("weight");
        // Values that the type can represent, so that only the convolution's own errors are seen.
        weights.values().copy_(weights.values().to(type).to(torch.ScalarType.Float));
        var x =
            noise
                .normal(2, shape.in(), side, side)
                .to(
                    compute.newDevice(),
                    type,
                    false,
                    false,
                    new MemoryFormatOptional(compute.layout()));
        x.set_requires_grad(true);
        var y = forward.of(convolution, x);
        var gradient = noise.normal(y.shape()).to(y.device(), y.scalar_type());
        backward(y, gradient);

        // oneDNN has no float64, so this needs no switch, which other threads would notice.
        var exactX = exact(x);
        var exactWeight = exact(weight);
        var exactY =
            torch.conv2d(
                exactX,
                exactWeight,
                new TensorOptional(
                    weights.byName().get("bias").detach().to(torch.ScalarType.Double)),
                new long[] {shape.stride(), shape.stride()},
                shape.padding(),
                new long[] {1, 1},
                1);
        backward(exactY, gradient.to(torch.ScalarType.Double));
        var output = error(y, exactY);
        var inputGradient = error(x.grad(), exactX.grad());
        var weightGradient = error(weight.grad(), exactWeight.grad());
        return new Result(
            shape,
            output,
            inputGradient,
            weightGradient,
            output < tolerance && inputGradient < tolerance && weightGradient < tolerance);
      }
    }
  }

  private static Tensor exact(Tensor tensor) {
    var exact = tensor.detach().to(torch.ScalarType.Double).contiguous();
    exact.set_requires_grad(true);
    return exact;
  }

  private static void backward(Tensor y, Tensor gradient) {
    y.backward(gradient, new BoolOptional(), false, new TensorArrayRefOptional());
  }

  /** NaN counts as infinitely wrong. */
  private static double error(Tensor actual, Tensor exact) {
    var difference = actual.detach().to(torch.ScalarType.Double).sub(exact.detach()).abs().max();
    var error = difference.item_double() / exact.detach().abs().max().item_double();
    return Double.isNaN(error) ? Double.POSITIVE_INFINITY : error;
  }
}

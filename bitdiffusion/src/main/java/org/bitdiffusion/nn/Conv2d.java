package org.bitdiffusion.nn;

import static org.bytedeco.pytorch.global.torch.constant_pad_nd;
import static org.bytedeco.pytorch.global.torch.conv2d;
import static org.bytedeco.pytorch.global.torch.linear;

import org.bytedeco.pytorch.LongOptional;
import org.bytedeco.pytorch.MemoryFormatOptional;
import org.bytedeco.pytorch.Scalar;
import org.bytedeco.pytorch.Tensor;
import org.bytedeco.pytorch.TensorOptional;

/**
 * The project's one convolution, in the type and the memory layout of its input: [B, in, H, W] to
 * [B, out, ceil(H/stride), ceil(W/stride)] with kernel / 2 zeros on each side of the image, which
 * is what there is where no other padding is given.
 *
 * <p>Channels are padded with zeros to a multiple of {@value #ALIGNMENT} on both sides, and the
 * padding is cut off afterwards: the engine's own convolution (oneDNN in libtorch 2.10) gives
 * silently wrong results and gradients at other numbers of channels on processors with AVX-512. A
 * kernel of one pixel is computed as a linear map of the pixels: as a convolution it divides by
 * zero on some of them and ends the process.
 */
public final class Conv2d {
  /** Channel counts at which the engine's convolution is right in each type and layout. */
  static final int ALIGNMENT = 32;

  private final int in;
  private final int out;
  private final long stride;
  private final long[] padding;
  private final boolean ofPixels;
  private final Tensor weight;
  private final Tensor bias; // or null

  /**
   * @param kernel side of the kernel, odd
   * @param gain factor of the usual initial weights; near 0 for a layer that starts near zero
   */
  public Conv2d(
      Parameters.Builder parameters, int in, int out, int kernel, int stride, double gain) {
    this(parameters, in, out, square(kernel), stride, square(kernel / 2), gain, true);
  }

  private static long[] square(long side) {
    return new long[] {side, side};
  }

  /** One that adds nothing to its sums, as before a norm that would take it away again. */
  public static Conv2d withoutBias(
      Parameters.Builder parameters, int in, int out, int kernel, int stride) {
    return withoutBias(parameters, in, out, square(kernel), stride, square(kernel / 2));
  }

  /**
   * One with a kernel of any height and width, and other zeros around the image.
   *
   * @param kernel height and width
   * @param padding rows of zeros above and below the image, and columns on each side of it
   */
  public static Conv2d withoutBias(
      Parameters.Builder parameters, int in, int out, long[] kernel, int stride, long[] padding) {
    return new Conv2d(parameters, in, out, kernel, stride, padding, 1, false);
  }

  /**
   * @param kernel height and width
   * @param padding rows of zeros above and below the image, and columns on each side of it
   */
  public Conv2d(
      Parameters.Builder parameters,
      int in,
      int out,
      long[] kernel,
      int stride,
      long[] padding,
      double gain,
      boolean biased) {
    this.in = in;
    this.out = out;
    this.stride = stride;
    this.padding = padding;
    ofPixels = kernel[0] * kernel[1] == 1 && padding[0] + padding[1] == 0;
    var pixels = kernel[0] * kernel[1];
    weight =
        parameters.scaled("weight", gain, in * pixels, out * pixels, out, in, kernel[0], kernel[1]);
    bias = biased ? parameters.constant("bias", 0, out) : null;
  }

  /** x [B, in, H, W] to [B, out, (H + 2 padding - kernel)/stride + 1, likewise W], rounded down. */
  public Tensor forward(Tensor x) {
    return convolve(x, weight, bias);
  }

  /** {@link #forward(Tensor)} times a constant, which is multiplied into the (small) weights. */
  public Tensor forward(Tensor x, double factor) {
    var by = new Scalar(factor);
    return convolve(x, weight.mul(by), bias == null ? null : bias.mul(by));
  }

  private Tensor convolve(Tensor x, Tensor w, Tensor b) {
    return ofPixels ? mapPixels(x, w, b) : convolvePadded(x, w, b);
  }

  private Tensor mapPixels(Tensor x, Tensor w, Tensor b) {
    var type = x.scalar_type();
    var all = new LongOptional();
    var used = stride == 1 ? x : x.slice(2, all, all, stride).slice(3, all, all, stride);
    // Of NHWC the last line copies nothing.
    return linear(
            used.permute(0, 2, 3, 1),
            w.view(out, in).to(type),
            b == null ? new TensorOptional() : new TensorOptional(b.to(type)))
        .permute(0, 3, 1, 2)
        .contiguous(x.suggest_memory_format());
  }

  private Tensor convolvePadded(Tensor x, Tensor w, Tensor b) {
    var moreIn = Math.floorMod(-in, ALIGNMENT);
    var moreOut = Math.floorMod(-out, ALIGNMENT);
    var padded = moreIn == 0 ? x : constant_pad_nd(x, 0, 0, 0, 0, 0, moreIn);
    if (moreIn > 0 || moreOut > 0) {
      w = constant_pad_nd(w, 0, 0, 0, 0, 0, moreIn, 0, moreOut);
      b = b == null ? null : constant_pad_nd(b, 0, moreOut);
    }
    var type = x.scalar_type();
    var layout = new MemoryFormatOptional(x.suggest_memory_format());
    var y =
        conv2d(
            padded,
            w.to(type, false, false, layout),
            b == null ? new TensorOptional() : new TensorOptional(b.to(type)),
            new long[] {stride, stride},
            padding,
            new long[] {1, 1},
            1);
    return moreOut == 0 ? y : y.narrow(1, 0, out);
  }
}

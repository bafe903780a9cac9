package org.bitdiffusion.codec;

import java.util.Arrays;
import org.bytedeco.pytorch.Tensor;

/** Moves the code of a symbol between a last dimension of its own and the channels. */
public final class Channels {
  private Channels() {}

  /** The shape [..., n]. */
  static long[] append(long[] shape, long n) {
    var appended = Arrays.copyOf(shape, shape.length + 1);
    appended[shape.length] = n;
    return appended;
  }

  /** [N, C, S..., n] to [N, C * n, S...]. */
  public static Tensor join(Tensor codes) {
    var shape = codes.shape();
    var last = shape.length - 1;
    var joined = new long[last];
    joined[0] = shape[0];
    joined[1] = shape[1] * shape[last];
    System.arraycopy(shape, 2, joined, 2, last - 2);
    return codes.movedim(last, 2).reshape(joined);
  }

  /** [N, C * n, S...] to [N, C, S..., n]. */
  public static Tensor split(Tensor joined, int n) {
    var shape = joined.shape();
    if (shape[1] % n != 0) {
      throw new IllegalArgumentException(
          "%d channels are no multiple of the %d bits of a symbol".formatted(shape[1], n));
    }
    var split = new long[shape.length + 1];
    split[0] = shape[0];
    split[1] = shape[1] / n;
    split[2] = n;
    System.arraycopy(shape, 2, split, 3, shape.length - 2);
    return joined.reshape(split).movedim(2, shape.length);
  }
}

package org.bitdiffusion.runtime;

import java.nio.FloatBuffer;
import java.nio.IntBuffer;
import java.util.List;
import org.bytedeco.javacpp.PointerScope;
import org.bytedeco.pytorch.Device;
import org.bytedeco.pytorch.Scalar;
import org.bytedeco.pytorch.Tensor;
import org.bytedeco.pytorch.global.torch;

/** Tensors to arrays of Java, and back. */
public final class Tensors {
  private static final double LARGEST_WEIGHT = 1e18;

  private Tensors() {}

  /** A tensor's entries, row-major. */
  public static int[] ints(Tensor tensor) {
    try (var scope = new PointerScope()) {
      var values = onCpu(tensor, torch.ScalarType.Int);
      var array = new int[Math.toIntExact(values.numel())];
      values.<IntBuffer>createBuffer().get(array);
      return array;
    }
  }

  /** A tensor's entries, row-major. */
  public static float[] floats(Tensor tensor) {
    try (var scope = new PointerScope()) {
      var values = onCpu(tensor, torch.ScalarType.Float);
      var array = new float[Math.toIntExact(values.numel())];
      values.<FloatBuffer>createBuffer().get(array);
      return array;
    }
  }

  /** Whether all entries are numbers, neither NaN nor infinite. */
  public static boolean areFinite(Tensor tensor) {
    try (var scope = new PointerScope()) {
      return tensor.detach().isfinite().all().item_bool();
    }
  }

  /**
   * Whether all entries are numbers that a network can compute with, as weights or as moments of
   * their gradients: above a bound that no training comes near, the squares that a norm adds up
   * leave float32, which would make every output the same without a word.
   */
  public static boolean areWeights(Tensor tensor) {
    try (var scope = new PointerScope()) {
      var magnitudes = tensor.detach().to(torch.ScalarType.Float).abs();
      return magnitudes.le(new Scalar(LARGEST_WEIGHT)).all().item_bool(); // NaN is not
    }
  }

  private static Tensor onCpu(Tensor tensor, torch.ScalarType type) {
    return tensor.to(new Device(torch.DeviceType.CPU), type).contiguous();
  }

  /** A shape as the engine takes it. */
  public static long[] shape(List<Integer> sides) {
    return sides.stream().mapToLong(Integer::longValue).toArray();
  }

  /** The shape [first, rest...]. */
  public static long[] shape(long first, List<Integer> rest) {
    var shape = new long[rest.size() + 1];
    shape[0] = first;
    for (var i = 0; i < rest.size(); i++) {
      shape[i + 1] = rest.get(i);
    }
    return shape;
  }
}

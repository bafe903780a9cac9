package org.bitdiffusion.modality.image;

import static org.bytedeco.pytorch.global.torch.cdist;
import static org.bytedeco.pytorch.global.torch.full;
import static org.bytedeco.pytorch.global.torch.minimum;

import java.nio.DoubleBuffer;
import java.util.Arrays;
import org.bitdiffusion.runtime.Engine;
import org.bitdiffusion.runtime.Scope;
import org.bytedeco.javacpp.PointerScope;
import org.bytedeco.pytorch.Scalar;
import org.bytedeco.pytorch.Tensor;
import org.bytedeco.pytorch.global.torch;

/**
 * How far images are from the nearest of a training set, which tells copies from new images:
 * samples that are nearer to it than held-out images are copied, at least in part.
 */
public final class NearestExamples {
  /** Training images that are compared at once, and the most numbers that these may have. */
  private static final int BLOCK = 1000;

  private static final int MOST = 1 << 25;

  private NearestExamples() {}

  /**
   * The distance of each image to the nearest training image: the root of the mean square of the
   * differences in red, green and blue, each in [0, 1].
   *
   * @param rgb unsigned bytes, row-major [N, 3, H, W]
   * @param training images of the same size
   * @return [N]
   */
  public static double[] distances(byte[] rgb, ImageSource training) {
    Engine.load();
    var format = training.format();
    var size = 3 * format.height() * format.width();
    try (var scope = new PointerScope()) {
      var images = colours(rgb, size);
      var nearest =
          Scope.owned(
              () ->
                  full(
                      new long[] {images.size(0)},
                      new Scalar(Double.POSITIVE_INFINITY),
                      images.options()));
      try (nearest) {
        var most = Math.max(1, Math.min(BLOCK, MOST / size));
        for (var first = 0; first < training.size(); first += most) {
          var block = ImageBatch.read(training, first, Math.min(most, training.size() - first));
          try (var step = new PointerScope()) {
            var distances = cdist(images, colours(block.rgb(), size)).amin(new long[] {1}, false);
            nearest.copy_(minimum(nearest, distances));
          }
        }
        var distances = new double[(int) nearest.numel()];
        nearest.<DoubleBuffer>createBuffer().get(distances);
        return Arrays.stream(distances).map(distance -> distance / Math.sqrt(size)).toArray();
      }
    }
  }

  private static Tensor colours(byte[] rgb, int size) {
    return Tensor.create(rgb, false, rgb.length / size, size)
        .to(torch.ScalarType.Double) // distances come from products, and copies would not have 0
        .div_(new Scalar(255));
  }
}

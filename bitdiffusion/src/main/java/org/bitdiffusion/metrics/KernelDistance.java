package org.bitdiffusion.metrics;

import java.util.Arrays;
import java.util.SplittableRandom;
import org.bitdiffusion.DataException;
import org.bitdiffusion.runtime.Engine;
import org.bytedeco.javacpp.PointerScope;
import org.bytedeco.pytorch.Scalar;
import org.bytedeco.pytorch.Tensor;
import org.bytedeco.pytorch.global.torch;

/**
 * How far two sets of features are from each other by the kernel {@code k(x, y) = (x.y / D + 1)^3}:
 * the squared maximum mean discrepancy, unbiased, as the mean over random subsets (Binkowski et
 * al., arXiv 1801.01401). Of the features of FID's Inception-v3 it is called KID. Unlike a Fréchet
 * distance it is not too high where there are few images: of two sets of the same distribution it
 * is 0 in the mean, and so sometimes below.
 *
 * @param mean over the subsets
 * @param standardError of the mean by the delete-d jackknife (Shao and Wu, 1989) of both sets: as
 *     each subset leaves half of its set out, the deviation of the distances between subsets is
 *     that of the distance between sets
 * @param subsets their number
 * @param size images in each subset of the first set
 * @param otherSize images in each subset of the second set
 */
public record KernelDistance(
    double mean, double standardError, int subsets, int size, int otherSize) {
  /** The fewest images of a set: half of them are a subset, whose images need another each. */
  public static final int FEWEST = 4;

  private static final int SUBSETS = 100;
  private static final int LARGEST = 1000;

  /**
   * Compares two sets in 100 pairs of subsets, each of half of its set, of 1000 images at most.
   * Where a subset is less than half, the error supposes that both sets vary alike.
   *
   * @param one features, row-major [N, D]
   * @param other features, row-major [M, D]
   * @param features D
   * @param seed of the subsets
   * @throws DataException if a set has less than {@value #FEWEST} images
   */
  public static KernelDistance of(float[] one, float[] other, int features, long seed) {
    var images = Math.min(one.length, other.length) / features;
    if (images < FEWEST) {
      throw new DataException(
          "a kernel distance needs %d images of each set at least, and there are %d"
              .formatted(FEWEST, images));
    }
    Engine.load();
    var n = one.length / features;
    var m = other.length / features;
    var size = Math.min(LARGEST, n / 2);
    var otherSize = Math.min(LARGEST, m / 2);
    var random = new SplittableRandom(seed);
    var distances = new double[SUBSETS];
    for (var i = 0; i < SUBSETS; i++) {
      distances[i] =
          unbiased(
              some(one, features, size, random),
              some(other, features, otherSize, random),
              features);
    }
    var mean = Arrays.stream(distances).average().orElseThrow();
    var variance = Arrays.stream(distances).map(d -> (d - mean) * (d - mean)).sum() / (SUBSETS - 1);
    // Of a set of n, a mean varies by 1/n, and between subsets of s, as all are of one n, by 1/s -
    // 1/n.
    var ofSets = 1.0 / n + 1.0 / m;
    var ofSubsets = 1.0 / size - 1.0 / n + 1.0 / otherSize - 1.0 / m;
    var error = Math.sqrt(variance * ofSets / ofSubsets);
    return new KernelDistance(mean, error, SUBSETS, size, otherSize);
  }

  /** Rows that are drawn, none of them twice. */
  private static float[] some(float[] rows, int features, int size, SplittableRandom random) {
    var order = new int[rows.length / features];
    Arrays.setAll(order, i -> i);
    var drawn = new float[size * features];
    for (var i = 0; i < size; i++) {
      var j = random.nextInt(i, order.length);
      System.arraycopy(rows, order[j] * features, drawn, i * features, features);
      order[j] = order[i];
    }
    return drawn;
  }

  /**
   * The unbiased estimate of all images: the mean of the kernel over pairs of different images of
   * each set, less twice that over pairs of one and the other.
   *
   * @param one features, row-major [N, D], N at least 2
   * @param other features, row-major [M, D], M at least 2
   * @param features D
   */
  static double unbiased(float[] one, float[] other, int features) {
    try (var scope = new PointerScope()) {
      var x = matrix(one, features);
      var y = matrix(other, features);
      return amongEachOther(x)
          + amongEachOther(y)
          - 2 * kernel(x.matmul(y.transpose(0, 1)), features).mean().item_double();
    }
  }

  private static Tensor matrix(float[] rows, int features) {
    return Tensor.create(rows, rows.length / features, features).to(torch.ScalarType.Double);
  }

  private static double amongEachOther(Tensor x) {
    var n = x.size(0);
    var kernel = kernel(x.matmul(x.transpose(0, 1)), x.size(1));
    var pairs = kernel.sum().item_double() - kernel.trace().item_double();
    return pairs / n / (n - 1);
  }

  private static Tensor kernel(Tensor products, long features) {
    return products.div_(new Scalar(features)).add_(new Scalar(1)).pow_(new Scalar(3));
  }
}

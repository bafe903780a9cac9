package org.bitdiffusion.metrics;

import static org.bytedeco.pytorch.global.torch.cat;
import static org.bytedeco.pytorch.global.torch.cdist;

import java.util.ArrayList;
import java.util.function.UnaryOperator;
import org.bitdiffusion.DataException;
import org.bitdiffusion.runtime.Engine;
import org.bitdiffusion.runtime.Scope;
import org.bytedeco.javacpp.PointerScope;
import org.bytedeco.pytorch.Tensor;
import org.bytedeco.pytorch.TensorVector;
import org.bytedeco.pytorch.global.torch;

/**
 * How samples and real images lie among each other as features. Around each real image is a ball
 * that reaches to its k-th nearest other real image.
 *
 * @param precision share of samples in a ball of the real images (arXiv 1904.06991; k = 3): how
 *     many look real
 * @param recall share of real images in a ball of the samples, which are drawn likewise: how much
 *     of the real is covered
 * @param density mean number of balls of the real images that a sample lies in, divided by k (arXiv
 *     2002.09797; k = 5): precision that a single outlier does not spoil; may exceed 1
 * @param coverage share of the real images' balls with a sample in it
 */
public record ManifoldScores(double precision, double recall, double density, double coverage) {
  /** The fewest images of a set: each needs a fifth neighbour. */
  public static final int FEWEST = 6;

  private static final int K_OF_PRECISION = 3;
  private static final int K_OF_DENSITY = 5;

  /** Rows of distances that are computed at once. */
  private static final int ROWS = 512;

  /**
   * Compares two sets.
   *
   * @param real features, row-major [N, D]
   * @param samples features, row-major [M, D]
   * @param features D
   * @throws DataException if a set has less than 6 images: their fifth neighbours are needed
   */
  public static ManifoldScores of(float[] real, float[] samples, int features) {
    Engine.load();
    try (var scope = new PointerScope()) {
      var x = matrix(real, features);
      var y = matrix(samples, features);
      var ofReal = radii(x, K_OF_PRECISION);
      var ofSamples = radii(y, K_OF_PRECISION);
      var isInReal = rows(y, part -> cdist(part, x).le(ofReal).any(1));
      var isInSamples = rows(x, part -> cdist(part, y).le(ofSamples).any(1));
      var radii = radii(x, K_OF_DENSITY);
      var balls = rows(y, part -> cdist(part, x).le(radii).sum(1));
      var nearest = rows(x, part -> cdist(part, y).amin(new long[] {1}, false));
      return new ManifoldScores(
          mean(isInReal), mean(isInSamples), mean(balls) / K_OF_DENSITY, mean(nearest.le(radii)));
    }
  }

  private static Tensor matrix(float[] values, int features) {
    var rows = values.length / features;
    if (rows < FEWEST) {
      throw new DataException(
          "precision, recall, density and coverage need %d images at least, and there are %d"
              .formatted(FEWEST, rows));
    }
    return Tensor.create(values, rows, features).to(torch.ScalarType.Double);
  }

  /** The distance of each row to its k-th nearest other row, [N]. */
  private static Tensor radii(Tensor x, int k) {
    // The first is the row itself. The pair that kthvalue gives owns its values: they are copied.
    return rows(x, part -> cdist(part, x).kthvalue(k + 1, 1, false).get0().clone());
  }

  /** A function of all rows, of some of them at a time. */
  private static Tensor rows(Tensor x, UnaryOperator<Tensor> function) {
    var parts = new ArrayList<Tensor>();
    for (var first = 0L; first < x.size(0); first += ROWS) {
      var part = x.narrow(0, first, Math.min(ROWS, x.size(0) - first));
      parts.add(Scope.result(() -> function.apply(part)));
    }
    return cat(new TensorVector(parts.toArray(Tensor[]::new)));
  }

  private static double mean(Tensor values) {
    return values.to(torch.ScalarType.Double).mean().item_double();
  }
}

package org.bitdiffusion.modality.image;

import static org.bytedeco.pytorch.global.torch.linalg_eigh;
import static org.bytedeco.pytorch.global.torch.linalg_svdvals;

import java.nio.DoubleBuffer;
import java.nio.file.Path;
import java.util.Arrays;
import java.util.LinkedHashMap;
import org.bitdiffusion.DataException;
import org.bitdiffusion.io.Npz;
import org.bitdiffusion.runtime.Engine;
import org.bytedeco.javacpp.PointerScope;
import org.bytedeco.pytorch.Scalar;
import org.bytedeco.pytorch.Tensor;

/**
 * Mean and covariance of the features of many images: all that a Fréchet distance needs of them.
 *
 * @param mean [D]
 * @param covariance row-major [D, D], with n - 1 in its denominator
 */
@SuppressWarnings("ArrayRecordComponent") // for computing, not for comparing
public record FeatureStatistics(double[] mean, double[] covariance) {
  /** The array of the checksum of the network's weights. */
  private static final String WEIGHTS = "weights";

  /** The widest layer of the usual networks, VGG, has 4,096; that of FID has 2,048. */
  private static final int MOST_FEATURES = 4096;

  /** Eigenvalues below this share of the largest are rounding errors of 0. */
  private static final double RANK_TOLERANCE = 1e-14;

  /** Up to this share of the largest value, a covariance in a file may be off by rounding. */
  private static final double ASYMMETRY = 1e-4;

  public FeatureStatistics {
    if (covariance.length != mean.length * mean.length) {
      throw new IllegalArgumentException(
          "a covariance of %d values is none of %d features"
              .formatted(covariance.length, mean.length));
    }
  }

  /** D, the number of features of an image. */
  public int features() {
    return mean.length;
  }

  /**
   * The Fréchet distance of two normal distributions, {@code |m1 - m2|^2 + tr(S1) + tr(S2) - 2
   * tr((S1 S2)^(1/2))} (Dowson and Landau, 1982); of the features of Inception-v3 it is called FID.
   *
   * <p>The last trace is the sum of the singular values of {@code L1' L2}, where {@code S = L L'}:
   * unlike a square root of {@code S1 S2}, it loses no digits where a covariance has not full rank,
   * as that of fewer images than features.
   *
   * @param other of as many features
   * @throws DataException if a value is not finite, or a covariance is none
   */
  public double frechetDistance(FeatureStatistics other) {
    if (features() != other.features()) {
      throw new IllegalArgumentException(
          "%d features cannot be compared with %d".formatted(features(), other.features()));
    }
    requireFinite();
    other.requireFinite();
    Engine.load();
    try (var scope = new PointerScope()) {
      var traceOfRoot =
          linalg_svdvals(root().transpose(0, 1).matmul(other.root())).sum().item_double();
      var between = 0.0;
      for (var i = 0; i < mean.length; i++) {
        between += (mean[i] - other.mean[i]) * (mean[i] - other.mean[i]);
      }
      return Math.max(0, between + trace() + other.trace() - 2 * traceOfRoot);
    }
  }

  private void requireFinite() {
    if (!Arrays.stream(mean).allMatch(Double::isFinite)
        || !Arrays.stream(covariance).allMatch(Double::isFinite)) {
      throw new DataException("statistics of features hold a value that is no finite number");
    }
  }

  private double trace() {
    var trace = 0.0;
    for (var i = 0; i < mean.length; i++) {
      trace += covariance[i * (mean.length + 1)];
    }
    return trace;
  }

  /**
   * L of L L' = S, [D, D].
   *
   * @throws DataException if S has a negative eigenvalue that no rounding makes
   */
  private Tensor root() {
    var matrix = Tensor.create(covariance, mean.length, mean.length);
    var eigen = linalg_eigh(matrix);
    var values = eigen.get0();
    var largest = values.max().item_double();
    if (values.min().item_double() < -ASYMMETRY * largest) {
      throw new DataException(
          "statistics of features hold a sigma that is no covariance: it has the eigenvalue %.3g"
              .formatted(values.min().item_double()));
    }
    var least = new Scalar(largest * RANK_TOLERANCE);
    var zero = new Scalar(0);
    return eigen.get1().mul(values.masked_fill(values.lt(least), zero).sqrt());
  }

  /**
   * Reads the arrays {@code mu} and {@code sigma} of an npz file, as pytorch-fid and EDM write
   * them.
   *
   * @throws DataException if the file is none, its shapes do not fit each other, or sigma is no
   *     covariance
   */
  public static FeatureStatistics read(Path file) {
    var arrays = Npz.read(file, MOST_FEATURES * MOST_FEATURES, "mu", "sigma");
    var mean = arrays.get("mu");
    var covariance = arrays.get("sigma");
    if (mean.shape().length != 1
        || !Arrays.equals(covariance.shape(), new int[] {mean.shape()[0], mean.shape()[0]})) {
      throw new DataException(
          "%s: mu has the shape %s and sigma %s; they must be [D] and [D, D]"
              .formatted(file, Arrays.toString(mean.shape()), Arrays.toString(covariance.shape())));
    }
    var statistics = new FeatureStatistics(mean.values(), covariance.values());
    statistics.requireCovariance(file);
    return statistics;
  }

  /** What no rounding makes: values that are infinite or none, below zero, or not symmetric. */
  private void requireCovariance(Path file) {
    try {
      requireFinite();
    } catch (DataException e) {
      throw new DataException(file + ": " + e.getMessage(), e);
    }
    var size = mean.length;
    var largest = Arrays.stream(covariance).map(Math::abs).max().orElse(0);
    for (var i = 0; i < size; i++) {
      for (var j = 0; j < i; j++) {
        if (Math.abs(covariance[i * size + j] - covariance[j * size + i]) > ASYMMETRY * largest) {
          throw new DataException(
              "%s: sigma is no covariance: it is not symmetric at %d, %d".formatted(file, i, j));
        }
      }
      if (covariance[i * (size + 1)] < -ASYMMETRY * largest) {
        throw new DataException(
            "%s: sigma is no covariance: the variance of feature %d is below 0".formatted(file, i));
      }
    }
  }

  /**
   * Reads statistics that are to be compared with those of given features. Files that {@link
   * #write(Path, ImageFeatures)} wrote tell of which weights they are; others are taken at their
   * size.
   *
   * @throws DataException if the file is none of statistics, or if they are of other features
   */
  public static FeatureStatistics read(Path file, ImageFeatures features) {
    var statistics = read(file);
    if (statistics.features() != features.size()) {
      throw new DataException(
          "%s has statistics of %d features; those of %s are %d"
              .formatted(file, statistics.features(), features.name(), features.size()));
    }
    var weights = weights(file);
    if (weights != null && !Arrays.equals(weights, new double[] {features.weights()})) {
      throw new DataException(
          "%s has statistics of the features of other weights than those of %s"
              .formatted(file, features.name()));
    }
    return statistics;
  }

  /**
   * Complains if two files say that they are of the features of different weights.
   *
   * @throws DataException if they do
   */
  public static void requireSameWeights(Path one, Path other) {
    var weights = weights(one);
    var others = weights(other);
    if (weights != null && others != null && !Arrays.equals(weights, others)) {
      throw new DataException(
          "%s and %s have statistics of the features of different weights; they cannot be compared"
              .formatted(one, other));
    }
  }

  /** The checksum of the weights that a file's features are of, or null. */
  private static double[] weights(Path file) {
    var weights = Npz.readSome(file, 1, WEIGHTS).get(WEIGHTS);
    return weights == null ? null : weights.values();
  }

  /** Writes {@code mu} and {@code sigma} as npz. */
  public void write(Path file) {
    Npz.write(file, arrays());
  }

  /**
   * Writes {@code mu} and {@code sigma} as npz, and of which weights they are. Programs that look
   * for the first two take no notice of the third.
   */
  public void write(Path file, ImageFeatures features) {
    var arrays = arrays();
    arrays.put(WEIGHTS, new Npz.Doubles(new int[] {1}, new double[] {features.weights()}));
    Npz.write(file, arrays);
  }

  private LinkedHashMap<String, Npz.Doubles> arrays() {
    var arrays = new LinkedHashMap<String, Npz.Doubles>();
    arrays.put("mu", new Npz.Doubles(new int[] {features()}, mean));
    arrays.put("sigma", new Npz.Doubles(new int[] {features(), features()}, covariance));
    return arrays;
  }

  /**
   * Gathers statistics batch by batch in float64. Batches are merged as Chan, Golub and LeVeque
   * (1979) do, so that a mean far from 0 costs no digits.
   */
  public static final class Builder {
    private final double[] mean;

    /** Sum of the products of deviations from the mean, [D, D]. */
    private final double[] scatter;

    private long count;

    /**
     * @param features D
     */
    public Builder(int features) {
      mean = new double[features];
      scatter = new double[Math.multiplyExact(features, features)];
      Engine.load();
    }

    /** The number of images so far. */
    public long count() {
      return count;
    }

    /**
     * Adds a batch.
     *
     * @param features row-major [N, D]
     */
    public void add(float[] features) {
      var size = mean.length;
      var rows = features.length / size;
      if (rows * size != features.length) {
        throw new IllegalArgumentException(
            "%d values are no rows of %d features".formatted(features.length, size));
      }
      if (rows == 0) {
        return;
      }
      var batchMean = new double[size];
      for (var i = 0; i < features.length; i++) {
        batchMean[i % size] += (double) features[i] / rows;
      }
      var deviations = new double[features.length];
      for (var i = 0; i < features.length; i++) {
        deviations[i] = features[i] - batchMean[i % size];
      }
      var weight = (double) count * rows / (count + rows);
      var step = new double[size];
      for (var i = 0; i < size; i++) {
        step[i] = batchMean[i] - mean[i];
        mean[i] += step[i] * rows / (count + rows);
      }
      try (var scope = new PointerScope()) {
        var matrix = Tensor.create(deviations, rows, size);
        DoubleBuffer products = matrix.transpose(0, 1).matmul(matrix).createBuffer();
        for (var i = 0; i < size; i++) {
          for (var j = 0; j < size; j++) {
            scatter[i * size + j] += products.get(i * size + j) + weight * step[i] * step[j];
          }
        }
      }
      count += rows;
    }

    /**
     * The statistics of all that was added.
     *
     * @throws DataException if that is less than two images, of which there is no covariance
     */
    public FeatureStatistics build() {
      if (count < 2) {
        throw new DataException("a covariance needs 2 images at least, and there are " + count);
      }
      var covariance = Arrays.stream(scatter).map(value -> value / (count - 1)).toArray();
      return new FeatureStatistics(mean.clone(), covariance);
    }
  }
}

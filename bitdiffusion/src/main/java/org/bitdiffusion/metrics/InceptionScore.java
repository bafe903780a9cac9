package org.bitdiffusion.metrics;

import org.bitdiffusion.DataException;

/**
 * The Inception Score (arXiv 1606.03498): the exponential of the mean divergence of each image's
 * class probabilities from those of all images. It is high where each image is clearly of one class
 * and the classes are many. As usual, the images are split in parts of equal size, in their order,
 * of which the mean and the deviation are told.
 *
 * @param mean of the parts' scores, from 1 to the number of classes
 * @param deviation of the parts' scores
 */
public record InceptionScore(double mean, double deviation) {
  /** Parts that the literature takes. */
  public static final int PARTS = 10;

  /** Gathers the probabilities of images one after the other. */
  public static final class Builder {
    private final long images;
    private final int parts;
    private final double[][] sums;
    private final double[] negativeEntropies;
    private final long[] counts;
    private long count;

    /**
     * @param images how many there will be
     * @param classes of the network
     * @param parts such as {@link InceptionScore#PARTS}, no more than images
     */
    public Builder(long images, int classes, int parts) {
      if (parts < 1 || parts > images) {
        throw new IllegalArgumentException(
            "%d images cannot be split in %d parts".formatted(images, parts));
      }
      this.images = images;
      this.parts = parts;
      sums = new double[parts][classes];
      negativeEntropies = new double[parts];
      counts = new long[parts];
    }

    /**
     * Adds images.
     *
     * @param probabilities of the classes, row-major [B, classes]
     * @throws DataException if one is no number
     */
    public void add(float[] probabilities) {
      var classes = sums[0].length;
      for (var offset = 0; offset < probabilities.length; offset += classes) {
        if (count == images) {
          throw new IllegalStateException("there are more than " + images + " images");
        }
        var part = (int) (count * parts / images);
        for (var i = 0; i < classes; i++) {
          var p = (double) probabilities[offset + i];
          if (!(p >= 0)) {
            throw new DataException(
                "the network gives an image's class a probability of %s; its weights are damaged"
                    .formatted(p));
          }
          sums[part][i] += p;
          negativeEntropies[part] += p > 0 ? p * Math.log(p) : 0;
        }
        counts[part]++;
        count++;
      }
    }

    /** The score of all images. */
    public InceptionScore build() {
      if (count != images) {
        throw new IllegalStateException("there are %d images of %d".formatted(count, images));
      }
      var total = 0.0;
      var squares = 0.0;
      for (var part = 0; part < parts; part++) {
        var divergence = negativeEntropies[part] / counts[part];
        for (var sum : sums[part]) {
          var p = sum / counts[part];
          divergence -= p > 0 ? p * Math.log(p) : 0;
        }
        total += Math.exp(divergence);
        squares += Math.exp(2 * divergence);
      }
      var mean = total / parts;
      return new InceptionScore(mean, Math.sqrt(Math.max(0, squares / parts - mean * mean)));
    }
  }
}

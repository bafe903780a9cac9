package org.bitdiffusion.modality.image;

import static org.bytedeco.pytorch.global.torch.cat;
import static org.bytedeco.pytorch.global.torch.cdist;
import static org.bytedeco.pytorch.global.torch.full;
import static org.bytedeco.pytorch.global.torch.minimum;

import java.nio.ByteBuffer;
import java.nio.DoubleBuffer;
import java.security.MessageDigest;
import java.security.NoSuchAlgorithmException;
import java.util.Arrays;
import java.util.HashSet;
import java.util.List;
import java.util.Set;
import java.util.stream.IntStream;
import org.bitdiffusion.modality.Watch;
import org.bitdiffusion.runtime.Engine;
import org.bitdiffusion.runtime.Scope;
import org.bytedeco.javacpp.PointerScope;
import org.bytedeco.pytorch.Scalar;
import org.bytedeco.pytorch.Tensor;
import org.bytedeco.pytorch.TensorVector;
import org.bytedeco.pytorch.global.torch;

/**
 * How far an image is from the two nearest of a training set. A distance is the root of the mean
 * square of the differences in red, green and blue, each in [0, 1].
 *
 * <p>A copy is far nearer to the one image that it copies than to any other, so what tells it is
 * how its distance compares with those to other near images (Carlini et al. 2023, arXiv 2301.13188,
 * section 5.1, where these are the fifty nearest). The distance alone does not tell: that of
 * samples which are a little paler than the data is smaller, though none is a copy.
 *
 * @param first the distance to the nearest training image
 * @param second the distance to the nearest of those that differ from that one, which is never 0;
 *     infinite where all of them are equal
 */
public record NearestExamples(double first, double second) {
  /** Training images that are compared at once, and the most numbers that these may have. */
  private static final int BLOCK = 1000;

  private static final int MOST = 1 << 25;

  /** The share of held-out images whose ratio counts as low. */
  private static final double LOW = 0.05;

  /** The fewest held-out images of which one image is the low ones. */
  static final int FEWEST_HELD_OUT = (int) (1 / LOW) - 1;

  /** The first distance over the second, in [0, 1]: 0 of an exact copy, 1 where two are as near. */
  public double ratio() {
    return first / second;
  }

  /**
   * The two nearest training images of each image. Training images that are equal count once.
   *
   * @param rgb unsigned bytes, row-major [N, 3, H, W]
   * @param training images of the same size
   * @param mirrored whether a training image and its mirror image count as one, which is as far as
   *     the nearer of them
   * @param watch is told how many training images have been looked at
   * @return [N]
   */
  public static List<NearestExamples> of(
      byte[] rgb, ImageSource training, boolean mirrored, Watch watch) {
    Engine.load();
    var width = training.format().width();
    var size = 3 * training.format().height() * width;
    try (var scope = new PointerScope()) {
      var images = colours(rgb, size);
      var mirrorImages = mirrored ? colours(mirrored(rgb, width), size) : null;
      var none = new Scalar(Double.POSITIVE_INFINITY);
      var nearest = Scope.owned(() -> full(new long[] {images.size(0), 2}, none, images.options()));
      try (nearest) {
        var seen = new HashSet<Long>();
        var most = Math.max(1, Math.min(BLOCK, MOST / size));
        for (var first = 0; first < training.size(); first += most) {
          var count = Math.min(most, training.size() - first);
          watch.progress("nearest", first, training.size(), "");
          var block = ImageBatch.read(training, first, count).rgb();
          var different = different(block, size, mirrored ? width : 0, seen);
          if (different.length == 0) {
            continue;
          }
          try (var step = new PointerScope()) {
            var examples = colours(different, size);
            var distances = cdist(images, examples);
            if (mirrored) {
              distances = minimum(distances, cdist(mirrorImages, examples));
            }
            var both = cat(new TensorVector(nearest, distances), 1);
            nearest.copy_(both.topk(2, 1, false, true).get0());
          }
        }
        watch.progress("nearest", training.size(), training.size(), "");
        var distances = new double[(int) nearest.numel()];
        nearest.<DoubleBuffer>createBuffer().get(distances);
        var unit = 255 * Math.sqrt(size);
        return IntStream.range(0, distances.length / 2)
            .mapToObj(
                i -> new NearestExamples(distances[2 * i] / unit, distances[2 * i + 1] / unit))
            .toList();
      }
    }
  }

  /**
   * The share of samples that are nearer to one training image, compared with the next, than 95% of
   * held-out images are: whose ratio lies below the 5% quantile of theirs.
   *
   * <p>Of images that are drawn as the held-out ones are, it is 0.05 on average, for any number of
   * these and also where many ratios are equal: a sample counts as low with the probability that
   * its rank among the held-out ratios, equal ones in random order, is in the lowest 5%.
   *
   * @param samples ratios [N]
   * @param heldOut ratios [M] of images that were not trained on
   * @return in [0, 1]
   */
  static double shareOfLow(double[] samples, double[] heldOut) {
    var lowRanks = LOW * (heldOut.length + 1);
    return Arrays.stream(samples)
        .map(
            ratio -> {
              var below = Arrays.stream(heldOut).filter(other -> other < ratio).count();
              var equal = Arrays.stream(heldOut).filter(other -> other == ratio).count();
              return Math.max(0, Math.min(1, (lowRanks - below) / (equal + 1)));
            })
        .average()
        .orElseThrow();
  }

  /**
   * The images of a block [N, 3, H, W] that were not seen before.
   *
   * @param width W where mirrored images are the same; 0 where they are not
   * @param seen images by the first 64 bits of their digests: of a million, two different ones have
   *     the same with a probability of 1e-7
   */
  private static byte[] different(byte[] rgb, int size, int width, Set<Long> seen) {
    var kept = new byte[rgb.length];
    var count = 0;
    for (var start = 0; start < rgb.length; start += size) {
      var image = Arrays.copyOfRange(rgb, start, start + size);
      var digest = digest(image);
      if (width > 0) {
        digest = Math.min(digest, digest(mirrored(image, width)));
      }
      if (seen.add(digest)) {
        System.arraycopy(image, 0, kept, count * size, size);
        count++;
      }
    }
    return Arrays.copyOf(kept, count * size);
  }

  private static long digest(byte[] image) {
    try {
      return ByteBuffer.wrap(MessageDigest.getInstance("SHA-256").digest(image)).getLong();
    } catch (NoSuchAlgorithmException e) {
      throw new AssertionError("every Java has SHA-256", e);
    }
  }

  /** Images [N, 3, H, W], each row from right to left. */
  private static byte[] mirrored(byte[] rgb, int width) {
    var mirrored = new byte[rgb.length];
    for (var i = 0; i < rgb.length; i++) {
      var x = i % width;
      mirrored[i - x + (width - 1 - x)] = rgb[i];
    }
    return mirrored;
  }

  /** Whole numbers as doubles: squares and their sums are exact, and a copy's distance is 0. */
  private static Tensor colours(byte[] rgb, int size) {
    return Tensor.create(rgb, false, rgb.length / size, size).to(torch.ScalarType.Double);
  }
}

package org.bitdiffusion.modality.image;

import java.nio.file.Path;
import java.util.List;
import java.util.Map;
import org.bitdiffusion.ConfigurationException;
import org.bitdiffusion.data.DataSource;
import org.bitdiffusion.data.DataSpec;
import org.bitdiffusion.data.Split;
import org.bitdiffusion.modality.Evaluation;
import org.bitdiffusion.modality.Watch;

/**
 * Compares samples with images. Options:
 *
 * <ul>
 *   <li>{@code held_out}, a source of images that were not trained on, to tell copies
 *   <li>{@code inception}, the file of the weights of FID's Inception-v3, for FID and the Inception
 *       Score; or {@code features}, of a classifier, for a Fréchet distance that is not FID
 *   <li>{@code features_precision}, what features are computed in: {@code float32}, as FID is
 *       defined, unless given
 *   <li>{@code reference}, a file of statistics of the real images' features, which is taken, or
 *       written where it is not there
 * </ul>
 */
final class ImageEvaluation implements Evaluation {
  private static final String HELD_OUT = "held_out";
  private static final String INCEPTION = "inception";
  private static final String FEATURES = "features";
  private static final String PRECISION = "features_precision";
  private static final String REFERENCE = "reference";

  /** Samples unless another number is asked for. */
  private static final int SAMPLES = 1000;

  @Override
  public List<String> options() {
    return List.of(HELD_OUT, INCEPTION, FEATURES, PRECISION, REFERENCE);
  }

  @Override
  public Comparison with(DataSource source, int n, Map<String, String> options, Watch watch) {
    var images = images(source);
    requireRight(options, n);
    var heldOut = options.get(HELD_OUT);
    var others = heldOut == null ? null : ImageSources.open(DataSpec.parse(heldOut));
    return compare(images, others, n, options);
  }

  @Override
  public Comparison with(
      DataSource source, Split split, int n, Map<String, String> options, Watch watch) {
    var images = images(source);
    requireRight(options, n);
    return compare(
        new SomeImages(images, split.training()),
        new SomeImages(images, split.validation()),
        n,
        options);
  }

  private static ImageSource images(DataSource source) {
    if (!(source instanceof ImageSource images)) {
      throw new ConfigurationException(source.name() + " holds no images to compare with");
    }
    return images;
  }

  private void requireRight(Map<String, String> options, int n) {
    requireKnown(options);
    requireOne(options);
    if (n < 0) {
      throw new IllegalArgumentException(n + " samples cannot be compared");
    }
  }

  /**
   * @param others that were held out, which the comparison owns, or null
   */
  private static Comparison compare(
      ImageSource images, ImageSource others, int n, Map<String, String> options) {
    var samples = n == 0 ? SAMPLES : n;
    ImageFeatures features = null;
    try {
      features = features(options);
      if (features != null && samples < 2) {
        throw new ConfigurationException(
            "n is " + samples + "; a covariance of features needs 2 samples at least");
      }
      var reference = options.get(REFERENCE);
      return new ImageComparison(
          images, others, features, reference == null ? null : Path.of(reference), samples);
    } catch (RuntimeException | Error e) {
      if (others != null) {
        others.close();
      }
      if (features != null) {
        features.close();
      }
      throw e;
    }
  }

  private static void requireOne(Map<String, String> options) {
    var none = !options.containsKey(INCEPTION) && !options.containsKey(FEATURES);
    if (none && options.containsKey(REFERENCE)) {
      throw new ConfigurationException(
          "reference needs inception or features, whose statistics it holds");
    }
    if (none && options.containsKey(PRECISION)) {
      throw new ConfigurationException(
          "features_precision needs inception or features, which compute in it");
    }
    if (options.containsKey(INCEPTION) && options.containsKey(FEATURES)) {
      throw new ConfigurationException("inception and features exclude each other; take one");
    }
  }

  /** The features, or null where none are asked for; the caller closes them. */
  private static ImageFeatures features(Map<String, String> options) {
    var precision = options.getOrDefault(PRECISION, "float32");
    if (options.containsKey(INCEPTION)) {
      return InceptionFeatures.load(Path.of(options.get(INCEPTION)), precision);
    }
    return options.containsKey(FEATURES)
        ? ClassifierFeatures.load(Path.of(options.get(FEATURES)), precision)
        : null;
  }
}

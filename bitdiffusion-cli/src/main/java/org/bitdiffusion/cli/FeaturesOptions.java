package org.bitdiffusion.cli;

import java.io.PrintWriter;
import java.nio.file.Path;
import org.bitdiffusion.ConfigurationException;
import org.bitdiffusion.data.ImageSource;
import org.bitdiffusion.metrics.ClassifierFeatures;
import org.bitdiffusion.metrics.ImageFeatures;
import org.bitdiffusion.metrics.InceptionFeatures;
import picocli.CommandLine.Option;

/** Options that say by whose features images are compared. */
final class FeaturesOptions {
  @Option(
      names = "--inception",
      paramLabel = "FILE",
      description =
          "The weights of FID's Inception-v3 as safetensors, for FID and the Inception Score; README"
              + " says how to get them.")
  private Path inception;

  @Option(
      names = "--features",
      paramLabel = "FILE",
      description = "A classifier of 'features train', for a Frechet distance that is not FID.")
  private Path classifier;

  @Option(
      names = "--reference",
      paramLabel = "FILE.npz",
      description =
          "Statistics of the real images' features (mu, sigma), taken for the Frechet distance"
              + " instead of those of --data; if there is no such file, it is written.")
  private Path reference;

  /** Whether any of them is given. */
  boolean isGiven() {
    return inception != null || classifier != null || reference != null;
  }

  /** Complains if both are given, or a reference for neither. */
  void requireOne() {
    if (reference != null) {
      Target.requireFile("--reference", reference, ".npz");
      if (inception == null && classifier == null) {
        throw new ConfigurationException(
            "--reference needs --inception or --features, whose statistics it holds");
      }
    }
    if (inception != null && classifier != null) {
      throw new ConfigurationException("--inception and --features exclude each other; take one");
    }
  }

  /**
   * The features, or null where none are given.
   *
   * @param precision to compute them in; {@code auto} is float32 of Inception-v3, as FID is defined
   */
  ImageFeatures open(String precision) {
    requireOne();
    if (inception != null) {
      return InceptionFeatures.load(inception, precision.equals("auto") ? "float32" : precision);
    }
    return classifier == null ? null : ClassifierFeatures.load(classifier, precision);
  }

  /**
   * Looks at the images that samples are compared with.
   *
   * @param features of {@link #open}
   */
  RealImages real(ImageSource source, ImageFeatures features, PrintWriter err) {
    try (var progress = new Progress("looking", source.size(), 0, err)) {
      return RealImages.of(source, features, reference, progress);
    }
  }

  /** Says so where images are too few for a covariance of full rank. */
  static void warnOfFew(String set, int images, int features, PrintWriter err) {
    if (images <= features) {
      err.printf(
          "warning: %s holds %,d images, too few for %,d features: their covariance has not full"
              + " rank below %,d, and the distance is far too high%n",
          set, images, features, features + 1);
    }
  }
}

package org.bitdiffusion.cli;

import java.io.PrintWriter;
import java.nio.file.Path;
import org.bitdiffusion.ConfigurationException;
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

  /** Whether any of them is given. */
  boolean isGiven() {
    return inception != null || classifier != null;
  }

  /** Complains if both are given. */
  void requireOne() {
    if (inception != null && classifier != null) {
      throw new ConfigurationException("--inception and --features exclude each other; take one");
    }
  }

  /** The features, or null where none are given. FID is defined in float32. */
  ImageFeatures open() {
    requireOne();
    if (inception != null) {
      return InceptionFeatures.load(inception, "float32");
    }
    return classifier == null ? null : ClassifierFeatures.load(classifier, "auto");
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

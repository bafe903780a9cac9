package org.bitdiffusion.cli;

import java.io.PrintWriter;
import java.nio.file.Files;
import java.nio.file.Path;
import org.bitdiffusion.ConfigurationException;
import org.bitdiffusion.data.ImageSource;
import org.bitdiffusion.evaluation.RealImages;
import org.bitdiffusion.metrics.ClassifierFeatures;
import org.bitdiffusion.metrics.ImageFeatures;
import org.bitdiffusion.metrics.InceptionFeatures;
import picocli.CommandLine.Option;

/** Options that say by whose features images are compared. */
final class FeaturesOptions {
  /** Images of each set whose places among each other are compared: the cost is their square. */
  private static final int MANIFOLD = 10_000;

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
      names = "--features-precision",
      paramLabel = "P",
      description =
          "What features are computed in: float32, as FID is defined (default); bfloat16, which is"
              + " faster and moves distances by about a thousandth; or auto, what the machine can.")
  private String precision;

  @Option(
      names = "--reference",
      paramLabel = "FILE.npz",
      description =
          "Statistics of the real images' features (mu, sigma) by the same network, taken for the"
              + " Frechet distance instead of those of --data; if there is no such file, it is"
              + " written.")
  private Path reference;

  /** Whether any of them is given. */
  boolean isGiven() {
    return inception != null || classifier != null || reference != null || precision != null;
  }

  /** Complains if both are given, or neither, but what needs one. */
  void requireOne() {
    if (reference != null) {
      Target.requireFileOrNew("--reference", reference, ".npz");
      if (inception == null && classifier == null) {
        throw new ConfigurationException(
            "--reference needs --inception or --features, whose statistics it holds");
      }
    }
    if (precision != null && inception == null && classifier == null) {
      throw new ConfigurationException(
          "--features-precision needs --inception or --features, which compute in it");
    }
    if (inception != null && classifier != null) {
      throw new ConfigurationException("--inception and --features exclude each other; take one");
    }
  }

  /** The features, or null where none are given. */
  ImageFeatures open() {
    requireOne();
    var precision = this.precision == null ? "float32" : this.precision;
    if (inception != null) {
      return InceptionFeatures.load(inception, precision);
    }
    return classifier == null ? null : ClassifierFeatures.load(classifier, precision);
  }

  /**
   * Looks at the images that samples are compared with.
   *
   * @param features of {@link #open}
   * @param samples how many are compared with them
   */
  RealImages real(ImageSource source, ImageFeatures features, int samples, PrintWriter err) {
    var isKnown = reference != null && Files.exists(reference);
    if (features != null) {
      if (samples < 2) {
        throw new ConfigurationException(
            "a covariance of features needs 2 samples at least, and --n is " + samples);
      }
      warnOfFew("the set of samples", samples, features.size(), err);
      if (!isKnown) {
        warnOfFew(source.name(), source.size(), features.size(), err);
      }
    }
    if (reference != null) {
      err.printf(
          isKnown
              ? "the distance is to the statistics in %s%n"
              : "the statistics of the images are written to %s%n",
          reference);
    }
    var compared = Math.min(MANIFOLD, Math.min(samples, source.size()));
    var looked = source.size() + (features != null && isKnown ? compared : 0);
    try (var progress = new Progress("looking", looked, 0, err)) {
      return features == null
          ? RealImages.of(source, done -> progress.to(done, ""))
          : RealImages.of(source, features, reference, compared, done -> progress.to(done, ""));
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

package org.bitdiffusion.cli;

import org.bitdiffusion.data.ImageFormat;
import org.bitdiffusion.metrics.FeatureStatistics;
import org.bitdiffusion.metrics.ImageFeatures;
import org.bitdiffusion.metrics.InceptionScore;
import org.bitdiffusion.metrics.SymbolStatistics;

/** What two sets of images are compared by, gathered batch by batch: memory does not grow. */
final class ImageSet {
  /** Images whose places among each other are compared: the cost is their square. */
  private static final int MANIFOLD = 10_000;

  private final ImageFeatures features;
  private final SymbolStatistics symbols;
  private final FeatureStatistics.Builder statistics; // these three: null without features
  private final InceptionScore.Builder score;
  private final float[] some;
  private final int images;
  private int count;
  private int kept;

  /**
   * @param features to look by, or null
   * @param images how many there will be
   */
  ImageSet(ImageFormat format, ImageFeatures features, int images) {
    this.features = features;
    this.images = images;
    symbols =
        new SymbolStatistics(
            format.channels(), format.height(), format.width(), format.categories());
    statistics = features == null ? null : new FeatureStatistics.Builder(features.size());
    score =
        features == null
            ? null
            : new InceptionScore.Builder(
                images, features.classes(), Math.min(images, InceptionScore.PARTS));
    some = features == null ? null : new float[Math.min(images, MANIFOLD) * features.size()];
  }

  /** Adds images; gives what the features' network sees in them, or null without one. */
  ImageFeatures.Batch add(ImageBatch batch) {
    symbols.add(batch.symbols());
    if (features == null) {
      return null;
    }
    var seen = batch.features(features);
    statistics.add(seen.features());
    score.add(seen.probabilities());
    for (var i = 0; i < batch.count(); i++) {
      keep(seen.features(), i);
    }
    return seen;
  }

  /** Keeps the features of some images, evenly from all. */
  private void keep(float[] rows, int row) {
    var size = features.size();
    if ((long) kept * images <= (long) count * (some.length / size) && kept * size < some.length) {
      System.arraycopy(rows, row * size, some, kept * size, size);
      kept++;
    }
    count++;
  }

  SymbolStatistics symbols() {
    return symbols;
  }

  FeatureStatistics statistics() {
    return statistics.build();
  }

  double inceptionScore() {
    return score.build().mean();
  }

  /** The features of all images, or of 10,000 evenly from all, row-major [N, D]. */
  float[] some() {
    return some;
  }
}

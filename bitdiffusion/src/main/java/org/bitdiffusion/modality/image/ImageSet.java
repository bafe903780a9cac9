package org.bitdiffusion.modality.image;

import org.bitdiffusion.metrics.InceptionScore;
import org.bitdiffusion.metrics.SymbolStatistics;

/** What two sets of images are compared by, gathered batch by batch: memory does not grow. */
final class ImageSet {
  private final ImageFeatures features;
  private final SymbolStatistics symbols;
  private final FeatureStatistics.Builder statistics; // these three: null without features
  private final InceptionScore.Builder score;
  private final float[] some;
  private final int looked;
  private int count;
  private int kept;

  /**
   * @param features to look by, or null
   * @param looked how many images will be looked at
   * @param compared of how many, evenly from these, the features are kept
   */
  ImageSet(ImageFormat format, ImageFeatures features, int looked, int compared) {
    this.features = features;
    this.looked = looked;
    symbols =
        new SymbolStatistics(
            format.channels(), format.height(), format.width(), format.categories());
    statistics = features == null ? null : new FeatureStatistics.Builder(features.size());
    score =
        features == null
            ? null
            : new InceptionScore.Builder(
                looked, features.classes(), Math.min(looked, InceptionScore.PARTS));
    some = features == null ? null : new float[compared * features.size()];
  }

  /** Adds images by their symbols alone. */
  void count(ImageBatch batch) {
    symbols.add(batch.symbols());
  }

  /** Adds images by their features alone; gives what the network sees in them. */
  ImageFeatures.Batch look(ImageBatch batch) {
    var seen = features.of(batch);
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
    if (kept < compared() && count == (long) kept * looked / compared()) {
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

  InceptionScore inceptionScore() {
    return score.build();
  }

  /** Of how many images features are kept. */
  int compared() {
    return some.length / features.size();
  }

  /** The features that are kept, row-major [N, D]. */
  float[] some() {
    return some;
  }
}

package org.bitdiffusion.cli;

import java.nio.file.Files;
import java.nio.file.Path;
import org.bitdiffusion.data.ImageSource;
import org.bitdiffusion.metrics.FeatureStatistics;
import org.bitdiffusion.metrics.ImageFeatures;

/**
 * The images that samples are compared with, looked at once for any number of evaluations.
 *
 * @param features that both are compared by, or null
 * @param statistics of the features of the real images, or null without them
 */
record RealImages(
    ImageSource source, ImageFeatures features, ImageSet images, FeatureStatistics statistics) {
  private static final int BATCH = 64;

  /**
   * Looks at the images of a source.
   *
   * @param features to look by, or null
   * @param reference statistics that are taken instead of the source's own where the file is there,
   *     and written where it is not; or null
   * @param compared of how many images, evenly from all, the features are kept
   * @throws org.bitdiffusion.DataException if the file's statistics are of other features
   */
  static RealImages of(
      ImageSource source, ImageFeatures features, Path reference, int compared, Progress progress) {
    var known =
        reference != null && Files.exists(reference)
            ? FeatureStatistics.read(reference, features)
            : null;
    var looked = known == null ? source.size() : compared;
    var images = new ImageSet(source.format(), features, looked, compared);
    for (var first = 0; first < source.size(); first += BATCH) {
      var batch = ImageBatch.read(source, first, Math.min(BATCH, source.size() - first));
      images.count(batch);
      if (features != null && known == null) {
        images.look(batch);
      }
      progress.to(first + batch.count(), "");
    }
    if (features == null) {
      return new RealImages(source, null, images, null);
    }
    if (known != null) { // then the network looks at those alone whose features are kept
      for (var first = 0; first < looked; first += BATCH) {
        images.look(ImageBatch.evenly(source, looked, first, Math.min(BATCH, looked - first)));
      }
      return new RealImages(source, features, images, known);
    }
    var statistics = images.statistics();
    if (reference != null) {
      statistics.write(reference, features);
    }
    return new RealImages(source, features, images, statistics);
  }
}

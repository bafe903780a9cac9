package org.bitdiffusion.modality.image;

import java.nio.file.Files;
import java.nio.file.Path;
import java.util.function.IntConsumer;

/** The images that samples are compared with, looked at once for any number of evaluations. */
public final class RealImages {
  private static final int BATCH = 64;

  private final ImageSet images;
  private final FeatureStatistics statistics;

  private RealImages(ImageSet images, FeatureStatistics statistics) {
    this.images = images;
    this.statistics = statistics;
  }

  ImageSet images() {
    return images;
  }

  /** Of the features of the real images; null without them. */
  FeatureStatistics statistics() {
    return statistics;
  }

  /**
   * Reads the images of a source, to compare their symbols alone.
   *
   * @param progress is told how many images are read, after each batch
   * @throws org.bitdiffusion.DataException if an image cannot be read
   */
  public static RealImages of(ImageSource source, IntConsumer progress) {
    var images = new ImageSet(source.format(), null, source.size(), 0);
    read(source, images, false, progress);
    return new RealImages(images, null);
  }

  private static void read(
      ImageSource source, ImageSet images, boolean look, IntConsumer progress) {
    for (var first = 0; first < source.size(); first += BATCH) {
      var batch = ImageBatch.read(source, first, Math.min(BATCH, source.size() - first));
      images.count(batch);
      if (look) {
        images.look(batch);
      }
      progress.accept(first + batch.count());
    }
  }

  /**
   * Looks at the images of a source.
   *
   * @param source of two images at least
   * @param features to look by; the caller closes them
   * @param reference statistics that are taken instead of the source's own where the file is there,
   *     and written where it is not; or null
   * @param compared of how many images, evenly from all, the features are kept, which the cost of
   *     precision and recall grows with the square of; at least 1, at most as many as there are,
   *     and as there will be samples
   * @param progress is told how many images are read, after each batch: all, and where the file is
   *     there the compared ones once more, as the network looks at those alone
   * @throws org.bitdiffusion.DataException if an image cannot be read or is of another size than
   *     the features need, or if the file cannot be read or written, or holds statistics of other
   *     features
   */
  public static RealImages of(
      ImageSource source,
      ImageFeatures features,
      Path reference,
      int compared,
      IntConsumer progress) {
    if (compared < 1 || compared > source.size()) {
      throw new IllegalArgumentException(
          "%d of %d images cannot be compared".formatted(compared, source.size()));
    }
    var known =
        reference != null && Files.exists(reference)
            ? FeatureStatistics.read(reference, features)
            : null;
    var looked = known == null ? source.size() : compared;
    var images = new ImageSet(source.format(), features, looked, compared);
    read(source, images, known == null, progress);
    if (known != null) { // then the network looks at those alone whose features are kept
      for (var first = 0; first < looked; first += BATCH) {
        var batch = ImageBatch.evenly(source, looked, first, Math.min(BATCH, looked - first));
        images.look(batch);
        progress.accept(source.size() + first + batch.count());
      }
      return new RealImages(images, known);
    }
    var statistics = images.statistics();
    if (reference != null) {
      statistics.write(reference, features);
    }
    return new RealImages(images, statistics);
  }
}

package org.bitdiffusion.cli;

import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Arrays;
import java.util.LinkedHashMap;
import java.util.Map;
import org.bitdiffusion.ConfigurationException;
import org.bitdiffusion.DataException;
import org.bitdiffusion.data.ImageFormat;
import org.bitdiffusion.data.ImageSource;
import org.bitdiffusion.data.Npy;
import org.bitdiffusion.metrics.FeatureStatistics;
import org.bitdiffusion.metrics.ImageFeatures;
import org.bitdiffusion.metrics.InceptionFeatures;
import org.bitdiffusion.metrics.InceptionScore;
import org.bitdiffusion.metrics.ManifoldScores;
import org.bitdiffusion.metrics.NearestExamples;
import org.bitdiffusion.metrics.SymbolStatistics;
import org.bitdiffusion.runtime.Seed;
import org.bitdiffusion.sampling.Sampler;
import org.bitdiffusion.sampling.SamplerConfig;
import org.bitdiffusion.training.ImageModel;
import org.bitdiffusion.training.RunFolder;

/**
 * Draws samples and compares them with images of a source, batch by batch, so that memory does not
 * grow with their number. The samples are kept in the run folder: an evaluation that was cut off
 * goes on where it was, and one with another metric draws none anew.
 */
final class ImageEvaluation {
  /** Samples whose nearest training example is looked for: each costs a pass over all of them. */
  private static final int NEAREST = 500;

  /** Images of each set whose places among each other are compared: the cost is their square. */
  private static final int MANIFOLD = 10_000;

  private final ImageModel model;
  private final SamplerConfig sampling;
  private final long seed;
  private final int n;
  private final int batchSize;
  private final Path folder;
  private double seconds;
  private int drawn;

  ImageEvaluation(
      Path run, ImageModel model, SamplerConfig sampling, long seed, int n, int batchSize) {
    this.model = model;
    this.sampling = sampling;
    this.seed = seed;
    this.n = n;
    this.batchSize = batchSize;
    folder =
        run.resolve("evaluations")
            .resolve(
                "%s-%08x"
                    .formatted(
                        RunFolder.open(run).requireNewest().getFileName(),
                        (int) Seed.of(seed, sampling.toString().hashCode())));
  }

  /**
   * Measures the samples.
   *
   * @param training what they are compared with
   * @param heldOut images that were not trained on, whose distance to the training images is what a
   *     sample's would be if nothing is copied; or null
   * @param features to compare by, or null
   * @return by name, in the order to be told
   */
  Map<String, Object> measure(
      ImageSource training, ImageSource heldOut, ImageFeatures features, Progress progress) {
    requireSame(training);
    if (heldOut != null) {
      requireSame(heldOut);
    }
    var format = model.format();
    var nearby = new int[Math.min(n, NEAREST) * format.symbols()];
    var samples = new Gathered(format, features, n);
    for (var first = 0; first < n; first += batchSize) {
      var batch = samples(training, first, Math.min(batchSize, n - first));
      samples.add(batch);
      var at = first * (long) format.symbols();
      if (at < nearby.length) {
        var count = Math.min(batch.symbols().length, nearby.length - (int) at);
        System.arraycopy(batch.symbols(), 0, nearby, (int) at, count);
      }
      progress.to(first + batch.count(), "");
    }
    progress.say("looks at " + training.name());
    var images = new Gathered(format, features, training.size());
    for (var first = 0; first < training.size(); first += batchSize) {
      images.add(ImageBatch.read(training, first, Math.min(batchSize, training.size() - first)));
    }

    var report = new LinkedHashMap<String, Object>();
    report.put("symbol_total_variation", samples.symbols.symbolDistance(images.symbols));
    report.put("pair_total_variation", samples.symbols.pairDistance(images.symbols));
    report.put("nearest_distance", median(new ImageBatch(nearby, format), training));
    if (heldOut != null) {
      var others = ImageBatch.read(heldOut, 0, Math.min(heldOut.size(), NEAREST));
      report.put("nearest_distance_of_held_out", median(others, training));
    }
    if (features != null) {
      var distance = samples.statistics.build().frechetDistance(images.statistics.build());
      report.put(features instanceof InceptionFeatures ? "fid" : "frechet_distance", distance);
      report.put("features", features.name());
      if (features instanceof InceptionFeatures) {
        report.put("inception_score", samples.score.build().mean());
      }
      if (Math.min(n, training.size()) >= ManifoldScores.FEWEST) {
        var manifold = ManifoldScores.of(images.some(), samples.some(), features.size());
        report.put("precision", manifold.precision());
        report.put("recall", manifold.recall());
        report.put("density", manifold.density());
        report.put("coverage", manifold.coverage());
      }
    }
    report.put("samples", n);
    report.put("seed", seed);
    report.put("network_evaluations_per_sample", evaluations());
    if (drawn > 0) {
      report.put("samples_per_second", drawn / seconds);
    }
    return report;
  }

  /** What is gathered of samples, or of the images that they are compared with. */
  private static final class Gathered {
    final SymbolStatistics symbols;
    final FeatureStatistics.Builder statistics; // these three: null without features
    final InceptionScore.Builder score;
    private final float[] some;
    private final ImageFeatures features;
    private final int images;
    private int count;
    private int kept;

    /**
     * @param images how many there will be
     */
    Gathered(ImageFormat format, ImageFeatures features, int images) {
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

    void add(ImageBatch batch) {
      symbols.add(batch.symbols());
      if (features != null) {
        var seen = batch.features(features);
        statistics.add(seen.features());
        score.add(seen.probabilities());
        for (var i = 0; i < batch.count(); i++) {
          keep(seen.features(), i);
        }
      }
    }

    /** Keeps the features of some images, evenly from all. */
    private void keep(float[] rows, int row) {
      var size = features.size();
      if ((long) kept * images <= (long) count * (some.length / size)
          && kept * size < some.length) {
        System.arraycopy(rows, row * size, some, kept * size, size);
        kept++;
      }
      count++;
    }

    float[] some() {
      return some;
    }
  }

  private int evaluations() {
    var passes = sampling.selfConditioning().equals("self_guidance") ? 2 : 1;
    return sampling.steps() * passes;
  }

  private void requireSame(ImageSource source) {
    if (!source.format().equals(model.format())) {
      throw new ConfigurationException(
          "%s: images are %s, but the run's are %s; it was trained on %s"
              .formatted(
                  source.name(),
                  told(source.format()),
                  told(model.format()),
                  model.config().data()));
    }
  }

  private static String told(ImageFormat format) {
    return "%dx%d of %d channels and %d categories%s"
        .formatted(
            format.width(),
            format.height(),
            format.channels(),
            format.categories(),
            format.palette().isEmpty() ? "" : ", the colours " + format.palette());
  }

  /** Samples first .. first + count - 1, [count, C, H, W]: those of before, or new ones. */
  private ImageBatch samples(ImageSource training, int first, int count) {
    var format = model.format();
    var shape = new int[] {count, format.channels(), format.height(), format.width()};
    var file = folder.resolve("samples-%07d-%07d.npy".formatted(first, first + count));
    if (Files.exists(file)) {
      var array = Npy.read(file);
      if (!Arrays.equals(array.shape(), shape)) {
        throw new DataException(file + " is not what was drawn; delete it");
      }
      return new ImageBatch(array.values(), format);
    }
    var start = System.nanoTime();
    var samples =
        model
            .sample(sampling, seed, first, labels(training, first, count), Sampler.Listener.NONE)
            .symbols();
    seconds += (System.nanoTime() - start) / 1e9;
    drawn += count;
    Npy.write(file, samples, shape, format.categories());
    return new ImageBatch(samples, format);
  }

  /** Of a run with classes, those of training images: as often as they occur there. */
  private int[] labels(ImageSource training, int first, int count) {
    var labels = new int[count];
    var conditional = model.config().diffusion().conditional();
    Arrays.setAll(
        labels,
        i -> {
          var example = Math.floorMod(Seed.of(seed, first + i), (long) training.size());
          return conditional ? training.label((int) example) : ImageModel.ANY_CLASS;
        });
    return labels;
  }

  /** The median distance of images to the nearest of the training images. */
  private static double median(ImageBatch images, ImageSource training) {
    var sorted = NearestExamples.distances(images.rgb(), training);
    Arrays.sort(sorted);
    return (sorted[(sorted.length - 1) / 2] + sorted[sorted.length / 2]) / 2;
  }
}

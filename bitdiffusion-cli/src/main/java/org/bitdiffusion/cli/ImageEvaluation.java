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
import org.bitdiffusion.metrics.InceptionFeatures;
import org.bitdiffusion.metrics.InceptionScore;
import org.bitdiffusion.metrics.NearestExamples;
import org.bitdiffusion.metrics.SymbolStatistics;
import org.bitdiffusion.nn.InceptionV3;
import org.bitdiffusion.runtime.Seed;
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
   * @param inception or null for no metric that needs it
   * @return by name, in the order to be told
   */
  Map<String, Object> measure(
      ImageSource training, ImageSource heldOut, InceptionFeatures inception, Progress progress) {
    requireSame(training);
    if (heldOut != null) {
      requireSame(heldOut);
    }
    var format = model.format();
    var ofSamples = symbolStatistics(format);
    var features = inception == null ? null : new FeatureStatistics.Builder(InceptionV3.FEATURES);
    var score =
        inception == null
            ? null
            : new InceptionScore.Builder(n, InceptionV3.CLASSES, Math.min(n, InceptionScore.PARTS));
    var nearest = new double[Math.min(n, NEAREST)];
    for (var first = 0; first < n; first += batchSize) {
      var samples = samples(first, Math.min(batchSize, n - first));
      ofSamples.add(samples);
      var rgb = rgb(samples, format);
      if (inception != null) {
        var batch = inception.of(rgb, format.height(), format.width());
        features.add(batch.pooled());
        score.add(batch.probabilities());
      }
      if (first < nearest.length) {
        var size = 3 * format.height() * format.width();
        var count = Math.min(nearest.length - first, rgb.length / size);
        var distances = NearestExamples.distances(Arrays.copyOf(rgb, count * size), training);
        System.arraycopy(distances, 0, nearest, first, count);
      }
      progress.to(first + samples.length / format.symbols(), "");
    }

    var report = new LinkedHashMap<String, Object>();
    var ofTraining = symbolStatistics(format);
    var reference = inception == null ? null : new FeatureStatistics.Builder(InceptionV3.FEATURES);
    for (var first = 0; first < training.size(); first += batchSize) {
      var images = read(training, first, Math.min(batchSize, training.size() - first));
      ofTraining.add(images);
      if (inception != null) {
        var rgb = rgb(images, format);
        reference.add(inception.of(rgb, format.height(), format.width()).pooled());
      }
    }
    report.put("symbol_total_variation", ofSamples.symbolDistance(ofTraining));
    report.put("pair_total_variation", ofSamples.pairDistance(ofTraining));
    report.put("nearest_distance", median(nearest));
    if (heldOut != null) {
      var count = Math.min(heldOut.size(), NEAREST);
      var others = rgb(read(heldOut, 0, count), format);
      report.put(
          "nearest_distance_of_held_out", median(NearestExamples.distances(others, training)));
    }
    if (inception != null) {
      report.put("fid", features.build().frechetDistance(reference.build()));
      report.put("inception_score", score.build().mean());
    }
    report.put("samples", n);
    report.put("seed", seed);
    report.put("network_evaluations_per_sample", evaluations());
    if (drawn > 0) {
      report.put("samples_per_second", drawn / seconds);
    }
    return report;
  }

  private int evaluations() {
    var passes = sampling.selfConditioning().equals("self_guidance") ? 2 : 1;
    return sampling.steps() * passes;
  }

  private void requireSame(ImageSource source) {
    if (!source.format().equals(model.format())) {
      throw new ConfigurationException(
          "%s is not like the run's images: size, channels, categories or palette differ"
              .formatted(source.name()));
    }
  }

  private static SymbolStatistics symbolStatistics(ImageFormat format) {
    return new SymbolStatistics(
        format.channels(), format.height(), format.width(), format.categories());
  }

  /** Samples first .. first + count - 1, [count, C, H, W]: those of before, or new ones. */
  private int[] samples(int first, int count) {
    var format = model.format();
    var shape = new int[] {count, format.channels(), format.height(), format.width()};
    var file = folder.resolve("samples-%07d-%07d.npy".formatted(first, first + count));
    if (Files.exists(file)) {
      var array = Npy.read(file);
      if (!Arrays.equals(array.shape(), shape)) {
        throw new DataException(file + " is not what was drawn; delete it");
      }
      return array.values();
    }
    var start = System.nanoTime();
    var samples =
        model.sample(sampling, seed, first, count, ImageModel.ANY_CLASS, step -> true).symbols();
    seconds += (System.nanoTime() - start) / 1e9;
    drawn += count;
    Npy.write(file, samples, shape, format.categories());
    return samples;
  }

  private static int[] read(ImageSource source, int first, int count) {
    var size = source.format().symbols();
    var symbols = new int[count * size];
    for (var i = 0; i < count; i++) {
      source.read(first + i, symbols, i * size);
    }
    return symbols;
  }

  private static byte[] rgb(int[] symbols, ImageFormat format) {
    var count = symbols.length / format.symbols();
    var size = 3 * format.height() * format.width();
    var rgb = new byte[count * size];
    for (var i = 0; i < count; i++) {
      format.rgb(symbols, i * format.symbols(), rgb, i * size);
    }
    return rgb;
  }

  private static double median(double[] values) {
    var sorted = Arrays.stream(values).sorted().toArray();
    return (sorted[(sorted.length - 1) / 2] + sorted[sorted.length / 2]) / 2;
  }
}

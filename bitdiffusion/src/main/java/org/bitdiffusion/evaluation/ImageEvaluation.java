package org.bitdiffusion.evaluation;

import static java.nio.charset.StandardCharsets.UTF_8;

import java.nio.file.Files;
import java.nio.file.Path;
import java.security.MessageDigest;
import java.security.NoSuchAlgorithmException;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.HexFormat;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.function.IntConsumer;
import org.bitdiffusion.ConfigurationException;
import org.bitdiffusion.DataException;
import org.bitdiffusion.data.ImageBatch;
import org.bitdiffusion.data.ImageFormat;
import org.bitdiffusion.data.ImageSource;
import org.bitdiffusion.data.Npy;
import org.bitdiffusion.metrics.ClassifierFeatures;
import org.bitdiffusion.metrics.ImageFeatures;
import org.bitdiffusion.metrics.InceptionFeatures;
import org.bitdiffusion.metrics.InceptionScore;
import org.bitdiffusion.metrics.ManifoldScores;
import org.bitdiffusion.metrics.NearestExamples;
import org.bitdiffusion.runtime.Seed;
import org.bitdiffusion.sampling.Sampler;
import org.bitdiffusion.sampling.SamplerConfig;
import org.bitdiffusion.training.ImageModel;
import org.bitdiffusion.training.RunConfig;

/**
 * Draws samples of a run and compares them with images of a source, piece by piece, so that memory
 * does not grow with their number. The samples are kept in the run folder: an evaluation that was
 * cut off goes on where it was, and one with another metric draws none anew.
 */
public final class ImageEvaluation {
  /** Samples whose nearest training example is looked for: each costs a pass over all of them. */
  private static final int NEAREST = 500;

  /** The most values that the colours of these may have: of large images fewer are looked at. */
  private static final int NEAREST_COLOURS = 1 << 26;

  /** Samples in one file. */
  private static final int PIECE = 64;

  private final ImageModel model;
  private final SamplerConfig sampling;
  private final long seed;
  private final int n;
  private final int batchSize;
  private final Path folder;
  private double seconds;
  private int drawn;
  private int found;

  /**
   * @param run the folder of the model's run
   * @param model whose weights draw; the caller closes it
   * @param sampling how
   * @param seed of the samples: sample i depends on it and on i alone
   * @param n how many samples, at least 1
   * @param batchSize how many of them are drawn at a time, at least 1
   */
  public ImageEvaluation(
      Path run, ImageModel model, SamplerConfig sampling, long seed, int n, int batchSize) {
    if (n < 1 || batchSize < 1) {
      throw new IllegalArgumentException(
          "%d samples in batches of %d cannot be drawn".formatted(n, batchSize));
    }
    this.model = model;
    this.sampling = sampling;
    this.seed = seed;
    this.n = n;
    this.batchSize = batchSize;
    var drawn =
        String.format(
            Locale.ROOT,
            "seed %d, %s, %s, weights %08x",
            seed,
            sampling,
            model.compute().precision().name(),
            model.checksum());
    folder =
        run.resolve("evaluations")
            .resolve(model.checkpoint().getFileName() + "-" + digest(drawn).substring(0, 16));
  }

  private static String digest(String text) {
    try {
      var sha = MessageDigest.getInstance("SHA-256");
      return HexFormat.of().formatHex(sha.digest(text.getBytes(UTF_8)));
    } catch (NoSuchAlgorithmException e) {
      throw new IllegalStateException(e); // every Java has it
    }
  }

  /** Where the samples are kept. */
  public Path folder() {
    return folder;
  }

  /**
   * What can be asked of {@link #measure} and {@link #nearest}, by its name there.
   *
   * @param features to compare by, or null
   * @param classes of a run that knows some, or none
   * @param compared images of each set
   */
  public static List<String> measured(ImageFeatures features, List<String> classes, int compared) {
    var names = new ArrayList<>(List.of("symbol_total_variation", "pair_total_variation"));
    names.add("nearest_distance");
    if (features != null) {
      if (features instanceof InceptionFeatures) {
        names.addAll(List.of("fid", "inception_score"));
      } else {
        names.add("frechet_distance");
        if (tellsApart(features, classes)) {
          names.add("class_accuracy");
        }
      }
      if (compared >= ManifoldScores.FEWEST) {
        names.addAll(List.of("precision", "recall", "density", "coverage"));
      }
    }
    return names;
  }

  private static boolean tellsApart(ImageFeatures features, List<String> classes) {
    return features instanceof ClassifierFeatures classifier
        && !classes.isEmpty()
        && classifier.classNames().equals(classes);
  }

  /**
   * Measures the samples. What it tells, in this order:
   *
   * <ul>
   *   <li>{@code compared_with}, the name of the source
   *   <li>{@code symbol_total_variation} and {@code pair_total_variation}, in [0, 1]: see {@link
   *       org.bitdiffusion.metrics.SymbolStatistics}
   *   <li>with features, the Fréchet distance to the images, as {@code fid} where they are FID's
   *       and as {@code frechet_distance} where not; {@code features}, whose they are
   *   <li>with FID's, {@code inception_score}, {@code inception_score_deviation} over its parts,
   *       and {@code images_of_each_inception_score}; with others that know the run's classes,
   *       {@code class_accuracy}, the share of samples that seem to be of the class asked for
   *   <li>with features, {@code precision}, {@code recall}, {@code density} and {@code coverage},
   *       see {@link ManifoldScores}, and {@code images_of_these_four}
   *   <li>{@code samples}, {@code seed}, {@code network_evaluations_per_sample}, and {@code
   *       samples_per_second} of those that were drawn now, if any
   * </ul>
   *
   * @param real what they are compared with; no more of them by their features than there are
   *     samples
   * @param progress is told how many samples are done, after each piece
   * @throws ConfigurationException if the images are of another kind than the run's, or the run
   *     cannot draw such samples
   * @throws DataException if the samples cannot be kept, or those of before are damaged
   */
  public Map<String, Object> measure(RealImages real, IntConsumer progress) {
    var format = model.format();
    var features = real.features();
    var compared = features == null ? 0 : real.images().compared();
    requireTraining(real.source());
    if (compared > n) {
      throw new IllegalArgumentException(
          "%d images cannot be compared with %d samples".formatted(compared, n));
    }
    var before = drawn;
    var samples = new ImageSet(format, features, n, compared);
    var ofTheirClass = 0;
    for (var first = 0; first < n; first += PIECE) {
      var piece = samples(real.source(), first);
      samples.count(piece);
      if (features != null) {
        ofTheirClass += samples.look(piece).agreeing(labels(real.source(), first, piece.count()));
      }
      progress.accept(first + piece.count());
    }
    found = n - (drawn - before);

    var report = new LinkedHashMap<String, Object>();
    var symbols = real.images().symbols();
    report.put("compared_with", real.source().name());
    report.put("symbol_total_variation", samples.symbols().symbolDistance(symbols));
    report.put("pair_total_variation", samples.symbols().pairDistance(symbols));
    if (features != null) {
      var distance = samples.statistics().frechetDistance(real.statistics());
      report.put(features instanceof InceptionFeatures ? "fid" : "frechet_distance", distance);
      report.put("features", features.name());
      if (features instanceof InceptionFeatures) {
        report.put("inception_score", samples.inceptionScore().mean());
        report.put("inception_score_deviation", samples.inceptionScore().deviation());
        report.put("images_of_each_inception_score", n / Math.min(n, InceptionScore.PARTS));
      } else if (tellsApart(features, classes())) {
        report.put("class_accuracy", (double) ofTheirClass / n);
      }
      if (compared >= ManifoldScores.FEWEST) {
        var manifold = ManifoldScores.of(real.images().some(), samples.some(), features.size());
        report.put("precision", manifold.precision());
        report.put("recall", manifold.recall());
        report.put("density", manifold.density());
        report.put("coverage", manifold.coverage());
        report.put("images_of_these_four", compared);
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

  /** How many of the samples that were measured last had been drawn before; at first 0. */
  public int found() {
    return found;
  }

  /** The classes that samples are asked for by, if any. */
  private List<String> classes() {
    return model.config().diffusion().conditional()
        ? model.config().example().classes()
        : List.of();
  }

  /**
   * Complains unless a run can draw samples, which may be before it is trained.
   *
   * @param run its configuration, with its example
   * @param seed of the samples
   * @param n how many samples
   * @param training whose classes are asked for
   * @throws ConfigurationException if it cannot
   */
  public static void requireFit(
      RunConfig run, SamplerConfig sampling, long seed, int n, ImageSource training) {
    ImageModel.requireFit(run, sampling, labels(run, seed, training, 0, n));
  }

  /**
   * How far samples are from the nearest training image: the median, and the least. Where samples
   * are nearer than images that were not trained on, the run copies; a run that copies a few shows
   * in the share of samples that are nearer than all but 5% of those. A distance is the root of the
   * mean square over red, green and blue of all pixels, in [0, 1].
   *
   * @param training the images that the run was trained on
   * @param heldOut images that were not trained on, or null
   * @return {@code nearest_distance} (the median) and {@code least_nearest_distance}; with held-out
   *     images {@code nearest_distance_of_held_out}, {@code least_nearest_distance_of_held_out} and
   *     {@code share_nearer_than_95_percent_of_held_out}
   * @throws ConfigurationException if images are of another kind than the run's
   * @throws DataException if an image cannot be read, or as {@link #measure} does
   */
  public Map<String, Double> nearest(ImageSource training, ImageSource heldOut) {
    requireTraining(training);
    if (heldOut != null) {
      requireSame(heldOut);
    }
    var format = model.format();
    var colours = 3 * format.height() * format.width();
    var most = Math.max(1, Math.min(NEAREST, NEAREST_COLOURS / colours));
    var some = new int[Math.min(n, most) * format.symbols()];
    for (var first = 0; first * (long) format.symbols() < some.length; first += PIECE) {
      var at = first * format.symbols();
      var symbols = samples(training, first).symbols();
      System.arraycopy(symbols, 0, some, at, Math.min(symbols.length, some.length - at));
    }
    var report = new LinkedHashMap<String, Double>();
    var distances = nearest(new ImageBatch(some, format), training);
    report.put("nearest_distance", median(distances));
    report.put("least_nearest_distance", distances[0]);
    if (heldOut != null) {
      var count = Math.min(heldOut.size(), most);
      var others = nearest(ImageBatch.evenly(heldOut, count, 0, count), training);
      report.put("nearest_distance_of_held_out", median(others));
      report.put("least_nearest_distance_of_held_out", others[0]);
      var near = others[count / 20];
      report.put(
          "share_nearer_than_95_percent_of_held_out",
          (double) Arrays.stream(distances).filter(d -> d < near).count() / distances.length);
    }
    return report;
  }

  private int evaluations() {
    var estimates = sampling.selfConditioning().equals("self_guidance") ? 2 : 1;
    var passes = sampling.guidance() == 0 ? 1 : 2; // with the class, and without
    return sampling.steps() * estimates * passes;
  }

  /**
   * Complains unless images are of the shape and the categories of the run's.
   *
   * @throws ConfigurationException if they are not
   */
  public void requireSame(ImageSource source) {
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

  /**
   * Complains unless a run like this one can be trained on images: also the classes are the same.
   *
   * @throws ConfigurationException if they are not
   */
  public void requireTraining(ImageSource source) {
    requireSame(source);
    var classes = model.config().example().classes();
    if (model.config().diffusion().conditional() && !source.classes().equals(classes)) {
      throw new ConfigurationException(
          "%s has the classes %s, but the run was trained with %s"
              .formatted(source.name(), source.classes(), classes));
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

  /** The piece of the samples that begins with one: that of before, or a new one. */
  private ImageBatch samples(ImageSource training, int first) {
    var file = file(training, first);
    if (!Files.exists(file)) {
      draw(training, first);
    }
    var format = model.format();
    try {
      var array = Npy.read(file);
      if (Arrays.equals(array.shape(), shape(piece(first)))) {
        return new ImageBatch(array.values(), format);
      }
    } catch (DataException e) {
      throw new DataException(e.getMessage() + "; delete it, and it is drawn again", e);
    }
    throw new DataException(file + " is not what was drawn; delete it");
  }

  /** Draws a piece, and those after it that are missing as far as one batch goes. */
  private void draw(ImageSource training, int first) {
    var end = first + piece(first);
    while (end < n && end + piece(end) - first <= batchSize && !Files.exists(file(training, end))) {
      end += piece(end);
    }
    var size = model.format().symbols();
    var symbols = new int[(end - first) * size];
    var start = System.nanoTime();
    for (var at = first; at < end; at += batchSize) {
      var labels = labels(training, at, Math.min(batchSize, end - at));
      var samples = model.sample(sampling, seed, at, labels, Sampler.Listener.NONE).symbols();
      System.arraycopy(samples, 0, symbols, (at - first) * size, samples.length);
    }
    seconds += (System.nanoTime() - start) / 1e9;
    drawn += end - first;
    for (var at = first; at < end; at += PIECE) {
      var from = (at - first) * size;
      Npy.write(
          file(training, at),
          Arrays.copyOfRange(symbols, from, from + piece(at) * size),
          shape(piece(at)),
          model.format().categories());
    }
  }

  /** How many samples the piece has that begins with one. */
  private int piece(int first) {
    return Math.min(PIECE, n - first);
  }

  private int[] shape(int count) {
    var format = model.format();
    return new int[] {count, format.channels(), format.height(), format.width()};
  }

  private Path file(ImageSource training, int first) {
    var count = piece(first);
    var ofClasses =
        model.config().diffusion().conditional()
            ? "-of-classes-%08x".formatted(Arrays.hashCode(labels(training, first, count)))
            : "";
    return folder.resolve(
        String.format(Locale.ROOT, "samples-%07d-%07d%s.npy", first, first + count, ofClasses));
  }

  private int[] labels(ImageSource training, int first, int count) {
    return labels(model.config(), seed, training, first, count);
  }

  /** Of a run with classes, those of training images: as often as they occur there. */
  private static int[] labels(
      RunConfig run, long seed, ImageSource training, int first, int count) {
    var labels = new int[count];
    var conditional = run.diffusion().conditional();
    Arrays.setAll(
        labels,
        i -> {
          var example = Math.floorMod(Seed.of(seed, first + i), (long) training.size());
          return conditional ? training.label((int) example) : ImageModel.ANY_CLASS;
        });
    return labels;
  }

  /** Distances of images to the nearest of the training images, mirrored or not, in order. */
  private double[] nearest(ImageBatch images, ImageSource training) {
    var rgb = images.rgb();
    var distances = NearestExamples.distances(rgb, training);
    if (model.config().training().flip()) {
      var mirrored = NearestExamples.distances(mirrored(rgb, images.format().width()), training);
      Arrays.setAll(distances, i -> Math.min(distances[i], mirrored[i]));
    }
    Arrays.sort(distances);
    return distances;
  }

  private static double median(double[] distances) {
    return (distances[(distances.length - 1) / 2] + distances[distances.length / 2]) / 2;
  }

  private static byte[] mirrored(byte[] rgb, int width) {
    var mirrored = new byte[rgb.length];
    for (var i = 0; i < rgb.length; i++) {
      var x = i % width;
      mirrored[i - x + (width - 1 - x)] = rgb[i];
    }
    return mirrored;
  }
}

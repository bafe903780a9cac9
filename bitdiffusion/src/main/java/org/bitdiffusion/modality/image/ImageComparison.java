package org.bitdiffusion.modality.image;

import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import org.bitdiffusion.ConfigurationException;
import org.bitdiffusion.Seed;
import org.bitdiffusion.config.RunConfig;
import org.bitdiffusion.data.Given;
import org.bitdiffusion.metrics.InceptionScore;
import org.bitdiffusion.metrics.ManifoldScores;
import org.bitdiffusion.metrics.SymbolStatistics;
import org.bitdiffusion.modality.Evaluation;
import org.bitdiffusion.modality.KeptSamples;
import org.bitdiffusion.modality.Watch;
import org.bitdiffusion.model.DiffusionModel;
import org.bitdiffusion.sampling.SamplerConfig;

/**
 * Draws samples of runs and compares them with images, piece by piece, so that memory does not grow
 * with their number. What it tells, in this order:
 *
 * <ul>
 *   <li>{@code nearest_distance} and {@code least_nearest_distance}: how far samples are from the
 *       nearest training image, the median and the least, as the root of the mean square over red,
 *       green and blue of all pixels, in [0, 1]; with held-out images the same of these, and the
 *       share of samples that are nearer than all but 5% of them
 *   <li>{@code compared_with}, the name of the source
 *   <li>{@code symbol_total_variation} and {@code pair_total_variation}, in [0, 1]: see {@link
 *       SymbolStatistics}
 *   <li>with features, the Fréchet distance to the images, as {@code fid} where they are FID's and
 *       as {@code frechet_distance} where not; {@code features}, whose they are
 *   <li>with FID's, {@code inception_score}, {@code inception_score_deviation} over its parts, and
 *       {@code images_of_each_inception_score}; with others that know the run's classes, {@code
 *       class_accuracy}, the share of samples that seem to be of the class asked for
 *   <li>with features, {@code precision}, {@code recall}, {@code density} and {@code coverage}, see
 *       {@link ManifoldScores}, and {@code images_of_these_four}
 *   <li>{@code samples}, {@code seed}, {@code network_evaluations_per_sample}, and {@code
 *       samples_per_second} of those that were drawn now, if any
 * </ul>
 */
final class ImageComparison implements Evaluation.Comparison {
  /** What needs a pass over all training images. */
  private static final String NEAREST = "nearest_distance";

  /** Images of each set whose places among each other are compared: the cost is their square. */
  private static final int MANIFOLD = 10_000;

  /** Samples whose nearest training example is looked for: each costs a pass over all of them. */
  private static final int MOST_NEAREST = 500;

  /** The most values that the colours of these may have: of large images fewer are looked at. */
  private static final int NEAREST_COLOURS = 1 << 26;

  private final ImageSource training;
  private final ImageSource heldOut; // or null
  private final ImageFeatures features; // or null
  private final Path reference; // or null
  private final int n;
  private RealImages real; // or null, before they are looked at

  /** Owns the held-out images, and the features. */
  ImageComparison(
      ImageSource training, ImageSource heldOut, ImageFeatures features, Path reference, int n) {
    this.training = training;
    this.heldOut = heldOut;
    this.features = features;
    this.reference = reference;
    this.n = n;
  }

  /** Images of each set whose places among each other are compared; 0 without features. */
  private int compared() {
    return features == null ? 0 : Math.min(MANIFOLD, Math.min(n, training.size()));
  }

  @Override
  public void look(Watch watch) {
    if (real != null) {
      return;
    }
    var size = training.size();
    if (features == null) {
      real = RealImages.of(training, done -> watch.progress("looking", done, size, ""));
      return;
    }
    var isKnown = reference != null && Files.exists(reference);
    warnOfFew("the set of samples", n, watch);
    if (!isKnown) {
      warnOfFew(training.name(), size, watch);
    }
    if (reference != null) {
      watch.say(
          isKnown
              ? "the distance is to the statistics in " + reference
              : "the statistics of the images are written to " + reference);
    }
    var looked = size + (isKnown ? compared() : 0);
    real =
        RealImages.of(
            training,
            features,
            reference,
            compared(),
            done -> watch.progress("looking", done, looked, ""));
  }

  private void warnOfFew(String set, int images, Watch watch) {
    if (images <= features.size()) {
      watch.say("warning: " + ImageFeatures.tooFew(set, images, features.size()));
    }
  }

  @Override
  public List<String> measured(RunConfig run) {
    var names = new ArrayList<>(List.of("symbol_total_variation", "pair_total_variation"));
    names.add(NEAREST);
    if (features != null) {
      if (features instanceof InceptionFeatures) {
        names.addAll(List.of("fid", "inception_score"));
      } else {
        names.add("frechet_distance");
        if (tellsApart(run)) {
          names.add("class_accuracy");
        }
      }
      if (compared() >= ManifoldScores.FEWEST) {
        names.addAll(List.of("precision", "recall", "density", "coverage"));
      }
    }
    return names;
  }

  /** Whether the features know the classes that the run is asked for. */
  private boolean tellsApart(RunConfig run) {
    var classes = run.diffusion().conditional() ? training.classes() : List.<String>of();
    return features instanceof ClassifierFeatures classifier
        && !classes.isEmpty()
        && classifier.classNames().equals(classes);
  }

  @Override
  public void requireFit(RunConfig run, SamplerConfig sampling, long seed) {
    requireSame(run, training);
    if (heldOut != null) {
      requireSame(run, heldOut);
    }
    var classes = run.schema().condition().classes();
    if (run.diffusion().conditional() && !training.classes().equals(classes)) {
      throw new ConfigurationException(
          "%s has the classes %s, but the run was trained with %s"
              .formatted(training.name(), training.classes(), classes));
    }
    DiffusionModel.requireFit(run, sampling, given(run, seed, 0, n));
  }

  private static void requireSame(RunConfig run, ImageSource source) {
    var format = ImageFormat.of(run.schema());
    if (!source.format().equals(format)) {
      throw new ConfigurationException(
          "%s: images are %s, but the run's are %s; it was trained on %s"
              .formatted(source.name(), told(source.format()), told(format), run.data()));
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

  /** Of a run with classes, those of training images: as often as they occur there. */
  private Given given(RunConfig run, long seed, int first, int count) {
    if (!run.diffusion().conditional()) {
      return Given.NONE;
    }
    var labels = new long[count];
    Arrays.setAll(
        labels,
        i -> training.label((int) Math.floorMod(Seed.of(seed, first + i), (long) training.size())));
    return Given.labels(labels);
  }

  @Override
  public Map<String, Object> measure(Evaluation.Subject subject, List<String> only, Watch watch) {
    var run = subject.model().config();
    requireFit(run, subject.sampling(), subject.seed());
    look(watch);
    var kept =
        new KeptSamples(subject, n, (first, count) -> given(run, subject.seed(), first, count));
    var measured = compare(subject, kept, watch);
    var report = new LinkedHashMap<String, Object>();
    if (only.isEmpty() || only.contains(NEAREST)) {
      watch.say("looks for the nearest training images");
      report.putAll(nearest(run, kept));
    }
    report.putAll(measured);
    if (only.isEmpty()) {
      watch.say("the samples are kept in " + kept.folder());
    }
    return report;
  }

  private Map<String, Object> compare(Evaluation.Subject subject, KeptSamples kept, Watch watch) {
    var run = subject.model().config();
    var format = ImageFormat.of(run.schema());
    var compared = compared();
    var samples = new ImageSet(format, features, n, compared);
    var ofTheirClass = 0;
    for (var first = 0; first < n; first += KeptSamples.PIECE) {
      var piece = new ImageBatch(kept.piece(first).symbols(), format);
      samples.count(piece);
      if (features != null) {
        var labels = given(run, subject.seed(), first, piece.count()).labels();
        var seen = samples.look(piece);
        ofTheirClass += labels.length == 0 ? 0 : seen.agreeing(labels);
      }
      watch.progress("samples", first + piece.count(), n, "");
    }
    if (kept.drawn() < n) {
      watch.say("%,d of the %,d samples were there already".formatted(n - kept.drawn(), n));
    }
    var report = new LinkedHashMap<String, Object>();
    var symbols = real.images().symbols();
    report.put("compared_with", training.name());
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
      } else if (tellsApart(run)) {
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
    report.put("seed", subject.seed());
    report.put("network_evaluations_per_sample", subject.sampling().evaluations());
    kept.perSecond().ifPresent(speed -> report.put("samples_per_second", speed));
    return report;
  }

  /**
   * How far samples are from the nearest training image. Where samples are nearer than images that
   * were not trained on, the run copies; a run that copies a few shows in the share of samples that
   * are nearer than all but 5% of those.
   */
  private Map<String, Double> nearest(RunConfig run, KeptSamples kept) {
    var format = ImageFormat.of(run.schema());
    var colours = 3 * format.height() * format.width();
    var most = Math.max(1, Math.min(MOST_NEAREST, NEAREST_COLOURS / colours));
    var some = new int[Math.min(n, most) * format.symbols()];
    for (var first = 0; (long) first * format.symbols() < some.length; first += KeptSamples.PIECE) {
      var at = first * format.symbols();
      var symbols = kept.piece(first).symbols();
      System.arraycopy(symbols, 0, some, at, Math.min(symbols.length, some.length - at));
    }
    var report = new LinkedHashMap<String, Double>();
    var flip = run.modality() instanceof ImageSettings settings && settings.flip();
    var distances = nearest(new ImageBatch(some, format), flip);
    report.put(NEAREST, median(distances));
    report.put("least_nearest_distance", distances[0]);
    if (heldOut != null) {
      var count = Math.min(heldOut.size(), most);
      var others = nearest(ImageBatch.evenly(heldOut, count, 0, count), flip);
      report.put("nearest_distance_of_held_out", median(others));
      report.put("least_nearest_distance_of_held_out", others[0]);
      var near = others[count / 20];
      report.put(
          "share_nearer_than_95_percent_of_held_out",
          (double) Arrays.stream(distances).filter(d -> d < near).count() / distances.length);
    }
    return report;
  }

  /** Distances of images to the nearest of the training images, mirrored or not, in order. */
  private double[] nearest(ImageBatch images, boolean flip) {
    var rgb = images.rgb();
    var distances = NearestExamples.distances(rgb, training);
    if (flip) {
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

  @Override
  public void close() {
    if (heldOut != null) {
      heldOut.close();
    }
    if (features != null) {
      features.close();
    }
  }
}

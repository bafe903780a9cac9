package org.bitdiffusion.modality.image;

import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Set;
import org.bitdiffusion.ConfigurationException;
import org.bitdiffusion.Seed;
import org.bitdiffusion.config.RunConfig;
import org.bitdiffusion.data.Given;
import org.bitdiffusion.metrics.InceptionScore;
import org.bitdiffusion.metrics.KernelDistance;
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
 *       nearest training image, the median and the least; {@code nearest_ratio}, the median of that
 *       distance over the one to the second nearest, where two training images differ: see {@link
 *       NearestExamples}; with held-out images the same of these, and {@code share_of_low_ratios},
 *       the share of samples whose ratio is below the 5% quantile of theirs, which tells copies
 *   <li>{@code compared_with}, the name of the source
 *   <li>{@code symbol_total_variation} and {@code pair_total_variation}, in [0, 1]: see {@link
 *       SymbolStatistics}. They depend on how many samples there are and on K, so {@code
 *       symbol_total_variation_of_data} and {@code pair_total_variation_of_data} tell what as many
 *       images have in the place of samples: held-out ones, or where there are too few of these,
 *       training images that are drawn at random and put back
 *   <li>with features, the Fréchet distance to the images, as {@code fid} where they are FID's and
 *       as {@code frechet_distance} where not; {@code features}, whose they are
 *   <li>with FID's, {@code inception_score}, {@code inception_score_deviation} over its parts, and
 *       {@code images_of_each_inception_score}; with others that know the run's classes, {@code
 *       class_accuracy}, the share of samples that seem to be of the class asked for
 *   <li>with features, {@code kid} where they are FID's and {@code kernel_distance} where not, its
 *       {@code _standard_error}, the number of its {@code _subsets} and {@code
 *       images_of_each_subset}: see {@link KernelDistance}
 *   <li>with features, {@code precision}, {@code recall}, {@code density} and {@code coverage}, see
 *       {@link ManifoldScores}, and {@code images_of_these_four}
 *   <li>{@code samples}, {@code seed}, {@code network_evaluations_per_sample}, and {@code
 *       samples_per_second} of those that were drawn now, if any
 * </ul>
 */
final class ImageComparison implements Evaluation.Comparison {
  private static final String SYMBOLS = "symbol_total_variation";
  private static final String PAIRS = "pair_total_variation";
  private static final String NEAREST = "nearest_distance";
  private static final String RATIO = "nearest_ratio";
  private static final String LOW_RATIOS = "share_of_low_ratios";

  private static final String KID = "kid";
  private static final String KERNEL_DISTANCE = "kernel_distance";

  private static final Set<String> LOWER_IS_BETTER =
      Set.of(SYMBOLS, PAIRS, LOW_RATIOS, "fid", "frechet_distance", KID, KERNEL_DISTANCE);

  /** What needs a pass over all training images. */
  private static final List<String> OF_NEAREST = List.of(NEAREST, RATIO, LOW_RATIOS);

  /** What costs the square of the number of images. */
  private static final List<String> OF_MANIFOLD =
      List.of("precision", "recall", "density", "coverage");

  /** Images of each set whose places among each other are compared: the cost is their square. */
  private static final int MANIFOLD = 10_000;

  /** Samples whose nearest training example is looked for: each costs a pass over all of them. */
  private static final int MOST_NEAREST = 500;

  /** The most values that the colours of these may have: of large images fewer are looked at. */
  private static final int NEAREST_COLOURS = 1 << 26;

  /** Behind the name of a measure: the same of data. */
  private static final String OF_DATA = "_of_data";

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
    var names = new ArrayList<>(List.of(SYMBOLS, PAIRS));
    names.addAll(List.of(NEAREST, RATIO));
    if (heldOut != null && heldOut.size() >= NearestExamples.FEWEST_HELD_OUT) {
      names.add(LOW_RATIOS);
    }
    if (features != null) {
      if (features instanceof InceptionFeatures) {
        names.addAll(List.of("fid", "inception_score"));
      } else {
        names.add("frechet_distance");
        if (tellsApart(run)) {
          names.add("class_accuracy");
        }
      }
      if (compared() >= KernelDistance.FEWEST) {
        names.add(kernelDistance());
      }
      if (compared() >= ManifoldScores.FEWEST) {
        names.addAll(OF_MANIFOLD);
      }
    }
    return names;
  }

  /** Distances are less where samples are better; scores and shares are more. */
  @Override
  public boolean higherIsBetter(String measure) {
    return !LOWER_IS_BETTER.contains(measure);
  }

  @Override
  public boolean ranks(String measure) {
    return !measure.equals(NEAREST);
  }

  private String kernelDistance() {
    return features instanceof InceptionFeatures ? KID : KERNEL_DISTANCE;
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
    DiffusionModel.requireFit(run, sampling, given(run, seed, 0, Math.min(n, KeptSamples.PIECE)));
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
    Arrays.setAll(labels, i -> training.label(drawn(seed, first + i)));
    return Given.labels(labels);
  }

  /** The training image that stands for a sample. */
  private int drawn(long seed, int sample) {
    return (int) Math.floorMod(Seed.of(seed, sample), (long) training.size());
  }

  @Override
  public Map<String, Object> measure(Evaluation.Subject subject, List<String> only, Watch watch) {
    var run = subject.model().config();
    requireFit(run, subject.sampling(), subject.seed());
    look(watch);
    var kept =
        new KeptSamples(subject, n, (first, count) -> given(run, subject.seed(), first, count));
    var format = ImageFormat.of(run.schema());
    var isNearest = only.isEmpty() || only.stream().anyMatch(OF_NEAREST::contains);
    var nearestOf = new int[isNearest ? Math.min(n, mostNearest(format)) * format.symbols() : 0];
    var measured = compare(subject, kept, nearestOf, only, watch);
    var report = new LinkedHashMap<String, Object>();
    if (isNearest) {
      report.putAll(nearest(run, new ImageBatch(nearestOf, format), watch));
    }
    report.putAll(measured);
    if (only.isEmpty()) {
      kept.folder().ifPresent(place -> watch.say("the samples are kept in " + place));
    }
    return report;
  }

  /** Samples whose nearest training images are looked for. */
  private static int mostNearest(ImageFormat format) {
    var colours = 3 * format.height() * format.width();
    return Math.max(1, Math.min(MOST_NEAREST, NEAREST_COLOURS / colours));
  }

  /**
   * @param first is filled with the symbols of so many samples, the first ones: samples that are
   *     not kept would have to be drawn a second time
   */
  private Map<String, Object> compare(
      Evaluation.Subject subject, KeptSamples kept, int[] first, List<String> only, Watch watch) {
    var run = subject.model().config();
    var format = ImageFormat.of(run.schema());
    var compared = compared();
    var samples = new ImageSet(format, features, n, compared);
    var ofTheirClass = 0;
    for (var at = 0; at < n; at += KeptSamples.PIECE) {
      var symbols = kept.piece(at).symbols();
      var begin = Math.min(first.length, (long) at * format.symbols());
      System.arraycopy(
          symbols, 0, first, (int) begin, (int) Math.min(symbols.length, first.length - begin));
      var piece = new ImageBatch(symbols, format);
      samples.count(piece);
      if (features != null) {
        var labels = given(run, subject.seed(), at, piece.count()).labels();
        var seen = samples.look(piece);
        ofTheirClass += labels.length == 0 ? 0 : seen.agreeing(labels);
      }
      watch.progress("samples", at + piece.count(), n, "");
    }
    if (kept.drawn() < n) {
      watch.say("%,d of the %,d samples were there already".formatted(n - kept.drawn(), n));
    }
    var report = new LinkedHashMap<String, Object>();
    var realSymbols = real.images().symbols();
    report.put("compared_with", training.name());
    report.put(SYMBOLS, samples.symbols().symbolDistance(realSymbols));
    report.put(PAIRS, samples.symbols().pairDistance(realSymbols));
    if (only.isEmpty() || only.contains(SYMBOLS) || only.contains(PAIRS)) {
      var data = inPlaceOfSamples(format, subject.seed(), watch);
      report.put(SYMBOLS + OF_DATA, data.symbolDistance(realSymbols));
      report.put(PAIRS + OF_DATA, data.pairDistance(realSymbols));
    }
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
      if (compared >= KernelDistance.FEWEST
          && (only.isEmpty() || only.contains(kernelDistance()))) {
        var kernel =
            KernelDistance.of(
                real.images().some(), samples.some(), features.size(), subject.seed());
        report.put(kernelDistance(), kernel.mean());
        report.put(kernelDistance() + "_standard_error", kernel.standardError());
        report.put(kernelDistance() + "_subsets", kernel.subsets());
        report.put("images_of_each_subset", kernel.size());
      }
      if (compared >= ManifoldScores.FEWEST
          && (only.isEmpty() || only.stream().anyMatch(OF_MANIFOLD::contains))) {
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

  /** Counts as many images as there are samples. */
  private SymbolStatistics inPlaceOfSamples(ImageFormat format, long seed, Watch watch) {
    var areEnough = heldOut != null && heldOut.size() >= n;
    if (heldOut != null && !areEnough) {
      watch.say(
          "there are %,d held-out images, fewer than samples: *%s is of images drawn from %s"
              .formatted(heldOut.size(), OF_DATA, training.name()));
    }
    var images = new ImageSet(format, null, n, 0);
    for (var first = 0; first < n; first += KeptSamples.PIECE) {
      var count = Math.min(KeptSamples.PIECE, n - first);
      if (areEnough) {
        images.count(ImageBatch.evenly(heldOut, n, first, count));
      } else {
        var symbols = new int[count * format.symbols()];
        for (var i = 0; i < count; i++) {
          training.read(drawn(seed, first + i), symbols, i * format.symbols());
        }
        images.count(new ImageBatch(symbols, format));
      }
    }
    return images.symbols();
  }

  /** How far samples, and held-out images, are from the nearest training images. */
  private Map<String, Double> nearest(RunConfig run, ImageBatch images, Watch watch) {
    watch.say("looks for the nearest training images");
    var flip = run.modality() instanceof ImageSettings settings && settings.flip();
    var samples = NearestExamples.of(images.rgb(), training, flip, watch);
    var report = new LinkedHashMap<String, Double>();
    tell(samples, "", report);
    if (heldOut != null) {
      var count = Math.min(heldOut.size(), mostNearest(heldOut.format()));
      var unseen = ImageBatch.evenly(heldOut, count, 0, count);
      var others = NearestExamples.of(unseen.rgb(), training, flip, watch);
      tell(others, "_of_held_out", report);
      if (!haveRatios(samples)) {
        watch.say(LOW_RATIOS + " is not told: no two training images differ");
      } else if (count < NearestExamples.FEWEST_HELD_OUT) {
        watch.say(
            "%s is not told: it needs %d held-out images, and there are %d"
                .formatted(LOW_RATIOS, NearestExamples.FEWEST_HELD_OUT, count));
      } else {
        var share = NearestExamples.shareOfLow(ratios(samples), ratios(others));
        report.put(LOW_RATIOS, share);
      }
    }
    return report;
  }

  private static void tell(List<NearestExamples> images, String whose, Map<String, Double> report) {
    var distances = images.stream().mapToDouble(NearestExamples::first).sorted().toArray();
    report.put(NEAREST + whose, median(distances));
    report.put("least_nearest_distance" + whose, distances[0]);
    if (haveRatios(images)) {
      report.put(RATIO + whose, median(ratios(images)));
    }
  }

  private static boolean haveRatios(List<NearestExamples> images) {
    return Double.isFinite(images.get(0).second());
  }

  /** In ascending order. */
  private static double[] ratios(List<NearestExamples> images) {
    return images.stream().mapToDouble(NearestExamples::ratio).sorted().toArray();
  }

  private static double median(double[] sorted) {
    return (sorted[(sorted.length - 1) / 2] + sorted[sorted.length / 2]) / 2;
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

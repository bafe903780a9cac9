package org.bitdiffusion.cli;

import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.Locale;
import org.bitdiffusion.metrics.Holm;
import org.bitdiffusion.metrics.PairedDifferences;

/** What the results of a study tell of its question, by differences between runs of a seed. */
final class StudyDifferences {
  /**
   * Seeds of which a difference is judged. Of fewer, a t interval is wide and hangs on their being
   * normal; and by signs alone, which hang on nothing, six that agree are the fewest of which 5%
   * can be said (2 / 2^6).
   */
  static final int FEWEST_SEEDS = 6;

  /** Corrected p below which a difference is one. */
  private static final double SIGNIFICANT = 0.05;

  private StudyDifferences() {}

  /** A row and a column of a study's tables. */
  record Place(String variant, String sampling) {}

  /**
   * A place beside the baseline.
   *
   * @param differences of the metric, here minus baseline, for each seed of which both are measured
   * @param seeds of the study
   * @param p corrected for all comparisons of the study; NaN where there is no verdict
   */
  record Comparison(
      String metric, Place place, Place baseline, List<Double> differences, int seeds, double p) {
    /** Null of fewer than two seeds. */
    PairedDifferences paired() {
      return differences.size() < 2
          ? null
          : PairedDifferences.of(differences.stream().mapToDouble(d -> d).toArray());
    }

    /**
     * Whether the differences are judged: of all seeds only, as whoever looks after each of them
     * finds a difference sooner or later.
     */
    boolean isJudged() {
      return seeds >= FEWEST_SEEDS && differences.size() == seeds && areNumbers();
    }

    private boolean areNumbers() {
      return differences.stream().allMatch(Double::isFinite);
    }

    String verdict() {
      if (seeds < FEWEST_SEEDS) {
        return "no verdict: %d of the %d seeds that it takes".formatted(seeds, FEWEST_SEEDS);
      }
      if (differences.size() < seeds) {
        return "no verdict yet: %d of %d seeds".formatted(differences.size(), seeds);
      }
      if (!areNumbers()) {
        return "no verdict: not all are numbers";
      }
      if (p < SIGNIFICANT) {
        return paired().mean() < 0 ? "lower" : "higher";
      }
      return "no difference seen; at most " + told(paired().atMost());
    }
  }

  /** A number with three digits that count. */
  static String told(double number) {
    return String.format(Locale.ROOT, "%.3g", number);
  }

  /**
   * All comparisons of a study, metric by metric; none where there is nothing beside the baseline.
   * Those that are not judged yet count in the correction too, as they will be.
   */
  static List<Comparison> of(Study study, List<StudyResults.Result> results) {
    var comparisons = new ArrayList<Comparison>();
    for (var metric : study.metrics()) {
      for (var variant : study.variants().keySet()) {
        for (var way : study.ways().keySet()) {
          var place = new Place(variant, way);
          var baseline = baseline(study, place);
          if (!place.equals(baseline)) {
            var differences = differences(study, results, metric, place, baseline);
            var seeds = study.seeds().size();
            comparisons.add(
                new Comparison(metric, place, baseline, differences, seeds, Double.NaN));
          }
        }
      }
    }
    var corrected =
        Holm.corrected(
            comparisons.stream().mapToDouble(c -> c.isJudged() ? c.paired().p() : 1).toArray());
    var judged = new Comparison[comparisons.size()];
    Arrays.setAll(
        judged,
        i -> {
          var c = comparisons.get(i);
          var p = c.isJudged() ? corrected[i] : Double.NaN;
          return new Comparison(c.metric(), c.place(), c.baseline(), c.differences(), c.seeds(), p);
        });
    return List.of(judged);
  }

  /** What a place is compared with: in its column where the baseline is a variant, else its row. */
  private static Place baseline(Study study, Place place) {
    return study.variants().containsKey(study.baseline())
        ? new Place(study.baseline(), place.sampling())
        : new Place(place.variant(), study.baseline());
  }

  private static List<Double> differences(
      Study study, List<StudyResults.Result> results, String metric, Place place, Place baseline) {
    var differences = new ArrayList<Double>();
    for (var seed : study.seeds()) {
      var here = StudyResults.number(results, place.variant(), place.sampling(), seed, metric);
      var there =
          StudyResults.number(results, baseline.variant(), baseline.sampling(), seed, metric);
      if (here.isPresent() && there.isPresent()) {
        differences.add(here.getAsDouble() - there.getAsDouble());
      }
    }
    return differences;
  }
}

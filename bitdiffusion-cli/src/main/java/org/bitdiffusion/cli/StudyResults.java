package org.bitdiffusion.cli;

import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.OptionalDouble;
import org.bitdiffusion.ConfigurationException;

/** What the runs of a study gave, for its tables and plots. */
final class StudyResults {
  private StudyResults() {}

  /**
   * What was measured of one training, sampled in one way.
   *
   * @param numbers by the names that {@code evaluate} gives
   */
  record Result(String variant, String sampling, long seed, Map<String, Double> numbers) {}

  /**
   * Mean and spread over seeds.
   *
   * @param deviation with n - 1 in its denominator; 0 of a single seed
   */
  record Summary(double mean, double deviation, int count) {
    static Summary of(List<Double> values) {
      var mean = values.stream().mapToDouble(x -> x).average().orElseThrow();
      var squares = values.stream().mapToDouble(x -> (x - mean) * (x - mean)).sum();
      var count = values.size();
      return new Summary(mean, count < 2 ? 0 : Math.sqrt(squares / (count - 1)), count);
    }

    @Override
    public String toString() {
      var text = String.format(Locale.ROOT, "%.4g", mean);
      return count < 2 ? text : text + String.format(Locale.ROOT, " ± %.2g", deviation);
    }
  }

  /** The results of a metric over all seeds, or null where there are none yet. */
  static Summary summary(List<Result> results, String variant, String sampling, String metric) {
    var values =
        results.stream()
            .filter(r -> r.variant().equals(variant) && r.sampling().equals(sampling))
            .map(r -> number(r, metric))
            .toList();
    return values.isEmpty() ? null : Summary.of(values);
  }

  /** A metric of one training, sampled in one way; empty where it is not measured yet. */
  static OptionalDouble number(
      List<Result> results, String variant, String sampling, long seed, String metric) {
    return results.stream()
        .filter(r -> r.variant().equals(variant) && r.sampling().equals(sampling))
        .filter(r -> r.seed() == seed)
        .mapToDouble(r -> number(r, metric))
        .findFirst();
  }

  /**
   * A metric of a result.
   *
   * @throws ConfigurationException if it could not be measured
   */
  static double number(Result result, String metric) {
    var number = result.numbers().get(metric);
    if (number == null) { // such as precision, where images are too few
      throw new ConfigurationException(
          "metrics: '%s' could not be measured; there are %s"
              .formatted(metric, String.join(", ", result.numbers().keySet())));
    }
    return number;
  }
}

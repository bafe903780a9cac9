package org.bitdiffusion.cli;

import java.util.LinkedHashMap;
import java.util.Map;
import org.bitdiffusion.ConfigurationException;
import org.bitdiffusion.sampling.BeamSearch;
import org.bitdiffusion.sampling.NextSymbol;
import picocli.CommandLine.Option;

/** Options of the search of autoregressive decoders. */
final class SearchOptions {
  @Option(
      names = "--beams",
      paramLabel = "N",
      description = "Of an autoregressive decoder: captions kept while searching; 1 is greedy.")
  private Integer beams;

  @Option(
      names = "--length-penalty",
      paramLabel = "A",
      description = "Captions of n tokens are compared by log p / n^A (default 0).")
  private Double lengthPenalty;

  private boolean isGiven() {
    return beams != null || lengthPenalty != null;
  }

  /** Complains if one of them is given, for decoders that do not search. */
  void requireNone() {
    if (isGiven()) {
      throw new ConfigurationException(
          "--beams and --length-penalty are for autoregressive decoders; this run makes all tokens"
              + " at once");
    }
  }

  /** Complains if one of them is given where tokens are drawn, and not searched. */
  void requireNoDrawing(NextSymbol how) {
    if (isGiven() && !how.isGreedy()) {
      throw new ConfigurationException(
          "--beams and --length-penalty search, and a temperature of %s draws; take --temperature 0"
              .formatted(how.temperature()));
    }
  }

  /** Those that are given, by the names that the library has. */
  Map<String, String> given() {
    var given = new LinkedHashMap<String, String>();
    EvaluationOptions.put(given, "beams", beams);
    EvaluationOptions.put(given, "length_penalty", lengthPenalty);
    return given;
  }

  BeamSearch search() {
    if (beams != null && (beams < 1 || beams > BeamSearch.MOST_BEAMS)) {
      throw new ConfigurationException(
          "--beams is %d; it must be from 1 to %d".formatted(beams, BeamSearch.MOST_BEAMS));
    }
    if (lengthPenalty != null && !(lengthPenalty >= 0 && Double.isFinite(lengthPenalty))) {
      throw new ConfigurationException(
          "--length-penalty is " + lengthPenalty + "; it must be at least 0");
    }
    return new BeamSearch(beams == null ? 1 : beams, lengthPenalty == null ? 0 : lengthPenalty);
  }
}

package org.bitdiffusion.cli;

import java.nio.file.Path;
import org.bitdiffusion.config.RunConfig;
import picocli.CommandLine.Mixin;
import picocli.CommandLine.Option;

/**
 * Options that say whose samples are drawn, and how, of models that sample and of those that
 * search.
 */
final class DrawingOptions {
  @Option(names = "--run", required = true, paramLabel = "RUN", description = "The run folder.")
  private Path run;

  @Mixin private CheckpointOption checkpoint;
  @Mixin private SamplingOptions sampling;
  @Mixin private SearchOptions search;

  @Option(
      names = "--seed",
      paramLabel = "K",
      defaultValue = "0",
      description = "Seed of all noise (default ${DEFAULT-VALUE}).")
  private long seed;

  @Option(
      names = "--precision",
      paramLabel = "P",
      defaultValue = "auto",
      completionCandidates = Names.Precisions.class,
      description = "${COMPLETION-CANDIDATES} (default ${DEFAULT-VALUE}).")
  private String precision;

  Path run() {
    return run;
  }

  /** Complains of options that are for models of another kind than the run's. */
  void requireFit(RunConfig run) {
    var autoregressive = run.network().autoregressive();
    sampling.requireFit(autoregressive);
    if (!autoregressive) {
      search.requireNone();
    }
    search.requireNoDrawing(sampling.over(run.sampling()).nextSymbol());
  }

  CheckpointOption checkpoint() {
    return checkpoint;
  }

  SamplingOptions sampling() {
    return sampling;
  }

  SearchOptions search() {
    return search;
  }

  long seed() {
    return seed;
  }

  String precision() {
    return precision;
  }
}

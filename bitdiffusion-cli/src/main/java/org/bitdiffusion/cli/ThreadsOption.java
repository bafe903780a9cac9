package org.bitdiffusion.cli;

import org.bitdiffusion.ConfigurationException;
import org.bitdiffusion.runtime.Engine;
import picocli.CommandLine.Option;

/** The option {@code --threads} of the commands that compute. */
final class ThreadsOption {
  @Option(
      names = "--threads",
      paramLabel = "N",
      description = "Threads that compute; one for each physical core if not given.")
  private Integer threads;

  /** Loads the engine if the option is given, and sets its threads. */
  void apply() {
    if (threads == null) {
      return;
    }
    if (threads < 1 || threads > Engine.mostThreads()) { // before the engine is loaded
      throw new ConfigurationException(
          "--threads is %d; it must be at least 1, and on this machine at most %d"
              .formatted(threads, Engine.mostThreads()));
    }
    Engine.threads(threads);
  }
}

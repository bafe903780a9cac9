package org.bitdiffusion.cli;

import org.bitdiffusion.ConfigurationException;
import picocli.CommandLine.Option;

/** The option {@code --batch-size} of the commands that put images through a network. */
final class BatchSizeOption {
  @Option(
      names = "--batch-size",
      paramLabel = "B",
      defaultValue = "64",
      description = "Images computed at a time (default ${DEFAULT-VALUE}).")
  private int size;

  /** Complains about a size below 1. */
  void require() {
    if (size < 1) {
      throw new ConfigurationException("--batch-size is " + size + "; it must be at least 1");
    }
  }

  int size() {
    return size;
  }
}

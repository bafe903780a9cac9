package org.bitdiffusion.cli;

import org.bitdiffusion.ConfigurationException;
import org.bitdiffusion.data.Space;
import picocli.CommandLine.Option;

/** The option {@code --batch-size} of the commands that put examples through a network. */
final class BatchSizeOption {
  private static final int OF_IMAGES = 64;

  /** Of examples of few symbols, such as rows: a network is faster with many of them. */
  private static final int OF_ROWS = 1024;

  private static final int FEW_SYMBOLS = 128;

  @Option(
      names = "--batch-size",
      paramLabel = "B",
      description = "Examples computed at a time (default 64; 1024 rows of up to 128 columns).")
  private Integer size;

  /** Complains about a size below 1. */
  void require() {
    if (size != null && size < 1) {
      throw new ConfigurationException("--batch-size is " + size + "; it must be at least 1");
    }
  }

  /** Of images. */
  int size() {
    return size != null ? size : OF_IMAGES;
  }

  /** Of examples of a kind of data. */
  int size(Space space) {
    return size == null && space.places() <= FEW_SYMBOLS ? OF_ROWS : size();
  }
}

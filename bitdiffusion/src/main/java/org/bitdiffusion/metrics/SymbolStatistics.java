package org.bitdiffusion.metrics;

import java.util.Arrays;

/**
 * How often each symbol occurs, and each pair of symbols that are neighbours from left to right or
 * from top to bottom: a comparison of any discrete images that needs no network. Counted over all
 * places, channel by channel.
 */
public final class SymbolStatistics {
  /** More symbols than these are counted in as many bins of equal width. */
  private static final int BINS = 256;

  private final int channels;
  private final int height;
  private final int width;
  private final int categories;
  private final int bins;
  private final long[][] symbols;
  private final long[][] pairs;

  /**
   * @param categories K: symbols are in 0 .. K-1
   */
  public SymbolStatistics(int channels, int height, int width, int categories) {
    this.channels = channels;
    this.height = height;
    this.width = width;
    this.categories = categories;
    bins = Math.min(categories, BINS);
    symbols = new long[channels][bins];
    pairs = new long[channels][bins * bins];
  }

  /**
   * Counts images.
   *
   * @param images row-major [B, C, H, W]
   */
  public void add(int[] images) {
    var plane = height * width;
    for (var start = 0; start < images.length; start += plane) {
      var channel = start / plane % channels;
      for (var y = 0; y < height; y++) {
        for (var x = 0; x < width; x++) {
          var at = start + y * width + x;
          var symbol = bin(images[at]);
          symbols[channel][symbol]++;
          if (x + 1 < width) {
            pairs[channel][symbol * bins + bin(images[at + 1])]++;
          }
          if (y + 1 < height) {
            pairs[channel][symbol * bins + bin(images[at + width])]++;
          }
        }
      }
    }
  }

  private int bin(int symbol) {
    return bins == categories ? symbol : (int) ((long) symbol * bins / categories);
  }

  /** The total variation of single symbols, the mean of the channels, in [0, 1]. */
  public double symbolDistance(SymbolStatistics other) {
    return distance(symbols, other.symbols);
  }

  /** The total variation of neighbouring pairs, the mean of the channels, in [0, 1]. */
  public double pairDistance(SymbolStatistics other) {
    return distance(pairs, other.pairs);
  }

  /** Half the sum of the differences of two distributions: how much of one is not in the other. */
  private double distance(long[][] counts, long[][] otherCounts) {
    var sum = 0.0;
    for (var channel = 0; channel < channels; channel++) {
      var total = (double) Arrays.stream(counts[channel]).sum();
      var otherTotal = (double) Arrays.stream(otherCounts[channel]).sum();
      for (var i = 0; i < counts[channel].length; i++) {
        sum +=
            Math.abs(counts[channel][i] / total - otherCounts[channel][i] / otherTotal)
                / (2 * channels);
      }
    }
    return sum;
  }
}

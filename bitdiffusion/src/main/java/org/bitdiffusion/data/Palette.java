package org.bitdiffusion.data;

import java.util.ArrayList;
import java.util.Arrays;
import java.util.Comparator;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.TreeSet;

/**
 * Colours computed from the pixels that they are to stand for. If there are no more different
 * colours than asked for, the palette is exactly these; else they are divided by median cut: the
 * box of colours with the largest spread times number of pixels is cut in two at its median, until
 * there are enough boxes, and each box's mean is a colour. Sorted by brightness, the same for the
 * same data.
 *
 * @param colors 0xRRGGBB by symbol
 */
record Palette(List<Integer> colors) {
  Palette {
    colors = List.copyOf(colors);
  }

  /** R, G and B bytes [3, H, W] to the symbols of the nearest colours [1, H, W]. */
  byte[] symbols(byte[] rgb) {
    var plane = rgb.length / 3;
    var symbols = new byte[plane];
    var known = new HashMap<Integer, Byte>();
    for (var i = 0; i < plane; i++) {
      symbols[i] = known.computeIfAbsent(color(rgb, plane, i), c -> (byte) nearest(c));
    }
    return symbols;
  }

  private int nearest(int color) {
    var best = 0;
    for (var i = 1; i < colors.size(); i++) {
      if (distance(color, colors.get(i)) < distance(color, colors.get(best))) {
        best = i;
      }
    }
    return best;
  }

  private static int distance(int a, int b) {
    var red = (a >> 16) - (b >> 16);
    var green = (a >> 8 & 255) - (b >> 8 & 255);
    var blue = (a & 255) - (b & 255);
    return red * red + green * green + blue * blue;
  }

  private static int color(byte[] rgb, int plane, int i) {
    return (rgb[i] & 255) << 16 | (rgb[plane + i] & 255) << 8 | rgb[2 * plane + i] & 255;
  }

  /** Counts colours; images may be added from several threads. */
  static final class Builder {
    /** Exact colours while there are few; above, sums over cells of 8x8x8 colours. */
    private static final int EXACT = 256;

    private final TreeSet<Integer> exact = new TreeSet<>();
    private final Map<Integer, Cell> cells = new HashMap<>();

    synchronized void add(byte[] rgb) {
      var plane = rgb.length / 3;
      for (var i = 0; i < plane; i++) {
        var color = color(rgb, plane, i);
        if (exact.size() <= EXACT) {
          exact.add(color);
        }
        cells.computeIfAbsent(color >> 3 & 0x1f1f1f, key -> new Cell()).add(color);
      }
    }

    Palette build(int size) {
      var colors = exact.size() <= size ? new ArrayList<>(exact) : medianCut(size);
      while (colors.size() < size) {
        colors.add(0); // fewer colours than asked for: the rest are not used by the data
      }
      colors.sort(Comparator.comparingInt(Builder::brightness).thenComparing(c -> c));
      return new Palette(colors);
    }

    private List<Integer> medianCut(int size) {
      var all = cells.values().stream().sorted(Comparator.comparingInt(Cell::mean)).toList();
      var boxes = new ArrayList<>(List.of(new Box(all)));
      while (boxes.size() < size) {
        var widest =
            boxes.stream()
                .filter(box -> box.cells().size() > 1)
                .max(Comparator.comparingDouble(Box::weight));
        if (widest.isEmpty()) {
          break;
        }
        boxes.remove(widest.get());
        boxes.addAll(widest.get().cut());
      }
      return new ArrayList<>(boxes.stream().map(Box::mean).toList());
    }

    private static int brightness(int color) {
      return 299 * (color >> 16) + 587 * (color >> 8 & 255) + 114 * (color & 255);
    }
  }

  /** Sums over the pixels of neighbouring colours. */
  private static final class Cell {
    private final long[] sum = new long[3];
    private long count;

    void add(int color) {
      sum[0] += color >> 16;
      sum[1] += color >> 8 & 255;
      sum[2] += color & 255;
      count++;
    }

    double channel(int c) {
      return (double) sum[c] / count;
    }

    int mean() {
      return rounded(channel(0), channel(1), channel(2));
    }
  }

  private static int rounded(double red, double green, double blue) {
    return (int) Math.round(red) << 16 | (int) Math.round(green) << 8 | (int) Math.round(blue);
  }

  private record Box(List<Cell> cells) {
    private long count() {
      return cells.stream().mapToLong(cell -> cell.count).sum();
    }

    private double[] spreads() {
      var spreads = new double[3];
      for (var c = 0; c < 3; c++) {
        var channel = c;
        var statistics =
            cells.stream().mapToDouble(cell -> cell.channel(channel)).summaryStatistics();
        spreads[c] = statistics.getMax() - statistics.getMin();
      }
      return spreads;
    }

    double weight() {
      return Arrays.stream(spreads()).max().orElse(0) * Math.sqrt(count());
    }

    /** In two at the median of the channel with the largest spread. */
    List<Box> cut() {
      var spreads = spreads();
      var widest =
          spreads[0] >= spreads[1] && spreads[0] >= spreads[2]
              ? 0
              : spreads[1] >= spreads[2] ? 1 : 2;
      var sorted =
          cells.stream()
              .sorted(
                  Comparator.comparingDouble((Cell cell) -> cell.channel(widest))
                      .thenComparing(Cell::mean))
              .toList();
      var half = count() / 2;
      var below = 0L;
      var at = 0;
      while (at < sorted.size() - 1 && (at == 0 || below + sorted.get(at).count <= half)) {
        below += sorted.get(at++).count;
      }
      return List.of(new Box(sorted.subList(0, at)), new Box(sorted.subList(at, sorted.size())));
    }

    int mean() {
      var total = (double) count();
      var sums = new double[3];
      for (var cell : cells) {
        for (var c = 0; c < 3; c++) {
          sums[c] += cell.sum[c];
        }
      }
      return rounded(sums[0] / total, sums[1] / total, sums[2] / total);
    }
  }
}

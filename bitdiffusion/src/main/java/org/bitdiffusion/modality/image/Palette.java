package org.bitdiffusion.modality.image;

import java.util.ArrayList;
import java.util.Comparator;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.stream.IntStream;

/**
 * Colours computed from the pixels that they are to stand for, sorted by brightness; the same for
 * the same pixels in whatever order.
 *
 * <p>If there are no more different colours than asked for, the palette is exactly these (and
 * black, for colours too many). Else pixels are counted by their colour or, where there are more
 * than 256 colours, by cells of 8x8x8 neighbouring ones, and the cells divided by median cut: of
 * the boxes of cells, the one with the largest sum of square distances from its mean is cut in two
 * at the median of its widest channel, until there are enough. Rounds of k-means then move the
 * boxes' means to where they serve best.
 *
 * @param colors 0xRRGGBB by symbol
 */
record Palette(List<Integer> colors) {
  private static final int ROUNDS = 16;

  Palette {
    colors = List.copyOf(colors);
  }

  /** Bytes of R, G and B [3, H, W] to the symbols of the nearest colours [1, H, W]. */
  byte[] symbols(byte[] rgb) {
    var plane = rgb.length / 3;
    var symbols = new byte[plane];
    var known = new HashMap<Integer, Byte>();
    for (var i = 0; i < plane; i++) {
      symbols[i] = known.computeIfAbsent(color(rgb, plane, i), c -> (byte) nearest(c));
    }
    return symbols;
  }

  /** The symbol of the nearest colour. */
  int nearest(int color) {
    var best = 0;
    var least = Integer.MAX_VALUE;
    for (var i = 0; i < colors.size(); i++) {
      var red = (colors.get(i) >> 16) - (color >> 16);
      var green = (colors.get(i) >> 8 & 255) - (color >> 8 & 255);
      var blue = (colors.get(i) & 255) - (color & 255);
      var distance = red * red + green * green + blue * blue;
      if (distance < least) {
        least = distance;
        best = i;
      }
    }
    return best;
  }

  /** Pixel i of bytes of R, G and B [3, H, W], as 0xRRGGBB. */
  static int color(byte[] rgb, int plane, int i) {
    return ((rgb[i] & 255) << 16) | ((rgb[plane + i] & 255) << 8) | (rgb[2 * plane + i] & 255);
  }

  /** The brightness of a colour by ITU-R BT.601, 0 to 255. */
  static double luma(int color) {
    return (299 * (color >> 16) + 587 * (color >> 8 & 255) + 114 * (color & 255)) / 1000.0;
  }

  /**
   * Counts colours; images may be added from several threads. All pixels count, in a memory of 1 MB
   * however many there are: cells have sums only, and single colours are given up beyond 256.
   */
  static final class Builder {
    /** The largest palette: up to here, colours are also kept one by one. */
    private static final int MOST = 256;

    private static final int CELLS = 1 << 15;

    private final Map<Integer, Long> exact = new HashMap<>();

    /** Number of pixels, and sums of R, G and B, of each cell. */
    private final long[][] sums = new long[4][CELLS];

    /** Adds an image: bytes of R, G and B [3, H, W]. */
    synchronized void add(byte[] rgb) {
      var plane = rgb.length / 3;
      for (var i = 0; i < plane; i++) {
        var color = color(rgb, plane, i);
        if (exact.size() <= MOST) {
          exact.merge(color, 1L, Long::sum);
        }
        var cell = ((color >> 9) & 0x7c00) | ((color >> 6) & 0x3e0) | ((color >> 3) & 0x1f);
        sums[0][cell]++;
        sums[1][cell] += color >> 16;
        sums[2][cell] += color >> 8 & 255;
        sums[3][cell] += color & 255;
      }
    }

    /** A palette of so many colours, 2 to 256. */
    Palette build(int size) {
      var colors = new ArrayList<Integer>();
      if (exact.size() <= size) {
        colors.addAll(exact.keySet());
      } else {
        var cells = cells();
        refined(medianCut(cells, size), cells).forEach(mean -> colors.add(mean.color()));
      }
      while (colors.size() < size) {
        colors.add(0);
      }
      colors.sort(
          Comparator.comparingDouble(Palette::luma).thenComparing(Comparator.naturalOrder()));
      return new Palette(colors);
    }

    private static List<Cell> medianCut(List<Cell> cells, int size) {
      var boxes = new ArrayList<>(List.of(new Box(cells)));
      while (boxes.size() < Math.min(size, cells.size())) {
        var widest =
            boxes.stream()
                .filter(box -> box.cells().size() > 1)
                .max(Comparator.comparingDouble(Box::spread))
                .orElseThrow();
        boxes.remove(widest);
        boxes.addAll(widest.cut());
      }
      return boxes.stream().map(Box::mean).toList();
    }

    private static List<Cell> refined(List<Cell> means, List<Cell> cells) {
      var current = means;
      for (var round = 0; round < ROUNDS; round++) {
        var boxes = new ArrayList<List<Cell>>();
        current.forEach(mean -> boxes.add(new ArrayList<>()));
        for (var cell : cells) {
          boxes.get(nearest(current, cell)).add(cell);
        }
        var moved = new ArrayList<Cell>();
        for (var i = 0; i < boxes.size(); i++) {
          moved.add(boxes.get(i).isEmpty() ? current.get(i) : Cell.mean(boxes.get(i)));
        }
        current = moved;
      }
      return current;
    }

    private static int nearest(List<Cell> means, Cell cell) {
      var best = 0;
      for (var i = 1; i < means.size(); i++) {
        if (cell.distance(means.get(i)) < cell.distance(means.get(best))) {
          best = i;
        }
      }
      return best;
    }

    private List<Cell> cells() {
      return exact.size() <= MOST
          ? exact.entrySet().stream()
              .sorted(Map.Entry.comparingByKey())
              .map(color -> Cell.of(color.getKey(), color.getValue()))
              .toList()
          : cellsOfNeighbours();
    }

    private List<Cell> cellsOfNeighbours() {
      return IntStream.range(0, CELLS)
          .filter(cell -> sums[0][cell] > 0)
          .mapToObj(
              cell ->
                  new Cell(
                      sums[0][cell],
                      (double) sums[1][cell] / sums[0][cell],
                      (double) sums[2][cell] / sums[0][cell],
                      (double) sums[3][cell] / sums[0][cell]))
          .toList();
    }
  }

  /** Pixels of neighbouring colours: their number, and their mean colour. */
  private record Cell(double count, double red, double green, double blue) {
    static Cell of(int color, long count) {
      return new Cell(count, color >> 16, color >> 8 & 255, color & 255);
    }

    static Cell mean(List<Cell> cells) {
      var sums = new double[4];
      for (var cell : cells) {
        sums[0] += cell.count;
        sums[1] += cell.count * cell.red;
        sums[2] += cell.count * cell.green;
        sums[3] += cell.count * cell.blue;
      }
      return new Cell(sums[0], sums[1] / sums[0], sums[2] / sums[0], sums[3] / sums[0]);
    }

    double distance(Cell other) {
      var r = red - other.red;
      var g = green - other.green;
      var b = blue - other.blue;
      return r * r + g * g + b * b;
    }

    double channel(int c) {
      return c == 0 ? red : c == 1 ? green : blue;
    }

    int color() {
      return (int) Math.round(red) << 16 | (int) Math.round(green) << 8 | (int) Math.round(blue);
    }
  }

  /** Cells that share a colour; equal to no other. */
  private static final class Box {
    private final List<Cell> cells;
    private final Cell mean;
    private final double spread;

    Box(List<Cell> cells) {
      this.cells = cells;
      mean = Cell.mean(cells);
      spread = cells.stream().mapToDouble(cell -> cell.count * cell.distance(mean)).sum();
    }

    List<Cell> cells() {
      return cells;
    }

    Cell mean() {
      return mean;
    }

    double spread() {
      return spread;
    }

    /** In two halves of about as many pixels, along the channel with the largest variance. */
    List<Box> cut() {
      var widest =
          IntStream.range(0, 3)
              .boxed()
              .max(Comparator.comparingDouble(this::variance))
              .orElseThrow();
      var sorted =
          cells.stream()
              .sorted(
                  Comparator.comparingDouble((Cell cell) -> cell.channel(widest))
                      .thenComparingInt(Cell::color))
              .toList();
      var half = mean.count / 2;
      var at = 1;
      for (var below = sorted.get(0).count; at < sorted.size() - 1; at++) {
        below += sorted.get(at).count;
        if (below > half) {
          break;
        }
      }
      return List.of(new Box(sorted.subList(0, at)), new Box(sorted.subList(at, sorted.size())));
    }

    private double variance(int channel) {
      return cells.stream()
          .mapToDouble(
              cell -> cell.count * Math.pow(cell.channel(channel) - mean.channel(channel), 2))
          .sum();
    }
  }
}

package org.bitdiffusion.codec;

import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import org.bitdiffusion.data.Allowed;
import org.bitdiffusion.data.Marginal;

/**
 * The intervals of [0, 1) that the values of one place own, in the order of the values. Values of
 * one segment of their marginal lie side by side in equal parts of its interval; those that never
 * occur own nothing.
 *
 * @param bits n: whole numbers of this many bits tell the intervals apart as far as they can
 * @param starts the first value of each segment, and K at the end
 * @param borders where each segment's interval begins, and 1 at the end
 */
@SuppressWarnings("ArrayRecordComponent") // for reading, not for comparing
record Intervals(int bits, int[] starts, double[] borders) {
  /** Codes of more bits are no whole numbers of float32 any more. */
  static final int MOST_BITS = 24;

  /** Of borders, in codes: sums of shares are not exact. */
  private static final double ROUNDING = 1e-7;

  /**
   * As many codes for each segment that occurs (or one more), or, where there are more than 2^most
   * of them, as much as its share. Of values that are no numbers, each gets a code of its own.
   *
   * @param most bits, unless each value is to have its own code and needs more
   */
  static Intervals rank(Marginal marginal, int most) {
    var occurring = occurring(marginal);
    if (occurring == 1) {
      return quantile(marginal, most);
    }
    if (log2(occurring) > limit(marginal, most)) {
      return quantile(marginal, most);
    }
    var bits = widest(marginal) > 1 ? most : log2(occurring);
    var borders = new double[marginal.segments() + 1];
    var before = 0L;
    for (var i = 0; i < marginal.segments(); i++) {
      before += marginal.count(i) > 0 ? 1 : 0;
      // Whole codes, so that each has some of its own: there are as many of them at least.
      borders[i + 1] = (((before << bits) + occurring - 1) / occurring) / (double) (1L << bits);
    }
    return new Intervals(bits, starts(marginal), borders);
  }

  /** For each segment its share: all bits of the codes are fair and independent. */
  static Intervals quantile(Marginal marginal, int most) {
    var single = occurring(marginal) == 1;
    var bits = single ? Math.min(most, log2(widest(marginal))) : limit(marginal, most);
    var total = (double) marginal.total();
    var borders = new double[marginal.segments() + 1];
    var before = 0L;
    for (var i = 0; i < marginal.segments(); i++) {
      before += marginal.count(i);
      borders[i + 1] = before / total;
    }
    return new Intervals(bits, starts(marginal), borders);
  }

  /**
   * Halves: the values are split where the mass on both sides is nearest to a half, the lower ones
   * get the lower half of the interval, and so on. What stands alone keeps the whole interval, and
   * what is not told apart after n bits shares it by mass. Of values that are no numbers, each gets
   * a code of its own.
   */
  static Intervals tree(Marginal marginal, int most) {
    return new TreeOf(marginal, limit(marginal, most)).intervals();
  }

  /** n of a place: more than {@code most} where the values are categories, to tell them apart. */
  private static int limit(Marginal marginal, int most) {
    return areCategories(marginal) ? Math.max(most, log2(marginal.segments())) : most;
  }

  /**
   * Whether each value was counted by itself. Numbers have values in between that were not seen, or
   * are few.
   */
  private static boolean areCategories(Marginal marginal) {
    return marginal.segments() == marginal.categories();
  }

  /** Values of the segment that has most, of those that occur. */
  private static int widest(Marginal marginal) {
    var widest = 1;
    for (var i = 0; i < marginal.segments(); i++) {
      if (marginal.count(i) > 0) {
        widest = Math.max(widest, marginal.start(i + 1) - marginal.start(i));
      }
    }
    return widest;
  }

  private static int occurring(Marginal marginal) {
    var occurring = 0;
    for (var i = 0; i < marginal.segments(); i++) {
      if (marginal.count(i) > 0) {
        occurring++;
      }
    }
    return occurring;
  }

  private static int[] starts(Marginal marginal) {
    var starts = new int[marginal.segments() + 1];
    Arrays.setAll(starts, marginal::start);
    return starts;
  }

  /** Bits that tell so many things apart. */
  private static int log2(int things) {
    return Integer.SIZE - Integer.numberOfLeadingZeros(things - 1);
  }

  /**
   * A code of a value, of the whole ones that it owns if there are some: they decode to it whatever
   * is drawn. Otherwise of all that it has a part of.
   *
   * @param drawn which of them, in [0, 1)
   */
  int code(int value, double drawn) {
    var segment = segmentOf(value);
    var codes = (double) (1L << bits);
    var each =
        (borders[segment + 1] - borders[segment]) / (starts[segment + 1] - starts[segment]) * codes;
    var from = borders[segment] * codes + each * (value - starts[segment]);
    var own = own(from, from + each);
    return (int) Math.min(codes - 1, Math.floor(own.from + (own.to - own.from) * drawn));
  }

  /** From where to where codes are drawn. */
  private record Stretch(double from, double to) {}

  /** The whole codes between two borders, or, where there is none, all in between. */
  private static Stretch own(double from, double to) {
    var firstWhole = Math.ceil(from - ROUNDING);
    var endWhole = Math.floor(to + ROUNDING);
    return endWhole > firstWhole ? new Stretch(firstWhole, endWhole) : new Stretch(from, to);
  }

  /** Spreads a share evenly over a stretch of codes. */
  private void add(double[] likelihoods, Stretch stretch, double share) {
    var each = (double) (1L << bits) / likelihoods.length;
    var from = stretch.from / each;
    var to = stretch.to / each;
    for (var i = (int) from; i < likelihoods.length && i < to; i++) {
      likelihoods[i] += share * (Math.min(i + 1, to) - Math.max(i, from)) / (to - from);
    }
  }

  /**
   * How likely each beginning of a code is, of values as frequent as a marginal says.
   *
   * @param marginal of these intervals
   * @param spans of the values that count
   * @param first how many bits begin it
   * @return 2^first numbers, which add up to the values' share
   */
  double[] likelihoods(Marginal marginal, List<Allowed.Span> spans, int first) {
    var likelihoods = new double[1 << first];
    var codes = (double) (1L << bits);
    var total = (double) marginal.total();
    for (var span : spans) {
      for (var i = segmentOf(span.from()); i < marginal.segments() && starts[i] <= span.to(); i++) {
        if (marginal.count(i) == 0) {
          continue;
        }
        var values = starts[i + 1] - starts[i];
        var share = marginal.count(i) / total / values;
        var low = borders[i] * codes;
        var each = (borders[i + 1] - borders[i]) / values * codes;
        var from = Math.max(span.from() - starts[i], 0);
        var to = Math.min(span.to() + 1 - starts[i], values);
        if (each < 1 - ROUNDING) { // none has a code of its own: all are drawn uniformly
          add(likelihoods, new Stretch(low + each * from, low + each * to), share * (to - from));
          continue;
        }
        for (var v = from; v < to; v++) {
          add(likelihoods, own(low + each * v, low + each * (v + 1)), share);
        }
      }
    }
    return likelihoods;
  }

  /**
   * The value that owns a point of a code.
   *
   * @param part where in the code, in [0, 1)
   */
  int value(int code, double part) {
    var u = (code + part) / (1L << bits);
    var at = Arrays.binarySearch(borders, u);
    var segment = Math.min(at >= 0 ? lastEqual(at) : -at - 2, starts.length - 2);
    return new Piece(
            borders[segment], borders[segment + 1], starts[segment], starts[segment + 1] - 1)
        .value(u);
  }

  /** Whether all codes that begin with so many bits of a number are of the same value. */
  boolean areOne(int fixed, int number) {
    var others = bits - fixed;
    var first = value(number << others, ROUNDING);
    return first == value(((number + 1) << others) - 1, 1 - ROUNDING);
  }

  /** The segment that begins at a border and is not empty, if there is one. */
  private int lastEqual(int at) {
    var last = at;
    while (last + 1 < borders.length && borders[last + 1] == borders[at]) {
      last++;
    }
    return last;
  }

  /** The last segment that does not start above a value. */
  private int segmentOf(int value) {
    var at = Arrays.binarySearch(starts, value);
    return Math.min(at >= 0 ? at : -at - 2, starts.length - 2);
  }

  /** Gray's code: neighbouring numbers differ in one bit. */
  static int gray(int number) {
    return number ^ number >> 1;
  }

  /** The number of a Gray code. */
  static int ofGray(int gray) {
    var number = gray;
    for (var shift = 1; shift < Integer.SIZE; shift <<= 1) {
      number ^= number >>> shift;
    }
    return number;
  }

  /**
   * A part of [0, 1) that neighbouring values of a segment own together, in equal parts.
   *
   * @param from the first of these values
   * @param to the last of them
   */
  record Piece(double low, double high, int from, int to) {
    /** The value that owns a point, which lies in the piece up to rounding. */
    int value(double u) {
      var values = to - from + 1;
      var at = (int) Math.floor((u - low) / (high - low) * values);
      return from + Math.max(0, Math.min(values - 1, at));
    }
  }

  /** What some values own, in their order; empty where none of them ever occurs. */
  List<Piece> pieces(List<Allowed.Span> spans) {
    var pieces = new ArrayList<Piece>();
    for (var span : spans) {
      for (var segment = segmentOf(span.from());
          segment < starts.length - 1 && starts[segment] <= span.to();
          segment++) {
        var low = borders[segment];
        var each = (borders[segment + 1] - low) / (starts[segment + 1] - starts[segment]);
        var from = Math.max(span.from(), starts[segment]);
        var to = Math.min(span.to(), starts[segment + 1] - 1);
        if (each > 0) {
          pieces.add(
              new Piece(
                  low + each * (from - starts[segment]),
                  low + each * (to + 1 - starts[segment]),
                  from,
                  to));
        }
      }
    }
    return pieces;
  }

  /** How much of each code some pieces fill, 0 to 1. */
  double[] shares(List<Piece> pieces) {
    var codes = 1 << bits;
    var shares = new double[codes];
    for (var piece : pieces) {
      var first = (int) Math.floor(piece.low() * codes);
      for (var code = first; code < codes && code < piece.high() * codes; code++) {
        shares[code] +=
            Math.min(code + 1, piece.high() * codes) - Math.max(code, piece.low() * codes);
      }
    }
    return shares;
  }

  /**
   * The value at a part of what some pieces fill of a code.
   *
   * @param part in [0, 1)
   */
  int value(List<Piece> pieces, int code, double part) {
    var codes = (double) (1L << bits);
    var low = code / codes;
    var high = (code + 1) / codes;
    var total = 0.0;
    for (var piece : pieces) {
      total += Math.max(0, Math.min(high, piece.high()) - Math.max(low, piece.low()));
    }
    var left = part * total;
    Piece last = null;
    for (var piece : pieces) {
      var from = Math.max(low, piece.low());
      var has = Math.min(high, piece.high()) - from;
      if (has > 0) {
        last = piece;
        if (left < has) {
          return piece.value(from + left);
        }
        left -= has;
      }
    }
    if (last == null) {
      throw new IllegalArgumentException("none of the values has the code " + code);
    }
    return last.value(Math.min(high, last.high())); // up to rounding
  }

  /** The tree of one marginal. */
  private static final class TreeOf {
    private final Marginal marginal;
    private final int most;

    /** The segments that occur, and the mass before each of them. */
    private final int[] occurring;

    private final long[] before;

    /** Where the interval of each segment begins. */
    private final double[] borders;

    /** The deepest that was needed. */
    private int depth;

    TreeOf(Marginal marginal, int most) {
      this.marginal = marginal;
      this.most = most;
      occurring = new int[Intervals.occurring(marginal)];
      before = new long[occurring.length + 1];
      borders = new double[marginal.segments() + 1];
      var at = 0;
      for (var i = 0; i < marginal.segments(); i++) {
        if (marginal.count(i) > 0) {
          occurring[at] = i;
          before[at + 1] = before[at] + marginal.count(i);
          at++;
        }
      }
    }

    Intervals intervals() {
      Arrays.fill(borders, -1);
      split(0, occurring.length, 0, 1, 0);
      // What never occurs begins where the next that does begins.
      borders[borders.length - 1] = 1;
      for (var i = borders.length - 2; i >= 0; i--) {
        if (borders[i] < 0) {
          borders[i] = borders[i + 1];
        }
      }
      borders[0] = 0;
      return new Intervals(depth, starts(marginal), borders);
    }

    /** Gives the segments from {@code from} to {@code to} (of those that occur) an interval. */
    private void split(int from, int to, double low, double high, int level) {
      if (to - from == 1) {
        var segment = occurring[from];
        borders[segment] = low;
        var spans = marginal.start(segment + 1) - marginal.start(segment) > 1;
        depth = Math.max(depth, spans ? most : level);
        return;
      }
      if (level == most) {
        depth = most;
        for (var i = from; i < to; i++) {
          var part = (before[i] - before[from]) / (double) (before[to] - before[from]);
          borders[occurring[i]] = low + part * (high - low);
        }
        return;
      }
      var middle = low + (high - low) / 2;
      var at = border(from, to, level);
      split(from, at, low, middle, level + 1);
      split(at, to, middle, high, level + 1);
    }

    /** The border that is nearest to half of the mass, with something on both sides. */
    private int border(int from, int to, int level) {
      var first = from + 1;
      var last = to - 1;
      if (areCategories(marginal)) { // each side must have room for all that are on it
        var room = 1 << (most - level - 1);
        first = Math.max(first, to - room);
        last = Math.min(last, from + room);
      }
      var half = before[from] + (before[to] - before[from]) / 2.0;
      var low = first;
      var high = last;
      while (low < high) { // the first border with half of the mass before it, or the last
        var middle = (low + high) >>> 1;
        if (before[middle] < half) {
          low = middle + 1;
        } else {
          high = middle;
        }
      }
      return low > first && half - before[low - 1] < before[low] - half ? low - 1 : low;
    }
  }
}

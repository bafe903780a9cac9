package org.bitdiffusion.codec;

import static org.bytedeco.pytorch.global.torch.gather;
import static org.bytedeco.pytorch.global.torch.index_select;
import static org.bytedeco.pytorch.global.torch.matmul;
import static org.bytedeco.pytorch.global.torch.searchsorted;
import static org.bytedeco.pytorch.global.torch.softmax;
import static org.bytedeco.pytorch.global.torch.where;
import static org.bytedeco.pytorch.global.torch.zeros;

import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.TreeMap;
import java.util.function.BiFunction;
import java.util.function.UnaryOperator;
import java.util.stream.IntStream;
import java.util.stream.LongStream;
import org.bitdiffusion.ConfigurationException;
import org.bitdiffusion.data.Allowed;
import org.bitdiffusion.data.Marginal;
import org.bitdiffusion.data.Space;
import org.bitdiffusion.runtime.Noise;
import org.bitdiffusion.runtime.Tensors;
import org.bytedeco.pytorch.Device;
import org.bytedeco.pytorch.LongOptional;
import org.bytedeco.pytorch.Scalar;
import org.bytedeco.pytorch.ScalarOptional;
import org.bytedeco.pytorch.ScalarTypeOptional;
import org.bytedeco.pytorch.StringViewOptional;
import org.bytedeco.pytorch.Tensor;
import org.bytedeco.pytorch.TensorOptional;
import org.bytedeco.pytorch.TensorOptions;
import org.bytedeco.pytorch.global.torch;

/**
 * Bits for the columns of a table, whose values have an order and shares: each value owns an
 * interval of [0, 1). Encoding draws u uniformly in it, or in the whole codes that it holds, anew
 * at each use; the code is floor(2^n u) in Gray's order, so that neighbours differ in one bit.
 * Decoding draws U and gives the value whose interval holds (code + U) / 2^n: whatever the bits, it
 * is one that occurs in the data.
 *
 * <p>How the intervals are given is the encoding: {@code rank} (as much for each), {@code quantile}
 * (its share for each) or {@code tree} (halves of the mass). Frequent values have many codes or few
 * bits that matter; neighbours that rarely occur may have one code together.
 *
 * <p>Symbols [N, C, ...] become [N, D], place after place in row-major order, the most significant
 * bit first; a place of a single value has no bits.
 */
public final class IntervalCodec implements Codec {
  /** Of borders, in codes: sums of shares are not exact. */
  private static final double ROUNDING = 1e-7;

  /** Names of these encodings. */
  static final List<String> ENCODINGS = List.of("rank", "quantile", "tree");

  private final Space space;
  private final double scale;

  /** D. */
  private final int bits;

  /** The places with as many bits and about as many segments. */
  private final List<Group> groups;

  /** Of each place. */
  private final List<Intervals> intervals;

  /** Where the bits of each place end. */
  private final int[] ends;

  private IntervalCodec(
      Space space, double scale, List<Group> groups, List<Intervals> intervals, int[] ends) {
    this.space = space;
    this.scale = scale;
    this.groups = groups;
    this.intervals = intervals;
    this.ends = ends;
    bits = ends[ends.length - 1];
  }

  /**
   * The codec of a name.
   *
   * @param encoding {@code rank}, {@code quantile} or {@code tree}
   * @param marginals of each place; empty where nothing is known, and all values are taken to be
   *     equally frequent
   * @param most bits a place, 1 to 24; categories of more values have as many as tell them apart
   * @param scale b
   * @throws ConfigurationException if there is no such encoding, or a number is out of its range
   */
  public static IntervalCodec of(
      String encoding, Space space, List<Marginal> marginals, int most, double scale) {
    BinaryCodec.requireScale(scale);
    if (most < 1 || most > Intervals.MOST_BITS) {
      throw new ConfigurationException(
          "codec.bits is %d; it must be 1 to %d".formatted(most, Intervals.MOST_BITS));
    }
    BiFunction<Marginal, Integer, Intervals> intervals =
        switch (encoding) {
          case "rank" -> Intervals::rank;
          case "quantile" -> Intervals::quantile;
          case "tree" -> Intervals::tree;
          default -> throw new IllegalArgumentException(encoding);
        };
    if (!marginals.isEmpty() && marginals.size() != space.places()) {
      throw new IllegalArgumentException(
          "%d marginals for %d places".formatted(marginals.size(), space.places()));
    }
    var alike = new TreeMap<Long, List<Integer>>();
    var ofPlace = new Intervals[space.places()];
    var ends = new int[ofPlace.length];
    for (var p = 0; p < ofPlace.length; p++) {
      var marginal = marginals.isEmpty() ? Marginal.uniform(space.categories(p)) : marginals.get(p);
      if (marginal.categories() != space.categories(p)) {
        throw new IllegalArgumentException(
            "place %d has %d values, but a marginal of %d"
                .formatted(p, space.categories(p), marginal.categories()));
      }
      ofPlace[p] = intervals.apply(marginal, most);
      var n = ofPlace[p].bits();
      if (n > Intervals.MOST_BITS) {
        throw new ConfigurationException(
            "a column has %,d categories; bits can write up to %,d"
                .formatted(marginal.categories(), 1 << Intervals.MOST_BITS));
      }
      ends[p] = Math.addExact(p == 0 ? 0 : ends[p - 1], n);
      // Tables are as wide as the widest of a group: no more than twice a place's own.
      var width = Integer.SIZE - Integer.numberOfLeadingZeros(ofPlace[p].borders().length);
      alike.computeIfAbsent((long) width << 32 | n, any -> new ArrayList<>()).add(p);
    }
    if (ends[ends.length - 1] == 0) {
      throw new ConfigurationException("all columns have a single value: nothing can differ");
    }
    var groups = alike.values().stream().map(places -> Group.of(places, ofPlace, ends)).toList();
    return new IntervalCodec(space, scale, groups, List.of(ofPlace), ends);
  }

  @Override
  public double scale() {
    return scale;
  }

  @Override
  public List<Integer> shape(List<Integer> symbols) {
    if (!symbols.equals(space.shape())) {
      throw new IllegalArgumentException(
          "the codec is of symbols of shape %s, not %s".formatted(space.shape(), symbols));
    }
    return List.of(bits);
  }

  @Override
  public Tensor encode(Tensor symbols, Noise noise) {
    shape(Arrays.stream(symbols.shape()).skip(1).mapToObj(Math::toIntExact).toList());
    var flat = symbols.flatten(1, -1).to(torch.ScalarType.Long);
    var drawn = noise.uniform(flat.shape()).to(torch.ScalarType.Double);
    var analog = zeros(new long[] {flat.size(0), bits}, new TensorOptions(flat.device()));
    for (var group : groups) {
      if (group.bits > 0) {
        analog.index_copy_(
            1,
            index(group.columns, flat.device()),
            group.encode(flat, drawn).mul(new Scalar(2 * scale)).sub(new Scalar(scale)));
      }
    }
    return analog;
  }

  @Override
  public Tensor spread(Tensor perSymbol) {
    var flat = perSymbol.flatten(1, -1);
    var spread = zeros(new long[] {flat.size(0), bits}, flat.options());
    for (var group : groups) {
      if (group.bits > 0) {
        var own = index_select(flat, 1, index(group.places, flat.device())).unsqueeze(-1);
        spread.index_copy_(
            1,
            index(group.columns, flat.device()),
            own.expand(flat.size(0), group.places.length, group.bits).flatten(1, 2));
      }
    }
    return spread;
  }

  @Override
  public Tensor decode(Tensor analog, Noise noise) {
    return decode(analog, noise.uniform(analog.size(0), space.places()));
  }

  private Tensor decode(Tensor analog, Tensor uniform) {
    if (analog.dim() != 2 || analog.size(1) != bits) {
      throw new IllegalArgumentException(
          "analog bits are [N, %d], not %s".formatted(bits, Arrays.toString(analog.shape())));
    }
    var count = analog.size(0);
    var device = analog.device();
    var drawn = uniform.to(torch.ScalarType.Double);
    var shape =
        LongStream.concat(LongStream.of(count), space.shape().stream().mapToLong(side -> side))
            .toArray();
    var symbols = zeros(shape, new TensorOptions(device)).to(torch.ScalarType.Long);
    var flat = symbols.view(count, space.places());
    for (var group : groups) {
      flat.index_copy_(1, index(group.places, device), group.decode(analog, drawn));
    }
    return symbols;
  }

  @Override
  public UnaryOperator<Tensor> restriction(List<Allowed> allowed) {
    var some = allowed.stream().map(this::restricted).toList();
    return estimate -> {
      if (some.isEmpty()) {
        return estimate;
      }
      var result = estimate.clone();
      for (var place : some) {
        if (place.bits > 0) {
          var own = result.narrow(1, place.first, place.bits);
          var mean = matmul(softmax(place.logits(own, scale), 1), place.codes(own.device()));
          own.copy_(mean.mul(new Scalar(scale)));
        }
      }
      return result;
    };
  }

  @Override
  public Tensor decode(Tensor analog, Noise noise, List<Allowed> allowed) {
    var drawn = noise.uniform(analog.size(0), space.places());
    var symbols = decode(analog, drawn);
    var flat = symbols.view(analog.size(0), space.places());
    for (var each : allowed) {
      var place = restricted(each);
      var count = Math.toIntExact(analog.size(0));
      var codes = new int[count];
      if (place.bits > 0) {
        var own = analog.narrow(1, place.first, place.bits);
        codes = Tensors.ints(place.logits(own, scale).argmax(new LongOptional(1), false));
      }
      var parts = Tensors.floats(drawn.select(1, each.place()).contiguous());
      var values = new long[count];
      for (var i = 0; i < count; i++) {
        values[i] =
            intervals
                .get(each.place())
                .value(place.pieces, (int) place.numbers[codes[i]], parts[i]);
      }
      flat.select(1, each.place()).copy_(Tensor.create(values, count));
    }
    return symbols;
  }

  private Restricted restricted(Allowed allowed) {
    var place = allowed.place();
    var of = intervals.get(place);
    var pieces = of.pieces(allowed.spans());
    if (pieces.isEmpty()) {
      throw new ConfigurationException(
          "none of the values that are asked for at place %d occurs in the data".formatted(place));
    }
    return new Restricted(ends[place] - of.bits(), of.bits(), pieces, of.shares(pieces));
  }

  /** The codes of one place that allowed values have. */
  private static final class Restricted {
    /** Largest estimate, in b, whose log-odds are finite. */
    private static final double SUREST = 1 - 1e-6;

    private final int first;
    private final int bits;
    private final List<Intervals.Piece> pieces;

    /** The numbers whose codes they are, and the logarithm of how much of each is allowed. */
    private final long[] numbers;

    private final float[] logShares;

    Restricted(int first, int bits, List<Intervals.Piece> pieces, double[] shares) {
      this.first = first;
      this.bits = bits;
      this.pieces = pieces;
      numbers =
          IntStream.range(0, shares.length).filter(i -> shares[i] > 0).asLongStream().toArray();
      logShares = new float[numbers.length];
      for (var i = 0; i < numbers.length; i++) {
        logShares[i] = (float) Math.log(shares[(int) numbers[i]]);
      }
    }

    /** The codes, [codes, bits] of -1 and 1, float32. */
    Tensor codes(Device device) {
      var digits = new float[numbers.length * bits];
      for (var i = 0; i < numbers.length; i++) {
        var gray = numbers[i] ^ numbers[i] >> 1;
        for (var j = 0; j < bits; j++) {
          digits[i * bits + j] = (gray >> (bits - 1 - j) & 1) == 1 ? 1 : -1;
        }
      }
      return Tensor.create(digits, numbers.length, bits).to(device, torch.ScalarType.Float);
    }

    /**
     * How likely each code is by an estimate of its bits [N, bits], [N, codes] up to a constant.
     */
    Tensor logits(Tensor estimate, double scale) {
      var halfOdds =
          estimate
              .div(new Scalar(scale))
              .clamp(
                  new ScalarOptional(new Scalar(-SUREST)), new ScalarOptional(new Scalar(SUREST)))
              .atanh();
      return matmul(halfOdds, codes(estimate.device()).t())
          .add(
              Tensor.create(logShares, logShares.length)
                  .to(estimate.device(), torch.ScalarType.Float));
    }
  }

  private static Tensor index(long[] index, Device device) {
    return Tensor.create(index, index.length).to(device, torch.ScalarType.Long);
  }

  /** Places of as many bits, which are written at once. */
  private static final class Group {
    /** n. */
    private final int bits;

    private final long[] places;

    /** The analog bits of the places. */
    private final long[] columns;

    /** Segments of the place that has most; tables have one more column. */
    private final int segments;

    /** Their {@link Intervals#starts}, place after place; behind the last is nothing, at K. */
    private final long[] starts;

    /** Their {@link Intervals#borders}, likewise. */
    private final double[] borders;

    private Group(int bits, long[] places, long[] columns, int segments) {
      this.bits = bits;
      this.places = places;
      this.columns = columns;
      this.segments = segments;
      starts = new long[places.length * (segments + 1)];
      borders = new double[starts.length];
    }

    static Group of(List<Integer> some, Intervals[] ofPlace, int[] ends) {
      var places = some.stream().mapToLong(p -> p).toArray();
      var bits = ofPlace[some.get(0)].bits();
      var columns =
          Arrays.stream(places)
              .flatMap(p -> LongStream.range(ends[(int) p] - bits, ends[(int) p]))
              .toArray();
      var segments = some.stream().mapToInt(p -> ofPlace[p].borders().length - 1).max().orElse(0);
      var group = new Group(bits, places, columns, segments);
      for (var g = 0; g < places.length; g++) {
        var intervals = ofPlace[(int) places[g]];
        var own = intervals.borders().length;
        for (var i = 0; i <= segments; i++) {
          var from = Math.min(i, own - 1);
          group.starts[g * (segments + 1) + i] = intervals.starts()[from];
          group.borders[g * (segments + 1) + i] = intervals.borders()[from];
        }
      }
      return group;
    }

    /** All symbols [N, P] to the digits of the group, [N, places * bits] of 0 and 1, float32. */
    Tensor encode(Tensor symbols, Tensor drawn) {
      var device = symbols.device();
      var own = index(places, device);
      var symbol = index_select(symbols, 1, own).t().contiguous();
      var starts = starts(device);
      var at = searched(starts, symbol);
      var first = gather(starts, 1, at).to(torch.ScalarType.Double);
      var end = gather(starts, 1, at.add(new Scalar(1))).to(torch.ScalarType.Double);
      var borders = borders(device);
      var low = gather(borders, 1, at);
      var high = gather(borders, 1, at.add(new Scalar(1)));
      var codes = (double) (1L << bits);
      var each = high.sub(low).div(end.sub(first)).mul(new Scalar(codes));
      var from =
          low.mul(new Scalar(codes)).add(each.mul(symbol.to(torch.ScalarType.Double).sub(first)));
      var to = from.add(each);
      // Of codes that are all its own where it has some: they decode to it whatever is drawn.
      var firstWhole = from.sub(new Scalar(ROUNDING)).ceil();
      var endWhole = to.add(new Scalar(ROUNDING)).floor();
      var whole = endWhole.gt(firstWhole);
      from = where(whole, firstWhole, from);
      to = where(whole, endWhole, to);
      var code =
          from.add(to.sub(from).mul(index_select(drawn, 1, own).t()))
              .floor()
              .to(torch.ScalarType.Long)
              .clamp_max_(new Scalar((1L << bits) - 1))
              .t();
      var half =
          code.to(torch.ScalarType.Double).mul(new Scalar(0.5)).floor().to(torch.ScalarType.Long);
      return code.bitwise_xor(half)
          .unsqueeze(-1)
          .bitwise_and(powers().to(device, torch.ScalarType.Long))
          .ne(new Scalar(0))
          .to(torch.ScalarType.Float)
          .flatten(1, 2);
    }

    /** All analog bits [N, D] to the symbols of the group, [N, places]. */
    Tensor decode(Tensor analog, Tensor drawn) {
      var device = analog.device();
      var count = analog.size(0);
      var u = index_select(drawn, 1, index(places, device));
      if (bits > 0) {
        var digits =
            index_select(analog, 1, index(columns, device))
                .view(count, places.length, bits)
                .gt(new Scalar(0))
                .to(torch.ScalarType.Double)
                .cumsum(2, new ScalarTypeOptional())
                .remainder(new Scalar(2)); // of Gray's code: each digit is a parity
        var code = matmul(digits, powers().to(device, torch.ScalarType.Double));
        u = code.add(u).mul(new Scalar(1.0 / (1L << bits)));
      }
      u = u.t().contiguous();
      var borders = borders(device);
      var at = searched(borders, u);
      var low = gather(borders, 1, at);
      var high = gather(borders, 1, at.add(new Scalar(1)));
      var starts = starts(device);
      var first = gather(starts, 1, at);
      var values = gather(starts, 1, at.add(new Scalar(1))).sub(first);
      var part = u.sub(low).div(high.sub(low)).mul(values.to(torch.ScalarType.Double));
      return first
          .add(part.floor().to(torch.ScalarType.Long).minimum(values.sub(new Scalar(1))))
          .t();
    }

    /** The last entry of each row of a table that is not above the values, [places, N]. */
    private Tensor searched(Tensor table, Tensor values) {
      return searchsorted(
              table, values, false, true, new StringViewOptional(), new TensorOptional())
          .sub(new Scalar(1))
          .clamp_(new ScalarOptional(new Scalar(0)), new ScalarOptional(new Scalar(segments - 1)));
    }

    private Tensor starts(Device device) {
      return Tensor.create(starts, places.length, segments + 1).to(device, torch.ScalarType.Long);
    }

    private Tensor borders(Device device) {
      return Tensor.create(borders, places.length, segments + 1)
          .to(device, torch.ScalarType.Double);
    }

    /** 2^(bits-1), ..., 2, 1. */
    private Tensor powers() {
      var powers = new long[bits];
      Arrays.setAll(powers, j -> 1L << (bits - 1 - j));
      return Tensor.create(powers, bits);
    }
  }
}

package org.bitdiffusion.codec;

import static org.bytedeco.pytorch.global.torch.index_select;
import static org.bytedeco.pytorch.global.torch.matmul;
import static org.bytedeco.pytorch.global.torch.softmax;

import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.function.BiFunction;
import java.util.function.UnaryOperator;
import java.util.stream.IntStream;
import org.bitdiffusion.ConfigurationException;
import org.bitdiffusion.codec.CodeWords.OfSymbol;
import org.bitdiffusion.data.Allowed;
import org.bitdiffusion.data.Marginal;
import org.bitdiffusion.data.Space;
import org.bitdiffusion.runtime.Noise;
import org.bitdiffusion.runtime.Tensors;
import org.bytedeco.pytorch.Device;
import org.bytedeco.pytorch.LongOptional;
import org.bytedeco.pytorch.Scalar;
import org.bytedeco.pytorch.ScalarOptional;
import org.bytedeco.pytorch.Tensor;
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
  /** Names of these encodings. */
  static final List<String> ENCODINGS = List.of("rank", "quantile", "tree");

  /** Bits of a symbol that words fix; further ones are taken to be free, as words would be many. */
  private static final int MOST_OF_WORDS = 10;

  /** The same where only some values are allowed, which few of the words may hold. */
  private static final int MOST_OF_ALLOWED = 14;

  private final Space space;
  private final double scale;

  /** D. */
  private final int bits;

  /** Of each place. */
  private final List<Marginal> marginals;

  private final List<Intervals> intervals;

  /** Where the bits of each place end. */
  private final int[] ends;

  private IntervalCodec(
      Space space, double scale, List<Marginal> marginals, List<Intervals> intervals, int[] ends) {
    this.space = space;
    this.scale = scale;
    this.marginals = marginals;
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
    var known =
        marginals.isEmpty()
            ? IntStream.range(0, space.places())
                .mapToObj(p -> Marginal.uniform(space.categories(p)))
                .toList()
            : List.copyOf(marginals);
    var ofPlace = new Intervals[space.places()];
    var ends = new int[ofPlace.length];
    for (var p = 0; p < ofPlace.length; p++) {
      var marginal = known.get(p);
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
    }
    if (ends[ends.length - 1] == 0) {
      throw new ConfigurationException("all columns have a single value: nothing can differ");
    }
    return new IntervalCodec(space, scale, known, List.of(ofPlace), ends);
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
    var count = Math.toIntExact(symbols.size(0));
    var places = space.places();
    // Plain Java: a batch has a few thousand symbols, but the borders may be as many as rows.
    var values = Tensors.ints(symbols);
    var drawn = Tensors.floats(noise.uniform(count, places));
    var analog = new float[Math.multiplyExact(count, bits)];
    var at = 0;
    for (var i = 0; i < values.length; i++) {
      var of = intervals.get(i % places);
      var gray = Intervals.gray(of.code(values[i], drawn[i]));
      for (var bit = of.bits() - 1; bit >= 0; bit--) {
        analog[at++] = (float) ((gray >> bit & 1) == 1 ? scale : -scale);
      }
    }
    return Tensor.create(analog, count, bits).to(symbols.device(), torch.ScalarType.Float);
  }

  /**
   * What codes the symbols have, as often as their marginals say.
   *
   * @param tolerance how far, in nats a symbol, they may be from that, to be fewer words
   * @param cells of a place at most; the same whatever is allowed
   * @param allowed values, the only ones that their places have; there it is exact
   * @throws ConfigurationException if none of the values occurs
   */
  public CodeWords words(double tolerance, int cells, List<Allowed> allowed) {
    allowed.forEach(this::restricted); // complains
    var symbols = new ArrayList<OfSymbol>();
    for (var p = 0; p < intervals.size(); p++) {
      var of = intervals.get(p);
      var marginal = marginals.get(p);
      var place = p;
      var all = List.of(new Allowed.Span(0, marginal.categories() - 1));
      var first = Math.min(of.bits(), MOST_OF_WORDS);
      var likelihoods = of.likelihoods(marginal, all, first);
      var ofPlace = CodeWords.Cells.ofGray(cells, likelihoods, of::areOne);
      var words = OfSymbol.ofGray(of.bits(), likelihoods, tolerance, ofPlace);
      var some = allowed.stream().filter(a -> a.place() == place).findFirst();
      if (some.isPresent()) {
        first = Math.min(of.bits(), MOST_OF_ALLOWED);
        likelihoods = of.likelihoods(marginal, some.get().spans(), first);
        words = OfSymbol.ofGray(of.bits(), likelihoods, 0, ofPlace);
      }
      symbols.add(words);
    }
    return CodeWords.of(symbols);
  }

  /**
   * How likely the values of a place are, of those that are as frequent as its marginal says.
   *
   * @param words whose cells something is said of
   * @param allowed some of its values
   * @throws ConfigurationException if none of them occurs
   */
  public ValuePosterior posterior(CodeWords words, Allowed allowed) {
    var place = restricted(allowed);
    var of = intervals.get(allowed.place());
    var shares = of.likelihoods(marginals.get(allowed.place()), allowed.spans(), of.bits());
    var cells = words.cells(allowed.place());
    var cellOf =
        IntStream.range(0, shares.length)
            .map(number -> cells.of(of.bits(), Intervals.gray(number)))
            .map(cell -> cell < 0 ? -1 : bits + words.firstCell(allowed.place()) + cell)
            .toArray();
    return new ValuePosterior(of, place.pieces, shares, bits + words.cells(), place.first, cellOf);
  }

  @Override
  public Tensor spread(Tensor perSymbol) {
    var placeOfBit =
        IntStream.range(0, intervals.size())
            .flatMap(p -> IntStream.range(0, intervals.get(p).bits()).map(bit -> p))
            .asLongStream()
            .toArray();
    var index = Tensor.create(placeOfBit, bits).to(perSymbol.device(), torch.ScalarType.Long);
    return index_select(perSymbol.flatten(1, -1), 1, index);
  }

  @Override
  public Tensor decode(Tensor analog, Noise noise) {
    return decode(analog, noise, List.of());
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
    if (analog.dim() != 2 || analog.size(1) != bits) {
      throw new IllegalArgumentException(
          "analog bits are [N, %d], not %s".formatted(bits, Arrays.toString(analog.shape())));
    }
    var count = Math.toIntExact(analog.size(0));
    var places = space.places();
    var values = Tensors.floats(analog);
    var drawn = Tensors.floats(noise.uniform(count, places));
    var symbols = new long[Math.multiplyExact(count, places)];
    var at = 0;
    for (var i = 0; i < symbols.length; i++) {
      var of = intervals.get(i % places);
      var gray = 0;
      for (var bit = 0; bit < of.bits(); bit++) {
        gray = gray << 1 | (values[at++] > 0 ? 1 : 0);
      }
      symbols[i] = of.value(Intervals.ofGray(gray), drawn[i]);
    }
    for (var each : allowed) {
      var place = restricted(each);
      var codes = new int[count];
      if (place.bits > 0) {
        var own = analog.narrow(1, place.first, place.bits);
        codes = Tensors.ints(place.logits(own, scale).argmax(new LongOptional(1), false));
      }
      var of = intervals.get(each.place());
      for (var i = 0; i < count; i++) {
        var symbol = i * places + each.place();
        symbols[symbol] = of.value(place.pieces, (int) place.numbers[codes[i]], drawn[symbol]);
      }
    }
    return Tensor.create(symbols, Tensors.shape(count, space.shape()))
        .to(analog.device(), torch.ScalarType.Long);
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
        var gray = Intervals.gray((int) numbers[i]);
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
}

package org.bitdiffusion.codec;

import static java.util.stream.Collectors.joining;

import java.util.Collections;
import java.util.List;
import java.util.Map;
import java.util.SortedMap;
import java.util.TreeMap;
import java.util.function.UnaryOperator;
import java.util.stream.Stream;
import org.bitdiffusion.ConfigurationException;
import org.bitdiffusion.Registry;
import org.bitdiffusion.data.Allowed;
import org.bitdiffusion.data.Marginal;
import org.bitdiffusion.data.Space;
import org.bitdiffusion.runtime.Noise;
import org.bitdiffusion.runtime.Tensors;
import org.bytedeco.javacpp.PointerScope;
import org.bytedeco.pytorch.Tensor;

/**
 * Categories written as analog bits (arXiv 2208.04202, section 2 and appendices A to C): each of
 * the K values of a symbol has a code of values in {-b, +b}, or, for comparison, one value in [-b,
 * +b] ({@link ContinuousCodec}). K is one number for all symbols ({@link UniformCodec}) or one for
 * each place of an example ({@link MixedCodec}); or a value's code goes by its share ({@link
 * IntervalCodec}).
 *
 * <p>Symbols are integers [N, C, ...], each in 0 .. K-1; their analog bits are float32 [N, D, ...].
 * Everything is computed on the device of the argument. Codecs are immutable and hold no native
 * memory.
 *
 * <p>Encoding and decoding may draw: where a symbol has several codes, or a code stands for several
 * symbols. The noise is the caller's: in training that of (seed, step, part of the batch), at
 * sampling that of (seed, number of the sample), so that neither resuming nor the size of a batch
 * changes anything. Codecs that draw nothing leave it alone, and have these methods without it.
 */
public sealed interface Codec permits UniformCodec, MixedCodec, IntervalCodec {
  /** Names of encodings: those of the paper, and those of columns, {@link IntervalCodec}. */
  List<String> ENCODINGS =
      List.of("uint8", "gray", "uint8_rand", "one_hot", "continuous", "rank", "quantile", "tree");

  /** Other names of encodings: the paper's tell of its 256 values, but any number goes. */
  SortedMap<String, String> SYNONYMS =
      Collections.unmodifiableSortedMap(
          new TreeMap<>(Map.of("binary", "uint8", "permuted", "uint8_rand")));

  /**
   * The codec of a name for the symbols of a space.
   *
   * @param encoding one of {@link #ENCODINGS} or {@link #SYNONYMS}
   * @param marginals of each place, for the encodings of columns; empty where none is known
   * @param bits at most, of a number of a column
   * @param scale b
   * @param permutationSeed of {@code uint8_rand}; the others have no use for it
   * @throws org.bitdiffusion.ConfigurationException if there is none of that name, or none for such
   *     symbols
   */
  static Codec of(
      String encoding,
      Space space,
      List<Marginal> marginals,
      int bits,
      double scale,
      long permutationSeed) {
    var name = canonicalName(encoding);
    if (IntervalCodec.ENCODINGS.contains(name)) {
      return IntervalCodec.of(name, space, marginals, bits, scale);
    }
    return space.uniform()
        ? UniformCodec.of(encoding, space.mostCategories(), scale, permutationSeed)
        : MixedCodec.of(encoding, space, scale, permutationSeed);
  }

  /**
   * The name in {@link #ENCODINGS} of an encoding.
   *
   * @throws ConfigurationException if there is none
   */
  static String canonicalName(String encoding) {
    var name = SYNONYMS.getOrDefault(encoding, encoding);
    if (ENCODINGS.contains(name)) {
      return name;
    }
    var synonyms =
        SYNONYMS.entrySet().stream()
            .map(synonym -> synonym.getKey() + " for " + synonym.getValue())
            .collect(joining(", "));
    throw new ConfigurationException(
        "codec.encoding '%s' is unknown; use %s (or %s)%s"
            .formatted(
                encoding,
                Registry.choice(ENCODINGS),
                synonyms,
                Registry.didYouMean(
                    encoding,
                    Stream.concat(ENCODINGS.stream(), SYNONYMS.keySet().stream()).toList())));
  }

  /** b. */
  double scale();

  /** The shape [D, ...] of the analog bits of an example whose symbols have the shape [C, ...]. */
  List<Integer> shape(List<Integer> symbols);

  /** Symbols [N, C, ...] of any integer type to analog bits [N, D, ...] float32. */
  Tensor encode(Tensor symbols, Noise noise);

  /** A value of each symbol [N, C, ...] as one of each of its analog bits [N, D, ...]. */
  Tensor spread(Tensor perSymbol);

  /**
   * Analog bits [N, D, ...] to symbols [N, C, ...] int64, each in 0 .. K-1 whatever the input. A
   * code that names no category becomes the category whose code is nearest to the analog values.
   */
  Tensor decode(Tensor analog, Noise noise);

  /**
   * What estimates become where only some values are allowed: the mean of these values' codes, each
   * as likely as the estimate says of its bits.
   *
   * @return of estimates [N, D, ...], in the scope of whoever calls it
   * @throws ConfigurationException if none of the values occurs, or the codec cannot do it
   */
  default UnaryOperator<Tensor> restriction(List<Allowed> allowed) {
    if (allowed.isEmpty()) {
      return UnaryOperator.identity();
    }
    throw new ConfigurationException(
        "ranges and lists of values go with codec.encoding rank, quantile or tree");
  }

  /** Like {@link #decode(Tensor, Noise)}, to allowed values only. */
  default Tensor decode(Tensor analog, Noise noise, List<Allowed> allowed) {
    restriction(allowed); // complains
    return decode(analog, noise);
  }

  /**
   * Of each analog bit, row-major in [D, ...], the place of its symbol, row-major in [C, ...].
   *
   * @param space of the symbols
   */
  default int[] placeOfBit(Space space) {
    try (var scope = new PointerScope()) {
      var numbers = new float[space.places()];
      for (var place = 0; place < numbers.length; place++) {
        numbers[place] = place; // exact below 2^24
      }
      return Tensors.ints(spread(Tensor.create(numbers, Tensors.shape(1, space.shape()))));
    }
  }
}

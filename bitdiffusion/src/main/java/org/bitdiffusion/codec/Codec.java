package org.bitdiffusion.codec;

import org.bitdiffusion.ConfigurationException;
import org.bytedeco.pytorch.Tensor;

/**
 * Categories written as analog bits (arXiv 2208.04202, section 2 and appendices A to C): each of
 * the K values of a symbol has a code of {@link #bits()} values in {-b, +b}, or, for comparison,
 * one value in [-b, +b] ({@link ContinuousCodec}).
 *
 * <p>Symbols are integers [N, C, ...] in 0 .. K-1; their analog bits are float32 [N, C * bits,
 * ...], where bit j of channel c is channel c * bits + j, the most significant bit first.
 * Everything is computed on the device of the argument. Codecs are immutable and hold no native
 * memory.
 */
public sealed interface Codec permits BinaryCodec, OneHotCodec, ContinuousCodec {
  /**
   * The codec of a name: {@code uint8}, {@code gray}, {@code uint8_rand}, {@code one_hot} or {@code
   * continuous}.
   */
  static Codec of(String encoding, int categories, double scale, long permutationSeed) {
    return switch (encoding) {
      case "uint8" -> BinaryCodec.base2(categories, scale);
      case "gray" -> BinaryCodec.gray(categories, scale);
      case "uint8_rand" -> BinaryCodec.random(categories, scale, permutationSeed);
      case "one_hot" -> new OneHotCodec(categories, scale);
      case "continuous" -> new ContinuousCodec(categories, scale);
      default ->
          throw new ConfigurationException(
              "codec.encoding '"
                  + encoding
                  + "' is unknown; use uint8, gray, uint8_rand, one_hot or continuous");
    };
  }

  /** K. */
  int categories();

  /** n, the number of analog bits of one symbol. */
  int bits();

  /** b. */
  double scale();

  /** Symbols [N, C, ...] of any integer type to analog bits [N, C * bits, ...] float32. */
  Tensor encode(Tensor symbols);

  /**
   * Analog bits [N, C * bits, ...] to symbols [N, C, ...] int64, each in 0 .. K-1 whatever the
   * input. A code that names no category becomes the category whose code is nearest to the analog
   * values.
   */
  Tensor decode(Tensor analog);

  /** The codes of all categories, [K, bits] float32 on the CPU. */
  Tensor codes();
}

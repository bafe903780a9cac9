package org.bitdiffusion.codec;

import java.util.ArrayList;
import java.util.List;
import org.bitdiffusion.ConfigurationException;
import org.bitdiffusion.runtime.Noise;
import org.bytedeco.pytorch.Tensor;

/**
 * A codec of symbols that all have K values, each with a code of its own of {@link #bits()} analog
 * values. Symbols [N, C, ...] become [N, C * bits, ...], where bit j of channel c is channel c *
 * bits + j, the most significant bit first. Draws nothing.
 */
public sealed interface UniformCodec extends Codec
    permits BinaryCodec, OneHotCodec, ContinuousCodec {
  /**
   * The codec of a name for symbols of K values.
   *
   * @param encoding one of {@link Codec#ENCODINGS} or {@link Codec#SYNONYMS}
   * @param scale b
   * @param permutationSeed of {@code uint8_rand}; the others have no use for it
   * @throws ConfigurationException if there is none of that name, or none for such symbols
   */
  static UniformCodec of(String encoding, int categories, double scale, long permutationSeed) {
    return switch (Codec.canonicalName(encoding)) {
      case "uint8" -> BinaryCodec.base2(categories, scale);
      case "gray" -> BinaryCodec.gray(categories, scale);
      case "uint8_rand" -> BinaryCodec.random(categories, scale, permutationSeed);
      case "one_hot" -> new OneHotCodec(categories, scale);
      case "continuous" -> new ContinuousCodec(categories, scale);
      default -> throw new IllegalStateException(encoding);
    };
  }

  /** K. */
  int categories();

  /** n, the number of analog bits of one symbol. */
  int bits();

  /** The codes of all categories, [K, bits] float32 on the CPU. */
  Tensor codes();

  /** Symbols [N, C, ...] of any integer type to analog bits [N, C * bits, ...] float32. */
  Tensor encode(Tensor symbols);

  /** Analog bits [N, C * bits, ...] to symbols [N, C, ...] int64, each in 0 .. K-1. */
  Tensor decode(Tensor analog);

  @Override
  default Tensor encode(Tensor symbols, Noise noise) {
    return encode(symbols);
  }

  @Override
  default Tensor decode(Tensor analog, Noise noise) {
    return decode(analog);
  }

  @Override
  default Tensor spread(Tensor perSymbol) {
    return Channels.join(
        perSymbol.unsqueeze(-1).expand(Channels.append(perSymbol.shape(), bits())));
  }

  @Override
  default List<Integer> shape(List<Integer> symbols) {
    var shape = new ArrayList<>(symbols);
    shape.set(0, Math.multiplyExact(symbols.get(0), bits()));
    return List.copyOf(shape);
  }
}

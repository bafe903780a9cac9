package org.bitdiffusion.codec;

import static org.bytedeco.pytorch.global.torch.index_select;
import static org.bytedeco.pytorch.global.torch.matmul;

import java.util.Arrays;
import java.util.Random;
import org.bitdiffusion.ConfigurationException;
import org.bytedeco.pytorch.LongOptional;
import org.bytedeco.pytorch.Scalar;
import org.bytedeco.pytorch.Tensor;
import org.bytedeco.pytorch.global.torch;

/**
 * ceil(log2 K) bits a symbol: the binary digits of a number that stands for the category. The
 * encodings differ in that number only.
 */
public final class BinaryCodec implements Codec {
  private static final int MOST_CATEGORIES = 65_536;

  /** Inner products of positions with codes that are held at a time. */
  private static final long PRODUCTS_AT_ONCE = 1 << 24;

  private final int categories;
  private final int bits;
  private final double scale;

  /** number[i] stands for category i. */
  private final long[] number;

  /** The category for which each number stands, or -1. */
  private final long[] category;

  private BinaryCodec(int[] number, double scale) {
    this.categories = number.length;
    this.bits = 32 - Integer.numberOfLeadingZeros(categories - 1);
    this.scale = scale;
    this.number = Arrays.stream(number).asLongStream().toArray();
    this.category = new long[1 << bits];
    Arrays.fill(category, -1);
    for (var i = 0; i < categories; i++) {
      category[number[i]] = i;
    }
  }

  /** Category i is written as the binary digits of i. */
  public static BinaryCodec base2(int categories, double scale) {
    return new BinaryCodec(identity(categories, scale), scale);
  }

  /** Category i is written as the reflected Gray code of i: neighbours differ in one bit. */
  public static BinaryCodec gray(int categories, double scale) {
    var number = identity(categories, scale);
    for (var i = 0; i < categories; i++) {
      number[i] = i ^ (i >> 1);
    }
    return new BinaryCodec(number, scale);
  }

  /**
   * Category i is written as the binary digits of permutation[i]: the paper's permutation for 256
   * categories, else one of 0 .. K-1 drawn from the seed.
   */
  public static BinaryCodec random(int categories, double scale, long seed) {
    var number = identity(categories, scale);
    if (categories == 256) {
      return new BinaryCodec(PaperPermutation.VALUES.clone(), scale);
    }
    // The one generator of the JDK whose algorithm is part of its contract: weights stand on it.
    var random = new Random(seed);
    for (var i = categories - 1; i > 0; i--) {
      var j = random.nextInt(i + 1);
      var swapped = number[i];
      number[i] = number[j];
      number[j] = swapped;
    }
    return new BinaryCodec(number, scale);
  }

  private static int[] identity(int categories, double scale) {
    if (categories < 2 || categories > MOST_CATEGORIES) {
      throw new ConfigurationException(
          "the data has %d categories, but bits can write 2 to %d"
              .formatted(categories, MOST_CATEGORIES));
    }
    requireScale(scale);
    var number = new int[categories];
    Arrays.setAll(number, i -> i);
    return number;
  }

  static void requireScale(double scale) {
    if (!(scale > 0) || Double.isInfinite(scale)) {
      throw new ConfigurationException("codec.scale is " + scale + "; it must be above 0");
    }
  }

  @Override
  public int categories() {
    return categories;
  }

  @Override
  public int bits() {
    return bits;
  }

  @Override
  public double scale() {
    return scale;
  }

  @Override
  public Tensor encode(Tensor symbols) {
    var numbers =
        index_select(
            Tensor.create(number, categories).to(symbols.device(), torch.ScalarType.Long),
            0,
            symbols.flatten().to(torch.ScalarType.Long));
    return Channels.join(digits(numbers).view(Channels.append(symbols.shape(), bits)));
  }

  @Override
  public Tensor decode(Tensor analog) {
    var values = Channels.split(analog, bits);
    // Numbers below 2^16 are exact in float32.
    var numbers =
        matmul(
                values.gt(new Scalar(0)).to(torch.ScalarType.Float),
                powers().to(values.device(), torch.ScalarType.Float))
            .to(torch.ScalarType.Long);
    var table = Tensor.create(category, category.length);
    var categories =
        index_select(table.to(values.device(), torch.ScalarType.Long), 0, numbers.flatten())
            .view(numbers.shape());
    if (this.categories == category.length) {
      return categories;
    }
    return replaceNameless(categories, values);
  }

  /** Gives the positions marked -1 the category of the nearest code. */
  private Tensor replaceNameless(Tensor categories, Tensor values) {
    var flat = categories.flatten();
    var positions = flat.lt(new Scalar(0)).nonzero().flatten();
    var count = positions.numel();
    if (count == 0) {
      return categories;
    }
    var codes = codes().to(values.device(), torch.ScalarType.Float).t();
    var rows = values.reshape(-1, bits);
    var atOnce = Math.max(1, PRODUCTS_AT_ONCE / this.categories);
    for (var from = 0L; from < count; from += atOnce) {
      var some = positions.narrow(0, from, Math.min(atOnce, count - from));
      // All codes have the same length, so the nearest is the one with the largest inner product.
      var products = matmul(index_select(rows, 0, some).to(torch.ScalarType.Float), codes);
      flat.index_copy_(0, some, products.argmax(new LongOptional(1), false));
    }
    return flat.view(categories.shape());
  }

  @Override
  public Tensor codes() {
    return digits(Tensor.create(number, categories));
  }

  /** Numbers [N] to their binary digits [N, bits], as -b and b. */
  private Tensor digits(Tensor numbers) {
    return numbers
        .unsqueeze(1)
        .bitwise_and(powers().to(numbers.device(), torch.ScalarType.Long))
        .ne(new Scalar(0))
        .to(torch.ScalarType.Float)
        .mul(new Scalar(2 * scale))
        .sub(new Scalar(scale));
  }

  /** 2^(bits-1), ..., 2, 1. */
  private Tensor powers() {
    var powers = new long[bits];
    Arrays.setAll(powers, j -> 1L << (bits - 1 - j));
    return Tensor.create(powers, bits);
  }
}

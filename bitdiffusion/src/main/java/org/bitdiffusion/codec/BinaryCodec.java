package org.bitdiffusion.codec;

import static org.bytedeco.pytorch.global.torch.index_select;
import static org.bytedeco.pytorch.global.torch.matmul;
import static org.bytedeco.pytorch.global.torch.where;

import java.util.Arrays;
import java.util.Random;
import java.util.function.IntUnaryOperator;
import java.util.stream.IntStream;
import org.bitdiffusion.ConfigurationException;
import org.bytedeco.pytorch.DoubleOptional;
import org.bytedeco.pytorch.LongOptional;
import org.bytedeco.pytorch.Scalar;
import org.bytedeco.pytorch.Tensor;
import org.bytedeco.pytorch.global.torch;

/**
 * ceil(log2 K) bits a symbol: the binary digits of a number that stands for the category. The
 * encodings differ in that number only.
 */
public final class BinaryCodec implements UniformCodec {
  /** Numbers of 24 bits are exact in float32. */
  private static final int MOST_CATEGORIES = 1 << 24;

  private final int categories;
  private final int bits;
  private final double scale;

  /** What is written for a number below K: itself, or its Gray code. */
  private final IntUnaryOperator code;

  /** number[i] stands for category i. */
  private final int[] number;

  /** The category for which each number stands, or -1. */
  private final int[] category;

  private BinaryCodec(int[] order, IntUnaryOperator code, double scale) {
    this.categories = order.length;
    this.bits = 32 - Integer.numberOfLeadingZeros(categories - 1);
    this.scale = scale;
    this.code = code;
    this.number = new int[categories];
    this.category = new int[1 << bits];
    Arrays.fill(category, -1);
    for (var i = 0; i < categories; i++) {
      number[i] = code.applyAsInt(order[i]);
      category[number[i]] = i;
    }
  }

  /** Category i is written as the binary digits of i. */
  public static BinaryCodec base2(int categories, double scale) {
    requireSettings(categories, scale);
    return new BinaryCodec(identity(categories), i -> i, scale);
  }

  /** Category i is written as the reflected Gray code of i: neighbours differ in one bit. */
  public static BinaryCodec gray(int categories, double scale) {
    requireSettings(categories, scale);
    return new BinaryCodec(identity(categories), i -> i ^ (i >> 1), scale);
  }

  /**
   * Category i is written as the binary digits of permutation[i]: the paper's permutation for 256
   * categories, else one of 0 .. K-1 drawn from the seed.
   */
  public static BinaryCodec random(int categories, double scale, long seed) {
    requireSettings(categories, scale);
    return new BinaryCodec(permutation(categories, seed), i -> i, scale);
  }

  /** The order that a seed gives; of 256 categories always the paper's. */
  static int[] permutation(int categories, long seed) {
    if (categories == 256) {
      return PaperPermutation.VALUES.clone();
    }
    var order = identity(categories);
    // The one generator of the JDK whose algorithm is part of its contract: weights stand on it.
    var random = new Random(seed);
    for (var i = categories - 1; i > 0; i--) {
      var j = random.nextInt(i + 1);
      var swapped = order[i];
      order[i] = order[j];
      order[j] = swapped;
    }
    return order;
  }

  private static int[] identity(int categories) {
    return IntStream.range(0, categories).toArray();
  }

  private static void requireSettings(int categories, double scale) {
    if (categories < 2 || categories > MOST_CATEGORIES) {
      throw new ConfigurationException(
          "the data has %d categories, but bits can write 2 to %d"
              .formatted(categories, MOST_CATEGORIES));
    }
    requireScale(scale);
  }

  /** Squares of bits, and sums of these, then stay far within float32. */
  private static final double FARTHEST_SCALE = 1e6;

  static void requireScale(double scale) {
    if (!(scale >= 1 / FARTHEST_SCALE && scale <= FARTHEST_SCALE)) {
      throw new ConfigurationException(
          "codec.scale is %s; it must be above 0, %s to %s"
              .formatted(scale, 1 / FARTHEST_SCALE, FARTHEST_SCALE));
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
    var table = Tensor.create(category, category.length).to(values.device(), torch.ScalarType.Long);
    var numbers = numbers(values.gt(new Scalar(0)));
    var categories = index_select(table, 0, numbers.flatten());
    if (this.categories < category.length) {
      replaceNameless(categories, values.reshape(-1, bits), table);
    }
    return categories.view(numbers.shape());
  }

  /** Gives the positions marked -1 the category of the nearest code. */
  private void replaceNameless(Tensor categories, Tensor values, Tensor table) {
    var positions = categories.lt(new Scalar(0)).nonzero().flatten();
    if (positions.numel() > 0) {
      var digits = nearestDigits(index_select(values, 0, positions).to(torch.ScalarType.Float));
      categories.index_copy_(0, positions, index_select(table, 0, numbers(digits)));
    }
  }

  /**
   * The digits of the code nearest to each of the values [N, bits]. All codes have the same length,
   * so that is the one with the largest inner product. There may be millions of them, but they fall
   * into at most {@code bits} blocks: wherever K has the digit 1, the numbers below K that have K's
   * digits before it and 0 in its place. After it their digits, and those of their Gray codes, are
   * free: the best of a block has the signs of the values there.
   */
  private Tensor nearestDigits(Tensor values) {
    // Infinity times 0 is no number.
    var finite =
        values.nan_to_num(
            new DoubleOptional(0), new DoubleOptional(1e30), new DoubleOptional(-1e30));
    var blocks = blocks().to(values.device(), torch.ScalarType.Float);
    var free = blocks.eq(new Scalar(0));
    var products =
        matmul(finite, blocks.t()).add(matmul(finite.abs(), free.to(torch.ScalarType.Float).t()));
    var best = products.argmax(new LongOptional(1), false);
    return where(index_select(free, 0, best), finite, index_select(blocks, 0, best))
        .gt(new Scalar(0));
  }

  /** The digits, -1 or 1, that the codes of each block share, and 0 where they are free. */
  private Tensor blocks() {
    var count = Integer.bitCount(categories);
    var digits = new float[count * bits];
    var at = 0;
    for (var free = 0; free < bits; free++) {
      if ((categories >> free & 1) == 1) {
        var first = code.applyAsInt((categories >> free ^ 1) << free);
        for (var j = free; j < bits; j++) {
          digits[at + bits - 1 - j] = (first >> j & 1) == 1 ? 1 : -1;
        }
        at += bits;
      }
    }
    return Tensor.create(digits, count, bits);
  }

  /** Digits [..., bits], true for 1, to the numbers [...] that they write. */
  private Tensor numbers(Tensor digits) {
    return matmul(
            digits.to(torch.ScalarType.Float), powers().to(digits.device(), torch.ScalarType.Float))
        .to(torch.ScalarType.Long);
  }

  @Override
  public Tensor codes() {
    return digits(Tensor.create(number, categories).to(torch.ScalarType.Long));
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

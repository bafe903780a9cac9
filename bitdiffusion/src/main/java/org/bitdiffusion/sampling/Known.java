package org.bitdiffusion.sampling;

import java.util.Arrays;
import org.bytedeco.pytorch.Tensor;
import org.bytedeco.pytorch.global.torch;

/**
 * Symbols that are given, so that only the others are drawn: alike for all samples of a request, or
 * for each its own. {@link Sampler} says how far the others follow them.
 *
 * @param mask which are known, [places] or [N x places], row-major in the shape [C, ...] of one
 *     sample's symbols
 * @param symbols as many; any number where the mask is false
 * @param rounds at least 1: how often each step goes back and forth, so that the others come nearer
 *     to their conditional law
 */
public record Known(boolean[] mask, int[] symbols, int rounds) {
  public Known {
    if (mask.length != symbols.length) {
      throw new IllegalArgumentException(
          "%d symbols, but a mask of %d".formatted(symbols.length, mask.length));
    }
    if (rounds < 1) {
      throw new IllegalArgumentException("rounds is " + rounds + "; it must be at least 1");
    }
  }

  /**
   * The symbols as a codec takes them, with 0 where none is known.
   *
   * @param shape of one sample's symbols, [C, ...]
   * @return [N, C, ...] int32 on the CPU
   */
  public Tensor symbols(int count, long... shape) {
    var given = symbols.clone();
    for (var i = 0; i < given.length; i++) {
      given[i] = mask[i] ? given[i] : 0;
    }
    return ofEach(Tensor.create(given, given.length), count, shape);
  }

  /**
   * Which symbols are known.
   *
   * @param shape of one sample's symbols, [C, ...]
   * @return [N, C, ...] of 1 and 0, int32 on the CPU
   */
  public Tensor places(int count, long... shape) {
    var known = new byte[mask.length];
    for (var i = 0; i < known.length; i++) {
      known[i] = (byte) (mask[i] ? 1 : 0);
    }
    return ofEach(Tensor.create(known, true, known.length), count, shape).to(torch.ScalarType.Int);
  }

  /**
   * What is known of samples first .. first + count - 1 of these {@code of} ones.
   *
   * @param places of one sample
   * @throws IllegalArgumentException if there are not so many known symbols
   */
  public Known part(int first, int count, int of, int places) {
    if (mask.length == places) {
      return this; // alike for all
    }
    if (mask.length != (long) of * places) {
      throw new IllegalArgumentException(
          "%d known symbols, but %d samples have %d each".formatted(mask.length, of, places));
    }
    var from = first * places;
    var to = (first + count) * places;
    return new Known(
        Arrays.copyOfRange(mask, from, to), Arrays.copyOfRange(symbols, from, to), rounds);
  }

  /**
   * Writes the known symbols where they are among the symbols of samples: those that share a code
   * with others are drawn as one of these.
   *
   * @param samples as many as there are known ones, or of any number of samples alike
   */
  public void copyTo(int[] samples) {
    for (var i = 0; i < samples.length; i++) {
      var at = i % mask.length;
      if (mask[at]) {
        samples[i] = symbols[at];
      }
    }
  }

  private static Tensor ofEach(Tensor values, int count, long... shape) {
    var places = Arrays.stream(shape).reduce(1, Math::multiplyExact);
    if (values.numel() != places && values.numel() != count * places) {
      throw new IllegalArgumentException(
          "%d known symbols, but %d samples have %d each".formatted(values.numel(), count, places));
    }
    var all = new long[shape.length + 1];
    all[0] = -1;
    System.arraycopy(shape, 0, all, 1, shape.length);
    var each = values.view(all);
    all[0] = count;
    return each.expand(all);
  }
}

package org.bitdiffusion.codec;

import static org.bytedeco.pytorch.global.torch.gather;
import static org.bytedeco.pytorch.global.torch.index_select;
import static org.bytedeco.pytorch.global.torch.zeros;

import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.TreeMap;
import java.util.function.IntFunction;
import java.util.stream.LongStream;
import org.bitdiffusion.ConfigurationException;
import org.bitdiffusion.Seed;
import org.bitdiffusion.data.Space;
import org.bitdiffusion.runtime.Noise;
import org.bytedeco.pytorch.Device;
import org.bytedeco.pytorch.Tensor;
import org.bytedeco.pytorch.TensorOptions;
import org.bytedeco.pytorch.global.torch;

/**
 * Bits for symbols of which each place has its own K, such as the columns of a table: those that
 * {@link BinaryCodec} gives a symbol of so many values, and none where K is 1. Symbols [N, C, ...]
 * become [N, D], place after place in row-major order, the most significant bit first. Draws
 * nothing.
 */
public final class MixedCodec implements Codec {
  private final Space space;
  private final double scale;

  /** D. */
  private final int bits;

  /** The places of each K above 1. */
  private final List<Group> groups;

  /** The places of a single value. */
  private final long[] constant;

  private MixedCodec(Space space, double scale, int bits, List<Group> groups, long[] constant) {
    this.space = space;
    this.scale = scale;
    this.bits = bits;
    this.groups = groups;
    this.constant = constant;
  }

  /**
   * The codec of a name, of those that write bits.
   *
   * @param encoding {@code uint8}, {@code gray}, {@code uint8_rand} or a synonym
   * @param scale b
   * @param permutationSeed of {@code uint8_rand}: each place of other than 256 values has its own
   *     permutation, drawn from the seed and the place
   * @throws ConfigurationException if there is none of that name, or none for such symbols
   */
  public static MixedCodec of(String encoding, Space space, double scale, long permutationSeed) {
    var name = Codec.canonicalName(encoding);
    IntFunction<BinaryCodec> codec =
        switch (name) {
          case "uint8", "uint8_rand" -> k -> BinaryCodec.base2(k, scale);
          case "gray" -> k -> BinaryCodec.gray(k, scale);
          default ->
              throw new ConfigurationException(
                  "codec.encoding "
                      + encoding
                      + " goes with symbols that all have as many values; the places of this data"
                      + " differ: use uint8, gray or uint8_rand");
        };
    var ends = new int[space.places()];
    var placesOf = new TreeMap<Integer, LongStream.Builder>();
    for (var p = 0; p < ends.length; p++) {
      var k = space.categories(p);
      placesOf.computeIfAbsent(k, any -> LongStream.builder()).add(p);
      ends[p] = Math.addExact(p == 0 ? 0 : ends[p - 1], 32 - Integer.numberOfLeadingZeros(k - 1));
    }
    var constant = placesOf.remove(1);
    var groups = new ArrayList<Group>();
    placesOf.forEach(
        (k, some) -> {
          var places = some.build().toArray();
          var number =
              name.equals("uint8_rand") ? permutations(k, places, permutationSeed) : new int[0];
          groups.add(Group.of(codec.apply(k), places, ends, number));
        });
    return new MixedCodec(
        space,
        scale,
        ends[ends.length - 1],
        groups,
        constant == null ? new long[0] : constant.build().toArray());
  }

  /** That of each place, one after the other. */
  private static int[] permutations(int k, long[] places, long seed) {
    return Arrays.stream(places)
        .mapToObj(place -> BinaryCodec.permutation(k, Seed.of(seed, place)))
        .flatMapToInt(Arrays::stream)
        .toArray();
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

  /** Symbols [N, C, ...] of any integer type to analog bits [N, D] float32. */
  public Tensor encode(Tensor symbols) {
    shape(Arrays.stream(symbols.shape()).skip(1).mapToObj(Math::toIntExact).toList());
    var device = symbols.device();
    var flat = symbols.flatten(1, -1).to(torch.ScalarType.Long);
    if (constant.length > 0) {
      // Fails, as the other places do, where a symbol is no category.
      index_select(
          zeros(new long[] {1}, new TensorOptions(device)),
          0,
          index_select(flat, 1, index(constant, device)).flatten());
    }
    var analog = zeros(new long[] {flat.size(0), bits}, new TensorOptions(device));
    for (var group : groups) {
      analog.index_copy_(1, index(group.columns, device), group.encode(flat));
    }
    return analog;
  }

  @Override
  public Tensor encode(Tensor symbols, Noise noise) {
    return encode(symbols);
  }

  @Override
  public Tensor spread(Tensor perSymbol) {
    var device = perSymbol.device();
    var flat = perSymbol.flatten(1, -1);
    var spread = zeros(new long[] {flat.size(0), bits}, flat.options());
    for (var group : groups) {
      var own = index_select(flat, 1, index(group.places, device)).unsqueeze(-1);
      var each = own.expand(flat.size(0), group.places.length, group.codec.bits()).flatten(1, 2);
      spread.index_copy_(1, index(group.columns, device), each);
    }
    return spread;
  }

  /** Analog bits [N, D] to symbols [N, C, ...] int64, each below the K of its place. */
  public Tensor decode(Tensor analog) {
    if (analog.dim() != 2 || analog.size(1) != bits) {
      throw new IllegalArgumentException(
          "analog bits are [N, %d], not %s".formatted(bits, Arrays.toString(analog.shape())));
    }
    var device = analog.device();
    var shape =
        LongStream.concat(
                LongStream.of(analog.size(0)), space.shape().stream().mapToLong(side -> side))
            .toArray();
    var symbols = zeros(shape, new TensorOptions(device)).to(torch.ScalarType.Long);
    var flat = symbols.view(analog.size(0), space.places());
    for (var group : groups) {
      flat.index_copy_(1, index(group.places, device), group.decode(analog));
    }
    return symbols;
  }

  @Override
  public Tensor decode(Tensor analog, Noise noise) {
    return decode(analog);
  }

  private static Tensor index(long[] index, Device device) {
    return Tensor.create(index, index.length).to(device, torch.ScalarType.Long);
  }

  /** Places of the same K, which are written at once. */
  private static final class Group {
    private final BinaryCodec codec;
    private final long[] places;
    private final long[] columns;

    /** number[g * K + i] is written for category i of the g-th place; empty: i itself. */
    private final int[] number;

    /** The category for which each number stands, likewise. */
    private final int[] category;

    private Group(BinaryCodec codec, long[] places, long[] columns, int[] number) {
      this.codec = codec;
      this.places = places;
      this.columns = columns;
      this.number = number;
      this.category = new int[number.length];
      for (var i = 0; i < number.length; i++) {
        var k = codec.categories();
        category[i / k * k + number[i]] = i % k;
      }
    }

    /** The group of some places, given where the bits of every place end. */
    static Group of(BinaryCodec codec, long[] places, int[] ends, int[] number) {
      var columns =
          Arrays.stream(places)
              .flatMap(p -> LongStream.range(ends[(int) p] - codec.bits(), ends[(int) p]))
              .toArray();
      return new Group(codec, places, columns, number);
    }

    /** All symbols [N, P] to the analog bits of the group. */
    Tensor encode(Tensor symbols) {
      var own = index_select(symbols, 1, index(places, symbols.device()));
      return codec.encode(renumber(own, number));
    }

    /** All analog bits [N, D] to the symbols of the group. */
    Tensor decode(Tensor analog) {
      var own = index_select(analog, 1, index(columns, analog.device()));
      return renumber(codec.decode(own), category);
    }

    /** Each symbol [n, g] to what the table has for it at place g. */
    private Tensor renumber(Tensor symbols, int[] table) {
      if (table.length == 0) {
        return symbols;
      }
      var tables =
          Tensor.create(table, places.length, codec.categories())
              .to(symbols.device(), torch.ScalarType.Long);
      return gather(tables, 1, symbols.t()).t();
    }
  }
}

package org.bitdiffusion.codec;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;
import static org.bitdiffusion.codec.CodecTest.floats;
import static org.bitdiffusion.codec.CodecTest.longs;

import java.util.ArrayList;
import java.util.Arrays;
import java.util.Collections;
import java.util.List;
import java.util.Random;
import net.jqwik.api.Arbitraries;
import net.jqwik.api.Arbitrary;
import net.jqwik.api.Example;
import net.jqwik.api.ForAll;
import net.jqwik.api.Property;
import net.jqwik.api.Provide;
import net.jqwik.api.constraints.IntRange;
import net.jqwik.api.lifecycle.BeforeContainer;
import org.bitdiffusion.ConfigurationException;
import org.bitdiffusion.Seed;
import org.bitdiffusion.data.Space;
import org.bitdiffusion.runtime.Engine;
import org.bytedeco.javacpp.PointerScope;
import org.bytedeco.pytorch.Tensor;
import org.bytedeco.pytorch.global.torch;

class MixedCodecTest {
  private static final int EXAMPLES = 50;

  @BeforeContainer
  static void loadEngine() {
    Engine.load();
  }

  /** K of 2 to 8 places; few different ones, so that some places have the same, and one above 1. */
  @Provide
  Arbitrary<List<Integer>> categories() {
    return Arbitraries.oneOf(
            Arbitraries.integers().between(1, 300),
            Arbitraries.integers().between(1, 5),
            Arbitraries.of(1, 2, 255, 256, 257))
        .list()
        .ofMinSize(2)
        .ofMaxSize(8)
        .filter(list -> Collections.max(list) > 1);
  }

  @Provide
  Arbitrary<String> encodings() {
    return Arbitraries.of("uint8", "binary", "gray", "uint8_rand", "permuted");
  }

  @Property(tries = 300)
  void decodingUndoesEncoding(
      @ForAll("categories") List<Integer> k,
      @ForAll("encodings") String encoding,
      @ForAll long seed) {
    var codec = MixedCodec.of(encoding, space(k), 0.3, seed);
    try (var scope = new PointerScope()) {
      // The largest K is passed through at least once, whatever the others are.
      var examples = Collections.max(k);
      var values = new long[examples * k.size()];
      Arrays.setAll(values, i -> i / k.size() % k.get(i % k.size()));
      var analog = codec.encode(symbols(k, values));
      assertThat(analog.shape()).containsExactly(examples, bits(k));
      assertThat(codec.shape(List.of(1, k.size()))).containsExactly(bits(k));
      assertThat(analog.scalar_type().intern()).isEqualTo(torch.ScalarType.Float);
      for (var value : floats(analog)) {
        assertThat(Math.abs(value) == 0.3f).isTrue();
      }
      var decoded = codec.decode(analog);
      assertThat(decoded.shape()).containsExactly(examples, 1, k.size());
      assertThat(longs(decoded)).isEqualTo(values);
    }
  }

  /** Each place is written as BinaryCodec writes a symbol of so many values. */
  @Property(tries = 200)
  void eachPlaceIsWrittenWithTheCodeOfItsOwn(
      @ForAll("categories") List<Integer> k,
      @ForAll("encodings") String encoding,
      @ForAll long seed) {
    var codec = MixedCodec.of(encoding, space(k), 0.7, seed);
    var random = new Random(seed);
    try (var scope = new PointerScope()) {
      var symbols = symbols(k, randomValues(random, EXAMPLES, k));
      var analog = codec.encode(symbols);
      var noise = gaussian(random, EXAMPLES, bits(k));
      var decoded = codec.decode(noise);
      var from = 0;
      for (var p = 0; p < k.size(); p++) {
        var own = decoded.select(2, p);
        if (k.get(p) == 1) {
          assertThat(longs(own)).containsOnly(0);
          continue;
        }
        var single = UniformCodec.of(encoding, k.get(p), 0.7, Seed.of(seed, p));
        var bits = single.bits();
        assertThat(floats(analog.narrow(1, from, bits)))
            .isEqualTo(floats(single.encode(symbols.select(2, p))));
        assertThat(longs(own)).isEqualTo(longs(single.decode(noise.narrow(1, from, bits))));
        from += bits;
      }
      assertThat(from).isEqualTo(bits(k));
    }
  }

  /** Where all K are the same, only the layout differs: [C, H, W, bits] for [C, bits, H, W]. */
  @Property(tries = 50)
  void agreesWithTheCodecOfOneNumber(
      @ForAll @IntRange(min = 2, max = 300) int k, @ForAll long seed) {
    var shape = List.of(2, 3, 2);
    var random = new Random(seed);
    try (var scope = new PointerScope()) {
      var values = new long[EXAMPLES * 12];
      Arrays.setAll(values, i -> random.nextInt(k));
      var symbols = Tensor.create(values, EXAMPLES, 2, 3, 2);
      for (var encoding : List.of("uint8", "gray")) {
        var uniform = UniformCodec.of(encoding, k, 0.5, 0);
        var mixed = MixedCodec.of(encoding, Space.of(shape, k), 0.5, 0);
        var analog = uniform.encode(symbols);
        assertThat(floats(mixed.encode(symbols)))
            .isEqualTo(floats(Channels.split(analog, uniform.bits()).flatten(1, -1)));
        var noise = gaussian(random, EXAMPLES, 12 * uniform.bits());
        var joined = Channels.join(noise.view(EXAMPLES, 2, 3, 2, uniform.bits()));
        assertThat(longs(mixed.decode(noise))).isEqualTo(longs(uniform.decode(joined)));
      }
    }
  }

  /** The nearest code by brute force over the codes that encoding gives. */
  @Property(tries = 100)
  void decodingFindsTheNearestCategory(
      @ForAll("categories") List<Integer> k,
      @ForAll("encodings") String encoding,
      @ForAll long seed) {
    var codec = MixedCodec.of(encoding, space(k), 1, seed);
    var d = bits(k);
    try (var scope = new PointerScope()) {
      var most = Collections.max(k);
      var all = new long[most * k.size()];
      Arrays.setAll(all, i -> Math.min(i / k.size(), k.get(i % k.size()) - 1));
      var codes = floats(codec.encode(symbols(k, all)));
      var noise = gaussian(new Random(seed), EXAMPLES, d);
      var values = floats(noise);
      var decoded = longs(codec.decode(noise));
      var from = 0;
      for (var p = 0; p < k.size(); p++) {
        var bits = bits(k.subList(p, p + 1));
        for (var i = 0; i < EXAMPLES; i++) {
          var best = 0;
          var largest = Double.NEGATIVE_INFINITY;
          for (var c = 0; c < k.get(p); c++) {
            var product = 0.0;
            for (var j = from; j < from + bits; j++) {
              product += (double) values[i * d + j] * codes[c * d + j];
            }
            if (product > largest) {
              largest = product;
              best = c;
            }
          }
          assertThat(decoded[i * k.size() + p]).isEqualTo(best);
        }
        from += bits;
      }
    }
  }

  @Property(tries = 200)
  void everySymbolIsBelowTheNumberOfItsPlace(
      @ForAll("categories") List<Integer> k,
      @ForAll("encodings") String encoding,
      @ForAll long seed) {
    var codec = MixedCodec.of(encoding, space(k), 1, seed);
    var random = new Random(seed);
    var special = new float[] {Float.NaN, Float.POSITIVE_INFINITY, Float.NEGATIVE_INFINITY, 0, -0f};
    var values = new float[EXAMPLES * bits(k)];
    for (var i = 0; i < values.length; i++) {
      // Of the first examples each is of one special value only.
      var example = i / bits(k);
      values[i] =
          example < special.length
              ? special[example]
              : random.nextBoolean()
                  ? special[random.nextInt(special.length)]
                  : (float) random.nextGaussian();
    }
    try (var scope = new PointerScope()) {
      var decoded = longs(codec.decode(Tensor.create(values, EXAMPLES, bits(k))));
      for (var i = 0; i < decoded.length; i++) {
        assertThat(decoded[i]).isBetween(0L, k.get(i % k.size()) - 1L);
      }
    }
  }

  @Example
  void theBitsOfAPlaceStandSideBySide() {
    try (var scope = new PointerScope()) {
      // 2 of 3 is 10, 0 of 1 is nothing, 1 of 2 is 1, 4 of 5 is 100.
      var codec = MixedCodec.of("uint8", new Space(List.of(2, 2), List.of(3, 1, 2, 5)), 1, 0);
      var analog = codec.encode(Tensor.create(new int[] {2, 0, 1, 4}, 1, 2, 2));
      assertThat(floats(analog)).containsExactly(1, -1, 1, 1, -1, -1);
      assertThat(longs(codec.decode(analog))).containsExactly(2, 0, 1, 4);
    }
  }

  @Example
  void aThousandPlacesAndALargeColumn() {
    var k = new ArrayList<>(Collections.nCopies(1_000, 2));
    k.set(500, 100_000);
    try (var scope = new PointerScope()) {
      for (var encoding : List.of("uint8", "gray", "uint8_rand")) {
        var codec = MixedCodec.of(encoding, space(k), 1, 3);
        var random = new Random(4);
        var values = randomValues(random, 256, k);
        assertThat(longs(codec.decode(codec.encode(symbols(k, values))))).isEqualTo(values);
        var decoded = codec.decode(gaussian(random, 256, bits(k)));
        assertThat(decoded.select(2, 500).max().item_long()).isLessThan(100_000);
        assertThat(decoded.select(2, 0).max().item_long()).isEqualTo(1);
      }
    }
  }

  /** Two places of as many values are permuted each in its own way, and always in that way. */
  @Example
  void permutationsAreThoseOfSeedAndPlace() {
    try (var scope = new PointerScope()) {
      var values = new long[200];
      Arrays.setAll(values, i -> i / 2);
      var symbols = Tensor.create(values, 100, 2);
      var space = new Space(List.of(2), List.of(100, 100));
      var codes = MixedCodec.of("uint8_rand", space, 1, 5).encode(symbols);
      assertThat(floats(codes.narrow(1, 0, 7))).isNotEqualTo(floats(codes.narrow(1, 7, 7)));
      assertThat(floats(MixedCodec.of("permuted", space, 1, 5).encode(symbols)))
          .isEqualTo(floats(codes));
      assertThat(floats(MixedCodec.of("uint8_rand", space, 1, 6).encode(symbols)))
          .isNotEqualTo(floats(codes));
    }
  }

  @Example
  void symbolsThatAreNoCategoryFailLoudly() {
    var space = new Space(List.of(3), List.of(1, 5, 5));
    try (var scope = new PointerScope()) {
      for (var encoding : List.of("uint8", "gray", "uint8_rand")) {
        var codec = MixedCodec.of(encoding, space, 1, 0);
        for (var bad : new int[][] {{1, 0, 0}, {-1, 0, 0}, {0, 5, 0}, {0, -1, 0}, {0, 0, 5}}) {
          assertThatThrownBy(() -> codec.encode(Tensor.create(bad, 1, 3)))
              .as("%s with %s", Arrays.toString(bad), encoding)
              .hasMessageContaining("out of");
        }
      }
    }
  }

  @Example
  void otherShapesAreRefused() {
    var codec = MixedCodec.of("uint8", new Space(List.of(1, 2), List.of(3, 5)), 1, 0);
    try (var scope = new PointerScope()) {
      assertThatThrownBy(() -> codec.encode(torch.zeros(4, 2, 1)))
          .isInstanceOf(IllegalArgumentException.class)
          .hasMessageContaining("[1, 2], not [2, 1]");
      assertThatThrownBy(() -> codec.decode(torch.zeros(4, 6)))
          .isInstanceOf(IllegalArgumentException.class)
          .hasMessageContaining("[N, 5], not [4, 6]");
    }
  }

  @Example
  void theSpaceSaysWhichCodec() {
    var mixed = new Space(List.of(1, 2), List.of(3, 5));
    assertThat(Codec.of("binary", mixed, List.of(), 10, 1, 0)).isInstanceOf(MixedCodec.class);
    assertThat(Codec.of("binary", Space.of(List.of(1, 2), 5), List.of(), 10, 1, 0))
        .isInstanceOf(BinaryCodec.class);
    for (var encoding : List.of("one_hot", "continuous")) {
      assertThatThrownBy(() -> Codec.of(encoding, mixed, List.of(), 10, 1, 0))
          .isInstanceOf(ConfigurationException.class)
          .hasMessageContaining("codec.encoding " + encoding)
          .hasMessageContaining("use uint8, gray or uint8_rand");
    }
    assertThatThrownBy(() -> Codec.of("grey", mixed, List.of(), 10, 1, 0))
        .isInstanceOf(ConfigurationException.class)
        .hasMessageContaining("did you mean gray?");
  }

  /** Of one row of so many symbols; with one K too, to be asked for what Codec.of would not. */
  private static Space space(List<Integer> k) {
    return new Space(List.of(1, k.size()), k);
  }

  /** Examples of {@link #space}. */
  private static Tensor symbols(List<Integer> k, long[] values) {
    return Tensor.create(values, values.length / k.size(), 1, k.size());
  }

  private static long[] randomValues(Random random, int examples, List<Integer> k) {
    var values = new long[examples * k.size()];
    Arrays.setAll(values, i -> random.nextInt(k.get(i % k.size())));
    return values;
  }

  private static int bits(List<Integer> k) {
    var sum = 0;
    for (var categories : k) {
      var n = 0;
      while (1 << n < categories) {
        n++;
      }
      sum += n;
    }
    return sum;
  }

  private static Tensor gaussian(Random random, int examples, int bits) {
    var values = new float[examples * bits];
    for (var i = 0; i < values.length; i++) {
      values[i] = (float) random.nextGaussian();
    }
    return Tensor.create(values, examples, bits);
  }
}

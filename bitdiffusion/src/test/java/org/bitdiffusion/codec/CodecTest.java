package org.bitdiffusion.codec;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import com.fasterxml.jackson.databind.ObjectMapper;
import java.util.Arrays;
import java.util.Random;
import net.jqwik.api.Arbitraries;
import net.jqwik.api.Arbitrary;
import net.jqwik.api.Example;
import net.jqwik.api.ForAll;
import net.jqwik.api.Property;
import net.jqwik.api.Provide;
import net.jqwik.api.constraints.LongRange;
import net.jqwik.api.lifecycle.BeforeContainer;
import org.bitdiffusion.ConfigurationException;
import org.bitdiffusion.runtime.Engine;
import org.bytedeco.javacpp.PointerScope;
import org.bytedeco.pytorch.Tensor;

class CodecTest {
  @BeforeContainer
  static void loadEngine() {
    Engine.load();
  }

  @Provide
  Arbitrary<Integer> categories() {
    return Arbitraries.oneOf(
        Arbitraries.integers().between(2, 40),
        Arbitraries.integers().between(2, 65_536),
        Arbitraries.of(2, 3, 16, 255, 256, 257, 32_768, 65_535, 65_536));
  }

  @Property(tries = 60)
  void decodingUndoesEncoding(
      @ForAll("categories") int k,
      @ForAll("encodings") String encoding,
      @ForAll @LongRange(min = 0, max = 3) long seed) {
    if (encoding.equals("one_hot") && k > 300) {
      k = 2 + k % 300;
    }
    var codec = Codec.of(encoding, k, 0.5, seed);
    try (var scope = new PointerScope()) {
      // All categories where they are few, in a shape with several channels and rows.
      var values = new Random(seed).ints(2 * 3 * 4 * 5, 0, k).toArray();
      for (var i = 0; i < Math.min(k, values.length); i++) {
        values[i] = k - 1 - i;
      }
      var analog = codec.encode(Tensor.create(values, 2, 3, 4, 5));
      assertThat(analog.shape()).containsExactly(2, 3 * codec.bits(), 4, 5);
      assertThat(floats(analog)).containsOnly(-0.5f, 0.5f);
      assertThat(longs(codec.decode(analog)))
          .containsExactly(Arrays.stream(values).asLongStream().toArray());
    }
  }

  @Provide
  Arbitrary<String> encodings() {
    return Arbitraries.of("uint8", "gray", "uint8_rand", "one_hot");
  }

  @Property(tries = 40)
  void bitsAreTheCeilingOfLog2(@ForAll("categories") int k) {
    var bits = BinaryCodec.base2(k, 1).bits();
    assertThat(1L << bits).isGreaterThanOrEqualTo(k);
    assertThat(1L << (bits - 1)).isLessThan(k);
  }

  @Example
  void base2PutsTheMostSignificantBitFirstAndTheBitsOfASymbolSideBySide() {
    try (var scope = new PointerScope()) {
      // Two channels: 6 = 110 and 1 = 001.
      var analog = BinaryCodec.base2(8, 1).encode(Tensor.create(new int[] {6, 1}, 1, 2, 1, 1));
      assertThat(floats(analog)).containsExactly(1, 1, -1, -1, -1, 1);
    }
  }

  @Property(tries = 20)
  void grayNeighboursDifferInOneBit(@ForAll("categories") int k) {
    try (var scope = new PointerScope()) {
      var codec = BinaryCodec.gray(k, 1);
      var codes = floats(codec.codes());
      var n = codec.bits();
      for (var i = 1; i < k; i++) {
        var differences = 0;
        for (var j = 0; j < n; j++) {
          differences += codes[i * n + j] != codes[(i - 1) * n + j] ? 1 : 0;
        }
        assertThat(differences).as("between %d and %d", i - 1, i).isEqualTo(1);
      }
    }
  }

  @Example
  void uint8RandIsThePapersPermutation() throws Exception {
    var fixture =
        new ObjectMapper()
            .readTree(CodecTest.class.getResource("/org/bitdiffusion/uint8-rand-permutation.json"))
            .get("permutation");
    try (var scope = new PointerScope()) {
      var codes = floats(Codec.of("uint8_rand", 256, 1, 0).codes());
      for (var i = 0; i < 256; i++) {
        var number = 0;
        for (var j = 0; j < 8; j++) {
          number = 2 * number + (codes[8 * i + j] > 0 ? 1 : 0);
        }
        assertThat(number).isEqualTo(fixture.get(i).asInt());
      }
    }
  }

  @Example
  void anotherSeedIsAnotherPermutation() {
    try (var scope = new PointerScope()) {
      var first = floats(Codec.of("uint8_rand", 100, 1, 1).codes());
      assertThat(floats(Codec.of("uint8_rand", 100, 1, 1).codes())).isEqualTo(first);
      assertThat(floats(Codec.of("uint8_rand", 100, 1, 2).codes())).isNotEqualTo(first);
    }
  }

  /** Whatever the analog values, a binary code decodes to the category with the nearest code. */
  @Property(tries = 50)
  void decodingFindsTheNearestCategory(
      @ForAll("fewCategories") int k,
      @ForAll("binaryEncodings") String encoding,
      @ForAll long seed) {
    var codec = Codec.of(encoding, k, 1, 7);
    var n = codec.bits();
    var random = new Random(seed);
    var values = new float[n * 50];
    for (var i = 0; i < values.length; i++) {
      values[i] = (float) random.nextGaussian();
    }
    try (var scope = new PointerScope()) {
      var codes = floats(codec.codes());
      var decoded = longs(codec.decode(Tensor.create(values, 50, n, 1, 1)));
      for (var i = 0; i < 50; i++) {
        var best = 0;
        for (var c = 1; c < k; c++) {
          if (squareDistance(values, i * n, codes, c * n, n)
              < squareDistance(values, i * n, codes, best * n, n)) {
            best = c;
          }
        }
        assertThat(decoded[i]).isEqualTo(best);
      }
    }
  }

  @Provide
  Arbitrary<Integer> fewCategories() {
    return Arbitraries.integers().between(2, 40);
  }

  @Provide
  Arbitrary<String> binaryEncodings() {
    return Arbitraries.of("uint8", "gray", "uint8_rand");
  }

  @Example
  void oneHotDecodesToTheLargestValue() {
    try (var scope = new PointerScope()) {
      var analog = Tensor.create(new float[] {-0.9f, -0.2f, -0.5f}, 1, 3);
      assertThat(longs(new OneHotCodec(3, 1).decode(analog))).containsExactly(1);
    }
  }

  @Example
  void categoriesThatDoNotFitAreRefused() {
    assertThatThrownBy(() -> Codec.of("uint8", 1, 1, 0))
        .isInstanceOf(ConfigurationException.class)
        .hasMessageContaining("2 to 65536");
    assertThatThrownBy(() -> Codec.of("gray", 65_537, 1, 0))
        .isInstanceOf(ConfigurationException.class);
    assertThatThrownBy(() -> Codec.of("one_hot", 65_536, 1, 0))
        .isInstanceOf(ConfigurationException.class)
        .hasMessageContaining("one_hot");
    assertThatThrownBy(() -> Codec.of("uint8", 4, 0, 0))
        .isInstanceOf(ConfigurationException.class)
        .hasMessageContaining("scale");
    assertThatThrownBy(() -> Codec.of("uint9", 4, 1, 0))
        .isInstanceOf(ConfigurationException.class)
        .hasMessageContaining("uint8, gray, uint8_rand or one_hot");
  }

  private static double squareDistance(float[] a, int i, float[] b, int j, int n) {
    var sum = 0.0;
    for (var d = 0; d < n; d++) {
      sum += (a[i + d] - b[j + d]) * (a[i + d] - b[j + d]);
    }
    return sum;
  }

  private static float[] floats(Tensor tensor) {
    var array = new float[(int) tensor.numel()];
    tensor.contiguous().<java.nio.FloatBuffer>createBuffer().get(array);
    return array;
  }

  private static long[] longs(Tensor tensor) {
    var array = new long[(int) tensor.numel()];
    tensor.contiguous().<java.nio.LongBuffer>createBuffer().get(array);
    return array;
  }
}

package org.bitdiffusion.codec;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import com.fasterxml.jackson.databind.ObjectMapper;
import java.util.Arrays;
import java.util.List;
import java.util.Random;
import net.jqwik.api.Arbitraries;
import net.jqwik.api.Arbitrary;
import net.jqwik.api.Example;
import net.jqwik.api.ForAll;
import net.jqwik.api.Property;
import net.jqwik.api.Provide;
import net.jqwik.api.constraints.IntRange;
import net.jqwik.api.constraints.LongRange;
import net.jqwik.api.lifecycle.BeforeContainer;
import org.bitdiffusion.ConfigurationException;
import org.bitdiffusion.data.Space;
import org.bitdiffusion.runtime.Compute;
import org.bitdiffusion.runtime.Engine;
import org.bitdiffusion.runtime.Noise;
import org.bytedeco.javacpp.PointerScope;
import org.bytedeco.pytorch.LongOptional;
import org.bytedeco.pytorch.Scalar;
import org.bytedeco.pytorch.Tensor;
import org.bytedeco.pytorch.global.torch;

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

  @Property
  void decodingUndoesEncodingOfFewCategories(
      @ForAll("fewCategories") int k, @ForAll("encodings") String encoding) {
    decodingUndoesEncoding(k, encoding, 0);
  }

  /** All K categories, each of which has to come back. */
  @Property(tries = 40)
  void decodingUndoesEncoding(
      @ForAll("categories") int drawn,
      @ForAll("encodings") String encoding,
      @ForAll @LongRange(min = 0, max = 3) long seed) {
    var k = encoding.equals("one_hot") ? 2 + drawn % 300 : drawn;
    var codec = UniformCodec.of(encoding, k, 0.3, seed);
    try (var scope = new PointerScope()) {
      var values = new int[k];
      Arrays.setAll(values, i -> i);
      var analog = codec.encode(Tensor.create(values, k, 1));
      assertThat(analog.shape()).containsExactly(k, codec.bits());
      assertThat(analog.abs().eq(new Scalar(0.3f)).all().item_bool()).isTrue();
      assertThat(longs(codec.decode(analog)))
          .isEqualTo(Arrays.stream(values).asLongStream().toArray());
      // The table of codes is what encoding writes.
      assertThat(floats(codec.codes())).isEqualTo(floats(analog));
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
      // Two channels of two pixels: 6 = 110 and 3 = 011; 1 = 001 and 4 = 100.
      var symbols = Tensor.create(new int[] {6, 3, 1, 4}, 1, 2, 1, 2);
      var codec = BinaryCodec.base2(8, 1);
      var analog = codec.encode(symbols);
      assertThat(analog.shape()).containsExactly(1, 6, 1, 2);
      assertThat(floats(analog)).containsExactly(1, -1, 1, 1, -1, 1, -1, 1, -1, -1, 1, -1);
      var decoded = codec.decode(analog);
      assertThat(decoded.shape()).containsExactly(1, 2, 1, 2);
      assertThat(longs(decoded)).containsExactly(6, 3, 1, 4);
    }
  }

  @Example
  void oneHotMarksTheCategory() {
    try (var scope = new PointerScope()) {
      var codec = new OneHotCodec(3, 0.5);
      var analog = codec.encode(Tensor.create(new int[] {2, 0}, 1, 2));
      assertThat(floats(analog)).containsExactly(-0.5f, -0.5f, 0.5f, 0.5f, -0.5f, -0.5f);
    }
  }

  /** All K categories of one value each come back, also from anywhere nearer than half a step. */
  @Property(tries = 40)
  void continuousValuesAreEvenlySpacedAndRounded(@ForAll("categories") int k) {
    var codec = UniformCodec.of("continuous", k, 0.7, 0);
    try (var scope = new PointerScope()) {
      var values = new long[k];
      Arrays.setAll(values, i -> i);
      var analog = codec.encode(Tensor.create(values, k, 1));
      assertThat(analog.shape()).containsExactly(k, 1);
      var written = floats(analog);
      var farthest = 0.0;
      for (var i = 0; i < k; i++) {
        farthest = Math.max(farthest, Math.abs(written[i] - 0.7 * (2.0 * i / (k - 1) - 1)));
      }
      assertThat(farthest).isLessThanOrEqualTo(1e-6);
      var off = new Scalar(0.7 * 0.45 * 2 / (k - 1));
      assertThat(longs(codec.decode(analog))).isEqualTo(values);
      assertThat(longs(codec.decode(analog.add(off)))).isEqualTo(values);
      assertThat(longs(codec.decode(analog.sub(off)))).isEqualTo(values);
      assertThat(floats(codec.codes())).isEqualTo(written);
    }
  }

  @Example
  void continuousValuesDecodeToACategoryWhateverTheyAre() {
    try (var scope = new PointerScope()) {
      var analog =
          Tensor.create(
              new float[] {-9, 9, Float.NaN, Float.POSITIVE_INFINITY, Float.NEGATIVE_INFINITY},
              1,
              5);
      assertThat(longs(new ContinuousCodec(5, 1).decode(analog))).containsExactly(0, 4, 2, 4, 0);
    }
  }

  /** A bit is set above 0, however little. */
  @Example
  void decodingIsAThresholdAtZero() {
    try (var scope = new PointerScope()) {
      var analog = Tensor.create(new float[] {1e-6f, -1e-6f, -3, 0.2f}, 1, 4);
      assertThat(longs(BinaryCodec.base2(16, 1).decode(analog))).containsExactly(0b1001);
    }
  }

  /** Bytes, as data sources may hold them, are read as 0 to 255. */
  @Example
  void symbolsMayBeOfAnyIntegerType() {
    try (var scope = new PointerScope()) {
      var symbols = Tensor.create(new long[] {0, 128, 255}, 3, 1);
      for (var encoding : new String[] {"gray", "one_hot"}) {
        var codec = UniformCodec.of(encoding, 256, 1, 0);
        var expected = floats(codec.encode(symbols));
        for (var type : new torch.ScalarType[] {torch.ScalarType.Byte, torch.ScalarType.Int}) {
          assertThat(floats(codec.encode(symbols.to(type)))).isEqualTo(expected);
        }
      }
    }
  }

  @Example
  void symbolsThatAreNoCategoryFailLoudly() {
    try (var scope = new PointerScope()) {
      for (var encoding : new String[] {"uint8", "one_hot"}) {
        for (var symbol : new int[] {-1, 5}) {
          assertThatThrownBy(
                  () ->
                      UniformCodec.of(encoding, 5, 1, 0)
                          .encode(Tensor.create(new int[] {symbol}, 1, 1)))
              .as("%d with %s", symbol, encoding)
              .hasMessageContaining("out of");
        }
      }
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
      var codes = floats(UniformCodec.of("uint8_rand", 256, 1, 0).codes());
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
      var first = floats(UniformCodec.of("uint8_rand", 100, 1, 1).codes());
      assertThat(floats(UniformCodec.of("uint8_rand", 100, 1, 1).codes())).isEqualTo(first);
      assertThat(floats(UniformCodec.of("uint8_rand", 100, 1, 2).codes())).isNotEqualTo(first);
    }
  }

  /** Trained weights stand on the order that a seed gives: it must never change. */
  @Example
  void thePermutationOfASeedStays() {
    try (var scope = new PointerScope()) {
      var codes = floats(UniformCodec.of("uint8_rand", 8, 1, 42).codes());
      var numbers = new int[8];
      for (var i = 0; i < codes.length; i++) {
        numbers[i / 3] = 2 * numbers[i / 3] + (codes[i] > 0 ? 1 : 0);
      }
      assertThat(numbers).containsExactly(2, 6, 3, 1, 4, 0, 7, 5);
    }
  }

  /** Whatever the analog values, a binary code decodes to the category with the nearest code. */
  @Property(tries = 50)
  void decodingFindsTheNearestCategory(
      @ForAll("fewCategories") int k,
      @ForAll("binaryEncodings") String encoding,
      @ForAll long seed) {
    var codec = UniformCodec.of(encoding, k, 1, 7);
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
  void namelessCodesOfALargeVocabularyFindTheNearestCategory() {
    var k = 40_000;
    var codec = BinaryCodec.base2(k, 1);
    try (var scope = new PointerScope()) {
      torch.manual_seed(5);
      var analog = torch.randn(2_000, 16);
      var decoded = codec.decode(analog);
      var numbers = longs(BinaryCodec.base2(65_536, 1).decode(analog));
      var nearest =
          longs(torch.matmul(analog, codec.codes().t()).argmax(new LongOptional(1), false));
      var symbols = longs(decoded);
      var nameless = 0;
      for (var i = 0; i < symbols.length; i++) {
        nameless += numbers[i] >= k ? 1 : 0;
        assertThat(symbols[i]).isEqualTo(numbers[i] < k ? numbers[i] : nearest[i]);
      }
      assertThat(nameless).isGreaterThan(600);
    }
  }

  @Example
  void evenNotANumberDecodesToACategory() {
    try (var scope = new PointerScope()) {
      var analog = torch.full(new long[] {1, 3}, new Scalar(Double.NaN));
      for (var encoding : new String[] {"uint8", "gray", "uint8_rand", "one_hot"}) {
        var codec = UniformCodec.of(encoding, encoding.equals("one_hot") ? 3 : 5, 1, 0);
        assertThat(longs(codec.decode(analog))[0]).isBetween(0L, codec.categories() - 1L);
      }
    }
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
    assertThatThrownBy(() -> UniformCodec.of("uint8", 1, 1, 0))
        .isInstanceOf(ConfigurationException.class)
        .hasMessageContaining("2 to 16777216");
    assertThatThrownBy(() -> UniformCodec.of("gray", (1 << 24) + 1, 1, 0))
        .isInstanceOf(ConfigurationException.class);
    assertThatThrownBy(() -> UniformCodec.of("one_hot", 65_536, 1, 0))
        .isInstanceOf(ConfigurationException.class)
        .hasMessageContaining("one_hot");
    assertThatThrownBy(() -> UniformCodec.of("uint8", 4, 0, 0))
        .isInstanceOf(ConfigurationException.class)
        .hasMessageContaining("scale");
    assertThatThrownBy(() -> UniformCodec.of("uint9", 4, 1, 0))
        .isInstanceOf(ConfigurationException.class)
        .hasMessageContaining(
            "uint8, gray, uint8_rand, one_hot, continuous, rank, quantile or tree")
        .hasMessageContaining("did you mean uint8?");
    for (var name : Codec.ENCODINGS) {
      assertThatThrownBy(() -> Codec.canonicalName("none"))
          .isInstanceOf(ConfigurationException.class)
          .hasMessageContaining(name);
    }
    for (var name : Codec.SYNONYMS.entrySet()) {
      assertThatThrownBy(() -> Codec.canonicalName(name.getKey() + "x"))
          .isInstanceOf(ConfigurationException.class)
          .hasMessageContaining(name.getKey() + " for " + name.getValue())
          .hasMessageContaining("did you mean " + name.getKey() + "?");
    }
  }

  @Example
  void synonymsAreTheEncodingsTheyStandFor() {
    assertThat(Codec.ENCODINGS).containsAll(Codec.SYNONYMS.values());
    try (var scope = new PointerScope()) {
      for (var name : Codec.SYNONYMS.entrySet()) {
        assertThat(floats(UniformCodec.of(name.getKey(), 9, 1, 3).codes()))
            .isEqualTo(floats(UniformCodec.of(name.getValue(), 9, 1, 3).codes()));
      }
    }
    for (var encoding : Codec.ENCODINGS) {
      assertThat(Codec.canonicalName(encoding)).isEqualTo(encoding);
    }
  }

  @Example
  void theShapeIsThatOfWhatIsWritten() {
    try (var scope = new PointerScope();
        var noise = new Noise.OfBatch(0, Compute.PLAIN.newDevice())) {
      for (var encoding : Codec.ENCODINGS) {
        var codec = Codec.of(encoding, Space.of(List.of(3, 2, 4), 5), List.of(), 10, 1, 0);
        var analog = codec.encode(torch.zeros(1, 3, 2, 4), noise);
        assertThat(Arrays.stream(analog.shape()).skip(1).mapToInt(side -> (int) side).boxed())
            .isEqualTo(codec.shape(List.of(3, 2, 4)));
        assertThat(codec.decode(analog, noise).shape()).containsExactly(1, 3, 2, 4);
      }
    }
  }

  /** Infinite values say which digit, before all finite ones. */
  @Property(tries = 50)
  void infiniteValuesDecodeToACategoryThatHasTheirDigits(
      @ForAll("fewCategories") int k,
      @ForAll("binaryEncodings") String encoding,
      @ForAll @IntRange(min = 0, max = 39) int drawn) {
    var codec = UniformCodec.of(encoding, k, 1, 7);
    try (var scope = new PointerScope()) {
      // Infinite where the code of a category has it, except for one digit.
      var symbol = drawn % k;
      var analog =
          codec
              .encode(Tensor.create(new int[] {symbol}, 1, 1))
              .mul(new Scalar(Double.POSITIVE_INFINITY));
      assertThat(longs(codec.decode(analog))).containsExactly(symbol);
      for (var j = 0; j < codec.bits(); j++) {
        var changed = analog.clone();
        changed.select(1, j).fill_(new Scalar(-3));
        var decoded = codec.encode(codec.decode(changed));
        var agrees = decoded.mul(changed).gt(new Scalar(0)).logical_or(changed.isfinite());
        assertThat(agrees.all().item_bool()).isTrue();
      }
    }
  }

  /** Numbers of 24 bits, of which float32 has every one. */
  @Example
  void millionsOfCategories() {
    var k = (1 << 24) - 5;
    try (var scope = new PointerScope()) {
      for (var encoding : List.of("uint8", "gray")) {
        var codec = UniformCodec.of(encoding, k, 1, 0);
        var symbols = new long[] {0, 1, 12_345_679, (1 << 23) - 1, 1 << 23, k - 2, k - 1};
        var analog = codec.encode(Tensor.create(symbols, symbols.length, 1));
        assertThat(longs(codec.decode(analog))).isEqualTo(symbols);
      }
      // All ones are no number below K; the digit of 2^18 is the least sure.
      var analog = torch.ones(1, 24);
      analog.select(1, 5).fill_(new Scalar(0.5));
      assertThat(longs(BinaryCodec.base2(k, 1).decode(analog)))
          .containsExactly((1 << 24) - 1 - (1 << 18));
    }
  }

  private static double squareDistance(float[] a, int i, float[] b, int j, int n) {
    var sum = 0.0;
    for (var d = 0; d < n; d++) {
      sum += (a[i + d] - b[j + d]) * (a[i + d] - b[j + d]);
    }
    return sum;
  }

  static float[] floats(Tensor tensor) {
    var array = new float[(int) tensor.numel()];
    tensor.contiguous().<java.nio.FloatBuffer>createBuffer().get(array);
    return array;
  }

  static long[] longs(Tensor tensor) {
    var array = new long[(int) tensor.numel()];
    tensor.contiguous().<java.nio.LongBuffer>createBuffer().get(array);
    return array;
  }
}

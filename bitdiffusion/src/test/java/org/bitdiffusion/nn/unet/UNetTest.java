package org.bitdiffusion.nn.unet;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;
import static org.assertj.core.api.Assertions.within;
import static org.assertj.core.api.Assertions.withinPercentage;
import static org.bytedeco.pytorch.global.torch.globalContext;
import static org.bytedeco.pytorch.global.torch.ones_like;
import static org.bytedeco.pytorch.global.torch.rand;
import static org.bytedeco.pytorch.global.torch.randn;
import static org.bytedeco.pytorch.global.torch.zeros;

import java.util.List;
import java.util.Map;
import java.util.stream.IntStream;
import org.bitdiffusion.ConfigurationException;
import org.bitdiffusion.config.RunConfig;
import org.bitdiffusion.modality.image.ImageFormat;
import org.bitdiffusion.model.Model;
import org.bitdiffusion.nn.Parameters;
import org.bitdiffusion.run.ConfigReader;
import org.bitdiffusion.runtime.Compute;
import org.bitdiffusion.runtime.Engine;
import org.bitdiffusion.runtime.NativeObjects;
import org.bitdiffusion.runtime.Noise;
import org.bitdiffusion.runtime.Precision;
import org.bytedeco.javacpp.Pointer;
import org.bytedeco.javacpp.PointerScope;
import org.bytedeco.pytorch.Device;
import org.bytedeco.pytorch.LongOptional;
import org.bytedeco.pytorch.NoGradGuard;
import org.bytedeco.pytorch.Scalar;
import org.bytedeco.pytorch.Tensor;
import org.bytedeco.pytorch.global.torch;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.junit.jupiter.params.provider.ValueSource;

public class UNetTest {
  private static final UNetConfig SMALL =
      new UNetConfig(32, List.of(1, 2, 3), 1, List.of("8", "4"), 32, 0, 1, 0);
  private static final Compute FLOAT32 = channelsLast(Precision.FLOAT32);

  private static Compute channelsLast(Precision precision) {
    return new Compute(torch.DeviceType.CPU, precision, torch.MemoryFormat.ChannelsLast, "test");
  }

  @BeforeAll
  static void loadEngine() {
    Engine.load();
  }

  @Test
  void thePapersPresetsHaveItsNumberOfParameters() {
    // 51 M and 240 M in the paper; 52,017,432 and 247,189,464 counted from its description.
    assertThat(count("cifar10", 3, 32, 256, 0))
        .isEqualTo(52_017_432)
        .isCloseTo(51_000_000, within(2_040_000L));
    assertThat(count("imagenet64", 3, 64, 256, 1000))
        .isEqualTo(247_189_464)
        .isCloseTo(240_000_000, within(9_600_000L));
  }

  @ParameterizedTest
  @CsvSource({
    "icons, 1, 16, 2, 0, 1043873",
    "icons-small, 1, 24, 2, 21, 579817",
    "fashion-small, 1, 28, 256, 10, 2188936",
    "cifar10-small, 3, 32, 256, 10, 2202776"
  })
  void theSmallPresetsKeepTheirNumberOfParameters(
      String preset, int channels, int side, int categories, int classes, long parameters) {
    assertThat(count(preset, channels, side, categories, classes)).isEqualTo(parameters);
  }

  private static RunConfig config(
      String preset, int channels, int side, int categories, int classes) {
    var names = IntStream.range(0, classes).mapToObj(Integer::toString).toList();
    var format = new ImageFormat(channels, side, side, categories, List.of());
    return ConfigReader.preset(preset, Map.of()).withSchema(format.schema(names));
  }

  private static long count(String preset, int channels, int side, int categories, int classes) {
    var config = config(preset, channels, side, categories, classes);
    try (var model = Model.create(config, Compute.PLAIN)) {
      return model.network().parameters().count();
    }
  }

  /** Output and all gradients, compared between two ways of computing the same. */
  private record Pass(Tensor output, Tensor gradients) {}

  private static Pass pass(UNet network, int height, int width) {
    torch.manual_seed(5);
    var x = randn(3, 5, height, width);
    var estimate = randn(3, 5, height, width);
    var gamma = rand(3);
    var labels = Tensor.create(new long[] {0, -1, 2}, 3);
    var weights = randn(3, 7, height, width);
    network.parameters().gradients().zero_();
    var y = network.forward(x, estimate, gamma, labels);
    assertThat(y.shape()).containsExactly(3, 7, height, width);
    y.mul(weights).mean().backward();
    return new Pass(y.detach(), network.parameters().gradients().clone());
  }

  private static UNet network(int side, Compute compute) {
    var network = new UNet(SMALL, 10, 7, side, side, 3, compute, 4);
    torch.manual_seed(4);
    startAwayFromZero(network.parameters());
    return network;
  }

  /** Draws the layers that start near zero, which would hide most of the others in comparisons. */
  public static void startAwayFromZero(Parameters parameters) {
    try (var scope = new PointerScope();
        var noGrad = new NoGradGuard()) {
      parameters
          .byName()
          .forEach(
              (name, weight) -> {
                if (name.endsWith("conv1.weight") || name.equals("output.weight")) {
                  weight.copy_(randn(weight.shape()).mul(new Scalar(0.05)));
                }
              });
    }
  }

  @ParameterizedTest
  @CsvSource({"16, 16", "16, 13", "11, 15"})
  void isTheSameWithOneDnnOnAndOff(int height, int width) {
    try (var network = network(16, FLOAT32);
        var scope = new PointerScope()) {
      globalContext()
          .setUserEnabledMkldnn(true); // a network of another test may have switched it off
      var on = pass(network, height, width);
      globalContext().setUserEnabledMkldnn(false);
      try {
        assertClose(on, pass(network, height, width), 1e-4);
      } finally {
        globalContext().setUserEnabledMkldnn(true);
      }
    }
  }

  @Test
  void isTheSameInBothLayouts() {
    try (var last = network(16, FLOAT32);
        var plain = network(16, Compute.PLAIN);
        var scope = new PointerScope()) {
      assertThat(last.parameters().values().equal(plain.parameters().values())).isTrue();
      assertClose(pass(last, 16, 16), pass(plain, 16, 16), 1e-4);
    }
  }

  @Test
  void bfloat16IsFloat32UpToItsRounding() {
    try (var half = network(16, channelsLast(Precision.BFLOAT16));
        var plain = network(16, Compute.PLAIN);
        var scope = new PointerScope()) {
      assertClose(pass(half, 16, 16), pass(plain, 16, 16), 0.05);
    }
  }

  private static void assertClose(Pass actual, Pass expected, double tolerance) {
    assertThat(relative(actual.output(), expected.output())).isLessThan(tolerance);
    assertThat(relative(actual.gradients(), expected.gradients())).isLessThan(tolerance);
  }

  private static double relative(Tensor actual, Tensor expected) {
    return actual.sub(expected).norm().item_float() / expected.norm().item_float();
  }

  @Test
  void aLabelChangesTheOutputAndMinusOneIsNoClass() {
    try (var network = network(16, FLOAT32);
        var scope = new PointerScope();
        var noGrad = new NoGradGuard()) {
      var x = randn(1, 5, 16, 16);
      var gamma = rand(1);
      var class0 = network.forward(x, x, gamma, Tensor.create(new long[] {0}, 1));
      var class1 = network.forward(x, x, gamma, Tensor.create(new long[] {1}, 1));
      var none = network.forward(x, x, gamma, Tensor.create(new long[] {-1}, 1));
      assertThat(relative(class1, class0)).isGreaterThan(1e-3);
      assertThat(relative(none, class0)).isGreaterThan(1e-3);
      // No class contributes nothing: the same as a network that never had that input.
      var weight = network.parameters().byName().get("embedding.1.weight");
      weight.narrow(1, 4 * SMALL.width(), 3).zero_();
      assertThat(relative(network.forward(x, x, gamma, Tensor.create(new long[] {2}, 1)), none))
          .isLessThan(1e-6);
    }
  }

  @Test
  void memoryDoesNotGrowOverPasses() {
    try (var network = network(16, FLOAT32)) {
      for (var i = 0; i < 3; i++) {
        try (var scope = new PointerScope()) {
          pass(network, 16, 16);
        }
      }
      var before = NativeObjects.settled();
      for (var i = 0; i < 5; i++) {
        try (var scope = new PointerScope()) {
          pass(network, 16, 16);
        }
      }
      assertThat(Pointer.totalCount()).isEqualTo(before);
    }
  }

  /**
   * A network of patches is one whose pixels have all the channels of a patch; what is missing of
   * the last patches is 0, and what it gives there is left out.
   */
  @ParameterizedTest
  @CsvSource({"8, 8, 2", "7, 8, 2", "9, 5, 3"})
  void patchesAreChannels(int height, int width, int patch) {
    var of = new UNetConfig(32, List.of(1, 2), 1, List.of(), 32, 0, patch, 0);
    var channels = new UNetConfig(32, List.of(1, 2), 1, List.of(), 32, 0, 1, 0);
    var rows = (height + patch - 1) / patch;
    var columns = (width + patch - 1) / patch;
    var in = patch * patch;
    try (var patches = new UNet(of, 4, 3, height, width, 0, FLOAT32, 4);
        var pixels = new UNet(channels, 4 * in, 3 * in, rows, columns, 0, FLOAT32, 4);
        var scope = new PointerScope();
        var noGrad = new NoGradGuard()) {
      startAwayFromZero(patches.parameters());
      pixels.parameters().values().copy_(patches.parameters().values());
      var x = randn(2, 2, height, width);
      var estimate = randn(2, 2, height, width);
      var gamma = rand(2);
      var y = patches.forward(x, estimate, gamma, null);
      assertThat(y.shape()).containsExactly(2, 3, height, width);
      var expected =
          pixels.forward(
              asChannels(x, patch, rows, columns),
              asChannels(estimate, patch, rows, columns),
              gamma,
              null);
      assertThat(relative(asChannels(y, patch, rows, columns), zeroBeyond(expected, y, patch)))
          .isLessThan(1e-5);
    }
  }

  /** Channel c, row i and column j of a patch at (r, s) as channel (c patch + i) patch + j. */
  private static Tensor asChannels(Tensor x, int patch, int rows, int columns) {
    var channels = (int) x.size(1);
    var y = zeros(x.size(0), (long) channels * patch * patch, rows, columns);
    for (var c = 0; c < channels; c++) {
      for (var i = 0; i < x.size(2); i++) {
        for (var j = 0; j < x.size(3); j++) {
          var channel = (c * patch + i % patch) * patch + j % patch;
          y.select(1, channel)
              .select(1, i / patch)
              .select(1, j / patch)
              .copy_(x.select(1, c).select(1, i).select(1, j));
        }
      }
    }
    return y;
  }

  /** What a network of channels gives, without what lies beyond the image y. */
  private static Tensor zeroBeyond(Tensor channels, Tensor y, int patch) {
    var inside = asChannels(ones_like(y), patch, (int) channels.size(2), (int) channels.size(3));
    return channels.mul(inside);
  }

  /** As in the paper's public code; every other output is a 3x3 convolution. */
  @ParameterizedTest
  @CsvSource({
    "uint8, l2, true, 0, 1",
    "uint8, l2, true, 3, 3",
    "uint8, l2, false, 0, 3",
    "uint8, l2, false, 1, 1",
    "one_hot, softmax, false, 0, 3"
  })
  void theLastConvolutionOfDistributionsIsOfSinglePixels(
      String encoding, String loss, boolean factorization, int asked, long kernel) {
    var config =
        ConfigReader.preset(
            "icons",
            Map.of(
                "codec.encoding",
                encoding,
                "diffusion.loss",
                loss,
                "diffusion.softmax_factorization",
                "" + factorization,
                "network.output_kernel",
                "" + asked));
    var format = new ImageFormat(1, 16, 16, 4, List.of());
    try (var model = Model.create(config.withSchema(format.schema(List.of())), Compute.PLAIN)) {
      var shape = model.network().parameters().byName().get("output.weight").shape();
      assertThat(shape[2]).isEqualTo(kernel);
      assertThat(shape[3]).isEqualTo(kernel);
    }
  }

  /**
   * A new block passes what it is given times sqrt(1/2), or where the widths differ, the variance
   * in / fan of it, fan = (in + out) / 2: with weights that are sqrt 3 smaller, which are usual
   * elsewhere, three blocks in a row would let a 27th of the variance through.
   */
  @ParameterizedTest
  @CsvSource({"64, 64, 0.5", "128, 64, 0.6667", "64, 128, 0.3333"})
  void newBlocksPassTheVarianceOfTheirInput(int in, int out, double expected) {
    try (var p = new Parameters.Builder(3)) {
      var block = new ResidualBlock(p, in, out, 16, 0);
      try (var parameters = p.build(FLOAT32);
          var scope = new PointerScope();
          var noGrad = new NoGradGuard()) {
        torch.manual_seed(6);
        var y = block.forward(randn(4, in, 16, 16), randn(4, 16), null);
        assertThat(y.var(false).item_double()).isCloseTo(expected, withinPercentage(6));
        parameters
            .byName()
            .forEach(
                (name, weight) -> {
                  if (name.endsWith("bias")) {
                    assertThat(weight.count_nonzero(new LongOptional()).item_long())
                        .describedAs(name)
                        .isZero();
                  }
                });
      }
    }
  }

  @Test
  void sizesThatCannotBeAreRefused() {
    assertThatThrownBy(() -> new UNetConfig(30, List.of(1), 1, List.of(), 64, 0, 1, 0))
        .isInstanceOf(ConfigurationException.class)
        .hasMessageContaining("network.width is 30");
    assertThatThrownBy(
            () ->
                new UNet(
                    new UNetConfig(32, List.of(1), 1, List.of("16"), 64, 0, 1, 0),
                    2,
                    1,
                    16,
                    16,
                    0,
                    FLOAT32,
                    0))
        .isInstanceOf(ConfigurationException.class)
        .hasMessageContaining("network.head_width is 64; it must be a divisor of the");
  }

  private static boolean hasAttention(UNet network, String block) {
    return network.parameters().byName().containsKey(block + ".attention.qkv.weight");
  }

  @ParameterizedTest
  @CsvSource({"16, 16", "16, 5", "6, 16", "15, 15"})
  void attentionIsWhereTheLargerSideIsNamed(int height, int width) {
    // Stages of sides 16 (or 15), 8 and 4; sides that no stage has do no harm.
    var config = new UNetConfig(32, List.of(1, 1, 1), 1, List.of("32", "8", "2"), 32, 0, 1, 0);
    try (var network = new UNet(config, 2, 1, height, width, 0, FLOAT32, 4);
        var scope = new PointerScope();
        var noGrad = new NoGradGuard()) {
      assertThat(hasAttention(network, "down.0.0")).isFalse();
      assertThat(hasAttention(network, "down.1.0")).isTrue();
      assertThat(hasAttention(network, "up.1.1")).isTrue();
      assertThat(hasAttention(network, "down.2.0")).isFalse();
      var x = randn(1, 1, height, width);
      assertThat(network.forward(x, x, rand(1), null).shape()).containsExactly(1, 1, height, width);
    }
  }

  @Test
  void attentionAtNoSideOfTheNetworkIsRefused() {
    var config = new UNetConfig(32, List.of(1, 1, 1), 1, List.of("16", "8"), 32, 0, 1, 0);
    assertThatThrownBy(() -> new UNet(config, 2, 1, 28, 20, 0, FLOAT32, 4))
        .isInstanceOf(ConfigurationException.class)
        .hasMessageContaining("network.attention is [16, 8]")
        .hasMessageContaining("[28, 14, 7]");
    var without = new UNetConfig(32, List.of(1, 1, 1), 1, List.of(), 32, 0, 1, 0);
    try (var network = new UNet(without, 2, 1, 28, 20, 0, FLOAT32, 4)) {
      assertThat(hasAttention(network, "down.1.0")).isFalse();
    }
  }

  /** Fractions of the image's side name the same stages as the paper's sides in pixels. */
  @ParameterizedTest
  @CsvSource(
      delimiter = '|',
      value = {"cifar10 | 3 | 32 | 16, 8 | 0", "imagenet64 | 3 | 64 | 16, 8 | 1000"})
  void fractionsGiveThePapersNetworks(
      String preset, int channels, int side, String pixels, int classes) {
    var ofFractions = (UNetConfig) config(preset, channels, side, 256, classes).network();
    var ofSides =
        (UNetConfig)
            ConfigReader.preset(preset, Map.of("network.attention", "[" + pixels + "]")).network();
    assertThat(ofFractions.attention()).allMatch(entry -> entry.startsWith("1/"));
    assertThat(ofSides.attention()).containsExactly(pixels.split(", "));
    var sides = ofFractions.sides(side, side);
    assertThat(ofFractions.attentionSides(sides)).isEqualTo(ofSides.attentionSides(sides));
    // Of their stages and blocks, but narrow: all weights have the same names and values.
    try (var network = narrow(ofFractions, side);
        var expected = narrow(ofSides, side);
        var scope = new PointerScope()) {
      assertThat(network.parameters().byName().keySet())
          .containsExactlyElementsOf(expected.parameters().byName().keySet());
      assertThat(network.parameters().values().equal(expected.parameters().values())).isTrue();
      assertThat(hasAttention(network, "down.0.0")).isFalse();
      assertThat(hasAttention(network, "down.2.0")).isTrue();
    }
  }

  private static UNet narrow(UNetConfig c, int side) {
    var config = new UNetConfig(8, c.multipliers(), c.blocks(), c.attention(), 8, 0, 1, 0);
    return new UNet(config, 2, 1, side, side, 0, FLOAT32, 4);
  }

  @ParameterizedTest
  @CsvSource({"4, 4", "8, 8", "12, 12", "20, 20", "28, 28", "48, 48", "15, 15", "20, 9", "9, 20"})
  void fractionsFitAnySize(int height, int width) {
    var config = new UNetConfig(8, List.of(1, 1, 1), 1, List.of("1/2", "1/4"), 8, 0, 1, 0);
    try (var network = new UNet(config, 2, 1, height, width, 0, FLOAT32, 4);
        var scope = new PointerScope();
        var noGrad = new NoGradGuard()) {
      assertThat(hasAttention(network, "down.0.0")).isFalse();
      assertThat(hasAttention(network, "down.1.0")).isTrue();
      assertThat(hasAttention(network, "down.2.0")).isTrue();
      assertThat(hasAttention(network, "up.0.0")).isFalse();
      assertThat(hasAttention(network, "up.1.1")).isTrue();
      assertThat(hasAttention(network, "up.2.1")).isTrue();
      var x = randn(1, 1, height, width);
      assertThat(network.forward(x, x, rand(1), null).shape()).containsExactly(1, 1, height, width);
    }
  }

  @Test
  void theWholeImagesSideIsOneOfTheFractions() {
    var config = new UNetConfig(8, List.of(1, 1), 1, List.of("1/1"), 8, 0, 1, 0);
    try (var network = new UNet(config, 2, 1, 6, 6, 0, FLOAT32, 4)) {
      assertThat(hasAttention(network, "down.0.0")).isTrue();
      assertThat(hasAttention(network, "down.1.0")).isFalse();
    }
  }

  @ParameterizedTest
  @ValueSource(
      strings = {
        "x", "", "0", "-8", "8.0", "0.5", "1/3", "1/0", "1/", "2/4", "1/512", " 8", "1/2 "
      })
  void anEntryThatIsNoSideIsRefused(String entry) {
    assertThatThrownBy(() -> new UNetConfig(32, List.of(1, 1), 1, List.of("8", entry), 32, 0, 1, 0))
        .isInstanceOf(ConfigurationException.class)
        .hasMessage("network.attention is [8, " + entry + "]; it must be sides such as 16 or 1/2");
  }

  @Test
  void aFractionThatNoStageHasIsRefusedIfItIsAllThereIs() {
    var config = new UNetConfig(8, List.of(1, 1, 1), 1, List.of("1/8"), 8, 0, 1, 0);
    assertThatThrownBy(() -> new UNet(config, 2, 1, 28, 28, 0, FLOAT32, 4))
        .isInstanceOf(ConfigurationException.class)
        .hasMessageContaining("network.attention is [1/8]")
        .hasMessageContaining("[28, 14, 7]");
    var also = new UNetConfig(8, List.of(1, 1, 1), 1, List.of("1/8", "1/4"), 8, 0, 1, 0);
    try (var network = new UNet(also, 2, 1, 28, 28, 0, FLOAT32, 4)) {
      assertThat(hasAttention(network, "down.1.0")).isFalse();
      assertThat(hasAttention(network, "down.2.0")).isTrue();
    }
  }

  /** The same noise leaves out the same, and without noise nothing is left out. */
  @Test
  void dropoutIsWhatTheNoiseSays() {
    var config = new UNetConfig(32, List.of(1), 1, List.of(), 32, 0.5, 1, 0);
    torch.manual_seed(4);
    try (var network = new UNet(config, 2, 1, 8, 8, 0, FLOAT32, 4);
        var scope = new PointerScope()) {
      var x = randn(1, 1, 8, 8);
      var gamma = rand(1);
      network.parameters().values().copy_(randn(network.parameters().count()));
      var plain = network.forward(x, x, gamma, null);
      assertThat(network.forward(x, x, gamma, null).equal(plain)).isTrue();
      var dropped = dropped(network, x, gamma, 1);
      assertThat(dropped(network, x, gamma, 1).equal(dropped)).isTrue();
      assertThat(relative(dropped, plain)).isGreaterThan(0.01);
      assertThat(relative(dropped(network, x, gamma, 2), dropped)).isGreaterThan(0.01);
    }
  }

  private static Tensor dropped(UNet network, Tensor x, Tensor gamma, long seed) {
    try (var noise = new Noise.OfBatch(seed, new Device(torch.DeviceType.CPU))) {
      return network.forward(x, x, gamma, null, noise);
    }
  }
}

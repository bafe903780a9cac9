package org.bitdiffusion.nn.captioner;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;
import static org.assertj.core.api.Assertions.within;

import java.util.List;
import java.util.function.LongFunction;
import org.bitdiffusion.ConfigurationException;
import org.bitdiffusion.runtime.Compute;
import org.bitdiffusion.runtime.Engine;
import org.bitdiffusion.runtime.Noise;
import org.bytedeco.javacpp.PointerScope;
import org.bytedeco.pytorch.Device;
import org.bytedeco.pytorch.NoGradGuard;
import org.bytedeco.pytorch.Scalar;
import org.bytedeco.pytorch.Tensor;
import org.bytedeco.pytorch.global.torch;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.junit.jupiter.params.provider.ValueSource;

class CaptionerTest {
  private static final int LENGTH = 7;
  private static final long SEED = 1;

  @BeforeAll
  static void loadEngine() {
    Engine.load();
  }

  private static CaptionerConfig config(String decoder) {
    return new CaptionerConfig(
        decoder,
        16,
        2,
        4,
        0,
        CaptionerConfig.Tokens.PLAIN,
        CaptionerConfig.Encoder.vit(12, 4, 8, 2, 2));
  }

  private static double difference(Tensor a, Tensor b) {
    return a.sub(b).abs().max().item_double();
  }

  @Test
  void theCacheGivesTheLogitsOfAFullPass() {
    torch.manual_seed(1);
    try (var network =
            new AutoregressiveCaptioner(config("autoregressive"), 11, LENGTH, Compute.PLAIN, SEED);
        var scope = new PointerScope();
        var noGrad = new NoGradGuard()) {
      var memory = network.encode(torch.rand(3, 3, 12, 12));
      var tokens = torch.randint(11, new long[] {3, LENGTH}).to(torch.ScalarType.Long);
      var logits = network.logits(tokens, memory);
      assertThat(logits.shape()).containsExactly(3, LENGTH, 11);
      try (var growing = network.begin(memory)) {
        for (var i = 0; i < LENGTH; i++) {
          var next = growing.next(i == 0 ? null : tokens.select(1, i - 1));
          assertThat(difference(next, logits.select(1, i))).as("position %d", i).isLessThan(1e-5);
        }
      }
    }
  }

  @Test
  void aSelectedRowGoesOnAsTheOneItWas() {
    torch.manual_seed(2);
    try (var network =
            new AutoregressiveCaptioner(config("autoregressive"), 11, LENGTH, Compute.PLAIN, SEED);
        var scope = new PointerScope();
        var noGrad = new NoGradGuard()) {
      // Two rows of the same image, which go different ways.
      var memory = network.encode(torch.rand(1, 3, 12, 12)).repeat(2, 1, 1);
      try (var growing = network.begin(memory)) {
        growing.next(null);
        growing.next(Tensor.create(new long[] {3, 5}, 2));
        growing.select(Tensor.create(new long[] {1, 0}, 2));
        var next = growing.next(Tensor.create(new long[] {1, 2}, 2));
        var tokens = Tensor.create(new long[] {5, 1, 0, 3, 2, 0}, 2, 3);
        var logits = network.logits(tokens, memory);
        assertThat(difference(next, logits.select(1, 2))).isLessThan(1e-5);
      }
    }
  }

  @Test
  void laterTokensDoNotMatterToEarlierOnes() {
    torch.manual_seed(3);
    try (var network =
            new AutoregressiveCaptioner(config("autoregressive"), 11, LENGTH, Compute.PLAIN, SEED);
        var scope = new PointerScope();
        var noGrad = new NoGradGuard()) {
      var memory = network.encode(torch.rand(1, 3, 12, 12));
      var tokens = Tensor.create(new long[] {1, 2, 3, 4, 5, 6, 7}, 1, LENGTH);
      var other = Tensor.create(new long[] {1, 2, 3, 9, 9, 9, 9}, 1, LENGTH);
      var a = network.logits(tokens, memory);
      var b = network.logits(other, memory);
      assertThat(difference(a.narrow(1, 0, 4), b.narrow(1, 0, 4))).isLessThan(1e-6);
      assertThat(difference(a.select(1, 4), b.select(1, 4))).isGreaterThan(1e-4);
    }
  }

  @Test
  void allPositionsOfBitsSeeEachOtherTheImageTheEstimateAndTheTime() {
    torch.manual_seed(4);
    try (var network = new BitCaptioner(config("bits"), 3, 3, LENGTH, Compute.PLAIN, SEED);
        var scope = new PointerScope();
        var noGrad = new NoGradGuard()) {
      var images = torch.rand(2, 3, 12, 12);
      var memory = network.encode(images);
      var xt = torch.randn(2, 3, LENGTH);
      var zeros = torch.zeros_like(xt);
      var gamma = torch.full(new long[] {2}, new Scalar(0.5));
      var y = network.forward(xt, zeros, gamma, memory);
      assertThat(y.shape()).containsExactly(2, 3, LENGTH);
      var moved = xt.clone();
      moved.select(2, LENGTH - 1).add_(new Scalar(1));
      var first = y.select(2, 0);
      assertThat(difference(network.forward(moved, zeros, gamma, memory).select(2, 0), first))
          .isGreaterThan(1e-4);
      assertThat(difference(network.forward(xt, xt, gamma, memory), y)).isGreaterThan(1e-3);
      var later = torch.full(new long[] {2}, new Scalar(0.9));
      assertThat(difference(network.forward(xt, zeros, later, memory), y)).isGreaterThan(1e-3);
      var other = network.encode(images.mul(new Scalar(0.5)));
      assertThat(difference(network.forward(xt, zeros, gamma, other), y)).isGreaterThan(1e-4);
      // Each example for itself.
      var one =
          network.forward(
              xt.narrow(0, 1, 1),
              zeros.narrow(0, 1, 1),
              gamma.narrow(0, 1, 1),
              memory.narrow(0, 1, 1));
      assertThat(difference(one, y.narrow(0, 1, 1))).isLessThan(1e-5);
    }
  }

  /** Else the inputs drown which position it is, and pictures are learned much later. */
  @ParameterizedTest
  @ValueSource(ints = {1, 6, 15})
  void positionsBeginAsLargeAsWhatTheInputLayerMakesOfBits(int bits) {
    torch.manual_seed(5);
    var config =
        new CaptionerConfig(
            "bits",
            64,
            1,
            4,
            0,
            CaptionerConfig.Tokens.PLAIN,
            CaptionerConfig.Encoder.vit(12, 4, 8, 1, 2));
    try (var network = new BitCaptioner(config, bits, bits, LENGTH, Compute.PLAIN, SEED);
        var scope = new PointerScope();
        var noGrad = new NoGradGuard()) {
      var weights = network.parameters().byName();
      var input = torch.randn(1000, 2 * bits).sign();
      var h = input.matmul(weights.get("input.weight").t()).add(weights.get("input.bias"));
      var positions = weights.get("positions.weight");
      assertThat(positions.std().item_double() / h.std().item_double()).isBetween(0.5, 2.0);
    }
  }

  @Test
  void bfloat16IsNearFloat32() {
    var fast =
        new Compute(
            torch.DeviceType.CPU,
            org.bitdiffusion.runtime.Precision.BFLOAT16,
            torch.MemoryFormat.ChannelsLast,
            "test");
    try (var exactly = new BitCaptioner(config("bits"), 3, 3, LENGTH, Compute.PLAIN, SEED);
        var roughly = new BitCaptioner(config("bits"), 3, 3, LENGTH, fast, SEED);
        var scope = new PointerScope();
        var noGrad = new NoGradGuard()) {
      roughly.parameters().values().copy_(exactly.parameters().values());
      var images = torch.rand(2, 3, 12, 12);
      var xt = torch.randn(2, 3, LENGTH);
      var gamma = torch.full(new long[] {2}, new Scalar(0.5));
      var y = exactly.forward(xt, xt, gamma, exactly.encode(images));
      var z = roughly.forward(xt, xt, gamma, roughly.encode(images));
      assertThat(difference(z, y) / y.abs().max().item_double()).isCloseTo(0, within(0.03));
    }
  }

  @Test
  void sizesThatCannotBeAreNamed() {
    assertThatThrownBy(
            () ->
                new CaptionerConfig(
                    "bits",
                    16,
                    2,
                    3,
                    0,
                    CaptionerConfig.Tokens.PLAIN,
                    CaptionerConfig.Encoder.vit(12, 4, 8, 2, 2)))
        .isInstanceOf(ConfigurationException.class)
        .hasMessage("network.heads is 3; it must be a divisor of width 16");
    assertThatThrownBy(() -> CaptionerConfig.Encoder.vit(12, 5, 8, 2, 2))
        .hasMessage("network.encoder.patch is 5; it must be a divisor of encoder.image_size 12");
    assertThatThrownBy(() -> config("both")).hasMessageContaining("bits or autoregressive");
  }

  /** In the encoder and in the decoder: without noise nothing is left out. */
  @ParameterizedTest
  @ValueSource(booleans = {false, true})
  void dropoutIsWhatTheNoiseSays(boolean ofEncoder) {
    var size =
        new CaptionerConfig(
            "bits",
            16,
            2,
            4,
            0.5,
            CaptionerConfig.Tokens.PLAIN,
            CaptionerConfig.Encoder.vit(12, 4, 8, 2, 2));
    torch.manual_seed(6);
    try (var network = new BitCaptioner(size, 3, 3, LENGTH, Compute.PLAIN, SEED);
        var scope = new PointerScope()) {
      var images = torch.rand(2, 3, 12, 12);
      var xt = torch.randn(2, 3, LENGTH);
      var gamma = torch.full(new long[] {2}, new Scalar(0.5));
      LongFunction<Tensor> dropped =
          seed -> {
            try (var noise = new Noise.OfBatch(seed, new Device(torch.DeviceType.CPU))) {
              return ofEncoder
                  ? network.encode(images, noise)
                  : network.forward(xt, xt, gamma, network.encode(images), noise);
            }
          };
      var plain =
          ofEncoder
              ? network.encode(images)
              : network.forward(xt, xt, gamma, network.encode(images));
      assertThat(difference(dropped.apply(1), dropped.apply(1))).isZero();
      assertThat(difference(dropped.apply(1), plain)).isGreaterThan(0.01);
      assertThat(difference(dropped.apply(1), dropped.apply(2))).isGreaterThan(0.01);
    }
  }

  /** Of the baseline too. */
  @Test
  void theNextSymbolIsLearnedWithDropout() {
    var size =
        new CaptionerConfig(
            "autoregressive",
            16,
            2,
            4,
            0.5,
            CaptionerConfig.Tokens.PLAIN,
            CaptionerConfig.Encoder.vit(12, 4, 8, 2, 2));
    try (var network = new AutoregressiveCaptioner(size, 11, LENGTH, Compute.PLAIN, SEED);
        var scope = new PointerScope();
        var one = new Noise.OfBatch(1, new Device(torch.DeviceType.CPU));
        var same = new Noise.OfBatch(1, new Device(torch.DeviceType.CPU))) {
      var memory = network.encode(torch.ones(2, 3, 12, 12));
      var tokens = torch.ones(2, LENGTH).to(torch.ScalarType.Long);
      var dropped = network.logits(tokens, memory, one);
      assertThat(difference(network.logits(tokens, memory, same), dropped)).isZero();
      assertThat(difference(network.logits(tokens, memory), dropped)).isGreaterThan(0.01);
    }
  }

  /** Training changes the statistics of a ResNet's norms, but not of one that is frozen. */
  @ParameterizedTest
  @ValueSource(booleans = {false, true})
  void theStatisticsOfAFrozenEncoderStay(boolean frozen) {
    var encoder =
        new CaptionerConfig.Encoder("resnet50", 64, 0, 0, 0, 0, true, "symmetric", "", frozen);
    torch.manual_seed(7);
    try (var network =
            new BitCaptioner(
                new CaptionerConfig("bits", 16, 1, 4, 0, CaptionerConfig.Tokens.PLAIN, encoder),
                3,
                3,
                LENGTH,
                Compute.PLAIN,
                SEED);
        var scope = new PointerScope()) {
      var mean = network.parameters().byName().get("encoder.bn1.running_mean");
      var before = mean.detach().clone();
      network.encode(torch.rand(2, 3, 64, 64));
      assertThat(mean.equal(before)).isEqualTo(frozen);
    }
  }

  private static CaptionerConfig ofResNet(String decoder, boolean positions, int layers) {
    var encoder =
        new CaptionerConfig.Encoder(
            "resnet50", 64, 0, 0, layers, 0, positions, "symmetric", "", false);
    return new CaptionerConfig(decoder, 16, 2, 4, 0, CaptionerConfig.Tokens.PLAIN, encoder);
  }

  /** How far the logits move where the same features lie in other places, of both decoders. */
  private static double movedByPlaces(CaptionNetwork network, boolean toldWhere) {
    if (!toldWhere) {
      network.parameters().byName().get("features.positions.weight").zero_();
    }
    torch.manual_seed(8);
    var features = torch.rand(2, 4, 2048);
    var permuted = features.index_select(1, Tensor.create(new long[] {2, 0, 3, 1}, 4));
    return difference(
        logits(network, network.decoder().memoryOf(features, null)),
        logits(network, network.decoder().memoryOf(permuted, null)));
  }

  private static Tensor logits(CaptionNetwork network, Tensor memory) {
    if (network instanceof AutoregressiveCaptioner words) {
      return words.logits(torch.ones(2, LENGTH).to(torch.ScalarType.Long), memory);
    }
    var xt = torch.ones(2, 3, LENGTH);
    var gamma = torch.full(new long[] {2}, new Scalar(0.5));
    return ((BitCaptioner) network).forward(xt, xt, gamma, memory);
  }

  private static CaptionNetwork network(CaptionerConfig config) {
    return config.autoregressive()
        ? new AutoregressiveCaptioner(config, 11, LENGTH, Compute.PLAIN, SEED)
        : new BitCaptioner(config, 3, 3, LENGTH, Compute.PLAIN, SEED);
  }

  /** Attention alone sees no order: without positions nothing would tell left from right. */
  @ParameterizedTest
  @CsvSource({"bits, 0", "bits, 1", "autoregressive, 0", "autoregressive, 1"})
  void aResNetsFeaturesAreToldWhereTheyLie(String decoder, int layers) {
    try (var scope = new PointerScope();
        var noGrad = new NoGradGuard();
        var network = network(ofResNet(decoder, true, layers))) {
      assertThat(movedByPlaces(network, true)).isGreaterThan(1e-3);
      assertThat(movedByPlaces(network, false)).isLessThan(1e-6);
    }
  }

  /** As the runs of before positions have them: 2048 values each, straight to the decoder. */
  @ParameterizedTest
  @ValueSource(strings = {"bits", "autoregressive"})
  void featuresWithoutPositionsAreAsTheyWere(String decoder) {
    try (var scope = new PointerScope();
        var noGrad = new NoGradGuard();
        var network = network(ofResNet(decoder, false, 6))) {
      var weights = network.parameters().byName();
      assertThat(weights.keySet()).noneMatch(name -> name.startsWith("features."));
      assertThat(weights.get("memory.weight").shape()).containsExactly(2 * 2 * 16, 2048);
      assertThat(movedByPlaces(network, true)).isLessThan(1e-6);
    }
  }

  /** The layers over the features of a frozen encoder learn, as the decoder does. */
  @Test
  void whatFollowsAFrozenResNetIsTrained() {
    var encoder =
        new CaptionerConfig.Encoder("resnet50", 64, 0, 0, 1, 0, true, "symmetric", "", true);
    try (var scope = new PointerScope();
        var network =
            network(
                new CaptionerConfig("bits", 16, 1, 4, 0, CaptionerConfig.Tokens.PLAIN, encoder))) {
      logits(network, network.encode(torch.rand(2, 3, 64, 64))).square().sum().backward();
      var weights = network.parameters().byName();
      assertThat(weights.get("encoder.conv1.weight").requires_grad()).isFalse();
      for (var name : List.of("projection.weight", "positions.weight", "layers.0.mlp.fc1.weight")) {
        var gradient = weights.get("features." + name).grad();
        assertThat(gradient.abs().max().item_double()).as(name).isGreaterThan(0);
      }
    }
  }

  private static AutoregressiveCaptioner words(CaptionerConfig.Tokens tokens) {
    var encoder = CaptionerConfig.Encoder.vit(12, 4, 8, 1, 2);
    var config = new CaptionerConfig("autoregressive", 16, 2, 4, 0, tokens, encoder);
    return new AutoregressiveCaptioner(config, 11, LENGTH, Compute.PLAIN, SEED);
  }

  /** The gradient of weights that read and write tokens is the sum of both. */
  @Test
  void aSharedEmbeddingReadsAndWrites() {
    try (var shared = words(new CaptionerConfig.Tokens(0, 1, true));
        var apart = words(CaptionerConfig.Tokens.PLAIN);
        var scope = new PointerScope()) {
      var one = shared.parameters().byName();
      var two = apart.parameters().byName();
      assertThat(apart.parameters().count() - shared.parameters().count()).isEqualTo(11 * 16);
      try (var noGrad = new NoGradGuard()) {
        one.forEach((name, weight) -> two.get(name).copy_(weight));
        two.get("output.weight").copy_(one.get("embedding.weight").narrow(0, 0, 11));
      }
      var tokens = Tensor.create(new long[] {1, 2, 3, 4, 5, 6, 7}, 1, LENGTH);
      var images = torch.ones(1, 3, 12, 12);
      var logits = shared.logits(tokens, shared.encode(images));
      var same = apart.logits(tokens, apart.encode(images));
      assertThat(difference(logits, same)).isLessThan(1e-6);
      logits.square().sum().backward();
      same.square().sum().backward();
      var sum = two.get("embedding.weight").grad().clone();
      sum.narrow(0, 0, 11).add_(two.get("output.weight").grad());
      assertThat(difference(one.get("embedding.weight").grad(), sum)).isLessThan(1e-4);
      assertThat(sum.abs().max().item_double()).isGreaterThan(0.1);
      try (var growing = shared.begin(shared.encode(images))) {
        assertThat(difference(growing.next(null), logits.select(1, 0))).isLessThan(1e-5);
      }
    }
  }

  /** What the noise says is not told: another token there changes nothing, elsewhere it does. */
  @Test
  void tokensAreDroppedAsTheNoiseSaysAndTheBeginningNever() {
    var cpu = new Device(torch.DeviceType.CPU);
    try (var network = words(new CaptionerConfig.Tokens(0.5, 1, false));
        var scope = new PointerScope();
        var noGrad = new NoGradGuard()) {
      var memory = network.encode(torch.ones(1, 3, 12, 12));
      LongFunction<Tensor> drawn =
          seed -> {
            try (var noise = new Noise.OfBatch(seed, cpu)) {
              return noise.uniform(1, LENGTH);
            }
          };
      var dropped = 0;
      for (var seed = 0; seed < 4; seed++) {
        var uniform = drawn.apply(seed);
        var tokens = Tensor.create(new long[] {1, 2, 3, 4, 5, 6, 7}, 1, LENGTH);
        for (var place = 1; place < LENGTH; place++) {
          var other = tokens.clone();
          other.select(1, place - 1).fill_(new Scalar(9)); // what is told at this place
          var isDropped = uniform.select(1, place).item_float() < 0.5;
          var moved =
              difference(
                  logits(network, tokens, memory, seed), logits(network, other, memory, seed));
          assertThat(moved == 0).as("seed %d, place %d", seed, place).isEqualTo(isDropped);
          dropped += isDropped ? 1 : 0;
        }
        // At the first place, nothing but the beginning is told.
        assertThat(
                difference(
                    logits(network, tokens, memory, seed).select(1, 0),
                    network.logits(tokens, memory).select(1, 0)))
            .isZero();
      }
      assertThat(dropped).isBetween(1, 4 * (LENGTH - 1) - 1);
    }
  }

  private static Tensor logits(
      AutoregressiveCaptioner network, Tensor tokens, Tensor memory, long seed) {
    try (var noise = new Noise.OfBatch(seed, new Device(torch.DeviceType.CPU))) {
      return network.logits(tokens, memory, noise);
    }
  }

  /** Without noise, as in sampling, all is told. */
  @Test
  void tokensAreDroppedInTrainingOnly() {
    try (var dropping = words(new CaptionerConfig.Tokens(0.9, 1, false));
        var plain = words(CaptionerConfig.Tokens.PLAIN);
        var scope = new PointerScope();
        var noGrad = new NoGradGuard()) {
      var tokens = Tensor.create(new long[] {1, 2, 3, 4, 5, 6, 7}, 1, LENGTH);
      var memory = plain.encode(torch.ones(1, 3, 12, 12));
      assertThat(difference(dropping.logits(tokens, memory), plain.logits(tokens, memory)))
          .isZero();
    }
  }

  @Test
  void settingsOfTokensThatCannotBeAreNamed() {
    assertThatThrownBy(() -> new CaptionerConfig.Tokens(1, 1, false))
        .hasMessage("network.tokens.dropout is 1.0; it must be in [0, 1)");
    assertThatThrownBy(() -> new CaptionerConfig.Tokens(0, 0, false))
        .hasMessage("network.tokens.end_weight is 0.0; it must be above 0 and at most 1000000.0");
  }
}

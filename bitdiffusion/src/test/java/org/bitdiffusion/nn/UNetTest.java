package org.bitdiffusion.nn;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;
import static org.assertj.core.api.Assertions.within;
import static org.bytedeco.pytorch.global.torch.globalContext;
import static org.bytedeco.pytorch.global.torch.rand;
import static org.bytedeco.pytorch.global.torch.randn;

import java.util.List;
import java.util.Map;
import java.util.stream.IntStream;
import org.bitdiffusion.ConfigurationException;
import org.bitdiffusion.runtime.Compute;
import org.bitdiffusion.runtime.Engine;
import org.bitdiffusion.runtime.NativeObjects;
import org.bitdiffusion.runtime.Precision;
import org.bitdiffusion.training.ConfigReader;
import org.bitdiffusion.training.RunConfig;
import org.bytedeco.javacpp.Pointer;
import org.bytedeco.javacpp.PointerScope;
import org.bytedeco.pytorch.NoGradGuard;
import org.bytedeco.pytorch.Scalar;
import org.bytedeco.pytorch.Tensor;
import org.bytedeco.pytorch.global.torch;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

class UNetTest {
  private static final UNetConfig SMALL =
      new UNetConfig(32, List.of(1, 2, 3), 1, List.of(8, 4), 32, 0);
  private static final Compute FLOAT32 = Compute.choose("float32");

  @BeforeAll
  static void loadEngine() {
    Engine.load();
  }

  @Test
  void presetsHaveThePapersNumberOfParameters() {
    // 51 M and 240 M in the paper; 52,017,432 and 247,189,464 counted from its description.
    assertThat(count("cifar10", 32, 0))
        .isEqualTo(52_017_432)
        .isCloseTo(51_000_000, within(2_040_000L));
    assertThat(count("imagenet64", 64, 1000))
        .isEqualTo(247_189_464)
        .isCloseTo(240_000_000, within(9_600_000L));
  }

  private static long count(String preset, int side, int classes) {
    var names = IntStream.range(0, classes).mapToObj(Integer::toString).toList();
    var config =
        ConfigReader.preset(preset, Map.of())
            .withExample(
                new RunConfig.ExampleConfig(List.of(3, side, side), 256, names, List.of()));
    try (var network = config.newNetwork(config.newDiffusion(), Compute.PLAIN)) {
      return network.parameters().count();
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

  /** A network whose layers that start near zero do not: otherwise little would be compared. */
  private static UNet network(int height, Compute compute) {
    torch.manual_seed(4);
    var network = new UNet(SMALL, 10, 7, height, 3, compute);
    try (var scope = new PointerScope();
        var noGrad = new NoGradGuard()) {
      network
          .parameters()
          .byName()
          .forEach(
              (name, weight) -> {
                if (name.endsWith("conv1.weight") || name.equals("output.weight")) {
                  weight.copy_(randn(weight.shape()).mul(new Scalar(0.05)));
                }
              });
    }
    return network;
  }

  @ParameterizedTest
  @CsvSource({"16, 16", "15, 18"})
  void isTheSameWithOneDnnOnAndOff(int height, int width) {
    try (var network = network(height, FLOAT32);
        var scope = new PointerScope()) {
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
    var bfloat16 =
        new Compute(
            torch.DeviceType.CPU, Precision.BFLOAT16, torch.MemoryFormat.ChannelsLast, "test");
    try (var half = network(16, bfloat16);
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

  @Test
  void sizesThatCannotBeAreRefused() {
    assertThatThrownBy(() -> new UNetConfig(30, List.of(1), 1, List.of(), 64, 0))
        .isInstanceOf(ConfigurationException.class)
        .hasMessageContaining("network.width is 30");
    assertThatThrownBy(
            () ->
                new UNet(
                    new UNetConfig(32, List.of(1), 1, List.of(16), 64, 0), 2, 1, 16, 0, FLOAT32))
        .isInstanceOf(ConfigurationException.class)
        .hasMessageContaining("head_width 64");
  }
}

package org.bitdiffusion.nn;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import org.bitdiffusion.ConfigurationException;
import org.bitdiffusion.nn.captioner.CaptionerConfig;
import org.bitdiffusion.nn.unet.UNet;
import org.bitdiffusion.nn.unet.UNetConfig;
import org.bitdiffusion.runtime.Compute;
import org.bitdiffusion.runtime.Engine;
import org.bitdiffusion.runtime.Tensors;
import org.bytedeco.pytorch.Tensor;
import org.junit.jupiter.api.Test;

class ParametersTest {
  private static Tensor[] weights(Parameters.Builder builder) {
    return new Tensor[] {
      builder.uniform("w", 0.5, 3, 2),
      builder.in("part").fixed().constant("mean", 7, 2),
      builder.in("part").constant("b", 1, 2)
    };
  }

  @Test
  void weightsLieInOneTensorThoseOfFixedPartsLast() {
    var made = new ArrayList<Tensor>();
    try (var builder = new Parameters.Builder(0);
        var parameters = collect(builder, made)) {
      builder.close(); // leaves what was built alone
      assertThat(parameters.byName().keySet()).containsExactly("w", "part.b", "part.mean");
      assertThat(parameters.count()).isEqualTo(10);
      assertThat(Tensors.floats(parameters.trained()))
          .hasSize(8)
          .isEqualTo(Arrays.copyOf(Tensors.floats(parameters.values()), 8));
      assertThat(Tensors.floats(parameters.values())).endsWith(1, 1, 7, 7);
      parameters.values().zero_();
      assertThat(made).allMatch(weight -> weight.abs().max().item_float() == 0);
    }
    assertThat(made).allMatch(weight -> weight.isNull());
  }

  private static Parameters collect(Parameters.Builder builder, ArrayList<Tensor> made) {
    for (var weight : weights(builder)) {
      made.add(weight);
    }
    return builder.build(Compute.PLAIN);
  }

  /** As where a layer complains of its size, in the middle of a network's constructor. */
  @Test
  void whatIsNotBuiltIsFreed() {
    Tensor[] made;
    try (var builder = new Parameters.Builder(0);
        var part = builder.in("part")) {
      made = weights(builder);
      assertThatThrownBy(() -> part.constant("mean", 1, 2))
          .hasMessage("two weights are named part.mean");
      part.close(); // which is the whole one's
      assertThat(made).noneMatch(weight -> weight.isNull());
    }
    assertThat(made).allMatch(weight -> weight.isNull());
  }

  /** Before any memory is taken, also where the number of weights is none of 64 bits. */
  @Test
  void whatDoesNotFitIntoTheMemoryIsRefused() {
    var most = Engine.memory() / 8; // a weight and its gradient
    try (var builder = new Parameters.Builder(0)) {
      builder.uniform("half", 1, most / 2);
      builder.in("part").fixed().constant("rest", 0, most - most / 2);
      for (var shape : new long[][] {{1}, {1L << 40, 1L << 40}}) {
        assertThatThrownBy(() -> builder.in("part").uniform("more", 1, shape))
            .isInstanceOf(ConfigurationException.class)
            .hasMessageStartingWith("the network does not fit into the ")
            .hasMessageContaining("with part.more of the shape");
      }
    }
    var wide = new UNetConfig(1 << 16, List.of(1, 1000), 1000, List.of(), 32, 0, 1, 0);
    assertThatThrownBy(() -> new UNet(wide, 2, 1, 8, 8, 0, Compute.PLAIN, 0))
        .isInstanceOf(ConfigurationException.class)
        .hasMessageContaining("take a smaller network (network.width and the like)");
  }

  @Test
  void settingsThatNoMemoryHoldsAreNamed() {
    var most = Integer.MAX_VALUE;
    assertThatThrownBy(() -> new UNetConfig(8, List.of(1), most, List.of(), 8, 0, 1, 0))
        .hasMessage("network.blocks is 2147483647; it must be at most 1000");
    assertThatThrownBy(() -> new UNetConfig(most - 3, List.of(1), 1, List.of(), 8, 0, 1, 0))
        .hasMessage("network.width is 2147483644; it must be at most 65536");
    assertThatThrownBy(() -> new UNetConfig(8, List.of(most), 1, List.of(), 8, 0, 1, 0))
        .hasMessageContaining("network.multipliers is [2147483647]; it must be");
    var encoder = CaptionerConfig.Encoder.vit(12, 4, 8, 2, 2);
    assertThatThrownBy(
            () ->
                new CaptionerConfig(
                    "bits", most - 1, 1, 2, 0, CaptionerConfig.Tokens.PLAIN, encoder))
        .hasMessage("network.width is 2147483646; it must be at most 65536");
    assertThatThrownBy(
            () -> new CaptionerConfig("bits", 8, most, 2, 0, CaptionerConfig.Tokens.PLAIN, encoder))
        .hasMessage("network.layers is 2147483647; it must be at most 1000");
    assertThatThrownBy(() -> CaptionerConfig.Encoder.vit(most, 1, 8, 2, 2))
        .hasMessage("network.encoder.image_size is 2147483647; it must be at most 16384");
  }
}

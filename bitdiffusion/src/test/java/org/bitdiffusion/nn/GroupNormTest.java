package org.bitdiffusion.nn;

import static org.assertj.core.api.Assertions.assertThat;
import static org.bytedeco.pytorch.global.torch.randn;

import org.bitdiffusion.runtime.Engine;
import org.bytedeco.javacpp.PointerScope;
import org.bytedeco.pytorch.Device;
import org.bytedeco.pytorch.MemoryFormatOptional;
import org.bytedeco.pytorch.Scalar;
import org.bytedeco.pytorch.Tensor;
import org.bytedeco.pytorch.global.torch;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

/** The channels-last formula against the engine's own group norm, values and gradients. */
class GroupNormTest {
  @BeforeAll
  static void loadEngine() {
    Engine.load();
  }

  @ParameterizedTest
  @CsvSource({"64, 16, 0", "96, 24, 3", "144, 32, -2", "33, 8, 0.5"})
  void channelsLastEqualsTheEngine(int channels, int groups, double mean) {
    torch.manual_seed(3);
    var builder = new Parameters.Builder();
    var norm = new GroupNorm(builder, channels, groups);
    try (var parameters = builder.build(new Device(torch.DeviceType.CPU));
        var scope = new PointerScope()) {
      parameters.values().copy_(randn(parameters.count()));
      var values = randn(2, channels, 5, 6).mul(new Scalar(2)).add(new Scalar(mean));
      var scale = randn(2, channels);
      var shift = randn(2, channels);
      var gradient = randn(2, channels, 5, 6);

      var plain = run(norm, parameters, values, scale, shift, gradient, false);
      var last = run(norm, parameters, values, scale, shift, gradient, true);
      for (var i = 0; i < plain.length; i++) {
        var difference = plain[i].sub(last[i]).abs().max().item_float();
        assertThat(difference)
            .as("part %d: y, dx, dscale, dshift, dweights", i)
            .isLessThan(1e-4f * (1 + plain[i].abs().max().item_float()));
      }
    }
  }

  /** y and the gradients to x, scale, shift and the weights. */
  private static Tensor[] run(
      GroupNorm norm,
      Parameters parameters,
      Tensor values,
      Tensor scale,
      Tensor shift,
      Tensor gradient,
      boolean channelsLast) {
    parameters.gradients().zero_();
    var layout = channelsLast ? torch.MemoryFormat.ChannelsLast : torch.MemoryFormat.Contiguous;
    var x =
        values.clone().to(torch.ScalarType.Float, false, true, new MemoryFormatOptional(layout));
    var s = scale.clone();
    var t = shift.clone();
    for (var leaf : new Tensor[] {x, s, t}) {
      leaf.set_requires_grad(true);
    }
    var y = norm.forward(norm.forward(x), s, t);
    y.mul(gradient).sum().backward();
    return new Tensor[] {y.detach(), x.grad(), s.grad(), t.grad(), parameters.gradients().clone()};
  }
}

package org.bitdiffusion.nn;

import static org.assertj.core.api.Assertions.assertThat;
import static org.bytedeco.pytorch.global.torch.group_norm;
import static org.bytedeco.pytorch.global.torch.randn;
import static org.bytedeco.pytorch.global.torch.zeros;

import org.bitdiffusion.runtime.Compute;
import org.bitdiffusion.runtime.Engine;
import org.bytedeco.javacpp.PointerScope;
import org.bytedeco.pytorch.MemoryFormatOptional;
import org.bytedeco.pytorch.NoGradGuard;
import org.bytedeco.pytorch.Scalar;
import org.bytedeco.pytorch.Tensor;
import org.bytedeco.pytorch.global.torch;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

/** The channels-last formula against the engine's own group norm: values, gradients, rounding. */
class GroupNormTest {
  @BeforeAll
  static void loadEngine() {
    Engine.load();
  }

  @ParameterizedTest
  @CsvSource({
    "64, 16, 0, 17",
    "96, 24, 3, 17",
    "144, 32, -2, 17",
    "33, 8, 0.5, 17",
    "64, 16, 60, 17",
    "64, 16, 60, 5",
    "33, 8, -2, 5" // small maps
  })
  void channelsLastEqualsTheEngine(int channels, int groups, double mean, int height) {
    torch.manual_seed(3);
    var builder = new Parameters.Builder(0);
    var norm = new GroupNorm(builder, channels, groups);
    try (var parameters = builder.build(Compute.PLAIN);
        var scope = new PointerScope()) {
      parameters.values().copy_(randn(parameters.count()));
      var values = randn(2, channels, height, 16).mul(new Scalar(2)).add(new Scalar(mean));
      var scale = randn(2, channels);
      var shift = randn(2, channels);
      var gradient = randn(2, channels, height, 16);

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

  @ParameterizedTest
  @CsvSource({"0", "1", "1.8", "2.2", "30", "-100"})
  void bfloat16LosesAFewRoundingsHoweverFarTheMean(double mean) {
    torch.manual_seed(3);
    var builder = new Parameters.Builder(0);
    var norm = new GroupNorm(builder, 64, 16);
    try (var parameters = builder.build(Compute.PLAIN);
        var scope = new PointerScope();
        var noGrad = new NoGradGuard()) {
      // Half of the groups are there, the others around zero: each group is treated by itself.
      var means = zeros(1, 64, 1, 1);
      means.narrow(1, 0, 32).fill_(new Scalar(mean));
      var x =
          randn(4, 64, 16, 16)
              .add(means)
              .to(
                  torch.ScalarType.BFloat16,
                  false,
                  false,
                  new MemoryFormatOptional(torch.MemoryFormat.ChannelsLast));
      var y = norm.forward(x).to(torch.ScalarType.Double);
      var exact = group_norm(x.to(torch.ScalarType.Double).contiguous(), 16);
      // Measured: 3.6 to 6.7, and 144 at a mean of 30 if nothing were shifted.
      // In units of a rounding to bfloat16, which is 2^-9 of the value at most.
      var errors =
          y.sub(exact).abs().mul(new Scalar(512)).div(exact.abs().clamp_min(new Scalar(1)));
      assertThat(errors.max().item_double()).isLessThan(8);
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

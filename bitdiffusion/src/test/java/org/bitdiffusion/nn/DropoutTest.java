package org.bitdiffusion.nn;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;
import static org.assertj.core.api.Assertions.within;

import org.bitdiffusion.ConfigurationException;
import org.bitdiffusion.runtime.Noise;
import org.bitdiffusion.runtime.OneThread;
import org.bytedeco.javacpp.PointerScope;
import org.bytedeco.pytorch.Device;
import org.bytedeco.pytorch.Scalar;
import org.bytedeco.pytorch.Tensor;
import org.bytedeco.pytorch.global.torch;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.extension.ExtendWith;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

@ExtendWith(OneThread.class)
class DropoutTest {
  private static Noise.OfBatch noise(long step, long part) {
    return Noise.ofPart(3, step, part, new Device(torch.DeviceType.CPU));
  }

  private static Tensor dropped(Tensor x, double rate, long step, long part) {
    try (var noise = noise(step, part)) {
      return new Dropout(rate).forward(x, noise);
    }
  }

  /** Of ones: 0 at the rate, else 1 / (1 - rate), so mean 1 and variance rate / (1 - rate). */
  @ParameterizedTest
  @CsvSource({"0.1, FLOAT", "0.5, FLOAT", "0.9, FLOAT", "0.1, BFLOAT16"})
  void meanAndVarianceAreThoseOfTheRate(double rate, String type) {
    var n = 400_000;
    var precision = type.equals("FLOAT") ? torch.ScalarType.Float : torch.ScalarType.BFloat16;
    try (var scope = new PointerScope()) {
      var y = dropped(torch.ones(n).to(precision), rate, 1, 0).to(torch.ScalarType.Double);
      var zero = y.eq(new Scalar(0)).sum().item_double() / n;
      assertThat(zero).isCloseTo(rate, within(5 * Math.sqrt(rate * (1 - rate) / n)));
      assertThat(y.max().item_double()).isCloseTo(1 / (1 - rate), within(0.004 / (1 - rate)));
      var variance = rate / (1 - rate);
      assertThat(y.mean().item_double()).isCloseTo(1, within(5 * Math.sqrt(variance / n) + 0.004));
      var mean = y.mean();
      assertThat(y.sub(mean).square().mean().item_double())
          .isCloseTo(variance, within(0.02 * variance + 0.004));
    }
  }

  /** Whoever else draws from the engine's own generator, and in whatever layout of memory. */
  @Test
  void aPartLeavesOutTheSameEachTimeAndAnotherPartOthers() {
    try (var scope = new PointerScope()) {
      var x = torch.ones(8, 16, 6, 6);
      torch.manual_seed(1);
      var first = dropped(x, 0.3, 5, 2);
      torch.manual_seed(2);
      assertThat(dropped(x, 0.3, 5, 2).equal(first)).isTrue();
      var channelsLast = dropped(x.contiguous(torch.MemoryFormat.ChannelsLast), 0.3, 5, 2);
      assertThat(channelsLast.equal(first)).isTrue();
      assertThat(channelsLast.is_contiguous(torch.MemoryFormat.ChannelsLast)).isTrue();
      for (var other : new Tensor[] {dropped(x, 0.3, 5, 3), dropped(x, 0.3, 6, 2)}) {
        var same = other.eq(first).to(torch.ScalarType.Double).mean().item_double();
        assertThat(same).isCloseTo(0.7 * 0.7 + 0.3 * 0.3, within(0.05)); // as if independent
      }
      try (var noise = noise(5, 2)) { // one layer after the other
        assertThat(new Dropout(0.3).forward(x, noise).equal(first)).isTrue();
        assertThat(new Dropout(0.3).forward(x, noise).equal(first)).isFalse();
      }
    }
  }

  @Test
  void theGradientIsThatOfWhatIsLeft() {
    try (var scope = new PointerScope()) {
      var x = torch.ones(1000).requires_grad_(true);
      var y = dropped(x, 0.25, 1, 0);
      y.sum().backward();
      assertThat(x.grad().equal(y.detach())).isTrue();
    }
  }

  @Test
  void nothingIsLeftOutWithoutNoiseOrAtRateZero() {
    try (var scope = new PointerScope();
        var noise = noise(1, 0)) {
      var x = torch.ones(3);
      assertThat(new Dropout(0.5).forward(x, null)).isSameAs(x);
      assertThat(new Dropout(0).forward(x, noise)).isSameAs(x);
    }
    assertThatThrownBy(() -> new Dropout(1)).isInstanceOf(ConfigurationException.class);
    assertThatThrownBy(() -> new Dropout(Double.NaN)).isInstanceOf(ConfigurationException.class);
  }
}

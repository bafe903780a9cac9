package org.bitdiffusion.nn.mlp;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;
import static org.bytedeco.pytorch.global.torch.mse_loss;
import static org.bytedeco.pytorch.global.torch.rand;
import static org.bytedeco.pytorch.global.torch.randn;

import java.util.List;
import org.bitdiffusion.ConfigurationException;
import org.bitdiffusion.data.Condition;
import org.bitdiffusion.data.Space;
import org.bitdiffusion.nn.BatchParts;
import org.bitdiffusion.nn.Signature;
import org.bitdiffusion.runtime.Compute;
import org.bitdiffusion.runtime.Engine;
import org.bytedeco.javacpp.PointerScope;
import org.bytedeco.pytorch.NoGradGuard;
import org.bytedeco.pytorch.Scalar;
import org.bytedeco.pytorch.Tensor;
import org.junit.jupiter.api.Test;

class MlpTest {
  private static Mlp network(int classes) {
    return new Mlp(new MlpConfig(32, 2, 2, 16, 0), 13, 5, classes, Compute.PLAIN, 3);
  }

  /** Maps that begin at 0 hide all others. */
  private static void startAwayFromZero(Mlp network) {
    try (var scope = new PointerScope();
        var noGrad = new NoGradGuard()) {
      network.parameters().values().add_(randn(network.parameters().count()).mul(new Scalar(0.1)));
    }
  }

  @Test
  void aFreshNetworkGivesZero() {
    try (var scope = new PointerScope();
        var network = network(0)) {
      var y = network.forward(randn(4, 7), randn(4, 6), rand(4), null);
      assertThat(y.shape()).containsExactly(4, 5);
      assertThat(y.count_nonzero().item_long()).isZero();
    }
  }

  @Test
  void everyWeightIsTrainedAndEachExampleIsAlone() {
    try (var scope = new PointerScope();
        var network = network(3)) {
      startAwayFromZero(network);
      var xt = randn(6, 7);
      var estimate = randn(6, 6);
      var gamma = rand(6);
      var labels = Tensor.create(new long[] {0, 1, 2, -1, 0, 1}, 6);
      var y = network.forward(xt, estimate, gamma, labels);
      mse_loss(y, randn(6, 5)).backward();
      network
          .parameters()
          .byName()
          .forEach(
              (name, weight) ->
                  assertThat(weight.grad().norm().item_float()).as(name).isPositive());
      var some =
          network.forward(
              xt.narrow(0, 2, 3),
              estimate.narrow(0, 2, 3),
              gamma.narrow(0, 2, 3),
              labels.narrow(0, 2, 3));
      assertThat(some.sub(y.narrow(0, 2, 3)).abs().max().item_float()).isLessThan(1e-5f);
      // The time, the class and the estimate each matter.
      var same = network.forward(xt, estimate, gamma, labels.flip(0));
      assertThat(same.sub(y).abs().max().item_float()).isGreaterThan(1e-3f);
      same = network.forward(xt, estimate, gamma.flip(0), labels);
      assertThat(same.sub(y).abs().max().item_float()).isGreaterThan(1e-3f);
      same = network.forward(xt, estimate.flip(0), gamma, labels);
      assertThat(same.sub(y).abs().max().item_float()).isGreaterThan(1e-3f);
    }
  }

  @Test
  void partsTogetherAreTheWhole() {
    var threads = Engine.threads();
    Engine.threads(3);
    try (var scope = new PointerScope();
        var network = network(0)) {
      startAwayFromZero(network);
      var xt = randn(24, 7);
      var estimate = randn(24, 6);
      var gamma = rand(24);
      var parts = new BatchParts(network);
      var inParts = parts.forward(xt, estimate, gamma, null);
      inParts.square().mean().backward();
      parts.backward();
      var gradients = network.parameters().gradients().clone();
      network.parameters().gradients().zero_();
      var whole = network.forward(xt, estimate, gamma, null);
      whole.square().mean().backward();
      assertThat(whole.sub(inParts).abs().max().item_float()).isLessThan(1e-5f);
      var difference = network.parameters().gradients().sub(gradients).norm().item_float();
      assertThat(difference / gradients.norm().item_float()).isLessThan(1e-4f);
    } finally {
      Engine.threads(threads);
    }
  }

  @Test
  void imagesAreRefused() {
    var signature =
        new Signature(
            Space.of(List.of(1, 4, 4), 2),
            List.of(1, 4, 4),
            List.of(1, 4, 4),
            List.of(1, 4, 4),
            Condition.NONE,
            8,
            new int[16]);
    assertThatThrownBy(
            () -> new MlpKind().create(new MlpConfig(32, 2, 2, 16, 0), signature, Compute.PLAIN, 0))
        .isInstanceOf(ConfigurationException.class)
        .hasMessageContaining("whose bits are one row");
    assertThatThrownBy(() -> new MlpConfig(30, 2, 2, 16, 0))
        .isInstanceOf(ConfigurationException.class)
        .hasMessageContaining("network.width is 30");
  }
}

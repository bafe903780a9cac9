package org.bitdiffusion.nn.transformer;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;
import static org.bytedeco.pytorch.global.torch.index_select;
import static org.bytedeco.pytorch.global.torch.mse_loss;
import static org.bytedeco.pytorch.global.torch.rand;
import static org.bytedeco.pytorch.global.torch.randn;

import java.util.Arrays;
import java.util.List;
import java.util.stream.IntStream;
import org.bitdiffusion.ConfigurationException;
import org.bitdiffusion.codec.Codec;
import org.bitdiffusion.data.Condition;
import org.bitdiffusion.data.Space;
import org.bitdiffusion.nn.BatchParts;
import org.bitdiffusion.nn.Signature;
import org.bitdiffusion.runtime.Compute;
import org.bitdiffusion.runtime.Engine;
import org.bitdiffusion.runtime.Tensors;
import org.bytedeco.javacpp.PointerScope;
import org.bytedeco.pytorch.NoGradGuard;
import org.bytedeco.pytorch.Scalar;
import org.bytedeco.pytorch.Tensor;
import org.junit.jupiter.api.Test;

class TransformerTest {
  private static final TransformerConfig SIZE = new TransformerConfig(16, 2, 4, 8, 0);

  /** Columns of 2, 3, 2 and 1 bits. */
  private static final int[] COLUMNS = {0, 0, 1, 1, 1, 2, 2, 3};

  /** A row whose bits are COLUMNS, with what is known. */
  private static Transformer row(int classes) {
    var space = new Space(List.of(1, 4), List.of(4, 8, 4, 2));
    var condition =
        classes == 0
            ? Condition.NONE
            : new Condition.Labels(IntStream.range(0, classes).mapToObj(i -> "c" + i).toList());
    var signature =
        new Signature(space, List.of(12), List.of(8), List.of(8), condition, 8, COLUMNS);
    return new Transformer(SIZE, signature, Compute.PLAIN, 3);
  }

  /** Seven symbols of two bits each, as the codec of sequences lays them out. */
  private static Transformer sequence() {
    var space = Space.of(List.of(7), 4);
    var codec = Codec.of("binary", space, List.of(), 10, 1.0, 0);
    var shape = codec.shape(space.shape());
    assertThat(shape).containsExactly(14);
    var signature =
        new Signature(space, shape, shape, shape, Condition.NONE, 8, codec.placeOfBit(space));
    return new Transformer(SIZE, signature, Compute.PLAIN, 3);
  }

  /** Maps that begin at 0 hide all others. */
  private static void startAwayFromZero(Transformer network) {
    try (var scope = new PointerScope();
        var noGrad = new NoGradGuard()) {
      network.parameters().values().add_(randn(network.parameters().count()).mul(new Scalar(0.3)));
    }
  }

  private static double distance(Tensor a, Tensor b) {
    return a.sub(b).abs().max().item_float();
  }

  @Test
  void aFreshNetworkGivesZero() {
    try (var scope = new PointerScope();
        var network = row(0)) {
      var y = network.forward(randn(4, 12), randn(4, 8), rand(4), null);
      assertThat(y.shape()).containsExactly(4, 8);
      assertThat(y.count_nonzero().item_long()).isZero();
    }
  }

  @Test
  void everyWeightIsTrainedAndEachExampleIsAlone() {
    try (var scope = new PointerScope();
        var network = row(3)) {
      startAwayFromZero(network);
      var xt = randn(6, 12);
      var estimate = randn(6, 8);
      var gamma = rand(6);
      var labels = Tensor.create(new long[] {0, 1, 2, -1, 0, 1}, 6);
      var y = network.forward(xt, estimate, gamma, labels);
      mse_loss(y, randn(6, 8)).backward();
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
      assertThat(distance(some, y.narrow(0, 2, 3))).isLessThan(1e-5);
      // The time, the class, the estimate and what is known each matter.
      assertThat(distance(network.forward(xt, estimate, gamma, labels.flip(0)), y))
          .isGreaterThan(1e-3);
      assertThat(distance(network.forward(xt, estimate, gamma.flip(0), labels), y))
          .isGreaterThan(1e-3);
      assertThat(distance(network.forward(xt, estimate.flip(0), gamma, labels), y))
          .isGreaterThan(1e-3);
      var known = xt.clone();
      known.narrow(1, 8, 4).add_(new Scalar(1));
      assertThat(distance(network.forward(known, estimate, gamma, labels), y)).isGreaterThan(1e-3);
    }
  }

  /** Where tokens do not see each other, a bit changes what is said of its own symbol alone. */
  @Test
  void bitsGoToTheirSymbolsAndComeBack() {
    try (var scope = new PointerScope();
        var noGrad = new NoGradGuard();
        var network = row(0)) {
      startAwayFromZero(network);
      network
          .parameters()
          .byName()
          .forEach(
              (name, weight) -> {
                if (name.contains(".attn.proj.")) {
                  weight.zero_();
                }
              });
      var xt = randn(1, 12);
      var estimate = randn(1, 8);
      var gamma = rand(1);
      var before = network.forward(xt, estimate, gamma, null);
      for (var bit = 0; bit < 12; bit++) {
        var changed = xt.clone();
        changed.select(1, bit).add_(new Scalar(1));
        var difference =
            Tensors.floats(network.forward(changed, estimate, gamma, null).sub(before));
        var place = bit < 8 ? COLUMNS[bit] : bit - 8;
        for (var i = 0; i < 8; i++) {
          assertThat(Math.abs(difference[i]) > 1e-6)
              .as("bit %d, output %d", bit, i)
              .isEqualTo(COLUMNS[i] == place);
        }
      }
    }
  }

  /** Without its place, a symbol is one of a set: symbols in another order give theirs so. */
  @Test
  void symbolsOfASequenceDifferByTheirPlaceAlone() {
    try (var scope = new PointerScope();
        var noGrad = new NoGradGuard();
        var network = sequence()) {
      startAwayFromZero(network);
      var order = new int[] {3, 0, 6, 1, 5, 2, 4};
      var space = Space.of(List.of(7), 4);
      var placeOfBit = Codec.of("binary", space, List.of(), 10, 1.0, 0).placeOfBit(space);
      var index = permuted(placeOfBit, order);
      var xt = randn(2, 14);
      var estimate = randn(2, 14);
      var gamma = rand(2);
      var y = index_select(network.forward(xt, estimate, gamma, null), 1, index);
      var other =
          network.forward(
              index_select(xt, 1, index), index_select(estimate, 1, index), gamma, null);
      assertThat(distance(y, other)).isGreaterThan(1e-3);
      network.parameters().byName().get("position").zero_();
      y = index_select(network.forward(xt, estimate, gamma, null), 1, index);
      other =
          network.forward(
              index_select(xt, 1, index), index_select(estimate, 1, index), gamma, null);
      assertThat(distance(y, other)).isLessThan(1e-5);
    }
  }

  /** Bits of symbols that have changed their places: of each bit where it was. */
  private static Tensor permuted(int[] placeOfBit, int... order) {
    var seen = new int[order.length];
    var number = Arrays.stream(placeOfBit).map(place -> seen[place]++).toArray();
    var index = new long[placeOfBit.length];
    for (var i = 0; i < index.length; i++) {
      for (var j = 0; j < index.length; j++) {
        if (placeOfBit[j] == order[placeOfBit[i]] && number[j] == number[i]) {
          index[i] = j;
        }
      }
    }
    return Tensor.create(index, index.length);
  }

  @Test
  void partsTogetherAreTheWhole() {
    var threads = Engine.threads();
    Engine.threads(3);
    try (var scope = new PointerScope();
        var network = row(0)) {
      startAwayFromZero(network);
      var xt = randn(24, 12);
      var estimate = randn(24, 8);
      var gamma = rand(24);
      var parts = new BatchParts(network);
      var inParts = parts.forward(xt, estimate, gamma, null);
      inParts.square().mean().backward();
      parts.backward();
      var gradients = network.parameters().gradients().clone();
      network.parameters().gradients().zero_();
      var whole = network.forward(xt, estimate, gamma, null);
      whole.square().mean().backward();
      assertThat(distance(whole, inParts)).isLessThan(1e-4);
      var difference = network.parameters().gradients().sub(gradients).norm().item_float();
      assertThat(difference / gradients.norm().item_float()).isLessThan(1e-4f);
    } finally {
      Engine.threads(threads);
    }
  }

  @Test
  void whatItCannotDoIsRefused() {
    var space = Space.of(List.of(7), 4);
    var signature =
        new Signature(space, List.of(14), List.of(14), List.of(28), Condition.NONE, 8, new int[14]);
    assertThatThrownBy(() -> new TransformerKind().create(SIZE, signature, Compute.PLAIN, 0))
        .isInstanceOf(ConfigurationException.class)
        .hasMessageContaining("softmax_factorization=false");
    assertThatThrownBy(() -> new TransformerConfig(16, 2, 3, 8, 0))
        .isInstanceOf(ConfigurationException.class)
        .hasMessageContaining("network.heads is 3; it must be a divisor of network.width");
  }
}

package org.bitdiffusion.nn;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;
import static org.bytedeco.pytorch.global.torch.mse_loss;
import static org.bytedeco.pytorch.global.torch.rand;
import static org.bytedeco.pytorch.global.torch.randn;

import java.util.List;
import org.bitdiffusion.diffusion.Denoiser;
import org.bitdiffusion.nn.unet.UNet;
import org.bitdiffusion.nn.unet.UNetConfig;
import org.bitdiffusion.nn.unet.UNetTest;
import org.bitdiffusion.runtime.Compute;
import org.bitdiffusion.runtime.Engine;
import org.bitdiffusion.runtime.NativeObjects;
import org.bytedeco.javacpp.Pointer;
import org.bytedeco.javacpp.PointerScope;
import org.bytedeco.pytorch.NoGradGuard;
import org.bytedeco.pytorch.Scalar;
import org.bytedeco.pytorch.Tensor;
import org.bytedeco.pytorch.global.torch;
import org.junit.jupiter.api.AfterAll;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.junit.jupiter.params.provider.ValueSource;

/** Parts of a batch against the whole: outputs, and gradients of the weights. */
class BatchPartsTest {
  private static final int BATCH = 13; // in 3 parts of 4, 4 and 5
  private static int threads;
  private static UNet network;

  @BeforeAll
  static void create() {
    threads = Engine.threads();
    network = network(0);
    UNetTest.startAwayFromZero(network.parameters());
  }

  private static UNet network(double dropout) {
    var config = new UNetConfig(16, List.of(1, 2), 1, List.of("4"), 16, dropout, 1, 0);
    return new UNet(config, 4, 2, 8, 8, 3, Compute.PLAIN, 3);
  }

  @BeforeEach
  void oneThreadForEachPart() {
    Engine.threads(3);
  }

  @AfterAll
  static void close() {
    network.close();
    Engine.threads(threads);
  }

  /** A batch, and the network's output and gradients for it. */
  private static final class Pass {
    private final Tensor output;
    private final Tensor gradients;

    Pass(Denoiser denoiser, int batch, Runnable backward) {
      torch.manual_seed(5);
      var xt = randn(batch, 2, 8, 8);
      var labels = torch.randint(-1, 3, new long[] {batch});
      var gradients = network.parameters().gradients();
      gradients.fill_(new Scalar(1)); // a backward pass adds to what is there
      output = denoiser.forward(xt, randn(batch, 2, 8, 8), rand(batch), labels);
      mse_loss(output, xt).backward();
      backward.run();
      this.gradients = gradients.clone();
    }

    static Pass inParts(int batch) {
      var parts = new BatchParts(network);
      return new Pass(parts, batch, parts::backward);
    }

    static Pass whole(int batch) {
      return new Pass(network, batch, () -> {});
    }
  }

  @ParameterizedTest
  @ValueSource(ints = {1, 2, 3, 16})
  void partsTogetherAreTheWhole(int available) {
    Engine.threads(available);
    try (var scope = new PointerScope()) {
      var parts = Pass.inParts(BATCH);
      var whole = Pass.whole(BATCH);
      assertThat(relative(parts.output, whole.output)).isLessThan(1e-4);
      var ones = new Scalar(1);
      assertThat(relative(parts.gradients.sub(ones), whole.gradients.sub(ones))).isLessThan(1e-4);
      assertThat(whole.gradients.sub(ones).norm().item_float()).isGreaterThan(0.1f);
    }
  }

  @Test
  void aBatchIsDividedOnlyWherePartsAreLargeEnough() {
    try (var scope = new PointerScope()) {
      assertThat(isDivided(network, 3 * BatchParts.SMALLEST)).isTrue();
      assertThat(isDivided(network, 3 * BatchParts.SMALLEST - 1)).isFalse();
      Engine.threads(1);
      assertThat(isDivided(network, BATCH)).isFalse();
    }
  }

  /** What was divided is a leaf, which gradients do not go beyond by themselves. */
  private static boolean isDivided(UNet network, int batch) {
    var x = randn(batch, 2, 8, 8);
    return new BatchParts(network).forward(x, x, rand(batch), labels(batch)).is_leaf();
  }

  /** What dropout leaves out is drawn from one generator, in the order of operations. */
  @Test
  void withDropoutABatchStaysWholeWhereGradientsAreEnabled() {
    try (var dropping = network(0.5);
        var scope = new PointerScope()) {
      assertThat(isDivided(dropping, BATCH)).isFalse();
      assertThat(dropping.inParts(true)).isFalse();
      assertThat(dropping.inParts(false)).isTrue();
      assertThat(network.inParts(true)).isTrue();
    }
  }

  @ParameterizedTest
  @CsvSource({
    "1, 8, 1",
    "2, 8, 2",
    "2, 1, 1",
    "2, 0, 1",
    "16, 8, 8",
    "16, 32, 16",
    "12, 8, 6",
    "15, 8, 7",
    "24, 16, 12",
    "7, 4, 3",
    "3, 2, 1",
    "64, 2, 2"
  })
  void partsAreAsManyAsLeaveFewThreadsWithoutWork(int threads, int most, int parts) {
    assertThat(BatchParts.parts(threads, most)).isEqualTo(parts);
  }

  private static Tensor labels(int batch) {
    return torch.zeros(new long[] {batch}).to(torch.ScalarType.Long);
  }

  @Test
  void theSumOfGradientsIsTheSameEachTime() {
    try (var scope = new PointerScope()) {
      var first = Pass.inParts(BATCH);
      for (var i = 0; i < 5; i++) {
        assertThat(Pass.inParts(BATCH).gradients.equal(first.gradients)).isTrue();
      }
    }
  }

  @Test
  void severalForwardPassesAreFollowedBack() {
    try (var scope = new PointerScope()) {
      var parts = new BatchParts(network);
      var once = Pass.whole(BATCH).gradients.sub(new Scalar(1));
      var pass =
          new Pass(
              (xt, estimate, gamma, labels) -> {
                var y = parts.forward(xt, estimate, gamma, labels);
                return y.add(parts.forward(xt, estimate, gamma, labels)).div(new Scalar(2));
              },
              BATCH,
              parts::backward);
      assertThat(relative(pass.gradients.sub(new Scalar(1)), once)).isLessThan(1e-4);
    }
  }

  @Test
  void withoutGradientsThereIsNoGraph() {
    try (var scope = new PointerScope();
        var noGrad = new NoGradGuard()) {
      var x = randn(BATCH, 2, 8, 8);
      var gamma = rand(BATCH);
      var y = new BatchParts(network).forward(x, x, gamma, labels(BATCH));
      assertThat(y.requires_grad()).isFalse();
      assertThat(relative(y, network.forward(x, x, gamma, labels(BATCH)))).isLessThan(1e-4);
    }
  }

  @Test
  void aPartThatFailsFailsTheBatch() {
    try (var scope = new PointerScope()) {
      var x = randn(BATCH, 2, 8, 8);
      var labels = labels(BATCH - 1); // the last part lacks one
      var parts = new BatchParts(network);
      assertThatThrownBy(() -> parts.forward(x, x, rand(BATCH), labels))
          .isInstanceOf(RuntimeException.class);
    }
  }

  @Test
  void memoryDoesNotGrowOverPasses() {
    for (var i = 0; i < 3; i++) {
      onePass();
    }
    var before = NativeObjects.settled();
    for (var i = 0; i < 5; i++) {
      onePass();
    }
    assertThat(Pointer.totalCount()).isEqualTo(before);
  }

  private static void onePass() {
    try (var scope = new PointerScope()) {
      Pass.inParts(BATCH);
    }
  }

  private static double relative(Tensor actual, Tensor expected) {
    return actual.sub(expected).norm().item_float() / expected.norm().item_float();
  }
}

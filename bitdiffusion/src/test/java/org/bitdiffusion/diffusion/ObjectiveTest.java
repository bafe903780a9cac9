package org.bitdiffusion.diffusion;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;
import static org.assertj.core.api.Assertions.within;
import static org.assertj.core.api.Assertions.withinPercentage;
import static org.bytedeco.pytorch.global.torch.randint;
import static org.bytedeco.pytorch.global.torch.randn;
import static org.bytedeco.pytorch.global.torch.randn_like;

import java.util.List;
import org.bitdiffusion.ConfigurationException;
import org.bitdiffusion.codec.Codec;
import org.bitdiffusion.codec.IntervalCodec;
import org.bitdiffusion.codec.UniformCodec;
import org.bitdiffusion.data.Space;
import org.bitdiffusion.runtime.Engine;
import org.bytedeco.javacpp.PointerScope;
import org.bytedeco.pytorch.Scalar;
import org.bytedeco.pytorch.Tensor;
import org.bytedeco.pytorch.global.torch;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

class ObjectiveTest {
  @BeforeAll
  static void loadEngine() {
    Engine.load();
  }

  /** A network that outputs exactly what is asked for gives back x_0, at a loss of 0. */
  @ParameterizedTest
  @CsvSource({"x0, 1", "eps, 1", "v, 1", "x0, 0.5", "eps, 0.5", "v, 0.5"})
  void theExactOutputRecoversX0(String prediction, double b) {
    try (var scope = new PointerScope()) {
      var codec = UniformCodec.of("uint8", 16, b, 0);
      var objective = Objective.of(prediction, "l2", false, codec);
      var x0 = codec.encode(randint(16, new long[] {4, 2, 3, 3}));
      var eps = randn_like(x0);
      for (var gamma : new double[] {0.001, 0.3, 0.9, 0.9999}) {
        var g = Tensor.create(new float[] {(float) gamma}, 1, 1, 1, 1);
        var xt = combine(x0, Math.sqrt(gamma), eps, Math.sqrt(1 - gamma));
        var exact =
            switch (prediction) {
              case "x0" -> x0;
              case "eps" -> eps;
              default -> combine(eps, Math.sqrt(gamma), x0, -Math.sqrt(1 - gamma));
            };
        var estimate = objective.estimate(exact, xt, g);
        assertThat(estimate.sub(x0).abs().max().item_float()).isLessThan(1e-3f);
        assertThat(objective.loss(exact, x0, eps, xt, g).item_float()).isLessThan(1e-8f);
        // A wrong output by 0.1 everywhere costs its square.
        var wrong = exact.add(new Scalar(0.1));
        assertThat(objective.loss(wrong, x0, eps, xt, g).item_float())
            .isCloseTo(0.01f, within(1e-5f));
      }
    }
  }

  /** sqrt(1 - gamma) keeps its digits where float32 has none left for 1 - gamma. */
  @Test
  void theNoiseLevelNearTheDataIsExact() {
    try (var scope = new PointerScope()) {
      var gamma = new NoiseSchedule.Cosine().gamma(0);
      var g = Tensor.create(new double[] {gamma}, 1);
      assertThat((double) Objective.noiseLevel(g).item_float())
          .isCloseTo(Math.sqrt(1 - gamma), withinPercentage(1e-4));
      var tiny = Tensor.create(new double[] {1e-9}, 1);
      assertThat((double) Objective.signalLevel(tiny).item_float())
          .isCloseTo(Math.sqrt(1e-9), withinPercentage(1e-4));
      assertThat(Objective.noiseLevel(g).scalar_type().intern()).isEqualTo(torch.ScalarType.Float);
    }
  }

  /** At either end of any schedule, and with logits far out. */
  @ParameterizedTest
  @CsvSource({
    "x0, l2, false, uint8",
    "eps, l2, false, uint8",
    "v, l2, false, gray",
    "x0, sigmoid, false, uint8",
    "x0, softmax, false, one_hot",
    "x0, l2, true, uint8_rand",
    "x0, softmax, true, uint8_rand"
  })
  void lossesAndGradientsAreFinite(
      String prediction, String loss, boolean factorization, String encoding) {
    try (var scope = new PointerScope()) {
      var codec = UniformCodec.of(encoding, 4, 1, 0);
      var objective = Objective.of(prediction, loss, factorization, codec);
      var x0 = codec.encode(randint(4, new long[] {3, 2, 5}));
      var g = Tensor.create(new double[] {1e-9, 0.5, 1}, 3, 1, 1);
      var shape = objective.output(Space.of(List.of(2, 5), 4), codec);
      var output =
          randn(3, shape.get(0), shape.get(1)).mul(new Scalar(1000)).set_requires_grad(true);
      var xt = randn_like(x0);
      var value = objective.loss(output, x0, randn_like(x0), xt, g);
      value.backward();
      assertThat(value.item_float()).isFinite();
      assertThat(output.grad().isfinite().all().item_bool()).isTrue();
      var estimate = objective.estimate(output.detach(), xt, g);
      assertThat(estimate.shape()).isEqualTo(x0.shape());
      assertThat(estimate.abs().max().item_float()).isLessThanOrEqualTo(1);
    }
  }

  @Test
  void estimatesAreClipped() {
    try (var scope = new PointerScope()) {
      var codec = UniformCodec.of("uint8", 2, 0.5, 0);
      var g = Tensor.create(new float[] {1e-6f}, 1, 1);
      for (var prediction : new String[] {"x0", "eps", "v"}) {
        var objective = Objective.of(prediction, "l2", false, codec);
        var far = Tensor.create(new float[] {3000, -3000}, 1, 2);
        var estimate = objective.estimate(far, far.mul(new Scalar(-2)), g);
        assertThat(estimate.abs().max().item_float()).isLessThanOrEqualTo(0.5f);
      }
    }
  }

  /** Logits 2 and -1 for bits +b and +b: -log sigmoid(2) and -log sigmoid(-1). */
  @Test
  void sigmoidCrossEntropyByHand() {
    try (var scope = new PointerScope()) {
      var objective = Objective.of("x0", "sigmoid", false, UniformCodec.of("uint8", 4, 0.5, 0));
      var x0 = Tensor.create(new float[] {0.5f, 0.5f}, 1, 2);
      var logits = Tensor.create(new float[] {2, -1}, 1, 2);
      var expected = (Math.log1p(Math.exp(-2)) + Math.log1p(Math.exp(1))) / 2;
      assertThat((double) objective.loss(logits, x0, null, null, null).item_float())
          .isCloseTo(expected, within(1e-6));
      var estimate = objective.estimate(logits, null, null);
      assertThat((double) estimate.select(1, 0).item_float())
          .isCloseTo(0.5 * (2 / (1 + Math.exp(-2)) - 1), within(1e-6));
    }
  }

  /** Two symbols of three categories, categories 2 and 0. */
  @Test
  void softmaxCrossEntropyByHand() {
    try (var scope = new PointerScope()) {
      var codec = UniformCodec.of("one_hot", 3, 0.5, 0);
      var objective = Objective.of("x0", "softmax", false, codec);
      var x0 = codec.encode(Tensor.create(new int[] {2, 0}, 1, 2, 1));
      var logits = Tensor.create(new float[] {1, 2, 3, 0, 0, 1}, 1, 6, 1);
      var first = -Math.log(Math.exp(3) / (Math.exp(1) + Math.exp(2) + Math.exp(3)));
      var second = -Math.log(1 / (2 + Math.exp(1)));
      assertThat((double) objective.loss(logits, x0, null, null, null).item_float())
          .isCloseTo((first + second) / 2, within(1e-6));
      // The estimate is b (2 p - 1).
      var estimate = objective.estimate(logits, null, null).flatten();
      assertThat((double) estimate.select(0, 2).item_float())
          .isCloseTo(0.5 * (2 * Math.exp(-first) - 1), within(1e-6));
    }
  }

  /** K = 4 with logits log 1, log 2, log 3, log 4: probabilities 0.1 to 0.4. */
  @Test
  void softmaxFactorizationIsTheMeanCode() {
    try (var scope = new PointerScope()) {
      var codec = UniformCodec.of("uint8", 4, 1, 0);
      var objective = Objective.of("x0", "l2", true, codec);
      assertThat(objective.output(Space.of(List.of(1, 1), 4), codec)).containsExactly(4, 1);
      var logits = Tensor.create(new float[] {1, 2, 3, 4}, 1, 4, 1).log();
      var estimate = objective.estimate(logits, null, null).flatten();
      // Codes --, -+, +-, ++: the first bit is + with 0.7, the second with 0.6.
      assertThat((double) estimate.select(0, 0).item_float()).isCloseTo(0.4, within(1e-6));
      assertThat((double) estimate.select(0, 1).item_float()).isCloseTo(0.2, within(1e-6));
      var x0 = codec.encode(Tensor.create(new int[] {3}, 1, 1, 1));
      assertThat((double) objective.loss(logits, x0, null, null, null).item_float())
          .isCloseTo((0.6 * 0.6 + 0.8 * 0.8) / 2, within(1e-6));
    }
  }

  /** Two channels of one symbol each, of 3 categories and a permuted code: by the symbols' ids. */
  @Test
  void crossEntropyOfFactorizedSymbolsByHand() {
    try (var scope = new PointerScope()) {
      var codec = UniformCodec.of("uint8_rand", 3, 0.5, 7);
      var objective = Objective.of("x0", "softmax", true, codec);
      var x0 = codec.encode(Tensor.create(new int[] {2, 0}, 1, 2, 1));
      var logits = Tensor.create(new float[] {1, 2, 3, 4, 5, 6}, 1, 6, 1).log();
      var expected = (-Math.log(3. / 6) - Math.log(4. / 15)) / 2;
      assertThat((double) objective.loss(logits, x0, null, null, null).item_float())
          .isCloseTo(expected, within(1e-6));
    }
  }

  /** One hot codes are codes as well: their mean and their cross entropy are the same. */
  @Test
  void oneHotIsTheSpecialCaseOfFactorizedSymbols() {
    try (var scope = new PointerScope()) {
      var codec = UniformCodec.of("one_hot", 5, 0.5, 0);
      var direct = Objective.of("x0", "softmax", false, codec);
      var factorized = new Objective.SoftmaxFactorization(codec, true);
      var x0 = codec.encode(randint(5, new long[] {3, 2, 4, 4}));
      var logits = randn(3, 10, 4, 4);
      var difference =
          direct.estimate(logits, null, null).sub(factorized.estimate(logits, null, null));
      assertThat(difference.abs().max().item_float()).isLessThan(1e-6f);
      assertThat(direct.loss(logits, x0, null, null, null).item_float())
          .isCloseTo(factorized.loss(logits, x0, null, null, null).item_float(), within(1e-6f));
    }
  }

  @ParameterizedTest
  @CsvSource({
    "x1, l2, false, uint8, prediction 'x1'",
    "x0, l3, false, uint8, loss 'l3'",
    "eps, sigmoid, false, uint8, goes with prediction x0",
    "x0, softmax, false, uint8, one_hot",
    "x0, l2, true, one_hot, softmax_factorization",
    "v, l2, true, uint8, softmax_factorization",
    "x0, sigmoid, true, uint8, softmax_factorization",
    "x0, sigmoid, false, continuous, not with continuous"
  })
  void combinationsWithoutSenseAreRefused(
      String prediction, String loss, boolean factorization, String encoding, String message) {
    var codec = UniformCodec.of(encoding, 4, 1, 0);
    assertThatThrownBy(() -> Objective.of(prediction, loss, factorization, codec))
        .isInstanceOf(ConfigurationException.class)
        .hasMessageContaining(message);
  }

  /** Places of 2, 5 and 300 values take 1, 3 and 9 bits; the losses of bits need no more. */
  @ParameterizedTest
  @CsvSource({"x0, l2", "eps, l2", "v, l2", "x0, sigmoid"})
  void placesMayDifferWhereBitsAreScored(String prediction, String loss) {
    try (var scope = new PointerScope()) {
      var space = new Space(List.of(1, 3), List.of(2, 5, 300));
      var codec = Codec.of("gray", space, List.of(), 10, 0.5, 0);
      var objective = Objective.of(prediction, loss, false, codec);
      assertThat(objective.output(space, codec)).containsExactly(13);
      var x0 = codec.encode(Tensor.create(new int[] {1, 4, 299}, 1, 1, 3), null);
      var g = Tensor.create(new double[] {0.3}, 1, 1);
      var output = randn_like(x0);
      assertThat(objective.loss(output, x0, randn_like(x0), randn_like(x0), g).item_float())
          .isFinite();
      var estimate = objective.estimate(output, randn_like(x0), g);
      assertThat(estimate.shape()).containsExactly(1, 13);
      assertThat(estimate.abs().max().item_float()).isLessThanOrEqualTo(0.5f);
    }
  }

  @ParameterizedTest
  @CsvSource({
    "l2, true, diffusion.softmax_factorization goes",
    "softmax, true, diffusion.softmax_factorization goes",
    "softmax, false, diffusion.loss softmax goes"
  })
  void aSoftmaxNeedsOneNumberOfCategories(String loss, boolean factorization, String message) {
    var codec = Codec.of("uint8", new Space(List.of(2), List.of(2, 5)), List.of(), 10, 1, 0);
    assertThatThrownBy(() -> Objective.of("x0", loss, factorization, codec))
        .isInstanceOf(ConfigurationException.class)
        .hasMessageContaining(message)
        .hasMessageContaining("as many values");
  }

  @Test
  void allThatIsListedExists() {
    var bits = UniformCodec.of("uint8", 4, 1, 0);
    var oneHot = UniformCodec.of("one_hot", 4, 1, 0);
    var columns = IntervalCodec.of("tree", new Space(List.of(1), List.of(4)), List.of(), 2, 1);
    for (var prediction : Objective.PREDICTIONS) {
      var codec = prediction.equals("code_words") ? columns : bits;
      assertThat(Objective.of(prediction, "l2", false, codec)).isNotNull();
    }
    for (var loss : Objective.LOSSES) {
      assertThat(Objective.of("x0", loss, false, oneHot)).isNotNull();
    }
  }

  private static Tensor combine(Tensor x, double a, Tensor y, double b) {
    return x.mul(new Scalar(a)).add(y, new Scalar(b));
  }

  /** Of fair and independent bits an output of 0 gives E[x_0 | x_t], here by Bayes' rule. */
  @ParameterizedTest
  @CsvSource({"1, l2", "1, sigmoid", "0.5, l2", "0.5, sigmoid"})
  void aMatchedFilterIsThePosteriorMeanOfFairBits(double b, String loss) {
    try (var scope = new PointerScope()) {
      var codec = UniformCodec.of("uint8", 2, b, 0);
      var objective = Objective.of("matched_filter", loss, false, codec);
      for (var gamma : new double[] {1e-4, 0.2, 0.7, 0.99}) {
        var xt = new double[] {-2.3, -0.4, 0, 0.1, 0.9, 3};
        var expected = new float[xt.length];
        var errors = new double[xt.length];
        var x0 = new float[] {1, -1, 1, 1, -1, 1};
        for (var i = 0; i < xt.length; i++) {
          var variance = 1 - gamma;
          var up = Math.exp(-Math.pow(xt[i] - Math.sqrt(gamma) * b, 2) / (2 * variance));
          var down = Math.exp(-Math.pow(xt[i] + Math.sqrt(gamma) * b, 2) / (2 * variance));
          expected[i] = (float) (b * (up - down) / (up + down));
          x0[i] *= (float) b;
          errors[i] =
              loss.equals("l2")
                  ? Math.pow(expected[i] - x0[i], 2)
                  : -Math.log((x0[i] > 0 ? up : down) / (up + down));
        }
        var g = Tensor.create(new double[] {gamma}, 1, 1);
        var given = Tensor.create(xt, 1, xt.length).to(torch.ScalarType.Float);
        var zero = given.mul(new Scalar(0));
        var estimate = objective.estimate(zero, given, g);
        assertThat(estimate.sub(Tensor.create(expected, 1, xt.length)).abs().max().item_float())
            .isLessThan(1e-5f);
        var losses =
            ((Objective.OfBits) objective)
                .losses(zero, Tensor.create(x0, 1, xt.length), zero, given, g);
        var worst =
            losses
                .sub(Tensor.create(errors, 1, xt.length))
                .div(Tensor.create(errors, 1, xt.length).add(new Scalar(1)))
                .abs()
                .max()
                .item_double();
        if (gamma < 0.99) { // there, log-odds beyond 30 are cut
          assertThat(worst).isLessThan(1e-5);
        }
        // What the network knows is added to the log-odds: e to the 3 times as likely.
        var up = Math.exp(3);
        assertThat((double) objective.estimate(zero.add(new Scalar(3)), zero, g).max().item_float())
            .isCloseTo(b * (up - 1) / (up + 1), within(1e-5));
      }
    }
  }

  @Test
  void codeWordsAreOfColumns() {
    var pixels = UniformCodec.of("uint8", 4, 1, 0);
    assertThatThrownBy(() -> Objective.of("code_words", "softmax", false, pixels))
        .isInstanceOf(ConfigurationException.class)
        .hasMessageContaining("code_words goes with codec.encoding rank, quantile or tree");
    var columns = IntervalCodec.of("tree", new Space(List.of(1), List.of(4)), List.of(), 2, 1);
    assertThatThrownBy(() -> Objective.of("code_words", "sigmoid", false, columns))
        .isInstanceOf(ConfigurationException.class)
        .hasMessageContaining("loss l2 or softmax");
  }

  @Test
  void aMatchedFilterIsOfBits() {
    var pixels = UniformCodec.of("continuous", 4, 1, 0);
    assertThatThrownBy(() -> Objective.of("matched_filter", "l2", false, pixels))
        .isInstanceOf(ConfigurationException.class)
        .hasMessageContaining("matched_filter goes with encodings of bits");
    var bits = UniformCodec.of("one_hot", 4, 1, 0);
    assertThatThrownBy(() -> Objective.of("matched_filter", "softmax", false, bits))
        .isInstanceOf(ConfigurationException.class)
        .hasMessageContaining("loss l2 or sigmoid");
  }
}

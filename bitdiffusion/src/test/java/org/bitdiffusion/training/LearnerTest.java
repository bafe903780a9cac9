package org.bitdiffusion.training;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;
import static org.assertj.core.api.Assertions.within;
import static org.bytedeco.pytorch.global.torch.cat;

import java.nio.LongBuffer;
import java.util.Arrays;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import org.bitdiffusion.ConfigurationException;
import org.bitdiffusion.data.DataSources;
import org.bitdiffusion.data.DataSpec;
import org.bitdiffusion.data.ImageSource;
import org.bitdiffusion.nn.UNetTest;
import org.bitdiffusion.runtime.Compute;
import org.bitdiffusion.runtime.Engine;
import org.bitdiffusion.runtime.Seed;
import org.bitdiffusion.sampling.SamplerConfig;
import org.bytedeco.javacpp.PointerScope;
import org.bytedeco.pytorch.NoGradGuard;
import org.bytedeco.pytorch.Scalar;
import org.bytedeco.pytorch.Tensor;
import org.bytedeco.pytorch.TensorVector;
import org.bytedeco.pytorch.global.torch;
import org.junit.jupiter.api.AfterAll;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

/** The step's parts, each against what it is by definition. */
class LearnerTest {
  private static ImageSource icons;
  private static int threads;

  @BeforeAll
  static void open() {
    Engine.load();
    threads = Engine.threads();
    Engine.threads(1); // so that sums are added in the same order
    icons = DataSources.open(DataSpec.parse("icons,size=8"));
  }

  @AfterAll
  static void close() {
    icons.close();
    Engine.threads(threads);
  }

  private static RunConfig config(String... changes) {
    var settings =
        new HashMap<>(
            Map.of(
                "network.width", "8",
                "network.multipliers", "[1]",
                "network.blocks", "1",
                "network.attention", "[]",
                "training.batch_size", "8",
                "training.warmup_steps", "0",
                "training.learning_rate", "0.01",
                "training.precision", "float32"));
    for (var change : changes) {
      var at = change.indexOf('=');
      settings.put(change.substring(0, at), change.substring(at + 1));
    }
    return ConfigReader.preset("icons", settings).forData(icons);
  }

  private static Batches batches(RunConfig config) {
    var training = config.training();
    return new Batches(icons, training.batchSize() / training.accumulation(), false, 5, 0);
  }

  private static Tensor together(Map<String, Tensor> tensors) {
    return cat(
        new TensorVector(
            tensors.values().stream().map(t -> t.detach().flatten()).toArray(Tensor[]::new)));
  }

  private static double difference(Tensor actual, Tensor expected) {
    return actual.sub(expected).norm().item_double() / expected.norm().item_double();
  }

  /** average = d average + (1 - d) weights, with d = min(decay, (1 + step) / (10 + step)). */
  @Test
  void theAverageFollowsTheWeights() {
    var config = config("training.ema_decay=0.2"); // reached after the second step
    try (var learner = Learner.begin(config, Compute.PLAIN);
        var batches = batches(config);
        var scope = new PointerScope()) {
      var expected = together(learner.tensors().get("model")).clone();
      for (var step = 1; step <= 4; step++) {
        learner.step(step, batches);
        var decay = Math.min(0.2, (1.0 + step) / (10 + step));
        var weights = together(learner.tensors().get("model"));
        expected = expected.mul(new Scalar(decay)).add(weights.mul(new Scalar(1 - decay)));
        assertThat(difference(together(learner.tensors().get("ema")), expected))
            .as("step %d", step)
            .isLessThan(1e-6);
      }
      assertThat(difference(expected, together(learner.tensors().get("model"))))
          .isGreaterThan(1e-4); // or it would prove nothing
    }
  }

  /** After one step, the first moment is (1 - beta1) times the gradient that was used. */
  @ParameterizedTest
  @ValueSource(doubles = {0, 0.001, 1e6})
  void gradientsAreCutToTheLargestNorm(double clip) {
    var config = config("training.gradient_clip=" + clip);
    try (var learner = Learner.begin(config, Compute.PLAIN);
        var batches = batches(config);
        var scope = new PointerScope()) {
      var result = learner.step(1, batches);
      assertThat(result.gradientNorm()).isBetween(0.002, 1e3);
      var moment = learner.tensors().get("optimizer").get("first_moment");
      var used = moment.norm().item_double() / (1 - config.training().beta1());
      var expected = clip == 0.001 ? clip : result.gradientNorm();
      assertThat(used).isCloseTo(expected, within(1e-4 * expected));
    }
  }

  /** The gradient of an accumulated step is the mean of its parts' gradients. */
  @Test
  void accumulatedPartsAreAveraged() {
    var config = config("training.accumulation=4", "training.gradient_clip=0");
    try (var learner = Learner.begin(config, Compute.PLAIN);
        var model = Model.create(config, Compute.PLAIN);
        var batches = batches(config);
        var same = batches(config);
        var scope = new PointerScope()) {
      var result = learner.step(1, batches);

      torch.manual_seed(Seed.of(config.training().seed(), RunConfig.NOISE, 1));
      var gradients = model.network().parameters().gradients();
      var sum = gradients.clone();
      var loss = 0.0;
      for (var part = 0; part < 4; part++) {
        var ofPart = model.loss(same.next());
        ofPart.backward();
        loss += ofPart.item_float() / 4;
        try (var noGrad = new NoGradGuard()) {
          sum.add_(gradients);
          gradients.zero_();
        }
      }
      var moment = learner.tensors().get("optimizer").get("first_moment");
      var used = moment.div(new Scalar(1 - config.training().beta1()));
      assertThat(difference(used, sum.div(new Scalar(4)))).isLessThan(1e-5);
      assertThat(result.loss()).isCloseTo(loss, within(1e-6));
    }
  }

  /** What a step that was given up has left in the gradients does not come into the next. */
  @Test
  void gradientsBeginAtZero() {
    var config = config();
    try (var scope = new PointerScope()) {
      var right = gradients(config);
      try (var learner = Learner.begin(config, Compute.PLAIN);
          var batches = batches(config)) {
        torch.manual_seed(7);
        UNetTest.startAwayFromZero(learner.model().network().parameters());
        learner.model().network().parameters().gradients().fill_(new Scalar(Double.NaN));
        learner.step(1, batches);
        var moment = learner.tensors().get("optimizer").get("first_moment");
        assertThat(difference(moment, right)).isZero();
      }
    }
  }

  /** Several threads change nothing but rounding, not even what dropout leaves out. */
  @ParameterizedTest
  @ValueSource(strings = {"network.dropout=0", "network.dropout=0.3"})
  void gradientsAreTheSameOnSeveralThreads(String dropout) {
    var size = new String[] {"training.batch_size=32", "training.accumulation=2"};
    var config = config(dropout, size[0], size[1]);
    try (var scope = new PointerScope()) {
      var alone = gradients(config);
      if (!dropout.endsWith("=0")) { // what is left out matters
        assertThat(difference(gradients(config(size)), alone)).isGreaterThan(0.01);
      }
      Engine.threads(3);
      try {
        assertThat(difference(gradients(config), alone)).isLessThan(1e-4);
      } finally {
        Engine.threads(1);
      }
    }
  }

  /** Those of the first step, up to a factor. */
  private static Tensor gradients(RunConfig config) {
    try (var learner = Learner.begin(config, Compute.PLAIN);
        var batches = batches(config)) {
      torch.manual_seed(7);
      UNetTest.startAwayFromZero(learner.model().network().parameters());
      learner.step(1, batches);
      return learner.tensors().get("optimizer").get("first_moment").clone();
    }
  }

  /** Some labels become "any class", at the rate that is set; the others stay. */
  @ParameterizedTest
  @ValueSource(doubles = {0, 0.1, 0.7})
  void labelsAreDroppedAtTheRate(double rate) {
    var example =
        new RunConfig.ExampleConfig(List.of(1, 8, 8), 2, List.of("a", "b", "c"), List.of(), null);
    var config =
        ConfigReader.preset(
                "icons",
                Map.of(
                    "network.width", "8",
                    "network.multipliers", "[1]",
                    "network.attention", "[]",
                    "diffusion.conditional", "true",
                    "diffusion.label_dropout", Double.toString(rate)))
            .withExample(example);
    try (var model = (ImageModel) Model.create(config, Compute.PLAIN);
        var scope = new PointerScope()) {
      torch.manual_seed(3);
      var labels = new long[4000];
      Arrays.setAll(labels, i -> i % 3);
      var dropped = new long[labels.length];
      model
          .labels(new Batches.Batch(new int[0], labels, new byte[0]))
          .<LongBuffer>createBuffer()
          .get(dropped);
      var count = 0;
      for (var i = 0; i < labels.length; i++) {
        assertThat(dropped[i]).isIn(labels[i], (long) ImageModel.ANY_CLASS);
        count += dropped[i] < 0 ? 1 : 0;
      }
      if (rate == 0) {
        assertThatThrownBy(() -> model.sample(SamplerConfig.DEFAULT, 0, 0, 1, -1, s -> true))
            .isInstanceOf(ConfigurationException.class)
            .hasMessageContaining("diffusion.label_dropout 0", "name one with --class");
        var guided = SamplerConfig.DEFAULT.withGuidance(1);
        assertThatThrownBy(() -> model.sample(guided, 0, 0, 1, 2, s -> true))
            .isInstanceOf(ConfigurationException.class)
            .hasMessageContaining("guidance goes away from");
      }
      var deviation = Math.sqrt(rate * (1 - rate) / labels.length);
      assertThat((double) count / labels.length).isCloseTo(rate, within(4 * deviation + 1e-12));
    }
  }
}

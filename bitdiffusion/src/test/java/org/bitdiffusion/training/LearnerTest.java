package org.bitdiffusion.training;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.within;
import static org.bytedeco.pytorch.global.torch.cat;

import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.concurrent.BrokenBarrierException;
import java.util.concurrent.CyclicBarrier;
import java.util.concurrent.Executors;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.TimeoutException;
import org.bitdiffusion.config.RunConfig;
import org.bitdiffusion.data.DataSpec;
import org.bitdiffusion.modality.caption.Pairs;
import org.bitdiffusion.modality.image.ImageSource;
import org.bitdiffusion.modality.image.ImageSources;
import org.bitdiffusion.model.Model;
import org.bitdiffusion.nn.unet.UNetTest;
import org.bitdiffusion.run.Configs;
import org.bitdiffusion.runtime.Compute;
import org.bitdiffusion.runtime.Engine;
import org.bitdiffusion.runtime.Group;
import org.bitdiffusion.runtime.OneThread;
import org.bitdiffusion.runtime.Scope;
import org.bytedeco.javacpp.PointerScope;
import org.bytedeco.pytorch.NoGradGuard;
import org.bytedeco.pytorch.Scalar;
import org.bytedeco.pytorch.Tensor;
import org.bytedeco.pytorch.TensorVector;
import org.bytedeco.pytorch.global.torch;
import org.junit.jupiter.api.AfterAll;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.extension.ExtendWith;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

/** The step's parts, each against what it is by definition. */
@ExtendWith(OneThread.class)
class LearnerTest {
  private static ImageSource icons;

  @BeforeAll
  static void open() {
    icons = ImageSources.open(DataSpec.parse("icons,size=8"));
  }

  @AfterAll
  static void close() {
    icons.close();
  }

  private static RunConfig config(String... changes) {
    var settings =
        Map.of(
            "training.batch_size", "8",
            "training.warmup_steps", "0",
            "training.learning_rate", "0.01");
    return Configs.smallUNet(settings, changes).forData(icons);
  }

  private static Batches batches(RunConfig config) {
    var training = config.training();
    return new Batches(icons, training.partSize(), 5, 0);
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
    try (var learner = Learner.begin(config, Compute.PLAIN, Optional.empty());
        var batches = batches(config);
        var scope = new PointerScope()) {
      var expected = together(learner.tensors().get("model")).clone();
      for (var step = 1; step <= 4; step++) {
        learner.step(step, batches, Group.ALONE);
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
    try (var learner = Learner.begin(config, Compute.PLAIN, Optional.empty());
        var batches = batches(config);
        var scope = new PointerScope()) {
      var result = learner.step(1, batches, Group.ALONE);
      assertThat(result.gradientNorm()).isBetween(0.002, 1e3);
      var moment = learner.tensors().get("optimizer").get("first_moment");
      var used = moment.norm().item_double() / (1 - config.training().beta1());
      var expected = clip == 0.001 ? clip : result.gradientNorm();
      assertThat(used).isCloseTo(expected, within(1e-4 * expected));
    }
  }

  /** The gradient of a step is the mean of its parts' gradients. */
  @Test
  void partsAreAveraged() {
    var config = config("training.parts=4", "training.gradient_clip=0");
    try (var learner = Learner.begin(config, Compute.PLAIN, Optional.empty());
        var model = Model.create(config, Compute.PLAIN);
        var batches = batches(config);
        var same = batches(config);
        var scope = new PointerScope()) {
      var result = learner.step(1, batches, Group.ALONE);

      var gradients = model.network().parameters().gradients();
      var sum = gradients.clone();
      var loss = 0.0;
      for (var part = 0; part < 4; part++) {
        try (var noise = model.noise(1, part)) {
          loss += model.backward(same.next(), 1, noise) / 4;
        }
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

  /** Captions are of different lengths: each token weighs the same, whatever part it is in. */
  @Test
  void tokensOfAllPartsWeighTheSame() {
    try (var data = Pairs.data(1);
        var scope = new PointerScope()) {
      var moments = new ArrayList<Tensor>();
      var losses = new ArrayList<Double>();
      for (var parts : new int[] {1, 4}) {
        var config =
            Pairs.config(
                    "autoregressive",
                    "training.gradient_clip=0",
                    "training.batch_size=20",
                    "training.parts=" + parts)
                .forData(data);
        try (var learner = Learner.begin(config, Compute.PLAIN, Optional.empty());
            var batches = new Batches(data, 20 / parts, 5, 0)) {
          losses.add(learner.step(1, batches, Group.ALONE).loss());
          moments.add(learner.tensors().get("optimizer").get("first_moment").clone());
        }
      }
      assertThat(difference(moments.get(1), moments.get(0))).isLessThan(1e-5);
      assertThat(losses.get(1)).isCloseTo(losses.get(0), within(1e-6));
    }
  }

  /** What a step that was given up has left in the gradients does not come into the next. */
  @Test
  void gradientsBeginAtZero() {
    var config = config();
    try (var scope = new PointerScope()) {
      var right = gradients(config);
      try (var learner = Learner.begin(config, Compute.PLAIN, Optional.empty());
          var batches = batches(config)) {
        torch.manual_seed(7);
        UNetTest.startAwayFromZero(learner.model().network().parameters());
        learner.model().network().parameters().gradients().fill_(new Scalar(Double.NaN));
        learner.step(1, batches, Group.ALONE);
        var moment = learner.tensors().get("optimizer").get("first_moment");
        assertThat(difference(moment, right)).isZero();
      }
    }
  }

  /** Several threads change nothing but rounding, not even what dropout leaves out. */
  @ParameterizedTest
  @ValueSource(strings = {"network.dropout=0", "network.dropout=0.3"})
  void gradientsAreTheSameOnSeveralThreads(String dropout) {
    var size = new String[] {"training.batch_size=32", "training.parts=2"};
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
    try (var learner = Learner.begin(config, Compute.PLAIN, Optional.empty());
        var batches = batches(config)) {
      torch.manual_seed(7);
      UNetTest.startAwayFromZero(learner.model().network().parameters());
      learner.step(1, batches, Group.ALONE);
      return learner.tensors().get("optimizer").get("first_moment").clone();
    }
  }

  /** Two members that meet in memory, and wait for each other. */
  private record Member(int rank, Tensor[] theirs, CyclicBarrier all) implements Group {
    @Override
    public int size() {
      return theirs.length;
    }

    @Override
    public void sum(Tensor tensor) {
      try (var scope = new PointerScope()) {
        theirs[rank] = tensor;
        meet();
        var sum = theirs[0].add(theirs[1]);
        meet();
        tensor.copy_(sum);
      }
    }

    @Override
    public boolean any(boolean mine) {
      throw new AssertionError("a step does not ask");
    }

    private void meet() {
      try {
        all.await(20, TimeUnit.SECONDS);
      } catch (InterruptedException | BrokenBarrierException | TimeoutException e) {
        throw new IllegalStateException(e);
      }
    }
  }

  /** Of 4 parts each of two members computes two; loss, gradient and weights are those of one. */
  @Test
  void theMembersOfAGroupLearnWhatOneAloneLearns() throws Exception {
    var config = config("training.parts=4", "diffusion.self_conditioning=coin");
    var all = new CyclicBarrier(2);
    var theirs = new Tensor[2];
    try (var alone = learn(config, Group.ALONE)) {
      var members = Executors.newFixedThreadPool(2);
      try {
        var first = members.submit(() -> learn(config, new Member(0, theirs, all)));
        var second = members.submit(() -> learn(config, new Member(1, theirs, all)));
        try (var one = first.get();
            var other = second.get()) {
          for (var member : List.of(one, other)) {
            assertThat(difference(member.weights(), alone.weights())).isLessThan(1e-5);
            for (var i = 0; i < 2; i++) {
              var expected = alone.results().get(i);
              var actual = member.results().get(i);
              assertThat(actual.loss()).isCloseTo(expected.loss(), within(1e-6));
              assertThat(actual.gradientNorm())
                  .isCloseTo(expected.gradientNorm(), within(1e-4 * expected.gradientNorm()));
            }
          }
          assertThat(one.weights().equal(other.weights())).isTrue();
        }
      } finally {
        members.shutdownNow();
      }
    }
  }

  /** What two steps lead to. */
  private record Learned(List<Learner.StepResult> results, Tensor weights)
      implements AutoCloseable {
    @Override
    public void close() {
      weights.close();
    }
  }

  private static Learned learn(RunConfig config, Group group) {
    var training = config.training();
    try (var learner = Learner.begin(config, Compute.PLAIN, Optional.empty());
        var batches = new Batches(icons, training.partSize(), 5, 0, group)) {
      var results = List.of(learner.step(1, batches, group), learner.step(2, batches, group));
      var weights = Scope.owned(() -> together(learner.tensors().get("model")));
      return new Learned(results, weights);
    }
  }
}

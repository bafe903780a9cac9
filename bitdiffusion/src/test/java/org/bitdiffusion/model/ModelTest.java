package org.bitdiffusion.model;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;
import static org.assertj.core.api.Assertions.within;
import static org.bytedeco.pytorch.global.torch.zeros_like;

import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.Map;
import org.bitdiffusion.ConfigurationException;
import org.bitdiffusion.config.RunConfig;
import org.bitdiffusion.data.Batch;
import org.bitdiffusion.data.Condition;
import org.bitdiffusion.data.DataSource;
import org.bitdiffusion.data.Given;
import org.bitdiffusion.data.Schema;
import org.bitdiffusion.data.Space;
import org.bitdiffusion.nn.DenoisingNetwork;
import org.bitdiffusion.nn.Parameters;
import org.bitdiffusion.nn.unet.UNetTest;
import org.bitdiffusion.run.Configs;
import org.bitdiffusion.run.Run;
import org.bitdiffusion.runtime.Compute;
import org.bitdiffusion.runtime.OneThread;
import org.bitdiffusion.runtime.Tensors;
import org.bitdiffusion.sampling.Sampler;
import org.bitdiffusion.sampling.SamplerConfig;
import org.bytedeco.javacpp.PointerScope;
import org.bytedeco.pytorch.Tensor;
import org.bytedeco.pytorch.global.torch;
import org.junit.jupiter.api.AfterAll;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.extension.ExtendWith;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

@ExtendWith(OneThread.class)
class ModelTest {
  private static DataSource icons;

  @BeforeAll
  static void open() {
    icons = Run.data(config());
  }

  @AfterAll
  static void close() {
    icons.close();
  }

  private static RunConfig config(String... changes) {
    var settings = Map.of("data", "icons,size=8,levels=4", "diffusion.self_conditioning", "coin");
    return Configs.smallUNet(settings, changes);
  }

  private static Model create(RunConfig config) {
    var model = Model.create(config, Compute.PLAIN);
    torch.manual_seed(7);
    UNetTest.startAwayFromZero(model.network().parameters()); // or dropout would change nothing
    return model;
  }

  /** What a part of a step comes to. */
  @SuppressWarnings("ArrayRecordComponent") // for reading, not for comparing
  private record Part(double loss, float[] gradient) {}

  private static Part part(Model model, long step, int part) {
    try (var scope = new PointerScope();
        var noise = model.noise(step, part)) {
      var gradients = model.network().parameters().gradients();
      gradients.zero_();
      var examples = new int[] {4 * part, 4 * part + 1, 4 * part + 2, 4 * part + 3};
      var loss = model.backward(Batch.of(icons, examples), 1, noise);
      return new Part(loss, Tensors.floats(gradients));
    }
  }

  /** In order, in reverse, alone, and whatever else draws from the engine's own generator. */
  @ParameterizedTest
  @ValueSource(strings = {"0", "0.3"})
  void aPartIsTheSameWhateverIsComputedBesideIt(String dropout) {
    var config = config("network.dropout=" + dropout).forData(icons);
    var inOrder = new ArrayList<Part>();
    try (var model = create(config)) {
      for (var i = 0; i < 4; i++) {
        inOrder.add(part(model, 5, i));
      }
    }
    try (var model = create(config)) {
      for (var i = 3; i >= 0; i--) {
        var actual = part(model, 5, i);
        assertThat(actual.loss()).as("part %d", i).isEqualTo(inOrder.get(i).loss());
        assertThat(actual.gradient()).as("part %d", i).isEqualTo(inOrder.get(i).gradient());
      }
    }
    try (var model = create(config)) {
      torch.manual_seed(99);
      var alone = part(model, 5, 2);
      assertThat(alone.loss()).isEqualTo(inOrder.get(2).loss());
      assertThat(alone.gradient()).isEqualTo(inOrder.get(2).gradient());
    }
  }

  /** Also what dropout leaves out: without it, the loss is another in each case. */
  @Test
  void partsAndStepsHaveNoiseOfTheirOwn() {
    var losses = new ArrayList<Double>();
    for (var dropout : List.of("0", "0.3")) {
      var config = config("network.dropout=" + dropout).forData(icons);
      var batch = Batch.of(icons, 0, 1, 2, 3);
      try (var model = create(config)) {
        for (var step = 1; step <= 2; step++) {
          for (var part = 0; part < 2; part++) {
            try (var noise = model.noise(step, part)) {
              losses.add(model.backward(batch, 1, noise));
            }
          }
        }
      }
    }
    assertThat(losses).hasSize(8).doesNotHaveDuplicates();
  }

  @Test
  void aNetworkThatGivesAnotherShapeIsNamed() {
    var config = config().forData(icons);
    var narrow =
        new Listening(new ArrayList<>()) {
          @Override
          public Tensor encode(Tensor condition) {
            return condition;
          }

          @Override
          public Tensor forward(Tensor xt, Tensor estimate, Tensor gamma, Tensor condition) {
            return zeros_like(xt).narrow(1, 0, 1); // would be broadcast in the loss
          }
        };
    try (var model = new DiffusionModel(config, config.newDiffusion(), narrow, Compute.PLAIN)) {
      var batch = new Batch(new int[2 * 64], Given.NONE);
      assertThatThrownBy(
              () -> {
                try (var noise = model.noise(1, 0)) {
                  model.loss(batch, noise);
                }
              })
          .isInstanceOf(ConfigurationException.class)
          .hasMessage(
              "network.kind unet gives float32 of [2, 1, 8, 8], but is asked for float32 of"
                  + " [2, 2, 8, 8]");
    }
  }

  /** Notes what it is told, and sees nothing. */
  private static class Listening implements DenoisingNetwork {
    private final List<long[]> told;

    Listening(List<long[]> told) {
      this.told = told;
    }

    @Override
    public Tensor encode(Tensor condition) {
      told.add(Arrays.stream(Tensors.ints(condition)).asLongStream().toArray());
      return condition;
    }

    @Override
    public Tensor forward(Tensor xt, Tensor estimate, Tensor gamma, Tensor condition) {
      return zeros_like(xt);
    }

    @Override
    public Parameters parameters() {
      throw new AssertionError("it has none");
    }

    @Override
    public void close() {}
  }

  /** Some labels become "any class", at the rate that is set; the others stay. */
  @ParameterizedTest
  @ValueSource(doubles = {0, 0.1, 0.7})
  void labelsAreDroppedAtTheRate(double rate) {
    var schema =
        new Schema(
            Space.of(List.of(1, 1, 1), 2),
            new Condition.Labels(List.of("a", "b", "c")),
            Schema.NO_END,
            Map.of());
    var config =
        config("diffusion.conditional=true", "diffusion.label_dropout=" + rate).withSchema(schema);
    var network = new Listening(new ArrayList<>());
    try (var model = new DiffusionModel(config, config.newDiffusion(), network, Compute.PLAIN);
        var noise = model.noise(3, 0)) {
      var labels = new long[4000];
      Arrays.setAll(labels, i -> i % 3);
      model.loss(new Batch(new int[labels.length], Given.labels(labels)), noise);
      var dropped = network.told.get(0);
      var count = 0;
      for (var i = 0; i < labels.length; i++) {
        assertThat(dropped[i]).isIn(labels[i], (long) Given.ANY_CLASS);
        count += dropped[i] < 0 ? 1 : 0;
      }
      var deviation = Math.sqrt(rate * (1 - rate) / labels.length);
      assertThat((double) count / labels.length).isCloseTo(rate, within(4 * deviation + 1e-12));
      if (rate == 0) {
        assertThatThrownBy(() -> sample(model, SamplerConfig.DEFAULT, Given.ANY_CLASS))
            .isInstanceOf(ConfigurationException.class)
            .hasMessageContaining("diffusion.label_dropout 0")
            .hasMessageContaining("which is asked for; name a class");
        assertThatThrownBy(() -> sample(model, SamplerConfig.DEFAULT.withGuidance(1), 2))
            .isInstanceOf(ConfigurationException.class)
            .hasMessageContaining("guidance goes away from");
      }
    }
  }

  private static void sample(Model model, SamplerConfig sampling, long label) {
    var request = SampleRequest.of(sampling, 0, 1, Given.label(label, 1));
    model.sample(request, Sampler.Listener.NONE);
  }

  /** Any number of samples, no more at a time than a batch: each is the one of its index. */
  @Test
  void samplesAreDrawnInBatches() {
    var config = config().forData(icons);
    try (var model = create(config)) {
      var request = SampleRequest.of(SamplerConfig.DEFAULT.withSteps(2), 3, 5, Given.NONE);
      var sizes = new ArrayList<Integer>();
      model.sampleAll(request, 2, Sampler.Listener.NONE, some -> sizes.add(some.count()));
      assertThat(sizes).containsExactly(2, 2, 1);
      var whole = model.sample(request, Sampler.Listener.NONE);
      assertThat(whole.symbols()).hasSize(5 * 64);
      assertThat(model.sampleAll(request, 2).symbols()).isEqualTo(whole.symbols());
    }
  }
}

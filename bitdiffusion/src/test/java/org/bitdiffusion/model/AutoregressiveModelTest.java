package org.bitdiffusion.model;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.within;

import java.util.Optional;
import org.bitdiffusion.config.RunConfig;
import org.bitdiffusion.data.Batch;
import org.bitdiffusion.modality.caption.Pairs;
import org.bitdiffusion.nn.NextSymbolNetwork;
import org.bitdiffusion.nn.Parameters;
import org.bitdiffusion.runtime.Compute;
import org.bitdiffusion.runtime.Engine;
import org.bitdiffusion.runtime.OneThread;
import org.bitdiffusion.sampling.BeamSearch;
import org.bitdiffusion.sampling.Sampler;
import org.bitdiffusion.sampling.SamplerConfig;
import org.bytedeco.pytorch.Tensor;
import org.bytedeco.pytorch.global.torch;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.extension.ExtendWith;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

@ExtendWith(OneThread.class)
class AutoregressiveModelTest {
  @BeforeAll
  static void loadEngine() {
    Engine.load();
  }

  private static RunConfig config() {
    try (var data = Pairs.data(1)) {
      return Pairs.config("autoregressive").forData(data);
    }
  }

  /** Gives each symbol the same logits at every place, and the end its weight. */
  private record Constant(double[] logits, double endWeight) implements NextSymbolNetwork {
    @Override
    public Tensor logits(Tensor symbols, Tensor condition) {
      return Tensor.create(logits, 1, 1, logits.length)
          .to(torch.ScalarType.Float)
          .expand(symbols.size(0), symbols.size(1), logits.length);
    }

    @Override
    public Growing begin(Tensor condition) {
      throw new UnsupportedOperationException("the loss asks for no such thing");
    }

    @Override
    public Parameters parameters() {
      throw new UnsupportedOperationException("the loss asks for no such thing");
    }

    @Override
    public void close() {}
  }

  /** The mean of -log p over all symbols up to the end, in which an end counts as w of them. */
  @ParameterizedTest
  @ValueSource(doubles = {1, 0.1, 3})
  void anEndCountsWithItsWeight(double w) {
    var config = config();
    var end = config.schema().end();
    var logits = new double[config.schema().space().mostCategories()];
    for (var k = 0; k < logits.length; k++) {
      logits[k] = 0.3 * k - (k == end ? 2 : 0);
    }
    var sum = 0.0;
    for (var logit : logits) {
      sum += Math.exp(logit);
    }
    // Two symbols and an end, an end alone, and seven symbols without room for one.
    var row = new int[] {3, 4, end, 0, 0, 0, 0, end, 0, 0, 0, 0, 0, 0, 5, 5, 5, 5, 5, 5, 5};
    var learned = new int[] {3, 4, end, end, 5, 5, 5, 5, 5, 5, 5};
    var loss = 0.0;
    var weights = 0.0;
    for (var symbol : learned) {
      var weight = symbol == end ? w : 1;
      loss += weight * (Math.log(sum) - logits[symbol]);
      weights += weight;
    }
    var batch = new Batch(row, Pairs.images().part(0, 3, Pairs.COUNT));
    try (var model = new AutoregressiveModel(config, new Constant(logits, w), Compute.PLAIN);
        var noise = model.noise(1, 0)) {
      assertThat(model.loss(batch, noise)).isCloseTo(loss / weights, within(1e-5));
      assertThat(model.weight(batch)).isCloseTo(weights, within(1e-12));
      assertThat(weights).isCloseTo(9 + 2 * w, within(1e-12));
    }
  }

  private static SampleRequest drawn(double temperature, int topK, long seed) {
    var how =
        new SamplerConfig(1, "ddim", 0, 0, "none", 0, 0, "", 0, 0, 1, 1, temperature, topK, 1);
    return new SampleRequest(how, seed, 0, Pairs.COUNT, Pairs.images(), Optional.empty());
  }

  @Test
  void sequencesAreDrawnOfTheSeedAndTheirIndexAlone() {
    try (var model = (AutoregressiveModel) Model.create(config(), Compute.PLAIN)) {
      var some = model.sample(drawn(1, 0, 1), Sampler.Listener.NONE).symbols();
      assertThat(model.sample(drawn(1, 0, 2), Sampler.Listener.NONE).symbols()).isNotEqualTo(some);
      assertThat(model.sampleAll(drawn(1, 0, 1), 3).symbols()).isEqualTo(some);
      var end = config().schema().end();
      for (var i = 0; i < some.length; i++) {
        var afterEnd = i % 7 > 0 && some[i - 1] == end;
        assertThat(!afterEnd || some[i] == end).as("the end stays, at %d", i).isTrue();
      }
    }
  }

  @Test
  void ofOneLikeliestTheDrawnSequenceIsTheGreedyOne() {
    try (var model = (AutoregressiveModel) Model.create(config(), Compute.PLAIN)) {
      var greedy = model.search(new BeamSearch(1, 0), Pairs.images(), Pairs.COUNT).symbols();
      assertThat(model.sample(drawn(1, 1, 1), Sampler.Listener.NONE).symbols()).isEqualTo(greedy);
      assertThat(model.sample(drawn(0, 0, 1), Sampler.Listener.NONE).symbols()).isEqualTo(greedy);
    }
  }
}

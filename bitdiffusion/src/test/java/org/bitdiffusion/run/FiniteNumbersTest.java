package org.bitdiffusion.run;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Map;
import java.util.function.Consumer;
import org.bitdiffusion.DataException;
import org.bitdiffusion.config.RunConfig;
import org.bitdiffusion.data.DataSource;
import org.bitdiffusion.data.Given;
import org.bitdiffusion.modality.caption.Pairs;
import org.bitdiffusion.modality.image.ClassifierFeatures;
import org.bitdiffusion.modality.image.SmallClassifier;
import org.bitdiffusion.model.AutoregressiveModel;
import org.bitdiffusion.model.Model;
import org.bitdiffusion.model.SampleRequest;
import org.bitdiffusion.nn.Parameters;
import org.bitdiffusion.runtime.Compute;
import org.bitdiffusion.runtime.OneThread;
import org.bitdiffusion.runtime.Safetensors;
import org.bitdiffusion.sampling.BeamSearch;
import org.bitdiffusion.sampling.Sampler;
import org.bitdiffusion.sampling.SamplerConfig;
import org.bitdiffusion.training.Trainer;
import org.bytedeco.pytorch.NoGradGuard;
import org.bytedeco.pytorch.Scalar;
import org.junit.jupiter.api.AfterAll;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.extension.ExtendWith;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

/** One weight that is NaN, infinite or far too large is named, and not shown as black images. */
@ExtendWith(OneThread.class)
class FiniteNumbersTest {
  private static DataSource icons;

  @TempDir private Path folder;

  @BeforeAll
  static void open() {
    icons = Run.data(config());
  }

  @AfterAll
  static void close() {
    icons.close();
  }

  private static RunConfig config() {
    return Configs.smallUNet(
        Map.of(
            "data", "icons,size=8,levels=4,subset=16",
            "training.batch_size", "4",
            "training.steps", "1"));
  }

  private static void spoil(Parameters parameters, String name, double value) {
    try (var noGrad = new NoGradGuard()) {
      parameters.byName().get(name).flatten().select(0, 0).fill_(new Scalar(value));
    }
  }

  private static void sample(Model model) {
    var request = SampleRequest.of(SamplerConfig.DEFAULT.withSteps(3), 0, 2, Given.NONE);
    model.sample(request, Sampler.Listener.NONE);
  }

  @ParameterizedTest
  @ValueSource(doubles = {Double.NaN, Double.POSITIVE_INFINITY, 1e20})
  void aSamplingNamesItsStep(double value) {
    try (var model = Model.create(config().forData(icons), Compute.PLAIN)) {
      sample(model);
      spoil(model.network().parameters(), "output.weight", value);
      assertThatThrownBy(() -> sample(model))
          .isInstanceOf(DataException.class)
          .hasMessageStartingWith(
              "the network's output is no finite number at step 1 of 3 of sampling");
    }
  }

  /** It would be clipped to a bit like any other. */
  @Test
  void anInfiniteOutputIsNoBit() {
    try (var model = Model.create(config().forData(icons), Compute.PLAIN)) {
      spoil(model.network().parameters(), "output.bias", Double.POSITIVE_INFINITY);
      assertThatThrownBy(() -> sample(model)).isInstanceOf(DataException.class);
    }
  }

  private void spoil(Path run, String file, String tensor, double value) throws Exception {
    var path = run.resolve("checkpoints/step-00000001").resolve(file);
    try (var model = Model.create(config().forData(icons), Compute.PLAIN)) {
      var weights = model.network().parameters();
      spoil(weights, tensor, value);
      Files.delete(path);
      Safetensors.write(path, weights.byName());
    }
    // As of a version that knew no checksums.
    var state = path.resolveSibling("state.json");
    Files.writeString(
        state, Files.readString(state).replaceAll("(?s),\\s*\"checksums\" : \\{.*?\\}", ""));
  }

  @ParameterizedTest
  @ValueSource(doubles = {Double.NaN, Double.NEGATIVE_INFINITY, 1e20}) // which a norm would hide
  void aCheckpointNamesItsTensor(double value) throws Exception {
    var path = folder.resolve("run");
    try (var trainer = Run.start(config(), icons, path, new Trainer.Listener() {})) {
      trainer.run();
    }
    var run = Run.open(path);
    spoil(path, "ema.safetensors", "input.bias", value);
    assertThatThrownBy(() -> run.model("float32"))
        .isInstanceOf(DataException.class)
        .hasMessageContaining(
            "ema.safetensors: tensor 'input.bias' holds a value that is no finite");
    spoil(path, "ema.safetensors", "input.bias", 0);
    run.model("float32").close();
    spoil(path, "model.safetensors", "output.bias", value);
    var more = run.config(Map.of("training.steps", "2"));
    assertThatThrownBy(() -> run.resume(more, icons, new Trainer.Listener() {}))
        .isInstanceOf(DataException.class)
        .hasMessageContaining("model.safetensors: tensor 'output.bias'");
  }

  @ParameterizedTest
  @ValueSource(doubles = {Double.NaN, 1e30})
  void captionsAreNotSearchedInNoNumbers(double value) {
    try (var data = Pairs.data(1);
        var model =
            (AutoregressiveModel)
                Model.create(Pairs.config("autoregressive").forData(data), Compute.PLAIN)) {
      Consumer<AutoregressiveModel> search =
          m -> m.search(new BeamSearch(2, 0), Pairs.images(), Pairs.COUNT);
      search.accept(model);
      spoil(model.network().parameters(), "output.weight", value);
      assertThatThrownBy(() -> search.accept(model))
          .isInstanceOf(DataException.class)
          .hasMessageContaining("logits of the next symbol are no finite numbers");
    }
  }

  @Test
  void featuresAreNumbers() {
    var file = folder.resolve("classifier");
    // Each is read as a weight, but the square of their product is no number.
    save(file, Map.of("layers.5.norm.bias", 9e17, "classes.weight", 9e17));
    try (var features = ClassifierFeatures.load(file, "float32")) {
      assertThatThrownBy(() -> features.of(new byte[3 * 64], 8, 8))
          .isInstanceOf(DataException.class)
          .hasMessageContaining("small classifier classifier, not FID gives features that are no");
    }
    save(file, Map.of("layers.2.weight", Double.NaN));
    assertThatThrownBy(() -> ClassifierFeatures.load(file, "float32"))
        .isInstanceOf(DataException.class)
        .hasMessageContaining("tensor 'layers.2.weight'");
    save(file, Map.of("layers.2.weight", 0.1));
    try (var features = ClassifierFeatures.load(file, "float32")) {
      assertThat(features.of(new byte[3 * 64], 8, 8).features()).hasSize(SmallClassifier.FEATURES);
    }
  }

  private static void save(Path file, Map<String, Double> spoilt) {
    try (var network = new SmallClassifier(3, Compute.PLAIN, 0)) {
      spoilt.forEach((name, value) -> spoil(network.parameters(), name, value));
      ClassifierFeatures.save(file, network, new Pairs(1));
    }
  }
}

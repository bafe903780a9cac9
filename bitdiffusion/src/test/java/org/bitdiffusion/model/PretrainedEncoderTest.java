package org.bitdiffusion.model;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;
import static org.assertj.core.api.Assertions.within;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.Comparator;
import java.util.Map;
import java.util.function.BooleanSupplier;
import java.util.stream.Stream;
import org.bitdiffusion.DataException;
import org.bitdiffusion.data.Given;
import org.bitdiffusion.modality.caption.Pairs;
import org.bitdiffusion.run.Run;
import org.bitdiffusion.runtime.Compute;
import org.bitdiffusion.runtime.OneThread;
import org.bitdiffusion.runtime.Safetensors;
import org.bitdiffusion.runtime.Tensors;
import org.bitdiffusion.training.Trainer;
import org.bytedeco.javacpp.PointerScope;
import org.bytedeco.pytorch.NoGradGuard;
import org.bytedeco.pytorch.Tensor;
import org.bytedeco.pytorch.global.torch;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.extension.ExtendWith;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

/** Models that begin with the image encoder of another one. */
@ExtendWith(OneThread.class)
class PretrainedEncoderTest {
  private static final String ENCODER = "encoder.";

  @TempDir private Path folder;

  private static Map<String, Tensor> weights(Model model) {
    return model.network().parameters().byName();
  }

  private Run train(String name, String decoder, String... changes) {
    return Pairs.train(Pairs.config(decoder, changes), 1, folder.resolve(name));
  }

  @Test
  void aPretrainedEncoderStaysFrozenWhileTheDecoderLearns() {
    var briefly = "training.steps=2";
    var first = train("first", "autoregressive", briefly);
    var file = first.path().resolve("checkpoints/step-00000002/ema.safetensors");
    var pretrained = "network.encoder.weights=" + file;
    var frozen = train("frozen", "bits", briefly, pretrained, "network.encoder.frozen=true");
    var resumed = frozen.config(Map.of("training.steps", "3"));
    try (var data = Pairs.data(frozen, 1, 7);
        var trainer = frozen.resume(resumed, data, new Trainer.Listener() {})) {
      trainer.run();
    }
    try (var before = first.model("float32");
        var after = frozen.model("float32");
        var initial = Model.create(resumed, Compute.PLAIN)) {
      assertSameEncoder(before, after);
      weights(initial)
          .forEach(
              (name, weight) -> {
                var isFrozen = name.startsWith(ENCODER);
                var moved = !weights(after).get(name).equal(weight);
                assertThat(moved || isFrozen).as(name + " is trained").isTrue();
              });
    }
  }

  @Test
  void aRunWithoutACheckpointBeginsAgainWithItsPretrainedEncoder() throws IOException {
    var first = train("first", "autoregressive", "training.steps=1");
    var file = first.path().resolve("checkpoints/step-00000001/ema.safetensors");
    var pretrained = "network.encoder.weights=" + file;
    var run = train("run", "bits", "training.steps=1", pretrained, "network.encoder.frozen=true");
    try (var files = Files.walk(run.path().resolve("checkpoints/step-00000001"))) {
      for (var one : files.sorted(Comparator.reverseOrder()).toList()) {
        Files.delete(one);
      }
    }
    try (var data = Pairs.data(run, 1, 7);
        var trainer = run.resume(run.config(), data, new Trainer.Listener() {})) {
      trainer.run();
    }
    try (var before = first.model("float32");
        var after = run.model("float32")) {
      assertSameEncoder(before, after);
    }
  }

  private static void assertSameEncoder(Model before, Model after) {
    var names = weights(before).keySet().stream().filter(name -> name.startsWith(ENCODER)).toList();
    assertThat(names).hasSize(4 + 12 + 2).contains("encoder.blocks.0.attn.qkv.weight");
    for (var name : names) {
      assertThat(weights(after).get(name).equal(weights(before).get(name))).as(name).isTrue();
    }
  }

  @Test
  void weightsOfAnotherEncoderAreNamed() throws IOException {
    var file = folder.resolve("published.safetensors");
    try (var scope = new PointerScope()) {
      Safetensors.write(file, Map.of("conv1.weight", torch.zeros(64, 3, 7, 7)));
    }
    var pretrained = "network.encoder.weights=" + file;
    assertThatThrownBy(() -> train("bits", "bits", pretrained))
        .isInstanceOf(DataException.class)
        .hasMessage(
            file
                + " has a tensor 'conv1.weight', which the network lacks (the settings"
                + " network.encoder make a vit)");
    var first = train("first", "autoregressive", "training.steps=1").path();
    var ema =
        "network.encoder.weights=" + first.resolve("checkpoints/step-00000001/ema.safetensors");
    assertThatThrownBy(() -> train("bits", "bits", ema, "network.encoder.patch=2"))
        .isInstanceOf(DataException.class)
        .hasMessageContaining("tensor 'encoder.pos_embed' is F32 [1, 5, 32], but the network has")
        .hasMessageContaining("[1, 17, 32]");
    assertThatThrownBy(() -> train("bits", "bits", "network.encoder.weights=missing.st"))
        .hasMessageContaining("missing.st does not exist");
    assertThat(folder.resolve("bits")).doesNotExist();
  }

  /** What is learned, and the running statistics, are in the checkpoint. */
  @Test
  void aResNetIsTrainedSavedAndLoaded() {
    var config =
        Pairs.config(
            "bits",
            "network.encoder.kind=resnet50",
            "network.encoder.pixels=imagenet",
            "training.batch_size=4",
            "training.steps=2");
    var path = folder.resolve("bits");
    var features = new ArrayList<float[]>();
    var listener =
        new Trainer.Listener() {
          @Override
          public void onCheckpoint(long step, Model model, BooleanSupplier stopped) {
            features.add(features(model, Pairs.images(), Pairs.COUNT));
          }
        };
    try (var data = Pairs.data(1);
        var trainer = Run.start(config, data, path, listener)) {
      trainer.run();
    }
    try (var model = Run.open(path).model("float32")) {
      assertThat(weights(model).get("encoder.layer4.2.bn3.running_mean").abs().max().item_float())
          .isGreaterThan(0);
      var loaded = features(model, Pairs.images(), Pairs.COUNT);
      assertThat(features).hasSize(1);
      assertThat(loaded).containsExactly(features.get(0), within(1e-5f));
      // By the running statistics, so that other images do not matter.
      var alone = features(model, Pairs.images().part(0, 1, Pairs.COUNT), 1);
      assertThat(alone).containsExactly(Arrays.copyOf(loaded, alone.length), within(1e-4f));
    }
  }

  /** A run's ResNet, with what its features pass through; of an earlier run, the ResNet alone. */
  @ParameterizedTest
  @ValueSource(booleans = {true, false})
  void aResNetsPositionsGoWithIt(boolean positions) {
    String[] resNet = {
      "network.encoder.kind=resnet50", "training.batch_size=4", "training.steps=1"
    };
    var first =
        train("first", "autoregressive", and(resNet, "network.encoder.positions=" + positions));
    var file = first.path().resolve("checkpoints/step-00000001/ema.safetensors");
    var config = Pairs.config("bits", resNet);
    var begun = Pairs.config("bits", and(resNet, "network.encoder.weights=" + file));
    try (var data = Pairs.data(1);
        var before = first.model("float32");
        var model = Model.create(begun.forData(data), Compute.PLAIN);
        var without = Model.create(config.forData(data), Compute.PLAIN)) {
      model.network().readPretrained();
      weights(model)
          .forEach(
              (name, weight) -> {
                var taken = name.startsWith(ENCODER) || (positions && name.startsWith("features."));
                var from = weights(taken ? before : without).get(name);
                assertThat(weight.equal(from)).as(name).isTrue();
              });
    }
  }

  private static String[] and(String[] changes, String change) {
    return Stream.concat(Stream.of(changes), Stream.of(change)).toArray(String[]::new);
  }

  /** Runs of before positions say nothing of them: their weights are read as they are. */
  @Test
  void aRunOfBeforePositionsLoads() throws IOException {
    var run =
        train(
            "old",
            "bits",
            "network.encoder.kind=resnet50",
            "network.encoder.positions=false",
            "training.batch_size=4",
            "training.steps=1");
    var file = run.path().resolve("config.yaml");
    var config = Files.readString(file);
    assertThat(config).contains("    positions: false\n");
    Files.writeString(file, config.replace("    positions: false\n", ""));
    try (var model = Run.open(run.path()).model("float32")) {
      assertThat(weights(model).get("memory.weight").size(1)).isEqualTo(2048);
    }
  }

  private static float[] features(Model model, Given images, int count) {
    try (var scope = new PointerScope();
        var noGrad = new NoGradGuard()) {
      return Tensors.floats(model.network().encode(model.condition(images, count)));
    }
  }
}

package org.bitdiffusion.run;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.StandardOpenOption;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.concurrent.CompletableFuture;
import java.util.stream.IntStream;
import org.bitdiffusion.ConfigurationException;
import org.bitdiffusion.DataException;
import org.bitdiffusion.Version;
import org.bitdiffusion.config.RunConfig;
import org.bitdiffusion.data.DataSource;
import org.bitdiffusion.data.Given;
import org.bitdiffusion.data.Schema;
import org.bitdiffusion.modality.KeptSamples;
import org.bitdiffusion.modality.caption.CaptionSettings;
import org.bitdiffusion.modality.caption.Pairs;
import org.bitdiffusion.modality.image.ImageSettings;
import org.bitdiffusion.model.DiffusionModel;
import org.bitdiffusion.model.Model;
import org.bitdiffusion.runtime.Compute;
import org.bitdiffusion.runtime.Engine;
import org.bitdiffusion.runtime.OneThread;
import org.bitdiffusion.sampling.Sampler;
import org.bitdiffusion.storage.RunFolder;
import org.bitdiffusion.storage.Stretch;
import org.bitdiffusion.training.Trainer;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.extension.ExtendWith;
import org.junit.jupiter.api.io.TempDir;

@ExtendWith(OneThread.class)
class RunTest {
  @TempDir private Path folder;
  private Path path;

  @BeforeEach
  void begin() {
    path = folder.resolve("run");
  }

  private static RunConfig config(String... changes) {
    var settings =
        Map.of(
            "data", "icons,size=8,subset=16",
            "training.batch_size", "2",
            "training.steps", "1");
    return Configs.smallUNet(settings, changes);
  }

  private void start(String... changes) {
    var config = config(changes);
    try (var data = Run.data(config);
        var trainer = Run.start(config, data, path, new Trainer.Listener() {})) {
      trainer.run();
    }
  }

  /** Goes on with other settings. */
  private void resume(Map<String, String> changes) {
    var run = Run.open(path);
    var changed = run.config(changes);
    try (var data = Run.data(changed);
        var trainer = run.resume(changed, data, new Trainer.Listener() {})) {
      trainer.run();
    }
  }

  /** Runs of before it could be chosen say nothing of the last convolution: it was 3x3. */
  @Test
  void aRunOfBeforeOutputKernelsLoads() throws IOException {
    start("diffusion.softmax_factorization=true", "network.output_kernel=3");
    var file = path.resolve("config.yaml");
    var config = Files.readString(file);
    assertThat(config).contains("  output_kernel: 3\n");
    Files.writeString(file, config.replace("  output_kernel: 3\n", ""));
    try (var model = Run.open(path).model("float32")) {
      assertThat(model.network().parameters().byName().get("output.weight").size(2)).isEqualTo(3);
    }
  }

  @Test
  void aRunIsTrainedOpenedAndSampled() {
    start("modality.flip=true", "sampling.steps=3");
    var run = Run.open(path);
    assertThat(run.modality().name()).isEqualTo("image");
    assertThat(run.config().modality()).isEqualTo(new ImageSettings(true));
    try (var model = run.model("float32");
        var data = run.data();
        var renderer = run.renderer()) {
      assertThat(model).isInstanceOf(DiffusionModel.class);
      assertThat(data.size()).isEqualTo(16);
      assertThat(data.schema()).isEqualTo(run.config().schema());
      assertThat(run.request(3).given()).isSameAs(Given.NONE);
      var samples = model.sample(run.request(3), Sampler.Listener.NONE);
      assertThat(samples.count()).isEqualTo(3);
      assertThat(renderer.picture(samples)).startsWith(0x89, 'P', 'N', 'G');
    }
  }

  private byte[] weights() throws IOException {
    var checkpoint = RunFolder.open(path).checkpoints().requireNewest();
    return Files.readAllBytes(checkpoint.resolve("model.safetensors"));
  }

  /** Mirrored images are learned from, not only written down. */
  @Test
  void flipsMayChange() throws IOException {
    var learned = new ArrayList<byte[]>();
    for (var flip : List.of("false", "false", "true")) {
      path = folder.resolve("run-" + learned.size());
      start("training.learning_rate_schedule=constant");
      resume(Map.of("modality.flip", flip, "training.steps", "2", "training.batch_size", "8"));
      learned.add(weights());
    }
    assertThat(learned.get(1)).isEqualTo(learned.get(0));
    assertThat(learned.get(2)).isNotEqualTo(learned.get(0));
    var run = Run.open(path);
    assertThat(run.config().modality()).isEqualTo(new ImageSettings(true));
    assertThat(run.folder().checkpoints().done()).isEqualTo(2);
  }

  /** It removes the one that is being opened. */
  @Test
  void aModelIsOpenedWhileATrainingReplacesItsCheckpoint() throws Exception {
    start("training.checkpoint_every=1", "training.keep_checkpoints=1");
    var run = Run.open(path);
    var training = CompletableFuture.runAsync(() -> resume(Map.of("training.steps", "60")));
    var opened = 0;
    for (; !training.isDone() || opened == 0; opened++) {
      run.model("float32").close();
    }
    training.get();
    assertThat(opened).isGreaterThan(3);
  }

  /** What a full disk has left of a line is not glued to the next one. */
  @Test
  void aStretchThatWasCutOffIsForgotten() throws IOException {
    start();
    var file = path.resolve("stretches.jsonl");
    Files.writeString(file, "{\"first\":1,\"preci", StandardOpenOption.APPEND);
    resume(Map.of("training.steps", "2", "training.precision", "bfloat16"));
    assertThat(stretches()).extracting(Stretch::precision).containsExactly("float32", "bfloat16");
  }

  /** Or the next one, with what the run was, could not begin either. */
  @Test
  void aResumeThatCannotBeginChangesNothing() throws IOException {
    start();
    var run = Run.open(path);
    var before = Files.readString(path.resolve("config.yaml"));
    try (var data = run.data()) {
      var empty =
          new DataSource() {
            @Override
            public String name() {
              return "nothing";
            }

            @Override
            public int size() {
              return 0;
            }

            @Override
            public Schema schema() {
              return data.schema();
            }

            @Override
            public void read(int index, int[] target, int offset) {}
          };
      var changed = run.config(Map.of("training.steps", "7"));
      assertThatThrownBy(() -> run.resume(changed, empty, new Trainer.Listener() {}))
          .isInstanceOf(DataException.class)
          .hasMessageStartingWith("nothing: there are no examples");
    }
    assertThat(path.resolve("config.yaml")).hasContent(before);
    resume(Map.of("training.steps", "2")); // and nobody holds its lock
  }

  /** A checkpoint that is written after a model was opened is not the one that samples are of. */
  @Test
  void samplesAreKeptWithTheCheckpointThatDrewThem() {
    start();
    var run = Run.open(path);
    try (var model = run.model("float32")) {
      var before = run.folder().checkpoints().requireNewest();
      resume(Map.of("training.steps", "2"));
      resume(Map.of("training.steps", "3"));
      assertThat(before).doesNotExist(); // two are kept
      assertThat(model.loaded()).map(Model.Loaded::checkpoint).contains(before);
      var kept = new KeptSamples(run.subject(model), 2, (first, n) -> Given.NONE);
      assertThat(kept.folder().orElseThrow().getFileName().toString())
          .startsWith(before.getFileName() + "-");
    }
    var config = run.config();
    try (var model = Model.create(config, Compute.choose("float32"))) {
      assertThat(model.loaded()).isEmpty();
      var subject = run.subject(model);
      // Weights that are being trained: pieces in any order, and nothing is written.
      var n = KeptSamples.PIECE + 6;
      var kept = new KeptSamples(subject, n, (first, count) -> Given.NONE);
      var all = model.sampleAll(run.request(n), n).symbols();
      for (var first : List.of(KeptSamples.PIECE, 0, KeptSamples.PIECE)) {
        var piece = kept.piece(first).symbols();
        assertThat(piece).hasSize(Math.min(KeptSamples.PIECE, n - first) * 64);
        var at = first * 64;
        var different =
            IntStream.range(0, piece.length).filter(i -> piece[i] != all[at + i]).count();
        assertThat(different).isLessThan(piece.length / 100);
      }
      assertThat(kept.folder()).isEmpty();
      assertThat(path.resolve("evaluations")).doesNotExist();
    }
  }

  /** Samples in batches need a condition each, as those in one batch do. */
  @Test
  void conditionsOfOtherNumbersAreRefused() {
    assertThat(Given.labels(1, 2, 3).part(1, 2, 3).labels()).containsExactly(2, 3);
    assertThatThrownBy(() -> Given.labels(1, 2).part(0, 2, 3))
        .isInstanceOf(IllegalArgumentException.class)
        .hasMessage("3 examples, but 2 labels or 0 bytes of images are given");
    assertThatThrownBy(() -> Given.pixels(new byte[7]).part(0, 2, 3))
        .isInstanceOf(IllegalArgumentException.class);
  }

  @Test
  void whatTheWeightsWereLearnedForMayNotChange() throws IOException {
    start();
    var before = Files.readString(path.resolve("config.yaml"));
    var changes =
        Map.of(
            "codec.encoding", "gray",
            "diffusion.prediction", "eps",
            "network.width", "16",
            "network.dropout", "0.1");
    changes.forEach(
        (key, value) ->
            assertThatThrownBy(() -> resume(Map.of(key, value, "training.steps", "2")))
                .as(key)
                .isInstanceOf(ConfigurationException.class)
                .hasMessage(
                    "settings of codec, diffusion, network and modality cannot change in the middle"
                        + " of a run, random changes of the data aside; "
                        + path.resolve("config.yaml")
                        + " has those it began with"));
    assertThat(path.resolve("config.yaml")).hasContent(before);
  }

  @Test
  void theDataMayBeOthersOfTheSameKind() {
    start();
    resume(Map.of("data", "icons,size=8,subset=9", "training.steps", "2"));
    assertThat(Run.open(path).config().data()).isEqualTo("icons,size=8,subset=9");
    assertThatThrownBy(() -> resume(Map.of("data", "icons,size=12", "training.steps", "3")))
        .isInstanceOf(ConfigurationException.class)
        .hasMessageContaining("is not what " + path + " was trained on");
  }

  /** Of captions the images' random changes may, and the vocabulary and the length may not. */
  @Test
  void jitterMayChangeAndTheVocabularyMayNot() throws IOException {
    var constant = "training.learning_rate_schedule=constant";
    path = folder.resolve("other");
    Pairs.train(Pairs.config("bits", "training.steps=1", constant), 1, path);
    var other = Run.open(path);
    try (var data = Pairs.data(other, 1, 7);
        var trainer =
            other.resume(
                other.config(Map.of("training.steps", "2")), data, new Trainer.Listener() {})) {
      trainer.run();
    }
    var plain = weights();
    path = folder.resolve("run");
    Pairs.train(Pairs.config("bits", "training.steps=1", constant), 1, path);
    var run = Run.open(path);
    try (var data = Pairs.data(run, 1, 7)) {
      for (var change : List.of("vocabulary=99", "length=8", "tokenizer=bytes")) {
        var at = change.indexOf('=');
        var changes = Map.of("modality." + change.substring(0, at), change.substring(at + 1));
        assertThatThrownBy(() -> run.resume(run.config(changes), data, new Trainer.Listener() {}))
            .as(change)
            .isInstanceOf(ConfigurationException.class)
            .hasMessageContaining("random changes of the data aside");
      }
      var jittered = run.config(Map.of("modality.jitter", "0.25", "training.steps", "2"));
      try (var trainer = run.resume(jittered, data, new Trainer.Listener() {})) {
        trainer.run();
      }
    }
    assertThat(Run.open(path).config().modality())
        .isEqualTo(new CaptionSettings("words", 1000, 7, 0.25));
    assertThat(weights()).isNotEqualTo(plain);
  }

  private List<Stretch> stretches() {
    return RunFolder.open(path).stretches();
  }

  @Test
  void howStepsWereComputedIsNotedWhereItChanges() {
    start();
    var engine = "libtorch " + Engine.version();
    var device = Engine.hasCuda() ? "cuda" : "cpu";
    var first = new Stretch(1, "float32", device, engine, Version.version());
    assertThat(stretches()).containsExactly(first);
    resume(Map.of("training.steps", "2"));
    assertThat(stretches()).containsExactly(first);
    resume(Map.of("training.steps", "3", "training.precision", "bfloat16"));
    var second = new Stretch(3, "bfloat16", device, engine, Version.version());
    assertThat(stretches()).containsExactly(first, second);
    // Nothing left to do: nothing changes.
    resume(Map.of("training.steps", "3", "training.precision", "float32"));
    assertThat(stretches()).containsExactly(first, second);
  }

  /** Steps that are taken again are those of the new stretch. */
  @Test
  void aRunThatGoesBackForgetsWhatFollowed() throws IOException {
    start();
    resume(Map.of("training.steps", "2", "training.precision", "bfloat16"));
    assertThat(stretches()).extracting(Stretch::first).containsExactly(1L, 2L);
    Files.move(path.resolve("checkpoints/step-00000002"), folder.resolve("away"));
    resume(Map.of("training.steps", "3", "training.precision", "float32"));
    assertThat(stretches()).extracting(Stretch::precision).containsExactly("float32");
    assertThat(stretches().get(0).first()).isEqualTo(1);
  }
}

package org.bitdiffusion.run;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.Map;
import org.bitdiffusion.ConfigurationException;
import org.bitdiffusion.DataException;
import org.bitdiffusion.config.RunConfig;
import org.bitdiffusion.data.DataSource;
import org.bitdiffusion.data.Schema;
import org.bitdiffusion.model.Model;
import org.bitdiffusion.runtime.Compute;
import org.bitdiffusion.runtime.OneThread;
import org.bitdiffusion.runtime.Tensors;
import org.bitdiffusion.storage.Metrics;
import org.bitdiffusion.storage.RunFolder;
import org.bitdiffusion.training.Trainer;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.extension.ExtendWith;
import org.junit.jupiter.api.io.TempDir;

/** Runs that begin with the weights of another. */
@ExtendWith(OneThread.class)
class OriginTest {
  private static final Trainer.Listener NOBODY = new Trainer.Listener() {};

  @TempDir private Path folder;
  private Path old;
  private Path path;

  @BeforeEach
  void begin() {
    old = folder.resolve("old");
    path = folder.resolve("new");
  }

  private static RunConfig config(String... changes) {
    var settings =
        Map.of(
            "data", "icons,size=8,subset=16",
            "training.batch_size", "4",
            "training.warmup_steps", "0",
            "training.learning_rate", "0.01",
            "training.steps", "6",
            "training.keep_checkpoints", "9",
            "training.checkpoint_every", "3",
            "sampling.steps", "4");
    return Configs.smallUNet(settings, changes);
  }

  private static void train(Path path, Trainer.Listener listener, RunConfig config) {
    try (var data = Run.data(config);
        var trainer = Run.start(config, data, path, listener)) {
      trainer.run();
    }
  }

  private String from(String more) {
    return "training.from.run=" + old + more;
  }

  private static float[] weights(Path path, String checkpoint) {
    try (var model = Run.open(path).model("float32", checkpoint)) {
      return Tensors.floats(model.network().parameters().values());
    }
  }

  private static int[] samples(Path path, String checkpoint) {
    var run = Run.open(path);
    try (var model = run.model("float32", checkpoint)) {
      return model.sampleAll(run.request(8), 8).symbols();
    }
  }

  @Test
  void stepZeroSamplesAsTheOldRunDoes() {
    train(old, NOBODY, config("training.held_out=0.25"));
    train(path, NOBODY, config("training.seed=5", from("")));
    assertThat(samples(path, "0")).isEqualTo(samples(old, "newest"));
    assertThat(weights(path, "0")).isEqualTo(weights(old, "newest"));
    assertThat(weights(path, "3")).isNotEqualTo(weights(old, "newest"));
    assertThat(RunFolder.open(path).history()).extracting(Metrics::step).contains(6L);

    var third = folder.resolve("third");
    train(third, NOBODY, config(from(""), "training.from.checkpoint=3"));
    assertThat(weights(third, "0")).isEqualTo(weights(old, "3"));
  }

  /** The weights that are trained are the average, and not those that it is of. */
  @Test
  void theTrainingBeginsWithTheAverage() throws IOException {
    train(old, NOBODY, config());
    train(path, NOBODY, config(from("")));
    var zero = path.resolve("checkpoints/step-00000000");
    assertThat(zero.resolve("model.safetensors"))
        .hasSameBinaryContentAs(zero.resolve("ema.safetensors"))
        .hasSameBinaryContentAs(old.resolve("checkpoints/step-00000006/ema.safetensors"));
  }

  /** They are what a message calls the last good checkpoint. */
  @Test
  void theGivenWeightsStayWhereTheFirstStepFails() {
    train(old, NOBODY, config());
    var config = config(from(""));
    try (var data = Run.data(config);
        var trainer = Run.start(config, new Unreadable(data), path, NOBODY)) {
      assertThatThrownBy(trainer::run).isInstanceOf(DataException.class).hasMessage("no disk");
    }
    assertThat(weights(path, "0")).isEqualTo(weights(old, "newest"));
  }

  /** Data whose examples cannot be read. */
  private record Unreadable(DataSource data) implements DataSource {
    @Override
    public String name() {
      return data.name();
    }

    @Override
    public Schema schema() {
      return data.schema();
    }

    @Override
    public int size() {
      return data.size();
    }

    @Override
    public void read(int index, int[] target, int offset) {
      throw new DataException("no disk");
    }
  }

  /**
   * Of a run that was killed before its first checkpoint, nothing but its configuration is there.
   */
  @Test
  void aRunThatIsResumedBeforeItsFirstCheckpointBeginsSo() throws IOException {
    train(old, NOBODY, config());
    var config = config(from(""));
    try (var data = Run.data(config);
        var trainer = Run.start(config, data, path, NOBODY)) {
      assertThat(trainer.done()).isZero();
    }
    assertThat(path.resolve("checkpoints")).doesNotExist();
    var run = Run.open(path);
    try (var data = run.data();
        var trainer = run.resume(run.config(), data, NOBODY)) {
      trainer.run();
    }
    assertThat(weights(path, "0")).isEqualTo(weights(old, "newest"));
    // Later on, the old run is not needed any more.
    Files.move(old, folder.resolve("gone"));
    var longer = run.config(Map.of("training.steps", "7"));
    try (var data = run.data();
        var trainer = run.resume(longer, data, NOBODY)) {
      trainer.run();
    }
    assertThat(run.folder().checkpoints().done()).isEqualTo(7);
  }

  @Test
  void aRunThatIsBegunTakesNoOtherWeights() throws IOException {
    train(old, NOBODY, config("training.steps=1"));
    train(path, NOBODY, config("training.steps=1"));
    var run = Run.open(path);
    var before = Files.readString(run.folder().configuration());
    var changed = run.config(Map.of("training.from.run", old.toString(), "training.steps", "2"));
    try (var data = run.data()) {
      assertThatThrownBy(() -> run.resume(changed, data, NOBODY))
          .isInstanceOf(ConfigurationException.class)
          .hasMessageContaining("training.from cannot change in the middle of a run")
          .hasMessageContaining(old.toString());
    }
    assertThat(run.folder().configuration()).hasContent(before);
  }

  @Test
  void whatDoesNotFitIsNamedBeforeAnythingIsWritten() {
    train(old, NOBODY, config());
    refused(
        "network.width=16",
        "[32, 8] there and [64, 16] here",
        "network.width is 8 there and 16 here");
    refused("data=icons,size=8,subset=16,levels=4", "schema.space.categories is [2] there");
    refused("codec.encoding=one_hot", "codec.encoding is uint8 there and one_hot here");
    refused("network.blocks=2", "is not there and", "network.blocks is 1 there and 2 here");
    refused("training.from.checkpoint=4", old.toString(), "no checkpoint of step 4");
    refused("training.from.checkpoint=last", "training.from.run: ", "'last'");
    refused("training.from.run=" + folder.resolve("none"), "training.from.run: ", "not exist");
    assertThat(path).doesNotExist();
  }

  private void refused(String change, String... expected) {
    refused(List.of(change), expected);
  }

  private void refused(List<String> changes, String... expected) {
    var all = new ArrayList<>(List.of(from("")));
    all.addAll(changes);
    assertThatThrownBy(() -> train(path, NOBODY, config(all.toArray(new String[0]))))
        .satisfies(e -> assertThat(e.getMessage()).contains(expected));
  }

  /** What the weights were trained on tells nothing of other examples. */
  @Test
  void whatIsHeldOutWasNotTrainedOnBefore() {
    train(old, NOBODY, config("training.steps=3", "training.held_out=0.25"));
    refused("training.held_out=0.5", "held out 0.25 of the same data", "the same share and seed");
    for (var change : List.of("training.seed=0", "training.held_out=icons,size=8,subset=40")) {
      var one = config(from(""), "training.steps=1", "training.held_out=0.25", change);
      train(folder.resolve(change), NOBODY, one);
    }
    var all = folder.resolve("all");
    train(all, NOBODY, config("training.steps=3"));
    refused(
        List.of("training.from.run=" + all, "training.held_out=0.25"), all + " held out nothing");
    train(
        path,
        NOBODY,
        config(
            "training.from.run=" + all, "training.held_out=0.25", "data=icons,size=8,subset=24"));
  }

  @Test
  void whatDoesNotFitMayStayRandom() {
    train(old, NOBODY, config());
    var config = config(from(""), "training.from.partly=true", "network.blocks=2");
    train(path, NOBODY, config);
    var run = Run.open(path);
    try (var mine = run.model("float32", "0");
        var random = Model.create(run.config(), Compute.PLAIN);
        var theirs = Run.open(old).model("float32", "newest")) {
      var same = 0;
      var begun = 0;
      var there = theirs.network().parameters().byName();
      for (var weight : mine.network().parameters().byName().entrySet()) {
        var values = Tensors.floats(weight.getValue());
        var name = weight.getKey();
        var other = there.get(name);
        if (other != null && Arrays.equals(other.shape(), weight.getValue().shape())) {
          assertThat(values).as(name).isEqualTo(Tensors.floats(other));
          same++;
        } else {
          var drawn = random.network().parameters().byName().get(name);
          assertThat(values).as(name).isEqualTo(Tensors.floats(drawn));
          begun++;
        }
      }
      assertThat(same).isGreaterThan(10);
      assertThat(begun).isGreaterThan(5);
    }
    assertThatThrownBy(
            () -> train(folder.resolve("x"), NOBODY, config(from(""), "network.blocks=2")))
        .isInstanceOf(ConfigurationException.class)
        .hasMessageContaining("training.from.partly=true leaves such weights random");
  }

  /** A bit of a number that is still one is told by the checksum alone. */
  @Test
  void damagedWeightsAreRefusedAlsoWhereSomeStayRandom() throws IOException {
    train(old, NOBODY, config("training.steps=1"));
    var file = old.resolve("checkpoints/step-00000001/ema.safetensors");
    var bytes = Files.readAllBytes(file);
    bytes[bytes.length - 4] ^= 1;
    Files.write(file, bytes);
    refused(
        List.of("training.from.partly=true", "network.blocks=2"),
        "ema.safetensors is damaged",
        "CRC-32C");
    assertThat(path).doesNotExist();
  }

  /** The weights of words by their numbers mean something else with another vocabulary. */
  @Test
  void captionsKeepTheVocabularyOfTheWeights() throws IOException {
    var settings =
        Map.of(
            "data", "scenes,split=test",
            "network.width", "16",
            "network.layers", "1",
            "network.heads", "2",
            "network.encoder.width", "16",
            "network.encoder.layers", "1",
            "network.encoder.heads", "2",
            "training.steps", "1",
            "training.batch_size", "4",
            "training.precision", "float32");
    train(old, NOBODY, Configs.of("scene-captions", settings));
    var words = old.resolve("tokenizer.json");
    var learned = Files.readString(words);
    var swapped =
        learned
            .replace("\"red\"", "\"\"")
            .replace("\"blue\"", "\"red\"")
            .replace("\"\"", "\"blue\"");
    assertThat(swapped).isNotEqualTo(learned);
    Files.writeString(words, swapped); // as no data gives them
    train(path, NOBODY, Configs.of("scene-captions", settings, from(""), "data=scenes"));
    assertThat(path.resolve("tokenizer.json"))
        .hasSameBinaryContentAs(old.resolve("tokenizer.json"));
    assertThat(Run.open(path).config().schema()).isEqualTo(Run.open(old).config().schema());

    // Longer captions have the same words; another vocabulary has others, perhaps as many bits.
    var longer = folder.resolve("longer");
    var partly = "training.from.partly=true";
    var length = "modality.length=28";
    train(
        longer,
        NOBODY,
        Configs.of(
            "scene-captions", settings, from(""), "data=scenes,split=train", length, partly));
    assertThat(longer.resolve("tokenizer.json"))
        .hasSameBinaryContentAs(old.resolve("tokenizer.json"));
    assertThat(Run.open(longer).config().schema().space().shape()).containsExactly(1, 28);
    var fewer = Configs.of("scene-captions", settings, from(""), "modality.vocabulary=40");
    assertThatThrownBy(() -> train(folder.resolve("fewer"), NOBODY, fewer))
        .isInstanceOf(ConfigurationException.class)
        .hasMessageContaining("know symbols by numbers that mean others here")
        .hasMessageContaining("modality.vocabulary is");
  }
}

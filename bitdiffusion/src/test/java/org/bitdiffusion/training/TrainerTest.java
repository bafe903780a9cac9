package org.bitdiffusion.training;

import static java.nio.charset.StandardCharsets.UTF_8;
import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;
import static org.assertj.core.api.Assertions.within;

import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.ObjectMapper;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.StandardOpenOption;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.HashMap;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.TreeMap;
import java.util.concurrent.atomic.AtomicInteger;
import java.util.function.BooleanSupplier;
import org.bitdiffusion.ConfigurationException;
import org.bitdiffusion.DataException;
import org.bitdiffusion.config.RunConfig;
import org.bitdiffusion.data.DataSource;
import org.bitdiffusion.data.Given;
import org.bitdiffusion.data.Schema;
import org.bitdiffusion.data.Space;
import org.bitdiffusion.model.Model;
import org.bitdiffusion.model.SampleRequest;
import org.bitdiffusion.run.Configs;
import org.bitdiffusion.run.Run;
import org.bitdiffusion.runtime.Engine;
import org.bitdiffusion.runtime.NativeObjects;
import org.bitdiffusion.runtime.OneThread;
import org.bitdiffusion.runtime.Tensors;
import org.bitdiffusion.sampling.Sampler;
import org.bitdiffusion.sampling.SamplerConfig;
import org.bitdiffusion.storage.Checkpoints;
import org.bitdiffusion.storage.Metrics;
import org.bitdiffusion.storage.RunFolder;
import org.bytedeco.javacpp.Pointer;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.extension.ExtendWith;
import org.junit.jupiter.api.io.TempDir;

@ExtendWith(OneThread.class)
class TrainerTest {
  private static final ObjectMapper JSON = new ObjectMapper();
  private static DataSource icons;

  @TempDir private Path folder;

  @BeforeAll
  static void openIcons() {
    icons = Run.data(config(1));
  }

  /** A small network with everything that is random: dropout, flips, coins, several parts. */
  private static RunConfig config(int steps, String... changes) {
    var settings =
        new HashMap<>(
            Map.of(
                "network.width", "16",
                "network.multipliers", "[1, 2]",
                "network.attention", "[4]",
                "network.head_width", "16",
                "network.dropout", "0.1",
                "diffusion.self_conditioning", "coin",
                "training.batch_size", "8",
                "training.parts", "2",
                "training.warmup_steps", "3",
                "training.precision", "float32"));
    settings.put("data", "icons,size=8,levels=4,subset=64");
    settings.put("modality.flip", "true");
    settings.put("training.log_every", "1");
    settings.put("training.steps", Integer.toString(steps));
    settings.put("training.checkpoint_every", "4");
    return Configs.of("icons", settings, changes);
  }

  private static void train(RunConfig config, Path run) {
    try (var trainer = Run.start(config, icons, run, new Trainer.Listener() {})) {
      trainer.run();
    }
  }

  private static Model load(Path run) {
    return Run.open(run).model("float32");
  }

  private static String newest(Path run) {
    return RunFolder.open(run).checkpoints().requireNewest().getFileName().toString();
  }

  /** The analog bits of samples: the last estimate. */
  private static float[] analog(Model model, SampleRequest request) {
    var last = new float[1][];
    model.sample(
        request,
        step -> {
          last[0] = Tensors.floats(step.estimate());
          return true;
        });
    return last[0];
  }

  private static List<JsonNode> metrics(Path run) throws IOException {
    var lines = new ArrayList<JsonNode>();
    for (var line : Files.readAllLines(run.resolve("metrics.jsonl"))) {
      lines.add(JSON.readTree(line));
    }
    return lines;
  }

  @Test
  void theHistoryLeavesOutALineThatAKillHasCutOff() throws IOException {
    var run = folder.resolve("run");
    train(config(2), run);
    var history = RunFolder.open(run).history();
    Files.writeString(run.resolve("metrics.jsonl"), "{\"step\":3,\"lo", StandardOpenOption.APPEND);

    assertThat(history).extracting(Metrics::step).containsExactly(1L, 2L);
    assertThat(history.get(1).loss()).isPositive();
    assertThat(RunFolder.open(run).history()).isEqualTo(history);
  }

  @Test
  void resumingEqualsNoInterruptionBitForBit() throws IOException {
    var whole = folder.resolve("whole");
    var parts = folder.resolve("parts");
    train(config(10), whole);
    // Stopped during step 6, after the checkpoint of step 4 and its own.
    try (var trainer =
        Run.start(
            config(10),
            icons,
            parts,
            new Trainer.Listener() {
              @Override
              public void onLog(Metrics metrics) {
                if (metrics.step() == 6) {
                  throw new IllegalStateException("killed");
                }
              }
            })) {
      assertThatThrownBy(trainer::run).hasMessage("killed");
    }
    assertThat(newest(parts)).isEqualTo("step-00000004");
    var run = Run.open(parts);
    try (var trainer = run.resume(run.config(), icons, new Trainer.Listener() {})) {
      assertThat(trainer.done()).isEqualTo(4);
      trainer.run();
    }

    var expected = metrics(whole);
    var actual = metrics(parts);
    assertThat(actual).hasSize(10);
    for (var i = 0; i < 10; i++) {
      assertThat(actual.get(i).get("step").asInt()).isEqualTo(i + 1);
      assertThat(actual.get(i).get("loss").asDouble())
          .as("loss at step %d", i + 1)
          .isEqualTo(expected.get(i).get("loss").asDouble());
      assertThat(actual.get(i).get("grad_norm").asDouble())
          .isEqualTo(expected.get(i).get("grad_norm").asDouble());
    }
    // Those of steps 4, 8 and 10 were written, and two are kept.
    assertThat(checkpoints(whole)).containsExactlyInAnyOrder("step-00000008", "step-00000010");
    assertThat(checkpoints(parts)).containsExactlyInAnyOrder("step-00000008", "step-00000010");
    for (var name : List.of("model", "ema", "optimizer")) {
      var file = "checkpoints/step-00000010/" + name + ".safetensors";
      assertThat(parts.resolve(file)).hasSameBinaryContentAs(whole.resolve(file));
    }
  }

  @Test
  void theRunFolderHoldsWhatIsNeededToRepeatAndToSample() throws IOException {
    var run = folder.resolve("run");
    train(config(5), run);
    assertThat(run.resolve("checkpoints")).isDirectoryContaining("glob:**step-00000004");
    var line = metrics(run).get(4);
    for (var key :
        List.of("step", "loss", "grad_norm", "learning_rate", "examples_per_second", "memory_mb")) {
      assertThat(line.path(key).isNumber()).as(key).isTrue();
    }
    assertThat(line.get("learning_rate").asDouble())
        .isCloseTo(Run.open(run).config().learningRate(5), within(1e-12));
    var read = Run.open(run).config().schema();
    assertThat(read).isEqualTo(Schema.of(Space.of(List.of(1, 8, 8), 4)));
    try (var model = load(run)) {
      var sampling = new SamplerConfig(3, "ddpm", 0, 0, "previous", 0, 0, "", 0);
      var request = SampleRequest.of(sampling, 1, 2, Given.NONE);
      var samples = model.sample(request, Sampler.Listener.NONE);
      assertThat(samples.symbols()).hasSize(2 * 64);
      assertThat(Arrays.stream(samples.symbols())).allMatch(symbol -> symbol >= 0 && symbol < 4);
      assertThat(analog(model, request)).hasSize(2 * 2 * 64);
      var ofClass = SampleRequest.of(sampling, 1, 2, Given.label(3, 2));
      assertThatThrownBy(() -> model.sample(ofClass, Sampler.Listener.NONE))
          .isInstanceOf(ConfigurationException.class)
          .hasMessageContaining("without classes");
    }
  }

  /** Sample i is the same in a batch of 1 and of 3, up to the network's rounding. */
  @Test
  void samplesDoNotDependOnTheBatch() {
    var run = folder.resolve("run");
    train(config(2), run);
    try (var model = load(run)) {
      var sampling = new SamplerConfig(4, "ddpm", 0, 0, "previous", 0, 0, "", 0);
      var request = SampleRequest.of(sampling, 7, 3, Given.NONE);
      var three = analog(model, request);
      var last = analog(model, request.part(2, 1, 64));
      var size = last.length;
      assertThat(three).hasSize(3 * size);
      for (var i = 0; i < size; i++) {
        assertThat(last[i]).isCloseTo(three[2 * size + i], within(1e-4f));
      }
    }
  }

  @Test
  void samplesDoNotDependOnTheNumberOfThreads() {
    var run = folder.resolve("run");
    train(config(2), run);
    try (var model = load(run)) {
      var sampling = new SamplerConfig(4, "ddpm", 0, 0, "previous", 0, 0, "", 0);
      var request = SampleRequest.of(sampling, 7, 13, Given.NONE);
      var whole = analog(model, request);
      Engine.threads(3);
      var inParts = analog(model, request);
      for (var i = 0; i < whole.length; i++) {
        assertThat(inParts[i]).isCloseTo(whole[i], within(1e-4f));
      }
      // Samples that are all alike would prove nothing.
      var size = whole.length / 13;
      var apart = 0.0;
      for (var i = 0; i < size; i++) {
        apart = Math.max(apart, Math.abs(whole[i] - whole[12 * size + i]));
      }
      assertThat(apart).isGreaterThan(0.01);
    } finally {
      Engine.threads(1);
    }
  }

  @Test
  void bfloat16FollowsFloat32() throws IOException {
    var exact = folder.resolve("float32");
    var fast = folder.resolve("bfloat16");
    var small =
        new String[] {
          "network.dropout=0",
          "network.blocks=1",
          "training.parts=1",
          "training.checkpoint_every=1000"
        };
    var changes = Arrays.copyOf(small, small.length + 1);
    changes[small.length] = "training.precision=bfloat16";
    train(config(30, small), exact);
    train(config(30, changes), fast);
    var expected = metrics(exact);
    var actual = metrics(fast);
    for (var i = 0; i < 30; i++) {
      var loss = expected.get(i).get("loss").asDouble();
      assertThat(actual.get(i).get("loss").asDouble())
          .as("step %d", i + 1)
          .isCloseTo(loss, within(0.03 * loss));
    }
    assertThat(expected.get(29).get("loss").asDouble())
        .isLessThan(0.7 * expected.get(0).get("loss").asDouble());
  }

  @Test
  void aLossThatIsNoNumberStopsAndKeepsTheLastCheckpoint() {
    var run = folder.resolve("run");
    var config =
        config(
            10,
            "training.learning_rate=1e30",
            "training.warmup_steps=0",
            "training.checkpoint_every=1",
            "training.learning_rate_schedule=constant");
    // The first update ruins the weights, though its own loss was fine: nothing is saved.
    assertThatThrownBy(() -> train(config, run))
        .isInstanceOf(DivergenceException.class)
        .hasMessageContaining("loss with the new weights is no finite number at step 1")
        .hasMessageContaining("there is no checkpoint yet");
    assertThat(RunFolder.open(run).checkpoints().newest()).isEmpty();
  }

  /** The checkpoint that is named is one from which the training goes on. */
  @Test
  void afterADivergenceTheNamedCheckpointIsGood() throws IOException {
    var run = folder.resolve("run");
    train(config(3), run);
    var mad = config(10, "training.learning_rate=1e30", "training.checkpoint_every=1");
    assertThatThrownBy(() -> resume(mad, run))
        .isInstanceOf(DivergenceException.class)
        .hasMessageContaining("at step 4")
        .hasMessageContaining("step-00000003");
    assertThat(newest(run)).isEqualTo("step-00000003");
    resume(config(10), run);
    assertThat(metrics(run)).hasSize(10);
    assertThat(metrics(run).get(9).get("loss").asDouble()).isBetween(0.0, 2.0);
  }

  private static void resume(RunConfig config, Path run) {
    try (var trainer = Run.open(run).resume(config, icons, new Trainer.Listener() {})) {
      trainer.run();
    }
  }

  /** A line of the log is the mean since the last one, also where a stop lies between. */
  @Test
  void linesOfTheLogSpanAnInterruption() throws IOException {
    var whole = folder.resolve("whole");
    train(config(8, "training.log_every=4"), whole);
    var parts = folder.resolve("parts");
    var trainers = new ArrayList<Trainer>();
    // Stopped by the checkpoint of step 6, in the middle of the steps 5 to 8.
    var config = config(8, "training.log_every=4", "training.checkpoint_every=6");
    var listener =
        new Trainer.Listener() {
          @Override
          public void onCheckpoint(long step, Model model, BooleanSupplier stopped) {
            trainers.get(0).stop();
          }
        };
    try (var trainer = Run.start(config, icons, parts, listener)) {
      trainers.add(trainer);
      trainer.run();
      assertThat(trainer.done()).isEqualTo(6);
    }
    resume(config, parts);
    assertThat(metrics(parts)).hasSize(2);
    for (var i = 0; i < 2; i++) {
      for (var key : List.of("step", "loss", "grad_norm", "learning_rate")) {
        assertThat(metrics(parts).get(i).get(key)).isEqualTo(metrics(whole).get(i).get(key));
      }
    }
  }

  /** Without checksums, and without the steps that were not logged. */
  @Test
  void checkpointsOfEarlierVersionsAreRead() throws IOException {
    var run = folder.resolve("run");
    train(config(1), run);
    Files.writeString(
        run.resolve("checkpoints/step-00000001/state.json"),
        "{\"format\": 1, \"step\": 1, \"bit_order\": \"most significant first\"}");
    load(run).close();
    resume(config(2), run);
    assertThat(metrics(run)).hasSize(2);
    Files.writeString(run.resolve("checkpoints/step-00000002/state.json"), "");
    assertThatThrownBy(() -> load(run))
        .isInstanceOf(DataException.class)
        .hasMessageContaining("state.json is damaged: it names no format, step and bit_order");
  }

  @Test
  void aRunThatHasDoneAllItsStepsKeepsItsConfiguration() throws IOException {
    var run = folder.resolve("run");
    train(config(3), run);
    var before = Files.readString(run.resolve("config.yaml"));
    resume(config(2), run);
    assertThat(Files.readString(run.resolve("config.yaml"))).isEqualTo(before);
  }

  /** One value changed, as by a disk: its place and its length are right. */
  @Test
  void aChangedValueOfACheckpointIsNoticed() throws IOException {
    var run = folder.resolve("run");
    train(config(1), run);
    var file = run.resolve("checkpoints/step-00000001/ema.safetensors");
    var bytes = Files.readAllBytes(file);
    bytes[bytes.length - 1000] ^= 1;
    Files.write(file, bytes);
    assertThatThrownBy(() -> load(run))
        .isInstanceOf(DataException.class)
        .hasMessageContaining(file + " is damaged: its values are not those that were written");
    var state = run.resolve("checkpoints/step-00000001/state.json");
    Files.writeString(state, Files.readString(state).replace("most significant", "least"));
    assertThatThrownBy(() -> load(run))
        .isInstanceOf(DataException.class)
        .hasMessageContaining("in another order: least first");
  }

  @Test
  void stoppingSavesTheCurrentStep() {
    var run = folder.resolve("run");
    var trainers = new ArrayList<Trainer>();
    var listener =
        new Trainer.Listener() {
          @Override
          public void onLog(Metrics metrics) {
            if (metrics.step() == 3) {
              trainers.get(0).stop();
            }
          }
        };
    try (var trainer = Run.start(config(1000), icons, run, listener)) {
      trainers.add(trainer);
      trainer.run();
      assertThat(trainer.done()).isEqualTo(3);
    }
    assertThat(newest(run)).isEqualTo("step-00000003");
  }

  @Test
  void damagedAndForeignCheckpointsAreNamed() throws IOException {
    var run = folder.resolve("run");
    train(config(1), run);
    var ema = run.resolve("checkpoints/step-00000001/ema.safetensors");
    var bytes = Files.readAllBytes(ema);

    Files.write(ema, Arrays.copyOf(bytes, bytes.length - 10));
    assertThatThrownBy(() -> load(run))
        .isInstanceOf(DataException.class)
        .hasMessageContaining("ema.safetensors is damaged");
    Files.writeString(ema, "not a checkpoint at all");
    assertThatThrownBy(() -> load(run))
        .isInstanceOf(DataException.class)
        .hasMessageContaining("no safetensors file");
    Files.delete(ema);
    assertThatThrownBy(() -> load(run))
        .isInstanceOf(DataException.class)
        .hasMessageContaining("does not exist");

    // The checkpoint of a wider network.
    var other = folder.resolve("other");
    train(config(1, "network.width=24", "network.head_width=24"), other);
    Files.copy(other.resolve("checkpoints/step-00000001/ema.safetensors"), ema);
    assertThatThrownBy(() -> load(run))
        .isInstanceOf(DataException.class)
        .hasMessageContaining("belongs to another network");
  }

  @Test
  void foldersThatAreInTheWayOrMissingAreNamed() throws IOException {
    var run = Files.createDirectories(folder.resolve("run"));
    Files.writeString(run.resolve("file"), "mine");
    assertThatThrownBy(() -> train(config(1), run))
        .isInstanceOf(ConfigurationException.class)
        .hasMessageContaining("choose another, or resume it");
    assertThat(run.resolve("file")).hasContent("mine");
    assertThatThrownBy(() -> RunFolder.open(run))
        .isInstanceOf(ConfigurationException.class)
        .hasMessageContaining("config.yaml");
    assertThatThrownBy(() -> RunFolder.open(folder.resolve("none")))
        .hasMessageContaining("does not exist");
  }

  @Test
  void aNetworkThatCannotBeLeavesNoFolder() {
    var run = folder.resolve("run");
    assertThatThrownBy(() -> train(config(1, "network.head_width=5"), run))
        .isInstanceOf(ConfigurationException.class)
        .hasMessageContaining("network.head_width is 5; it must be a divisor of the");
    assertThatThrownBy(() -> train(config(1, "diffusion.conditional=true"), run))
        .isInstanceOf(ConfigurationException.class)
        .hasMessageContaining("has no classes")
        .hasMessageContaining("diffusion.conditional is true")
        .hasMessageContaining("or set diffusion.conditional=false");
    assertThatThrownBy(() -> train(config(1, "sampling.guidance=1"), run))
        .isInstanceOf(ConfigurationException.class)
        .hasMessageContaining(
            "sampling.guidance is 1.0, which needs a network that is told classes")
        .hasMessageContaining("set sampling.guidance=0");
    assertThat(run).doesNotExist();
  }

  @Test
  void aRunIsTrainedByOneAtATime() throws IOException {
    var run = folder.resolve("run");
    var config = config(2);
    try (var trainer = Run.start(config, icons, run, new Trainer.Listener() {})) {
      assertThatThrownBy(() -> resume(config, run))
          .isInstanceOf(ConfigurationException.class)
          .hasMessageContaining("is being trained already");
      // The refusal has not given the lock away to other processes.
      assertThat(lockFromAnotherProcess(run)).isEqualTo("refused");
      trainer.run();
    }
    assertThat(lockFromAnotherProcess(run)).isEqualTo("taken");
    resume(config, run);
  }

  private static String lockFromAnotherProcess(Path run) throws IOException {
    var java = Path.of(System.getProperty("java.home"), "bin", "java").toString();
    var process =
        new ProcessBuilder(
                java,
                "-cp",
                System.getProperty("java.class.path"),
                LockTaker.class.getName(),
                run.toString())
            .redirectError(ProcessBuilder.Redirect.INHERIT)
            .start();
    return new String(process.getInputStream().readAllBytes(), UTF_8).strip();
  }

  /** A program that locks a run. */
  static final class LockTaker {
    public static void main(String[] args) {
      try (var lock = RunFolder.open(Path.of(args[0])).lock()) {
        System.out.println("taken");
      } catch (ConfigurationException e) {
        System.out.println("refused");
      }
    }
  }

  /** Data that can no longer be read after some examples. */
  private record Failing(DataSource whole, AtomicInteger left) implements DataSource {
    @Override
    public String name() {
      return whole.name();
    }

    @Override
    public Schema schema() {
      return whole.schema();
    }

    @Override
    public int size() {
      return whole.size();
    }

    @Override
    public void read(int index, int[] target, int offset) {
      if (left.decrementAndGet() < 0) {
        throw new DataException("the disk is gone");
      }
      whole.read(index, target, offset);
    }
  }

  @Test
  void whatWasLearnedIsSavedWhenDataFails() {
    var run = folder.resolve("run");
    // 8 examples a step: two whole steps.
    var failing = new Failing(icons, new AtomicInteger(20));
    try (var trainer = Run.start(config(10), failing, run, new Trainer.Listener() {})) {
      assertThatThrownBy(trainer::run).hasMessage("the disk is gone");
    }
    assertThat(newest(run)).isEqualTo("step-00000002");
  }

  @Test
  void aDamagedCheckpointNamesTheOneBeforeIt() throws IOException {
    var run = folder.resolve("run");
    train(config(6), run);
    var newest = run.resolve("checkpoints/step-00000006");
    Files.writeString(newest.resolve("state.json"), "{}");
    assertThatThrownBy(() -> resume(config(6), run))
        .isInstanceOf(DataException.class)
        .hasMessageContaining("state.json is damaged")
        .hasMessageContaining("to go back to step-00000004, move " + newest + " away");
    // The lock is free again, and what a kill has left is swept away with the next checkpoint.
    Files.move(newest, run.resolve("checkpoints/.unfinished-step-00000006"));
    try (var trainer = Run.open(run).resume(config(6), icons, new Trainer.Listener() {})) {
      assertThat(trainer.done()).isEqualTo(4);
      trainer.run();
    }
    assertThat(checkpoints(run)).containsExactlyInAnyOrder("step-00000004", "step-00000006");
  }

  /** As on a disk that is full: the first file of the checkpoint is written, and another is not. */
  @Test
  void aCheckpointThatCannotBeWrittenLeavesTheOneBefore() throws IOException {
    var run = folder.resolve("run");
    train(config(4), run);
    var open = RunFolder.open(run);
    try (var model = load(run)) {
      var weights = model.network().parameters().byName();
      var files = new TreeMap<>(Map.of("ema", weights, "no folder/model", weights));
      assertThatThrownBy(() -> open.checkpoints().save(5, Checkpoints.Unlogged.NONE, files, 1))
          .isInstanceOf(DataException.class)
          .hasMessageContaining("step-00000005 cannot be written")
          .hasMessageContaining("what was written before is still there");
    }
    assertThat(checkpoints(run)).containsExactly("step-00000004");
    resume(config(5), run);
    assertThat(checkpoints(run)).containsExactlyInAnyOrder("step-00000004", "step-00000005");
  }

  /** Digits are those of all languages: names with others would not be found again. */
  @Test
  void checkpointsAreFoundInAnyLanguage() throws IOException {
    var run = folder.resolve("run");
    var locale = Locale.getDefault();
    Locale.setDefault(Locale.forLanguageTag("fa-IR-u-nu-arabext"));
    try {
      assertThat("%d".formatted(1)).isNotEqualTo("1");
      train(config(2), run);
      resume(config(3), run);
    } finally {
      Locale.setDefault(locale);
    }
    assertThat(checkpoints(run)).containsExactlyInAnyOrder("step-00000002", "step-00000003");
    assertThat(metrics(run)).hasSize(3);
  }

  /** A run is whole or not there: one that could not begin can be begun again. */
  @Test
  void aRunThatCannotBeginLeavesItsFolderFree() throws IOException {
    var run = folder.resolve("run");
    var inTheWay = Files.createDirectories(run.resolve(".lock/a"));
    assertThatThrownBy(() -> train(config(1), run))
        .isInstanceOf(DataException.class)
        .hasMessageContaining(".lock cannot be written");
    Files.delete(inTheWay);
    Files.delete(inTheWay.getParent());
    train(config(1), run);
    assertThat(checkpoints(run)).containsExactly("step-00000001");
  }

  @Test
  void whatIsAbandonedIsFree() throws IOException {
    var begun = RunFolder.create(folder.resolve("run"));
    begun.keep(config(1));
    Files.writeString(begun.path().resolve("tokenizer.json"), "half of it");
    begun.abandon();
    RunFolder.requireFree(begun.path());
  }

  private static List<String> checkpoints(Path run) throws IOException {
    try (var checkpoints = Files.list(run.resolve("checkpoints"))) {
      return checkpoints.map(path -> path.getFileName().toString()).toList();
    }
  }

  @Test
  void everyObjectiveAndEncodingTrains() throws IOException {
    var ways =
        List.of(
            List.of("codec.encoding=gray", "diffusion.prediction=v"),
            List.of("codec.encoding=one_hot", "diffusion.loss=softmax"),
            List.of("codec.encoding=uint8", "diffusion.loss=sigmoid", "codec.scale=0.5"),
            List.of("codec.encoding=uint8_rand", "diffusion.softmax_factorization=true"),
            List.of("diffusion.prediction=eps", "diffusion.normalize_input=true"));
    for (var way : ways) {
      var run = folder.resolve("run" + ways.indexOf(way));
      var changes = new ArrayList<>(way);
      changes.add("network.blocks=1");
      changes.add("network.multipliers=[1]");
      changes.add("network.attention=[]");
      changes.add("training.checkpoint_every=1000"); // most of the time would go into them
      train(config(30, changes.toArray(String[]::new)), run);
      var losses = metrics(run).stream().mapToDouble(line -> line.get("loss").asDouble()).toArray();
      assertThat(losses[29]).as("%s", way).isLessThan(0.9 * losses[0]);
    }
  }

  @Test
  void nativeObjectsDoNotGrowOverSteps() {
    NativeObjects.settled();
    var counts = new ArrayList<Long>();
    var listener =
        new Trainer.Listener() {
          @Override
          public void onLog(Metrics metrics) {
            counts.add(Pointer.totalCount());
          }
        };
    try (var trainer = Run.start(config(12), icons, folder.resolve("run"), listener)) {
      trainer.run();
    }
    assertThat(counts.get(11)).isEqualTo(counts.get(5));
  }
}

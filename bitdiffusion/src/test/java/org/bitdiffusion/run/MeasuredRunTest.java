package org.bitdiffusion.run;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import java.io.ByteArrayOutputStream;
import java.io.IOException;
import java.io.PrintStream;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.HashSet;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.Set;
import java.util.concurrent.CancellationException;
import java.util.concurrent.atomic.AtomicInteger;
import java.util.function.BooleanSupplier;
import org.bitdiffusion.ConfigurationException;
import org.bitdiffusion.DataException;
import org.bitdiffusion.config.RunConfig;
import org.bitdiffusion.data.DataSource;
import org.bitdiffusion.data.Part;
import org.bitdiffusion.modality.Watch;
import org.bitdiffusion.modality.image.ClassifierFeatures;
import org.bitdiffusion.modality.image.ImageSource;
import org.bitdiffusion.modality.image.SmallClassifier;
import org.bitdiffusion.model.Model;
import org.bitdiffusion.runtime.Compute;
import org.bitdiffusion.runtime.Group;
import org.bitdiffusion.runtime.OneThread;
import org.bitdiffusion.storage.Checkpoints;
import org.bitdiffusion.storage.Metrics;
import org.bitdiffusion.storage.RunFolder;
import org.bitdiffusion.training.HeldOutLoss;
import org.bitdiffusion.training.Measure;
import org.bitdiffusion.training.Trainer;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.extension.ExtendWith;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

/** Runs of which something is measured at each checkpoint. */
@ExtendWith(OneThread.class)
class MeasuredRunTest {
  private static final Trainer.Listener NOBODY = new Trainer.Listener() {};

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
            "network.dropout", "0.2",
            "training.batch_size", "4",
            "training.log_every", "3",
            "training.checkpoint_every", "4",
            "training.steps", "10",
            "sampling.steps", "2");
    return Configs.smallUNet(settings, changes);
  }

  private static void train(Path path, Trainer.Listener listener, String... changes) {
    var config = config(changes);
    try (var data = Run.data(config);
        var trainer = Run.start(config, data, path, listener)) {
      trainer.run();
    }
  }

  private void resume(Map<String, String> changes) {
    var run = Run.open(path);
    var changed = run.config(changes);
    try (var data = run.data();
        var trainer = run.resume(changed, data, NOBODY)) {
      trainer.run();
    }
  }

  private static byte[] newest(Path path, String file) throws IOException {
    return Files.readAllBytes(
        RunFolder.open(path).checkpoints().requireNewest().resolve(file + ".safetensors"));
  }

  private static List<String> checkpoints(Path path) throws IOException {
    try (var files = Files.list(path.resolve("checkpoints"))) {
      return files.map(file -> file.getFileName().toString()).sorted().toList();
    }
  }

  @Test
  void whatIsMeasuredDoesNotDisturbTheTraining() throws IOException {
    train(path, NOBODY);
    var measured = folder.resolve("measured");
    train(
        measured,
        NOBODY,
        "training.held_out=icons,size=8,subset=90",
        "training.measure.name=pair_total_variation",
        "training.measure.samples=6");
    for (var file : List.of("model", "ema", "optimizer")) {
      assertThat(newest(measured, file)).isEqualTo(newest(path, file));
    }
    var history = RunFolder.open(measured).history();
    assertThat(history).extracting(Metrics::step).containsExactly(3L, 4L, 6L, 8L, 9L, 10L);
    for (var line : history) {
      var keys =
          line.step() % 4 == 0 || line.step() == 10
              ? new String[] {HeldOutLoss.NAME, "pair_total_variation"}
              : new String[0];
      assertThat(line.measures().keySet()).containsExactly(keys);
    }
  }

  /** What a line says is what anybody measures of the checkpoint. */
  @Test
  void aLineTellsWhatIsMeasuredOfItsCheckpoint() {
    train(
        path,
        NOBODY,
        "training.held_out=icons,size=8,subset=30",
        "training.measure.name=pair_total_variation",
        "training.measure.samples=6");
    var run = Run.open(path);
    var line = run.folder().history().get(5);
    try (var model = run.model("float32");
        var source = run.data();
        var heldOut = new HeldOutLoss(run.data("icons,size=8,subset=30"));
        var comparison = run.modality().evaluation().with(source, 6, Map.of(), Watch.NOBODY)) {
      var measures = comparison.measure(run.subject(model), List.of(), Watch.NOBODY);
      assertThat(line.measures())
          .containsEntry(HeldOutLoss.NAME, heldOut.of(model, () -> false))
          .containsEntry("pair_total_variation", (Double) measures.get("pair_total_variation"));
      assertThat(run.path().resolve("evaluations")).isNotEmptyDirectory();
    }
  }

  /** A step of sampling may take seconds, and all of them many minutes. */
  @Test
  void aMeasureEndsWithTheStepOfSamplingAtWhichItIsStopped() {
    train(path, NOBODY, "training.steps=2");
    var run = Run.open(path);
    var settings =
        Map.of("training.measure.name", "pair_total_variation", "training.measure.samples", "6");
    var asked = new AtomicInteger();
    try (var model = run.model("float32");
        var source = run.data();
        var measure = SampleMeasure.of(run.config(settings), source, path, Run::data)) {
      assertThatThrownBy(() -> measure.of(model, () -> asked.incrementAndGet() == 1))
          .isInstanceOf(CancellationException.class);
      assertThat(asked).hasValue(1);
      try (var heldOut = new HeldOutLoss(run.data())) {
        assertThatThrownBy(() -> heldOut.of(model, () -> true))
            .isInstanceOf(CancellationException.class);
      }
    }
  }

  /** Of thousands of examples that are held out, those that are not measured would be lost. */
  @Test
  void noMoreIsHeldOutThanIsMeasured() {
    var config = config("data=icons,size=8", "training.held_out=0.9");
    try (var source = Run.data(config);
        var checks = TrainingAndValidation.of(config.forData(source), source, path, false)) {
      assertThat(source.size()).isGreaterThan(2 * HeldOutLoss.MOST);
      assertThat(checks.training().size()).isEqualTo(source.size() - HeldOutLoss.MOST);
    }
  }

  /** The statistics that a training writes for the next one are not a dry run's to write. */
  @Test
  void aDryRunWritesNoStatistics() {
    var features = folder.resolve("features.safetensors");
    var reference = folder.resolve("reference.npz");
    var config =
        config(
            "training.measure.name=frechet_distance",
            "training.measure.samples=4",
            "training.measure.options=[features=%s, reference=%s]".formatted(features, reference),
            "training.steps=1");
    try (var source = Run.data(config)) {
      try (var network = new SmallClassifier(3, Compute.PLAIN, 0)) {
        ClassifierFeatures.save(features, network, (ImageSource) source);
      }
      assertThat(Run.dryRun(config, source, path, 4).steps()).isEqualTo(1);
      assertThat(reference).doesNotExist();
      assertThat(path).doesNotExist();
      Run.start(config, source, path, NOBODY).close();
      assertThat(reference).exists();
    }
  }

  @Test
  void whatOrdersNothingNamesNoBestCheckpoint() {
    assertThatThrownBy(() -> train(path, NOBODY, "training.measure.name=nearest_distance"))
        .isInstanceOf(ConfigurationException.class)
        .hasMessageContaining("'nearest_distance', of which neither more nor less is better");
  }

  @Test
  void aRunThatIsResumedLogsTheSameLines() {
    var whole = folder.resolve("whole");
    var heldOut = "training.held_out=0.25";
    train(whole, NOBODY, heldOut);
    assertThatThrownBy(
            () ->
                train(
                    path,
                    new Trainer.Listener() {
                      @Override
                      public void onLog(Metrics metrics) {
                        if (metrics.step() == 6) {
                          throw new IllegalStateException("killed");
                        }
                      }
                    },
                    heldOut))
        .hasMessage("killed");
    resume(Map.of());
    assertThat(numbers(path)).isEqualTo(numbers(whole)).hasSize(6);
    assertThat(RunFolder.open(path).checkpoints().best())
        .isEqualTo(RunFolder.open(whole).checkpoints().best())
        .isPresent();
  }

  private static List<List<Object>> numbers(Path path) {
    return RunFolder.open(path).history().stream()
        .map(line -> List.<Object>of(line.step(), line.loss(), line.gradNorm(), line.measures()))
        .toList();
  }

  /** A measure of known values: one for each checkpoint. */
  private static final class Known implements Measure {
    private final List<Object> values;
    private final boolean higherIsBetter;

    Known(boolean higherIsBetter, Object... values) {
      this.values = new ArrayList<>(List.of(values));
      this.higherIsBetter = higherIsBetter;
    }

    @Override
    public String name() {
      return "known";
    }

    @Override
    public boolean higherIsBetter() {
      return higherIsBetter;
    }

    @Override
    public double of(Model model, BooleanSupplier stopped) {
      var next = values.remove(0);
      if (next instanceof RuntimeException failure) {
        throw failure;
      }
      return (double) next;
    }
  }

  private void train(Measure measure, String... changes) {
    var config = config(changes);
    try (var data = Run.data(config);
        var trainer =
            Trainer.start(
                config.forData(data),
                data,
                path,
                Compute.choose("float32"),
                Group.ALONE,
                Optional.empty(),
                List.of(measure),
                NOBODY)) {
      trainer.run();
    }
  }

  @Test
  void theBestCheckpointIsKept() throws IOException {
    train(
        new Known(false, 3.0, 1.0, Double.NaN, Double.NEGATIVE_INFINITY, 2.0),
        "training.checkpoint_every=2",
        "training.keep_checkpoints=1");
    assertThat(checkpoints(path)).containsExactly("best.json", "step-00000004", "step-00000010");
    var best = new Checkpoints.Best(4, "known", 1, "", 0);
    assertThat(RunFolder.open(path).checkpoints().best()).contains(best);
    var run = Run.open(path);
    try (var model = run.model("float32", "best")) {
      assertThat(model.loaded().orElseThrow().checkpoint()).hasFileName("step-00000004");
    }
    assertThat(run.folder().history())
        .extracting(line -> line.measures().get("known"))
        .containsExactly(3.0, null, 1.0, null, null, null, 2.0);
    assertThatThrownBy(() -> run.model("float32", "6"))
        .isInstanceOf(ConfigurationException.class)
        .hasMessageContaining("no checkpoint of step 6; there are [4, 10]");
    assertThatThrownBy(() -> run.model("float32", "last"))
        .isInstanceOf(ConfigurationException.class)
        .hasMessageContaining("'last'; it must be newest, best or the number of a step");
  }

  @Test
  void ofScoresTheHighestIsTheBest() {
    var failure = new DataException("no samples");
    train(new Known(true, 1.0, 5.0, failure, 5.0, 2.0), "training.checkpoint_every=2");
    assertThat(RunFolder.open(path).checkpoints().best().orElseThrow().step()).isEqualTo(4);
  }

  /** Between the writing of a checkpoint and that of its line, and before the best one is named. */
  @Test
  void aProcessThatEndsWhileItMeasuresLosesNothing() throws IOException {
    var killed = new IllegalStateException("killed");
    assertThatThrownBy(() -> train(new Known(false, 2.0, killed))).hasMessage("killed");
    assertThat(checkpoints(path)).containsExactly("best.json", "step-00000004", "step-00000008");
    assertThat(RunFolder.open(path).history())
        .extracting(Metrics::step)
        .containsExactly(3L, 4L, 6L);
    var run = Run.open(path);
    run.model("float32", "best").close();
    Files.writeString(path.resolve("checkpoints/best.json"), "{\"step\":"); // and a failing disk
    resume(Map.of("training.held_out", "icons,size=8,subset=30"));
    var history = RunFolder.open(path).history();
    assertThat(history).extracting(Metrics::step).containsExactly(3L, 4L, 6L, 8L, 9L, 10L);
    assertThat(history.get(3).measures()).containsKey(HeldOutLoss.NAME);
    // The first of these was measured now, but its steps were taken by a process that is no more.
    assertThat(Files.readAllLines(path.resolve("metrics.jsonl")))
        .filteredOn(line -> !line.contains("\"examples_per_second\":"))
        .singleElement()
        .asString()
        .startsWith("{\"step\":8,");
    assertThat(run.folder().checkpoints().best().orElseThrow().measure())
        .isEqualTo(HeldOutLoss.NAME);

    var whole = folder.resolve("whole");
    train(whole, NOBODY, "training.held_out=icons,size=8,subset=30");
    assertThat(numbers(path).get(3)).isEqualTo(numbers(whole).get(3));
  }

  private Checkpoints.Best best() {
    return RunFolder.open(path).checkpoints().best().orElseThrow();
  }

  /** The loss of other examples is another number. */
  @Test
  void checkpointsThatWereMeasuredInAnotherWayAreNotCompared() throws IOException {
    var heldOut = "training.held_out";
    train(
        path,
        NOBODY,
        "training.steps=8",
        "training.keep_checkpoints=9",
        heldOut + "=icons,size=8,subset=30");
    var metrics = path.resolve("metrics.jsonl");
    var lines = Files.readString(metrics);
    var changed =
        lines.replaceAll("\"held_out_loss\":[0-9.]+}\\s*$", "\"held_out_loss\":1.0E-6}\n");
    Files.writeString(metrics, changed);
    resume(Map.of("training.steps", "12"));
    assertThat(best().step()).isEqualTo(8);
    var harder = "icons,size=8,subset=40";
    resume(Map.of("training.steps", "20", heldOut, harder));
    assertThat(best().step()).isIn(16L, 20L);
    assertThat(best().since()).isEqualTo(13);
    assertThat(best().way()).contains(harder);
    resume(Map.of("training.steps", "24"));
    assertThat(best().since()).isEqualTo(13);
    // Steps that are taken again are measured again.
    for (var step : List.of("16", "20", "24")) {
      Files.move(path.resolve("checkpoints/step-000000" + step), folder.resolve(step));
    }
    resume(Map.of("training.steps", "16", heldOut, harder));
    assertThat(best().since()).isEqualTo(13);
    assertThat(best().step()).isEqualTo(16);
  }

  /** A distance of few samples is larger, and that of other samples another. */
  @Test
  void otherSamplesAreAnotherWay() {
    train(
        path,
        NOBODY,
        "training.steps=4",
        "training.measure.name=pair_total_variation",
        "training.measure.samples=6");
    assertThat(best().since()).isZero();
    resume(Map.of("training.steps", "8"));
    assertThat(best().since()).isZero();
    var steps = 8;
    for (var change :
        List.of(
            Map.entry("training.measure.samples", "8"),
            Map.entry("training.measure.data", "icons,size=8,subset=20"),
            Map.entry("sampling.steps", "3"))) {
      steps += 4;
      resume(Map.of("training.steps", Integer.toString(steps), change.getKey(), change.getValue()));
      assertThat(best().since()).isEqualTo(steps - 3);
    }
  }

  /** What {@code auto} is depends on the machine, and numbers of the two differ. */
  @ParameterizedTest
  @ValueSource(strings = {"training.held_out=2%", "training.measure.name=pair_total_variation"})
  void anotherPrecisionIsAnotherWay(String measure) {
    var common = List.of("training.steps=4", "training.measure.samples=6", "data=icons,size=8");
    var changes = new ArrayList<>(common);
    changes.addAll(List.of(measure, "training.precision=float32"));
    train(path, NOBODY, changes.toArray(String[]::new));
    assertThat(best().since()).isZero();
    assertThat(best().way()).contains("in float32");
    resume(Map.of("training.steps", "8", "training.precision", "bfloat16"));
    assertThat(best().since()).isEqualTo(5);
    assertThat(best().way()).contains("in bfloat16");
  }

  /** Four examples are learned by heart: their loss falls, and that of others rises. */
  @Test
  void overFittingShows() {
    train(
        path,
        NOBODY,
        "data=icons,size=8,subset=4",
        "training.held_out=icons,size=8,subset=64",
        "training.steps=400",
        "training.log_every=20",
        "training.checkpoint_every=20",
        "training.warmup_steps=0",
        "training.learning_rate=0.005",
        "training.ema_decay=0.9",
        "network.width=16",
        "network.dropout=0");
    var run = RunFolder.open(path);
    var lines = run.history();
    var heldOut = lines.stream().map(line -> line.measures().get(HeldOutLoss.NAME)).toList();
    var least = heldOut.stream().mapToDouble(loss -> loss).min().orElseThrow();
    assertThat(heldOut.get(19)).isGreaterThan(1.1 * least);
    assertThat(lines.get(19).loss()).isLessThan(0.5 * lines.get(0).loss());
    assertThat(run.checkpoints().best().orElseThrow().value()).isEqualTo(least);
    assertThat(run.checkpoints().best().orElseThrow().step()).isLessThan(400);
  }

  @Test
  void whatDoesNotFitTheDataIsNamedBeforeAnythingIsWritten() {
    refused("training.held_out=icons,size=12", "icons 12x12", "[1, 12, 12]", "[1, 8, 8]");
    refused("training.held_out=icons,size=8,levels=4", "4 values", "2 values");
    refused("training.held_out=icon", "training.held_out: data source 'icon'");
    refused("training.held_out=1.5", "training.held_out is 1.5", "a share above 0");
    refused("training.held_out=99%", "leaves none of the 16 examples");
    refused("training.held_out=100%", "held_out is 100%; it must be a share above 0 and below 1");
    refused("training.held_out=0.99", "leaves none of the 16 examples");
    refused("training.measure.name=bleu_4", "training.measure: name is 'bleu_4'", "pair_total");
    refused("training.measure.data=icons,size=9", "training.measure: ", "9x9");
    assertThat(path).doesNotExist();
  }

  private void refused(String change, String... expected) {
    var measured =
        change.contains("measure.data") ? "training.measure.name=pair_total_variation" : change;
    assertThatThrownBy(() -> train(path, NOBODY, change, measured))
        .isInstanceOf(ConfigurationException.class)
        .satisfies(e -> assertThat(e.getMessage()).contains(expected));
  }

  @Test
  void dataThatIsTrainedOnIsNoHeldOutData() {
    assertThat(warning("icons,size=8,subset=16")).contains("seems to be what is trained on");
    assertThat(warning("icons,size=8,subset=17")).isEmpty();
  }

  private String warning(String heldOut) {
    var before = System.err;
    var err = new ByteArrayOutputStream();
    System.setErr(new PrintStream(err, true));
    try {
      train(folder.resolve(heldOut), NOBODY, "training.held_out=" + heldOut, "training.steps=1");
    } finally {
      System.setErr(before);
    }
    return err.toString();
  }

  @Test
  void aShareIsNotTrainedOn() {
    var config = config("training.held_out=0.25");
    try (var data = Run.data(config);
        var checks = TrainingAndValidation.of(config.forData(data), data, path, false);
        var again = TrainingAndValidation.of(config.forData(data), data, path, false)) {
      var training = examples(checks.training());
      assertThat(training).hasSize(12).isEqualTo(examples(again.training()));
      var seeds = new HashSet<Set<Integer>>();
      for (var seed = 0; seed < 5; seed++) {
        var other = config("training.held_out=0.25", "training.seed=" + seed).forData(data);
        try (var drawn = TrainingAndValidation.of(other, data, path, false)) {
          seeds.add(examples(drawn.training()));
        }
      }
      assertThat(seeds).hasSizeGreaterThan(2);
    }
    train(path, NOBODY, "training.held_out=0.25", "training.steps=4");
    for (var change :
        List.of(
            Map.of("training.held_out", "0.5"),
            Map.of("training.seed", "3"),
            Map.of("data", "icons,size=8,subset=20"))) {
      assertThatThrownBy(() -> resume(change))
          .isInstanceOf(ConfigurationException.class)
          .hasMessageContaining("what it was trained on");
    }
    resume(Map.of("training.steps", "5"));
  }

  /** Of more pictures in the same folder, others are held out. */
  @Test
  void aShareOfDataThatGrewIsRefused() {
    var config = config("training.held_out=0.25", "training.steps=4");
    try (var data = Run.data(config);
        var trainer = Run.start(config, data, path, NOBODY)) {
      trainer.run();
    }
    var run = Run.open(path);
    var longer = run.config(Map.of("training.steps", "5"));
    try (var more = run.data("icons,size=8,subset=17")) {
      assertThatThrownBy(() -> run.resume(longer, more, NOBODY))
          .isInstanceOf(ConfigurationException.class)
          .hasMessageContaining("than before (16 examples then, 17 now)");
    }
    resume(Map.of("training.steps", "5"));
  }

  @Test
  void aSourceMayBeginWithADigit() {
    for (var source : List.of("7segment,size=8", "1f", "NaN", "%", "5%,size=8")) {
      assertThat(config("training.held_out=" + source).training().heldOutShare()).isEmpty();
    }
    for (var share : List.of("0.05", ".05", "5e-2", " +0.05 ", "5%", "5.0%")) {
      assertThat(config("training.held_out=" + share).training().heldOutShare()).hasValue(0.05);
    }
    refused("training.held_out=-0.05", "training.held_out is -0.05", "a share above 0");
  }

  /** Held-out captions are read with the words of the training's. */
  @Test
  void captionsThatAreHeldOutAreReadWithTheVocabularyOfTheRun() {
    var config =
        Configs.of(
            "scene-captions",
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
                "training.precision", "float32"),
            "training.held_out=scenes,split=train");
    try (var data = Run.data(config);
        var trainer = Run.start(config, data, path, NOBODY)) {
      trainer.run();
    }
    var run = Run.open(path);
    try (var heldOut = new HeldOutLoss(run.data("scenes,split=train"));
        var model = run.model("float32")) {
      assertThat(run.folder().history().get(0).measures())
          .containsEntry(HeldOutLoss.NAME, heldOut.of(model, () -> false));
    }
  }

  private static Set<Integer> examples(DataSource training) {
    var set = new HashSet<Integer>();
    for (var index : ((Part) training).indexes()) {
      set.add(index);
    }
    return set;
  }
}

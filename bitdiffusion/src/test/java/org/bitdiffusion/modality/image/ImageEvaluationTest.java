package org.bitdiffusion.modality.image;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;
import static org.assertj.core.api.Assumptions.assumeThat;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.HashMap;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.stream.IntStream;
import org.bitdiffusion.ConfigurationException;
import org.bitdiffusion.DataException;
import org.bitdiffusion.config.ConfigYaml;
import org.bitdiffusion.data.DataSource;
import org.bitdiffusion.data.Given;
import org.bitdiffusion.data.Schema;
import org.bitdiffusion.data.Space;
import org.bitdiffusion.io.Npy;
import org.bitdiffusion.metrics.SymbolStatistics;
import org.bitdiffusion.modality.Evaluation;
import org.bitdiffusion.modality.KeptSamples;
import org.bitdiffusion.modality.Watch;
import org.bitdiffusion.model.Model;
import org.bitdiffusion.run.ConfigReader;
import org.bitdiffusion.run.Run;
import org.bitdiffusion.sampling.SamplerConfig;
import org.bitdiffusion.training.Trainer;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

class ImageEvaluationTest {
  private static final Map<String, String> SMALL =
      Map.of(
          "data", "icons,size=8,subset=40",
          "training.steps", "1",
          "training.batch_size", "4",
          "network.width", "8",
          "network.multipliers", "[1]",
          "network.blocks", "1",
          "network.attention", "[]");

  private static final SamplerConfig SAMPLING =
      new SamplerConfig(2, "ddim", 0, 0, "previous", 0, 3, "", 0);

  @TempDir private Path folder;

  /** A run of one step, with some settings of its own. */
  private Run trained(String name, Map<String, String> changes) {
    var settings = new HashMap<>(SMALL);
    settings.putAll(changes);
    var config = ConfigReader.preset("icons", settings);
    var path = folder.resolve(name);
    try (var source = Run.data(config);
        var trainer = Run.start(config, source, path, new Trainer.Listener() {})) {
      trainer.run();
    }
    return Run.open(path);
  }

  private static Evaluation.Comparison compare(Run run, DataSource source, int n) {
    return run.modality().evaluation().with(source, n, Map.of(), Watch.NOBODY);
  }

  /** Notes what it is told. */
  private static final class Notes implements Watch {
    private final Map<String, List<Long>> done = new LinkedHashMap<>();
    private final List<String> said = new ArrayList<>();

    @Override
    public void progress(String task, long done, long total, String detail) {
      this.done.computeIfAbsent(task + " of " + total, t -> new ArrayList<>()).add(done);
    }

    @Override
    public void say(String what) {
      said.add(what);
    }
  }

  /** What a program does that measures a run, twice: the second time nothing is drawn. */
  @Test
  void aRunIsMeasuredAndItsSamplesAreKept() throws IOException {
    var run = trained("run", Map.of());
    var notes = new Notes();
    try (var icons = run.data();
        var comparison = run.modality().evaluation().with(icons, 70, Map.of(), notes);
        var model = run.model("float32")) {
      assertThat(notes.done).isEmpty(); // nothing is read before it must be
      comparison.look(notes);
      assertThat(notes.done).containsExactly(Map.entry("looking of 40", List.of(40L)));
      var subject = new Evaluation.Subject(run.folder(), model, SAMPLING, 7, 4);
      var numbers = comparison.measure(subject, List.of(), notes);
      assertThat(notes.done.get("samples of 70")).containsExactly(64L, 70L);
      var kept = new KeptSamples(subject, 70, (first, n) -> Given.NONE).folder().orElseThrow();
      assertThat(notes.said)
          .containsExactly(
              "looks for the nearest training images", "the samples are kept in " + kept);
      assertThat(kept).isDirectoryContaining("glob:**samples-0000064-0000070*.npy");
      assertThat(numbers)
          .containsEntry("compared_with", icons.name())
          .containsEntry("samples", 70)
          .containsEntry("seed", 7L)
          .containsEntry("network_evaluations_per_sample", 2)
          .containsKey("samples_per_second")
          .containsKeys(comparison.measured(run.config()).toArray(String[]::new));
      // Also where another size of batches is asked for.
      var inLarge = new Evaluation.Subject(run.folder(), model, SAMPLING, 7, 500);
      var again = new Notes();
      var expected = new LinkedHashMap<>(numbers);
      expected.remove("samples_per_second");
      assertThat(comparison.measure(inLarge, List.of(), again)).isEqualTo(expected);
      assertThat(again.said).contains("70 of the 70 samples were there already");
      // Of one batch that holds both pieces come the same samples, up to rounding.
      var inSmall = samples(kept);
      assertThat(comparison.measure(inLarge, List.of(), Watch.NOBODY))
          .containsKey("samples_per_second");
      var inOne = samples(kept);
      assertThat(inOne).hasSameSizeAs(inSmall);
      var different =
          IntStream.range(0, inSmall.length).filter(i -> inSmall[i] != inOne[i]).count();
      assertThat(different).isLessThan(inSmall.length / 100);
      assertThat(IntStream.of(inSmall).distinct().count()).isGreaterThan(1);
    }
  }

  private static Path checkpoint(Run run) {
    return run.folder().checkpoints().requireNewest();
  }

  /** The symbols of all samples that are kept, which are removed. */
  private static int[] samples(Path folder) throws IOException {
    try (var files = Files.list(folder)) {
      var symbols = IntStream.empty();
      for (var file : files.filter(f -> f.toString().endsWith(".npy")).sorted().toList()) {
        symbols = IntStream.concat(symbols, IntStream.of(Npy.read(file).values()));
        Files.delete(file);
      }
      return symbols.toArray();
    }
  }

  @Test
  void aRunIsMeasuredAsItIsConfiguredUnlessSaidOtherwise() {
    var run = trained("run", Map.of("sampling.steps", "2"));
    try (var icons = run.data();
        var model = run.model("float32")) {
      var numbers = run.evaluate(model, icons, 10);
      assertThat(numbers)
          .containsEntry("samples", 10)
          .containsEntry("seed", 0L)
          .containsEntry("network_evaluations_per_sample", run.config().sampling().evaluations());
      try (var comparison = compare(run, icons, 10)) {
        var again = comparison.measure(run.subject(model), List.of(), Watch.NOBODY);
        assertThat(again).doesNotContainKey("samples_per_second");
        assertThat(numbers).containsAllEntriesOf(again);
        // What costs a pass over all images is left out where nobody asks for it.
        var symbols = List.of("symbol_total_variation");
        assertThat(comparison.measure(run.subject(model), symbols, Watch.NOBODY))
            .containsEntry("symbol_total_variation", numbers.get("symbol_total_variation"))
            .containsKey("symbol_total_variation_of_data")
            .doesNotContainKey("nearest_distance");
        var ratio = List.of("nearest_ratio");
        assertThat(comparison.measure(run.subject(model), ratio, Watch.NOBODY))
            .containsEntry("nearest_ratio", numbers.get("nearest_ratio"))
            .doesNotContainKey("pair_total_variation_of_data");
      }
    }
  }

  /** What total variation data has that is no better than data, by the number of images. */
  @Test
  void asMuchDataStandsBesideTheSamples() {
    var run = trained("run", Map.of("sampling.steps", "2"));
    try (var icons = ImageSourcesTest.open("icons,size=8,subset=40");
        var others = ImageSourcesTest.open("icons,size=8,subset=90");
        var model = run.model("float32")) {
      var names = List.of("symbol_total_variation", "pair_total_variation");
      // Held-out images, evenly from all.
      var notes = new Notes();
      var heldOut = Map.of("held_out", "icons,size=8,subset=90");
      try (var comparison = run.modality().evaluation().with(icons, 30, heldOut, notes)) {
        var numbers = comparison.measure(run.subject(model), names, notes);
        var every = IntStream.range(0, 30).map(i -> 3 * i).toArray();
        assertThat(numbers)
            .containsEntry("pair_total_variation_of_data", distance(others, every, icons));
        assertThat(notes.said).noneMatch(said -> said.contains("held-out"));
      }
      // Of fewer than the samples, training images: of many draws, all about equally often.
      try (var comparison = run.modality().evaluation().with(icons, 100, heldOut, notes)) {
        var numbers = comparison.measure(run.subject(model), names, notes);
        assertThat(notes.said)
            .contains(
                "there are 90 held-out images, fewer than samples: *_of_data is of images drawn from "
                    + icons.name());
        assertThat((double) numbers.get("pair_total_variation_of_data")).isBetween(0.001, 0.05);
      }
      // Of fewer images it is more.
      try (var few = compare(run, icons, 2);
          var many = compare(run, icons, 200)) {
        var ofFew = few.measure(run.subject(model), names, notes);
        var ofMany = many.measure(run.subject(model), names, notes);
        assertThat((double) ofFew.get("pair_total_variation_of_data"))
            .isGreaterThan(2 * (double) ofMany.get("pair_total_variation_of_data"));
      }
    }
  }

  private static double distance(ImageSource images, int[] some, ImageSource others) {
    var all = IntStream.range(0, others.size()).toArray();
    return statistics(images, some).pairDistance(statistics(others, all));
  }

  private static SymbolStatistics statistics(ImageSource images, int[] some) {
    var statistics = new SymbolStatistics(1, 8, 8, images.format().categories());
    for (var index : some) {
      statistics.add(ImageBatch.read(images, index, 1).symbols());
    }
    return statistics;
  }

  @Test
  void whatCannotBeMeasuredIsRefused() {
    var run = trained("run", Map.of());
    try (var icons = run.data();
        var others = ImageSourcesTest.open("icons,size=12,subset=40");
        var model = run.model("float32");
        var some = compare(run, icons, 4);
        var larger = compare(run, others, 4)) {
      assertThatThrownBy(() -> compare(run, icons, -1))
          .isInstanceOf(IllegalArgumentException.class);
      var inNoBatch = new Evaluation.Subject(run.folder(), model, SAMPLING, 0, 0);
      assertThatThrownBy(() -> some.measure(inNoBatch, List.of(), Watch.NOBODY))
          .isInstanceOf(IllegalArgumentException.class);
      assertThatThrownBy(() -> larger.measure(run.subject(model), List.of(), Watch.NOBODY))
          .isInstanceOf(ConfigurationException.class)
          .hasMessageContaining("images are 12x12", "but the run's are 8x8");
      var heldOut = Map.of("held_out", "icons,size=12,subset=40");
      try (var other = run.modality().evaluation().with(icons, 4, heldOut, Watch.NOBODY)) {
        assertThatThrownBy(() -> other.measure(run.subject(model), List.of(), Watch.NOBODY))
            .isInstanceOf(ConfigurationException.class)
            .hasMessageContaining("images are 12x12", "but the run's are 8x8");
      }
      assertThat(run.path().resolve("evaluations")).doesNotExist();
    }
  }

  private static void assertRefused(DataSource source, Map<String, String> options, String why) {
    var evaluation = new ImageModality().evaluation();
    assertThatThrownBy(() -> evaluation.with(source, 4, options, Watch.NOBODY))
        .isInstanceOf(ConfigurationException.class)
        .hasMessage(why);
  }

  /** A source without pictures. */
  private static final class Numbers implements DataSource {
    @Override
    public String name() {
      return "numbers";
    }

    @Override
    public int size() {
      return 3;
    }

    @Override
    public Schema schema() {
      return Schema.of(Space.of(List.of(1, 2), 5));
    }

    @Override
    public void read(int index, int[] target, int offset) {}
  }

  @Test
  void optionsThatContradictEachOtherAreRefused() {
    try (var icons = ImageSourcesTest.open("icons,size=8,subset=4")) {
      assertRefused(
          icons,
          Map.of("captions", "x.txt"),
          "captions cannot be asked for here; there are held_out, inception, features,"
              + " features_precision, reference");
      assertRefused(
          icons,
          Map.of("reference", "x.npz"),
          "reference needs inception or features, whose statistics it holds");
      assertRefused(
          icons,
          Map.of("features_precision", "float32"),
          "features_precision needs inception or features, which compute in it");
      assertRefused(
          icons,
          Map.of("inception", "x", "features", "y"),
          "inception and features exclude each other; take one");
    }
    assertRefused(new Numbers(), Map.of(), "numbers holds no images to compare with");
  }

  /** The name of the folder in which samples would be kept. */
  private static String place(Run run, Model model, SamplerConfig sampling, long seed, int batch) {
    var subject = new Evaluation.Subject(run.folder(), model, sampling, seed, batch);
    var kept = new KeptSamples(subject, 3, (first, n) -> Given.NONE);
    assertThat(kept.folder().orElseThrow().getParent())
        .isEqualTo(run.path().resolve("evaluations"));
    return kept.folder().orElseThrow().getFileName().toString();
  }

  /** {@link #SAMPLING} with one setting changed, for each setting. */
  private static List<SamplerConfig> others() {
    var others =
        List.of(
            new SamplerConfig(3, "ddim", 0, 0, "previous", 0, 3, "", 0),
            new SamplerConfig(2, "ddpm", 0, 0, "previous", 0, 3, "", 0),
            new SamplerConfig(2, "ddim", 0.5, 0, "previous", 0, 3, "", 0),
            new SamplerConfig(2, "ddim", 0, 1, "previous", 0, 3, "", 0),
            new SamplerConfig(2, "ddim", 0, 0, "none", 0, 3, "", 0),
            new SamplerConfig(2, "ddim", 0, 0, "previous", 0.5, 3, "", 0),
            new SamplerConfig(2, "ddim", 0, 0, "previous", 0, 4, "", 0),
            new SamplerConfig(2, "ddim", 0, 0, "previous", 0, 3, "linear", 0),
            new SamplerConfig(2, "ddim", 0, 0, "previous", 0, 3, "", 1),
            new SamplerConfig(2, "ddim", 0, 0, "previous", 0, 3, "", 0, 1, 1, 1, 0, 0, 1),
            new SamplerConfig(2, "ddim", 0, 0, "previous", 0, 3, "", 0, 0, 2, 1, 0, 0, 1),
            new SamplerConfig(2, "ddim", 0, 0, "previous", 0, 3, "", 0, 0, 1, 2, 0, 0, 1));
    assertThat(others).hasSize(ofDenoising());
    return others;
  }

  /** The number of settings that these samples depend on: they are not drawn symbol by symbol. */
  private static int ofDenoising() {
    return SamplerConfig.class.getRecordComponents().length - SamplerConfig.OF_NEXT_SYMBOL.size();
  }

  @Test
  void keptSamplesAreAddressedByAllThatTheyDependOn() {
    var run = trained("run", Map.of());
    var other = trained("other", Map.of("training.seed", "1"));
    try (var model = run.model("float32");
        var sameModel = run.model("float32");
        var half = run.model("bfloat16");
        var otherModel = other.model("float32")) {
      var place = place(run, model, SAMPLING, 7, 4);
      assertThat(place).startsWith(checkpoint(run).getFileName() + "-");
      var same = new SamplerConfig(2, "ddim", 0, 0, "previous", 0, 3, "", 0);
      assertThat(place(run, sameModel, same, 7, 64)).isEqualTo(place);
      var places = new ArrayList<>(List.of(place));
      for (var sampling : others()) {
        places.add(place(run, model, sampling, 7, 4));
      }
      places.add(place(run, model, SAMPLING, 8, 4));
      places.add(place(run, half, SAMPLING, 7, 4));
      places.add(place(other, otherModel, SAMPLING, 7, 4)); // other weights of as many steps
      assertThat(places).doesNotHaveDuplicates();
      assertThat(checkpoint(other).getFileName()).isEqualTo(checkpoint(run).getFileName());
    }
  }

  @Test
  void theFolderOfKeptSamplesTellsTheirSettings() throws IOException {
    var run = trained("run", Map.of());
    var sampling = new SamplerConfig(2, "ddim", 0.5, 0, "momentum", 0.9, 3, "linear", 0);
    try (var model = run.model("float32")) {
      var subject = new Evaluation.Subject(run.folder(), model, sampling, 7, 4);
      var kept = new KeptSamples(subject, 3, (first, n) -> Given.NONE);
      assertThat(kept.folder().orElseThrow()).doesNotExist();
      assertThat(kept.piece(0).count()).isEqualTo(3);
      assertThat(kept.drawn()).isEqualTo(3);
      var settings = kept.folder().orElseThrow().resolve("settings.yaml");
      var told = ConfigYaml.newMapper().readTree(settings.toFile());
      assertThat(told.get("seed").asLong()).isEqualTo(7);
      assertThat(told.get("device").asText()).isEqualTo("cpu");
      assertThat(told.get("precision").asText()).isEqualTo("float32");
      assertThat(told.get("weights").asText()).matches("[0-9a-f]{8}");
      assertThat(told.get("sampling.steps").asInt()).isEqualTo(2);
      assertThat(told.get("sampling.sampler").asText()).isEqualTo("ddim");
      assertThat(told.get("sampling.eta").asDouble()).isEqualTo(0.5);
      assertThat(told.get("sampling.self_conditioning").asText()).isEqualTo("momentum");
      assertThat(told.get("sampling.schedule").asText()).isEqualTo("linear");
      assertThat(Files.readAllLines(settings)).hasSize(5 + ofDenoising()).startsWith("samples: 1");
    }
  }

  @Test
  void moreSamplesThanTheDiskHasRoomForAreRefusedBeforeTheFirst() throws IOException {
    var run = trained("run", Map.of());
    var n = Integer.MAX_VALUE;
    var places = run.config().schema().space().places();
    assumeThat(Files.getFileStore(run.path()).getUsableSpace()).isLessThan((long) n * places);
    try (var icons = run.data();
        var comparison = compare(run, icons, n);
        var model = run.model("float32")) {
      comparison.requireFit(run.config(), SAMPLING, 7); // takes no memory for each sample
      var subject = new Evaluation.Subject(run.folder(), model, SAMPLING, 7, 4);
      assertThatThrownBy(() -> comparison.measure(subject, List.of(), Watch.NOBODY))
          .isInstanceOf(ConfigurationException.class)
          .hasMessageStartingWith("n is 2147483647: so many samples are kept in ")
          .hasMessageEndingWith(" kB are free there; ask for fewer");
      assertThat(run.path().resolve("evaluations")).doesNotExist();
    }
  }

  @Test
  void aPieceIsUsedOnlyIfItIsWhatWasDrawn() throws IOException {
    var run = trained("run", Map.of());
    try (var model = run.model("float32")) {
      var subject = new Evaluation.Subject(run.folder(), model, SAMPLING, 7, 4);
      var kept = new KeptSamples(subject, 3, (first, n) -> Given.NONE);
      var symbols = kept.piece(0).symbols();
      var again = new KeptSamples(subject, 3, (first, n) -> Given.NONE);
      assertThat(again.piece(0).symbols()).isEqualTo(symbols);
      assertThat(again.drawn()).isZero();
      Path file;
      try (var files =
          Files.newDirectoryStream(
              kept.folder().orElseThrow(), "samples-0000000-0000003-crc-*.npy")) {
        file = files.iterator().next();
      }
      var one = symbols.clone();
      one[7] ^= 1; // still a symbol
      Npy.write(file, one, new int[] {3, 1, 8, 8}, 2);
      assertThatThrownBy(() -> again.piece(0))
          .isInstanceOf(DataException.class)
          .hasMessage(file + " is not what was drawn; delete it");
      Npy.write(file, Arrays.copyOf(symbols, symbols.length / 3), new int[] {1, 1, 8, 8}, 2);
      assertThatThrownBy(() -> again.piece(0))
          .isInstanceOf(DataException.class)
          .hasMessage(file + " is not what was drawn; delete it");
      Files.write(file, new byte[10]);
      assertThatThrownBy(() -> again.piece(0))
          .isInstanceOf(DataException.class)
          .hasMessageContaining(file.toString())
          .hasMessageEndingWith("; delete it, and it is drawn again");
      Files.delete(file);
      assertThat(again.piece(0).symbols()).isEqualTo(symbols);
      assertThat(again.drawn()).isEqualTo(3);
    }
  }
}

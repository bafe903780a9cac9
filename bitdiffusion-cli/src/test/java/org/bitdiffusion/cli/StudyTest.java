package org.bitdiffusion.cli;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.within;
import static org.junit.jupiter.api.Assertions.assertTimeoutPreemptively;

import java.io.IOException;
import java.nio.channels.FileChannel;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.StandardOpenOption;
import java.nio.file.attribute.FileTime;
import java.time.Duration;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.HashSet;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.TreeMap;
import java.util.stream.Collectors;
import java.util.stream.IntStream;
import java.util.stream.Stream;
import javax.imageio.ImageIO;
import org.bitdiffusion.config.ConfigYaml;
import org.bitdiffusion.data.Condition;
import org.bitdiffusion.data.Schema;
import org.bitdiffusion.data.Space;
import org.bitdiffusion.nn.unet.UNetConfig;
import org.bitdiffusion.run.ConfigReader;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

class StudyTest extends CommandTest {
  private static final String STUDY =
      """
      title: Self-conditioning
      preset: icons
      settings:
        data: icons,size=8
        training.steps: 2
        training.batch_size: 4
        network.width: 8
        network.multipliers: [1]
        network.blocks: 1
        network.attention: []
        sampling.self_conditioning: previous
      variants:
        with: {}
        without, at all: {diffusion.self_conditioning: none}
      sampling:
        2 steps: {sampling.steps: 2}
        3 steps: {sampling.steps: 3, sampling.td: 0.5}
      seeds: [0, 1]
      samples: 4
      metrics: [pair_total_variation, nearest_distance]
      """;

  private static final String ONE_SEED = STUDY.replace("seeds: [0, 1]", "seeds: [0]");

  private int study(String study) throws IOException {
    return study(study, "out");
  }

  private int study(String study, String target, Object... more) throws IOException {
    var file = Files.writeString(folder.resolve("study.yaml"), study);
    var args = Stream.of("study", file, "--out", folder.resolve(target));
    return run(Stream.concat(args, Stream.of(more)).toArray());
  }

  private void assertRefused(String study, String... message) throws IOException {
    assertThat(study(study)).isEqualTo(2);
    assertThat(err.toString()).contains(message);
  }

  private Map<Path, FileTime> files() throws IOException {
    var times = new TreeMap<Path, FileTime>();
    try (var files = Files.walk(folder.resolve("out/runs"))) {
      for (var file : files.filter(Files::isRegularFile).toList()) {
        if (file.toString().endsWith(".npy") || file.toString().endsWith(".safetensors")) {
          times.put(file, Files.getLastModifiedTime(file));
        }
      }
    }
    return times;
  }

  @Test
  void listsThatMultiplyWithoutBoundsAreRefused() throws IOException {
    var values = IntStream.rangeClosed(1, 50).mapToObj(String::valueOf).toList();
    var lists = new StringBuilder();
    for (var key : List.of("steps", "td", "eta", "guidance", "temperature")) {
      lists.append("    sampling.%s: %s\n".formatted(key, values));
    }
    assertRefused(
        STUDY.replace("  2 steps: {sampling.steps: 2}\n", "  many:\n" + lists),
        "sampling is missing or wrong; it must be at most 2,000 ways, and its lists make 2,500");
  }

  @Test
  void aWayNeedsNoSettings() throws IOException {
    var file =
        Files.writeString(folder.resolve("study.yaml"), STUDY.replace(" {sampling.steps: 2}", ""));
    assertThat(Study.read(file, null).ways().get("2 steps").settings()).isEmpty();
  }

  @Test
  void aConfigurationThatIsNoneIsRefusedAtOnce() throws Exception {
    var study = STUDY.replace("preset: icons", "config: base.yaml");
    var base = folder.resolve("base.yaml");
    Files.writeString(base, "# " + "x".repeat(2 << 20));
    assertRefused(study, base + " cannot be read: it is longer than 1,048,576 bytes");
    Files.delete(base);
    assertThat(new ProcessBuilder("mkfifo", base.toString()).start().waitFor()).isZero();
    assertTimeoutPreemptively(
        Duration.ofSeconds(20), () -> assertRefused(study, "it is a pipe or a device"));
  }

  @Test
  void aConfigurationMayBeginWithAByteOrderMark() throws IOException {
    Files.writeString(
        folder.resolve("base.yaml"),
        "\ufeff" + ConfigYaml.text(ConfigReader.preset("icons", Map.of())));
    var file =
        Files.writeString(
            folder.resolve("study.yaml"), STUDY.replace("preset: icons", "config: base.yaml"));
    assertThat(Study.read(file, null).config().text()).startsWith("format: ");
  }

  @Test
  void trainsSamplesAndTellsWhatIsMissing() throws IOException {
    assertThat(study(STUDY)).as(err.toString()).isZero();
    var table = Files.readString(folder.resolve("out/table.md"));
    assertThat(out)
        .hasToString(
            table
                + "\ntable.md, table.csv, differences.csv and plot.png are in "
                + folder.resolve("out")
                + ", the runs in "
                + folder.resolve("out/runs")
                + "\n");
    assertThat(
            table
                .lines()
                .map(line -> line.replaceAll("[0-9.e-]+ ± [0-9.e-]+", "X"))
                .map(
                    line ->
                        line.replaceAll("\\| -?[0-9.e-]+ \\| [0-9.e -]+to [0-9.e -]+ ", "| D ")))
        .containsExactly(
            "# Self-conditioning",
            "",
            "pair_total_variation",
            "",
            "| | 2 steps | 3 steps |",
            "|---|---|---|",
            "| with | X | X |",
            "| without, at all | X | X |",
            "| *data, as much* | X | X |",
            "",
            "| variant | sampling | difference | 95% interval | p | |",
            "|---|---|---|---|---|---|",
            "| without, at all | 2 steps | D |  | no verdict: 2 of the 6 seeds that it takes |",
            "| without, at all | 3 steps | D |  | no verdict: 2 of the 6 seeds that it takes |",
            "",
            "nearest_distance",
            "",
            "| | 2 steps | 3 steps |",
            "|---|---|---|",
            "| with | X | X |",
            "| without, at all | X | X |",
            "",
            "| variant | sampling | difference | 95% interval | p | |",
            "|---|---|---|---|---|---|",
            "| without, at all | 2 steps | D |  | no verdict: 2 of the 6 seeds that it takes |",
            "| without, at all | 3 steps | D |  | no verdict: 2 of the 6 seeds that it takes |",
            "",
            "4 samples of each; mean ± deviation over 2 seeds",
            "",
            "Differences are from with with the same seed. Each interval is for itself; p is"
                + " corrected for all 4 comparisons (Holm), and lower or higher is said where it is"
                + " below 0.05.");
    assertThat(Files.readAllLines(folder.resolve("out/differences.csv")))
        .hasSize(1 + 4)
        .anyMatch(
            line ->
                line.startsWith("nearest_distance,\"without, at all\",3 steps,with,3 steps,2,")
                    && line.endsWith(",,,no verdict: 2 of the 6 seeds that it takes"));
    var lines = Files.readAllLines(folder.resolve("out/table.csv"));
    assertThat(lines).hasSize(1 + 2 * 2 * 2);
    assertThat(lines.get(0))
        .isEqualTo("variant,sampling,seed,with,pair_total_variation,nearest_distance");
    assertThat(lines.get(3)).startsWith("\"without, at all\",2 steps,0,");
    var plot = ImageIO.read(folder.resolve("out/plot.png").toFile());
    assertThat(List.of(plot.getWidth(), plot.getHeight())).containsExactly(900, 500);

    // Nothing is done again, also while others use the runs; what is missing is.
    var before = files();
    var lock = folder.resolve("out/runs/with-seed-0/.lock");
    try (var other = FileChannel.open(lock, StandardOpenOption.WRITE)) {
      assertThat(other.tryLock()).isNotNull();
      assertThat(study(STUDY)).as(err.toString()).isZero();
    }
    assertThat(files()).isEqualTo(before);
    assertThat(Files.readString(folder.resolve("out/table.md"))).isEqualTo(table);
    assertThat(study(STUDY.replace("seeds: [0, 1]", "seeds: [0, 1, 2]"))).isZero();
    assertThat(files()).containsAllEntriesOf(before).hasSizeGreaterThan(before.size());
    // Runs of other settings are not taken for those of the study.
    assertRefused(
        STUDY.replace("batch_size: 4", "batch_size: 5"),
        "with-seed-0 was trained with other settings than");
    // Nor are longer runs, or shorter ones whose learning rate knew their end.
    assertRefused(
        STUDY.replace("training.steps: 2", "training.steps: 3"),
        "with-seed-0 was trained with other settings than");
    assertRefused(
        STUDY.replace("training.steps: 2", "training.steps: 1"),
        "with-seed-0 was trained with other settings than");
  }

  @Test
  void studiesShareRunsOfTheSameSettings() throws IOException {
    assertThat(study(STUDY)).as(err.toString()).isZero();
    var before = files();
    var foreign = Files.createDirectory(folder.resolve("out/runs/another"));
    Files.writeString(foreign.resolve("config.yaml"), "of: another program");
    var other =
        STUDY
            .replace("  with: {}", "  same: {}\n  more: {training.batch_size: 5}")
            .replace("seeds: [0, 1]", "seeds: [0]");
    assertThat(study(other, "other", "--runs", folder.resolve("out/runs")))
        .as(err.toString())
        .isZero();
    assertThat(files()).containsAllEntriesOf(before);
    assertThat(files().keySet().stream().map(file -> folder.relativize(file).getName(2)).distinct())
        .hasSize(4 + 1)
        .contains(Path.of("more-seed-0"));
    assertThat(folder.resolve("other/table.md")).exists();
    assertThat(folder.resolve("other/runs")).doesNotExist();
    var with = Files.readAllLines(folder.resolve("out/table.csv")).get(1);
    assertThat(Files.readAllLines(folder.resolve("other/table.csv")).get(1))
        .isEqualTo(with.replace("with,", "same,"));
  }

  /** Results of different precision are no comparison of the variants, unless asked for. */
  @Test
  void refusesRunsThatWereComputedInDifferentWays() throws IOException {
    assertThat(study(STUDY)).as(err.toString()).isZero();
    var table = Files.readString(folder.resolve("out/table.md"));
    var stretches = folder.resolve("out/runs/with-seed-1/stretches.jsonl");
    var text = Files.readString(stretches);
    var other = text.replaceFirst("\"precision\":\"[a-z0-9]+\"", "\"precision\":\"float16\"");
    assertThat(other).isNotEqualTo(text);
    Files.writeString(stretches, other);
    assertRefused(
        STUDY,
        "with-seed-1 was trained with float16, ",
        "but ",
        "with-seed-0 was trained with ",
        "--mixed");
    assertThat(study(STUDY, "out", "--mixed")).as(err.toString()).isZero();
    assertThat(Files.readString(folder.resolve("out/table.md"))).isEqualTo(table);
  }

  /** Runs of versions that did not note how they computed may be of any precision. */
  @Test
  void refusesRunsOfUnknownWaysBesideOthers() throws IOException {
    assertThat(study(ONE_SEED)).as(err.toString()).isZero();
    var runs = folder.resolve("out/runs");
    Files.delete(runs.resolve("without-at-all-seed-0/stretches.jsonl"));
    assertRefused(
        ONE_SEED,
        "without-at-all-seed-0 was trained with precision and device unknown (trained by",
        "with-seed-0 was trained with ",
        "--mixed");
    assertThat(study(ONE_SEED, "out", "--mixed")).as(err.toString()).isZero();

    // Begun by an earlier version and ended by this one.
    var stretches = runs.resolve("with-seed-0/stretches.jsonl");
    var text = Files.readString(stretches);
    assertThat(text).contains("\"first\":1,");
    Files.writeString(
        runs.resolve("without-at-all-seed-0/stretches.jsonl"),
        text.replace("\"first\":1,", "\"first\":2,"));
    assertRefused(ONE_SEED, "without-at-all-seed-0 was trained with precision and dev");

    // All alike.
    Files.delete(stretches);
    Files.delete(runs.resolve("without-at-all-seed-0/stretches.jsonl"));
    assertThat(study(ONE_SEED)).as(err.toString()).isZero();
  }

  /** What is missing may take days, and its table would be refused then. */
  @Test
  void looksAtAllRunsBeforeAnythingIsTrained() throws IOException {
    assertThat(study(ONE_SEED)).as(err.toString()).isZero();
    var runs = folder.resolve("out/runs");
    var stretches = runs.resolve("without-at-all-seed-0/stretches.jsonl");
    var text = Files.readString(stretches);
    Files.move(runs.resolve("with-seed-0"), runs.resolve("with-seed-2"));
    Files.writeString(stretches, text.replace("\"device\":\"", "\"device\":\"another "));
    var more = STUDY.replace("seeds: [0, 1]", "seeds: [1, 2, 0]");
    var config = runs.resolve("with-seed-2/config.yaml");
    Files.writeString(config, Files.readString(config).replaceFirst("seed: 0", "seed: 2"));
    assertRefused(more, "without-at-all-seed-0 was trained with ", "--mixed");
    try (var folders = Files.list(runs)) {
      assertThat(folders).hasSize(2);
    }

    // What is missing would be trained here, which is another device.
    assertThat(study(ONE_SEED.replace("  with: {}\n", "  lacking: {training.learning_rate: 1}\n")))
        .isEqualTo(2);
    assertThat(err.toString())
        .contains(
            "without-at-all-seed-0 was trained with",
            "but ",
            "lacking-seed-0 would be trained with ");
    try (var folders = Files.list(runs)) {
      assertThat(folders).hasSize(2);
    }

    Files.writeString(stretches, text);
    assertRefused(
        more.replace("[1, 2, 0]", "[1, 2]").replace("size: 4", "size: 5"),
        "with-seed-2 was trained with other settings than");
    try (var folders = Files.list(runs)) {
      assertThat(folders).hasSize(2);
    }
  }

  /** It may be days until the second variant begins. */
  @Test
  void theDataOfAllVariantsIsOpenedBeforeAnythingIsTrained() throws IOException {
    assertRefused(
        """
        title: Tokens
        preset: scene-captions
        settings: {training.steps: 1, data: "scenes,subset=4"}
        variants:
          words: {}
          pieces: {modality.tokenizer: nowhere/tokenizer.json}
        seeds: [0]
        samples: 4
        metrics: [cider]
        """,
        "variant 'pieces': ",
        "nowhere/tokenizer.json");
    assertThat(folder.resolve("out")).doesNotExist();
  }

  @Test
  void optionsOfTheKindOfDataAreGivenByTheirNames() throws IOException {
    assertThat(study(ONE_SEED, "out", "--with", "held_out=icons,size=8"))
        .as(err.toString())
        .isZero();
    assertThat(study(ONE_SEED, "other", "--with", "held_out=icon,size=8")).isEqualTo(2);
    assertThat(err.toString()).contains("data source 'icon' is unknown");
    assertThat(study(ONE_SEED, "other", "--with", "lenient=2")).isEqualTo(2);
    assertThat(err.toString())
        .contains(
            "--with lenient is not for runs of the kind image; there are --with held_out, --i");
    assertThat(study(ONE_SEED, "other", "--reference", folder.resolve("r.npz"))).isEqualTo(2);
    assertThat(err.toString()).contains("--reference needs --inception or --features, whose");
    assertThat(folder.resolve("other")).doesNotExist();
  }

  /** All studies that ship, the small ones and the paper's. */
  @ParameterizedTest
  @CsvSource({"studies, 6", "studies/paper, 9"})
  void theStudiesOfTheProjectFitItsSettings(String place, int count) throws IOException {
    try (var files = Files.list(Path.of("..").resolve(place))) {
      var studies = files.filter(file -> file.toString().endsWith(".yaml")).toList();
      assertThat(studies).hasSize(count);
      for (var file : studies) {
        var study = Study.read(file, "idx:anywhere,size=14");
        assertThat(study.config(study.variants().keySet().iterator().next(), 3).data())
            .isEqualTo("idx:anywhere,size=14");
        for (var variant : study.variants().keySet()) {
          var config = study.config(variant, 0);
          var schema =
              new Schema(
                  Space.of(List.of(3, 32, 32), 256),
                  new Condition.Labels(List.of("a")),
                  Schema.NO_END,
                  Map.of());
          var bits = config.withSchema(schema).signature().input();
          assertThat(bits).hasSize(3).doesNotContain(0).endsWith(32, 32);
        }
      }
    }
  }

  /** A setting with a list of values is a way of each, of which the best is told. */
  @Test
  void listsOfValuesAreWaysOfWhichTheBestIsTold() throws IOException {
    var yaml =
        STUDY
            .replace("sampling.td: 0.5", "sampling.td: [0, 0.5], sampling.momentum: [0, 0.5]")
            .replace("[pair_total_variation, nearest_distance]", "[frechet_distance, recall]");
    var study = Study.read(Files.writeString(folder.resolve("study.yaml"), yaml), null);
    assertThat(study.ways().keySet())
        .containsExactly(
            "2 steps",
            "3 steps, td 0, momentum 0",
            "3 steps, td 0, momentum 0.5",
            "3 steps, td 0.5, momentum 0",
            "3 steps, td 0.5, momentum 0.5");
    assertThat(study.sampling("3 steps, td 0.5, momentum 0.5"))
        .isEqualTo(Map.of("sampling.steps", "3", "sampling.td", "0.5", "sampling.momentum", "0.5"));
    assertThat(study.config("with", "3 steps, td 0.5, momentum 0.5").sampling().td())
        .isEqualTo(0.5);
    var results = new ArrayList<StudyResults.Result>();
    for (var seed = 0; seed < 2; seed++) {
      for (var way :
          List.of("2 steps", "3 steps, td 0, momentum 0.5", "3 steps, td 0.5, momentum 0")) {
        var number = way.equals("3 steps, td 0, momentum 0.5") ? 2.0 : 3.0;
        var numbers = Map.of("frechet_distance", number, "recall", number / 10);
        results.add(new StudyResults.Result("with", way, seed, numbers));
      }
    }
    assertThat(new StudyReport(study, folder, "", "recall"::equals).markdown(results))
        .contains(
            "| best of | 2 steps | 3 steps |\n|---|---|---|\n"
                + "| with | 3.000 ± 0.0 (2 steps) | 2.000 ± 0.0 (3 steps, td 0, momentum 0.5) |\n"
                + "| without, at all | | |\n",
            "| with | 0.3000 ± 0.0 (2 steps) | 0.3000 ± 0.0 (3 steps, td 0.5, momentum 0) |\n");
    assertRefused(STUDY.replace("td: 0.5", "td: []"), "sampling.td is missing or wrong");
    assertRefused(
        STUDY
            .replace("3 steps:", "2 steps, td 0.5: {}\n  2 steps:")
            .replace("  2 steps: {sampling.steps: 2}\n", "")
            .replace("td: 0.5", "td: [0.5]"),
        "'2 steps, td 0.5' is twice");
  }

  /** What the paper says of its experiments; one of each is enough to see a slip of the pen. */
  @Test
  void thePapersStudiesAreThePapers() throws IOException {
    var td = Set.of("0", "0.01", "0.1", "0.2", "0.5");
    try (var files = Files.list(Path.of("../studies/paper"))) {
      for (var file : files.toList()) {
        var study = Study.read(file, null);
        assertThat(study.seeds()).describedAs(file.toString()).hasSizeGreaterThan(1);
        assertThat(study.samples()).isEqualTo(50_000);
        assertThat(study.preset()).isIn("cifar10", "imagenet64");
        for (var variant : study.variants().keySet()) {
          var config = study.config(variant, 0);
          var random = config.codec().encoding().equals("uint8_rand");
          assertThat(config.diffusion().softmaxFactorization())
              .describedAs(file + ": " + variant)
              .isEqualTo(random && !variant.contains("no factorization"));
          assertThat(config.diffusion().labelDropout()).isZero();
          assertThat(config.diffusion().conditional())
              .isEqualTo(study.preset().equals("imagenet64") || variant.contains("classes"));
          var isOfPixels = config.codec().encoding().equals("continuous");
          assertThat(((UNetConfig) config.network()).dropout())
              .isEqualTo(isOfPixels && study.preset().equals("cifar10") ? 0.3 : 0);
          assertThat(config.training().learningRate())
              .isEqualTo(study.preset().equals("imagenet64") && !random ? 2e-4 : 1e-4);
          assertThat(config.training().batchSize())
              .isEqualTo(study.preset().equals("imagenet64") ? 1024 : 128);
        }
      }
    }
    var encodings = List.of("uint8", "gray", "uint8_rand");
    var table7 = paper("samplers");
    assertThat(table7.preset()).isEqualTo("imagenet64");
    assertThat(table7.variants().keySet()).containsExactlyElementsOf(encodings);
    assertThat(groups(table7))
        .containsExactly(
            "ddim 1000",
            "ddpm 1000",
            "ddim 400",
            "ddpm 400",
            "ddim 100",
            "ddpm 100",
            "dpm++ 30",
            "dpm++ 50");
    for (var way : groups(table7)) {
      var of = way.split(" ");
      assertThat(tds(table7, of[0], of[1])).isEqualTo(td);
    }
    var table8 = paper("dpm-solver");
    assertThat(groups(table8)).containsExactly("dpm++ 20", "dpm++ 30");
    var table9 = paper("estimates");
    assertThat(table9.variants().keySet()).containsExactlyElementsOf(encodings);
    assertThat(tds(table9, "ddpm", "400")).isEqualTo(td);
    assertThat(
            table9.ways().keySet().stream()
                .map(way -> table9.config("uint8", way).sampling().selfConditioning()))
        .containsOnly("previous", "momentum", "self_guidance");
    var figure6 = paper("td");
    assertThat(figure6.preset()).isEqualTo("imagenet64");
    assertThat(figure6.variants().keySet()).containsExactlyElementsOf(encodings);
    for (var steps : List.of("100", "250", "400", "1000")) {
      assertThat(tds(figure6, null, steps)).isEqualTo(td);
    }
    // Figure 5, whose panels are CIFAR-10 with uint8 and with uint8_rand, and ImageNet of pixels.
    assertThat(onAndOff("self-conditioning"))
        .containsExactlyInAnyOrder(
            "cifar10 uint8 x0",
            "cifar10 uint8 eps",
            "cifar10 uint8_rand x0",
            "cifar10 uint8_rand eps");
    for (var ofPixels : List.of("self-conditioning-imagenet64", "dpm-solver")) {
      assertThat(onAndOff(ofPixels))
          .containsExactlyInAnyOrder("imagenet64 continuous x0", "imagenet64 continuous eps");
    }
  }

  /** What a study trains with self-conditioning and without. */
  private static Set<String> onAndOff(String name) {
    var study = paper(name);
    var modes = new HashMap<String, Set<String>>();
    for (var variant : study.variants().keySet()) {
      var config = study.config(variant, 0);
      var what =
          String.join(
              " ", study.preset(), config.codec().encoding(), config.diffusion().prediction());
      modes.computeIfAbsent(what, w -> new HashSet<>()).add(config.diffusion().selfConditioning());
    }
    assertThat(modes.values()).containsOnly(Set.of("half_batch", "none"));
    return modes.keySet();
  }

  private static List<String> groups(Study study) {
    return study.ways().values().stream().map(Study.Way::group).distinct().toList();
  }

  private static Study paper(String name) {
    return Study.read(Path.of("../studies/paper").resolve(name + ".yaml"), null);
  }

  /** The values of td in the ways with a sampler (null for any) and a number of steps. */
  private static Set<String> tds(Study study, String sampler, String steps) {
    return study.ways().keySet().stream()
        .map(study::sampling)
        .filter(way -> sampler == null || sampler.equals(way.get("sampling.sampler")))
        .filter(way -> steps.equals(way.get("sampling.steps")))
        .map(way -> way.get("sampling.td"))
        .collect(Collectors.toSet());
  }

  @Test
  void meanAndDeviationOverSeeds() {
    var summary = StudyResults.Summary.of(List.of(1.0, 2.0, 6.0));
    assertThat(summary.mean()).isEqualTo(3);
    assertThat(summary.deviation()).isCloseTo(Math.sqrt(7), within(1e-12));
    assertThat(summary).hasToString("3.000 ± 2.6");
    assertThat(StudyResults.Summary.of(List.of(0.12345))).hasToString("0.1235");
  }

  @Test
  void aTableTellsHowManySeedsAMeanIsOf() throws IOException {
    var yaml = STUDY.replace("with: {}", "a|b: {}").replace(", nearest_distance", "");
    var study = Study.read(Files.writeString(folder.resolve("study.yaml"), yaml), null);
    var numbers = Map.of("pair_total_variation", 0.25);
    var results =
        List.of(
            new StudyResults.Result("a|b", "2 steps", 0, numbers),
            new StudyResults.Result("a|b", "2 steps", 1, numbers),
            new StudyResults.Result("a|b", "3 steps", 0, numbers));
    assertThat(new StudyReport(study, folder, "", metric -> false).markdown(results))
        .contains("| a\\|b | 0.2500 ± 0.0 | 0.2500 (1) |\n", "| without, at all |  |  |\n")
        .contains("\n4 samples of each; mean ± deviation over 2 seeds\n");
  }

  /** A study of two variants, one metric and one way to sample, if not said otherwise. */
  private Study ofSeeds(int seeds, String... changes) throws IOException {
    var yaml =
        STUDY
            .replace("  3 steps: {sampling.steps: 3, sampling.td: 0.5}\n", "")
            .replace("[pair_total_variation, nearest_distance]", "[nearest_distance]")
            .replace("[0, 1]", IntStream.range(0, seeds).boxed().toList().toString());
    for (var i = 0; i < changes.length; i += 2) {
      assertThat(yaml).contains(changes[i]);
      yaml = yaml.replace(changes[i], changes[i + 1]);
    }
    return Study.read(Files.writeString(folder.resolve("study.yaml"), yaml), null);
  }

  /** A number for each seed. */
  private static List<StudyResults.Result> results(String variant, String way, double... numbers) {
    return IntStream.range(0, numbers.length)
        .mapToObj(
            seed ->
                new StudyResults.Result(
                    variant, way, seed, Map.of("nearest_distance", numbers[seed])))
        .toList();
  }

  @SafeVarargs
  private static List<StudyResults.Result> all(List<StudyResults.Result>... results) {
    return Stream.of(results).flatMap(List::stream).toList();
  }

  private static final double[] SIX = {3, 5, 2, 8, 4, 6};

  /** The differences of the same seed decide, not the spread between seeds. */
  @Test
  void aDifferenceIsToldBySixSeeds() throws IOException {
    var study = ofSeeds(6);
    var lower = results("without, at all", "2 steps", 2.5, 4.4, 1.6, 7.5, 3.6, 5.4);
    var comparison = StudyDifferences.of(study, all(results("with", "2 steps", SIX), lower)).get(0);
    assertThat(comparison.baseline()).isEqualTo(new StudyDifferences.Place("with", "2 steps"));
    assertThat(comparison.paired().mean()).isCloseTo(-0.5, within(1e-12));
    assertThat(comparison.p()).isEqualTo(comparison.paired().p()).isBetween(1e-6, 1e-3);
    assertThat(comparison.verdict()).isEqualTo("lower");

    // With the other variant as the baseline it is the opposite.
    var other = ofSeeds(6, "seeds:", "baseline: without, at all\nseeds:");
    var opposite = StudyDifferences.of(other, all(lower, results("with", "2 steps", SIX)));
    assertThat(opposite).hasSize(1);
    assertThat(opposite.get(0).place().variant()).isEqualTo("with");
    assertThat(opposite.get(0).verdict()).isEqualTo("higher");

    // Of five seeds there is no verdict, whatever they say.
    var five = StudyDifferences.of(ofSeeds(5), all(results("with", "2 steps", SIX), lower)).get(0);
    assertThat(five.p()).isNaN();
    assertThat(five.verdict()).isEqualTo("no verdict: 5 of the 6 seeds that it takes");
    // Nor before all are there, of which more than six are asked for.
    var seven = StudyDifferences.of(ofSeeds(7), all(results("with", "2 steps", SIX), lower)).get(0);
    assertThat(seven.verdict()).isEqualTo("no verdict yet: 6 of 7 seeds");
  }

  /** By hand: the differences have mean 0.1, deviation sqrt(1.02); t of 5 degrees is 2.5706. */
  @Test
  void whereNoDifferenceIsSeenTheLargestThatIsLeftIsTold() throws IOException {
    var study = ofSeeds(6);
    var level = results("without, at all", "2 steps", 4, 4, 3, 7, 5, 5.6);
    var results = all(results("with", "2 steps", SIX), level);
    var comparison = StudyDifferences.of(study, results).get(0);
    var mean = 0.6 / 6;
    var squares = 3 * 0.9 * 0.9 + 2 * 1.1 * 1.1 + 0.5 * 0.5;
    var most = mean + 2.5706 * Math.sqrt(squares / 5 / 6);
    assertThat(comparison.paired().atMost()).isCloseTo(most, within(1e-4));
    assertThat(comparison.verdict()).isEqualTo("no difference seen; at most 1.16");
    assertThat(new StudyReport(study, folder, "", metric -> false).markdown(results))
        .contains("| without, at all | 2 steps | 0.100 | -0.960 to 1.16 | 0.8", "at most 1.16 |\n");
  }

  /** A difference that would be one alone is none among many. */
  @Test
  void allComparisonsOfAStudyAreCorrectedTogether() throws IOException {
    var lower = new double[] {2.8, 4.2, 2.1, 7.1, 3.5, 5.4};
    var alone =
        StudyDifferences.of(
                ofSeeds(6),
                all(results("with", "2 steps", SIX), results("without, at all", "2 steps", lower)))
            .get(0);
    assertThat(alone.verdict()).isEqualTo("lower");
    assertThat(alone.p()).isBetween(0.017, 0.05);
    var study = ofSeeds(6, "  with: {}\n", "  with: {}\n  b: {}\n  c: {}\n");
    var comparisons =
        StudyDifferences.of(
            study,
            all(
                results("with", "2 steps", SIX),
                results("without, at all", "2 steps", lower),
                results("b", "2 steps", SIX)));
    assertThat(comparisons).hasSize(3); // one of which is not measured at all
    var among = comparisons.get(2);
    assertThat(among.p()).isCloseTo(3 * alone.p(), within(1e-12));
    assertThat(among.verdict()).startsWith("no difference seen; at most ");
    assertThat(comparisons.get(0).verdict()).isEqualTo("no difference seen; at most 0.00");
    assertThat(comparisons.get(1).verdict()).isEqualTo("no verdict yet: 0 of 6 seeds");
  }

  /** Ways to sample are compared within each variant where one of them is the baseline. */
  @Test
  void waysToSampleAreComparedWithOneOfThem() throws IOException {
    var yaml = STUDY.replace("seeds:", "baseline: 3 steps\nseeds:");
    var study = Study.read(Files.writeString(folder.resolve("study.yaml"), yaml), null);
    var compared = StudyDifferences.of(study, List.of()).subList(0, 2);
    assertThat(compared)
        .extracting(StudyDifferences.Comparison::place)
        .containsExactly(
            new StudyDifferences.Place("with", "2 steps"),
            new StudyDifferences.Place("without, at all", "2 steps"));
    assertThat(compared.get(1).baseline())
        .isEqualTo(new StudyDifferences.Place("without, at all", "3 steps"));
  }

  @Test
  void oneVariantIsComparedWithNothing() throws IOException {
    var study = ofSeeds(6, "  without, at all: {diffusion.self_conditioning: none}\n", "");
    assertThat(
            new StudyReport(study, folder, "", metric -> false)
                .markdown(results("with", "2 steps", SIX)))
        .endsWith("\nNothing is compared: there is nothing beside with\n")
        .doesNotContain("difference |");
  }

  /** A measure that came out as no number is no reason to fail, nor for a verdict. */
  @Test
  void whatIsNoNumberHasNoVerdict() throws IOException {
    var broken = results("without, at all", "2 steps", 1, 2, Double.NaN, 4, 5, 6);
    var comparison =
        StudyDifferences.of(ofSeeds(6), all(results("with", "2 steps", SIX), broken)).get(0);
    assertThat(comparison.verdict()).isEqualTo("no verdict: not all are numbers");
  }

  @Test
  void saysWhatIsWrongBeforeAnythingIsTrained() throws IOException {
    assertRefused(
        STUDY.replace("samples: 4", "sample: 4"),
        "study.yaml: 'sample' is no key of a study; use one of title, preset",
        "; did you mean samples?");
    assertRefused(
        STUDY.replace("training.steps", "training.stepz"),
        "study.yaml: settings: 'training.stepz' is no setting; did you mean");
    assertRefused(
        STUDY.replace("training.steps: 2", "training.steps: two"),
        "study.yaml: settings: training.steps is 'two'; it must be a whole number");
    assertRefused(
        STUDY.replace("network.attention: []", "network.attention: [3]"),
        "bitdiff: settings: network.attention is [3]");
    assertRefused(
        STUDY.replace("preset: icons", "preset: iconz"),
        "study.yaml: preset 'iconz' is unknown;",
        "did you mean icons?");
    assertRefused(
        STUDY.replace("sampling.td: 0.5", "training.seed: 1"),
        "only settings of sampling.* can be set there");
    assertRefused(
        STUDY.replace("with: {}", "without at all: {}"),
        "would have the same folder, without-at-all; rename one");
    assertRefused(STUDY.replace("samples: 4", "samples: 1"), "samples is missing or wrong");
    assertRefused(
        STUDY.replace("seeds: [0, 1]", "seeds: many"),
        "study.yaml: seeds has a value of another kind");
    assertRefused(
        STUDY.replace("seeds: [0, 1]", "seeds: [1, 1]"),
        "seeds is missing or wrong; it must be a list without");
    assertRefused(
        STUDY.replace("without, at all: {diff", "with: {diff"),
        "study.yaml line ",
        "Duplicate field 'with'");
    assertRefused(
        STUDY.replace("{diffusion.self_conditioning: none}", "{diffusion.loss: x}"),
        "variant 'without, at all': diffusion.loss 'x' is unknown");
    assertRefused(
        STUDY.replace("{diffusion.self_conditioning: none}", "{network.attention: [3]}"),
        "variant 'without, at all': network.attention is [3]");
    assertRefused(
        STUDY.replace("seeds:", "baseline: wihout\nseeds:"),
        "study.yaml: baseline is missing or wrong; it must be one of the variants, 'with', 'without,"
            + " at all', or of the ways to sample, '2 steps', '3 steps'");
    assertRefused("", "study.yaml: the study is empty");
    assertRefused("title: [", "study.yaml line 1 is no YAML");
    assertRefused(
        STUDY.replace("with: {}", "with: {data: icons}"),
        "variant 'with' sets data; all variants have the same");
    assertRefused(
        STUDY.replace("nearest_distance]", "fid]"),
        "bitdiff: metrics: 'fid' is not measured here; there are symbol_total",
        "more with --features or --inception");
    assertRefused(
        STUDY.replace("nearest_distance]", "nearest_distanse]"),
        "metrics: 'nearest_distanse' is not measured here",
        "; did you mean nearest_distance?");
    assertThat(err.toString()).doesNotContain("looking"); // at all the data, before
    assertRefused(
        STUDY.replace("sampling.td: 0.5", "sampling.tdd: 0.5"),
        "study.yaml: sampling '3 steps': 'sampling.tdd' is no setting; did you mean sampling.td?");
    assertRefused(
        STUDY.replace("sampling.td: 0.5", "sampling.self_conditioning: momentum"),
        "variant 'without, at all': sampling '3 steps': ",
        "self_conditioning is momentum, but diffusion.self_conditioning is none");
    assertRefused(
        STUDY.replace("sampling.td: 0.5", "sampling.guidance: 2"),
        "sampling '3 steps': sampling.guidance is 2.0; it needs a run that knows classes");
    assertRefused("[".repeat(5000), "study.yaml is no YAML: Document nesting depth");
    assertRefused(
        STUDY.replace("with: {}", "\"\": {}"),
        "study.yaml: a name of variants is missing or wrong; it must be a text of 1 to 100");
    assertRefused(
        STUDY.replace("with: {}", "v".repeat(101) + ": {}"), "a name of variants is missing");
    assertRefused(
        STUDY.replaceFirst("sampling:\n  [^:]*:", "sampling:\n  ' ':"),
        "a name of sampling is missing or wrong");
    assertRefused(
        STUDY.replace("seeds: [0, 1]", "seeds: [0, 010]"),
        "has the number 010, which YAML takes for 8 in octal digits; write it without the 0");
    assertThat(folder.resolve("out")).doesNotExist();
  }
}

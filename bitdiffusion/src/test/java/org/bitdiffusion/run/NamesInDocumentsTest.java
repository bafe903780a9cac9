package org.bitdiffusion.run;

import static org.assertj.core.api.Assertions.assertThat;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.regex.Pattern;
import java.util.stream.Stream;
import org.bitdiffusion.codec.Codec;
import org.bitdiffusion.config.RunConfig.TrainingConfig;
import org.bitdiffusion.data.DataSpec;
import org.bitdiffusion.data.SourceKind;
import org.bitdiffusion.diffusion.Objective;
import org.bitdiffusion.modality.Modality;
import org.bitdiffusion.nn.NetworkKind;
import org.bitdiffusion.runtime.Precision;
import org.bitdiffusion.sampling.SamplerConfig;
import org.bitdiffusion.sampling.Solver;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.Arguments;
import org.junit.jupiter.params.provider.MethodSource;

/** What people read names what the library has: all of it, and nothing else. */
class NamesInDocumentsTest {
  private static final Path DEFAULTS =
      Path.of("src/main/resources/org/bitdiffusion/presets/defaults.yaml");
  private static final Path ARCHITECTURE = Path.of("../docs/architecture.md");
  private static final Path README = Path.of("../README.md");

  /** Settings whose line in defaults.yaml ends in a comment of all names. */
  static Stream<Arguments> settings() {
    return Stream.of(
        Arguments.of("prediction", Objective.PREDICTIONS),
        Arguments.of("learning_rate_schedule", TrainingConfig.SCHEDULES),
        Arguments.of("precision", Precision.NAMES),
        Arguments.of("sampler", Solver.ALL.names()));
  }

  @ParameterizedTest
  @MethodSource("settings")
  void theDefaultsSayWhatASettingCanBe(String setting, List<String> names) throws IOException {
    var line = line(DEFAULTS, "^  " + setting + ": ");
    assertThat(line.substring(line.indexOf('#') + 1).strip()).isEqualTo(String.join(", ", names));
  }

  @Test
  void theDefaultsNameAllEncodingsModesKindsAndLosses() throws IOException {
    for (var name : Codec.ENCODINGS) {
      assertThat(line(DEFAULTS, "^  encoding: ")).contains(name);
    }
    for (var name : Codec.SYNONYMS.keySet()) {
      assertThat(line(DEFAULTS, "^  encoding: ")).contains("(or " + name + ")");
    }
    for (var name : Objective.LOSSES) {
      assertThat(line(DEFAULTS, "^  loss: ")).contains(name);
    }
    assertThat(line(DEFAULTS, "^  self_conditioning: previous"))
        .endsWith("# " + String.join(", ", SamplerConfig.MODES));
    assertThat(lineAfter("^modality:")).contains("# " + String.join(", ", Modality.ALL.names()));
    assertThat(lineAfter("^network:")).contains("# " + String.join(", ", NetworkKind.ALL.names()));
  }

  @Test
  void theArchitecturePageHasAllAnswers() throws IOException {
    assertThat(answers("WHAT is an example\\?")).isEqualTo(Modality.ALL.names());
    assertThat(answers("WHAT computes\\?")).isEqualTo(NetworkKind.ALL.names());
    assertThat(answers("HOW does x_t move\\?")).isEqualTo(Solver.ALL.names());
  }

  @Test
  void theReadmeTellsOfAllSourcesAndPresets() throws IOException {
    var readme = Files.readString(README);
    for (var modality : Modality.ALL.all()) {
      assertThat(modality.sources().stream().map(SourceKind::name))
          .allSatisfy(
              // As it is asked for: the names alone are words that are there anyway.
              source ->
                  assertThat(readme)
                      .containsPattern("--data %1$s(?![\\w-])|`%1$s:".formatted(source)));
    }
    assertThat(ConfigReader.presets()).allSatisfy(preset -> assertThat(readme).contains(preset));
  }

  /** The help of sources is written beside them: each line begins as it says that it may. */
  @Test
  void theHelpOfASourceIsAboutIt() {
    for (var modality : Modality.ALL.all()) {
      for (var source : modality.sources()) {
        assertThat(DataSpec.parse(source.usage().get(0).split("[:,|]")[0]).source())
            .isEqualTo(source.name());
      }
    }
  }

  private static List<String> answers(String question) throws IOException {
    var cells = line(ARCHITECTURE, "^\\| " + question).split("\\|");
    var names = new ArrayList<String>();
    var name = Pattern.compile("`([^`]+)`").matcher(cells[3]);
    while (name.find()) {
      names.add(name.group(1));
    }
    return names;
  }

  private static String line(Path file, String begins) throws IOException {
    try (var lines = Files.lines(file)) {
      return lines.filter(Pattern.compile(begins).asPredicate()).findFirst().orElseThrow();
    }
  }

  private static String lineAfter(String begins) throws IOException {
    var lines = Files.readAllLines(DEFAULTS);
    var at = lines.indexOf(line(DEFAULTS, begins));
    return lines.get(at + 1);
  }
}

package org.bitdiffusion.cli;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import java.util.List;
import java.util.Locale;
import java.util.Map;
import org.bitdiffusion.modality.Modality;
import org.bitdiffusion.sampling.SamplerConfig;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import picocli.CommandLine;

class FlagsTest {
  private static final Flags STEPS =
      new Flags(Map.of("sampling.steps", "--steps"), Map.of(), false);

  private static String translated(String line, String message) {
    var command = new CommandLine(new Main());
    return Flags.of(command.parseArgs(line.split(" "))).translated(message);
  }

  @Test
  void settingsThatWereGivenByAnOptionAreCalledByIt() {
    assertThat(STEPS.translated("sampling.steps is 0")).isEqualTo("--steps (sampling.steps) is 0");
    assertThat(STEPS.translated("'sampling.steps' is no setting"))
        .isEqualTo("--steps (sampling.steps) is no setting");
    assertThat(STEPS.translated("set sampling.steps.")).isEqualTo("set --steps (sampling.steps).");
  }

  /** They are words, too: "captions of n tokens", "features mean nothing". */
  @ParameterizedTest
  @CsvSource(
      delimiter = '|',
      quoteCharacter = '"',
      textBlock =
          """
          n is 1; a covariance of features needs 2 samples    | --n is 1; a covariance of features needs 2 samples
          held_out: data source 'icon' is unknown             | --held-out: data source 'icon' is unknown
          reference needs inception or features, whose statistics it holds | --reference needs --inception or --features, whose statistics it holds
          features_precision needs inception or features, which compute in it | --features-precision needs --inception or --features, which compute in it
          inception and features exclude each other; take one | --inception and --features exclude each other; take one
          beams is 0.5 and length_penalty 0; they must be     | --beams is 0.5 and --length-penalty 0; they must be
          beams of n and features, and n is 1                 | beams of n and features, and n is 1
          n is 1 of n and features                            | --n is 1 of n and features
          features of other weights                           | features of other weights
          'n' is no class; there are 'a' and 'n'              | 'n' is no class; there are 'a' and 'n'
          reference.npz is damaged                            | reference.npz is damaged
          captions, n and features                            | captions, n and features
          """)
  void optionsOfEvaluationsAreCalledByTheCommandsWhereAMessageIsOfThem(
      String message, String translated) {
    var line = "evaluate --run r --data d --n 1 --features f --captions c";
    assertThat(translated(line, message)).isEqualTo(translated);
    assertThat(translated("sample --run r --out o --n 1", message)).isEqualTo(message);
  }

  @Test
  void anOptionStandsForWhatItSetsInItsCommand() {
    var message = "training.seed is 1, training.precision x, training.steps 2, sampling.steps 3";
    assertThat(translated("train --out o --seed 1 --precision x --steps 2", message))
        .isEqualTo(
            "--seed (training.seed) is 1, --precision (training.precision) x, --steps"
                + " (training.steps) 2, sampling.steps 3");
    assertThat(translated("quickstart --steps 2", message))
        .isEqualTo(message.replace("training.steps", "--steps (training.steps)"));
    for (var command : List.of("sample --run r --out o", "evaluate --run r --data d")) {
      assertThat(translated(command + " --seed 1 --precision x --steps 3", message))
          .isEqualTo(message.replace("sampling.steps", "--steps (sampling.steps)"));
    }
    var other = "features train --data d --out o --seed 1 --precision x --steps 3";
    assertThat(translated(other, message)).isEqualTo(message);
    assertThat(translated("study s --out o --features f", "inception and features exclude"))
        .isEqualTo("--inception and --features exclude");
  }

  /** What a message says to set can be pasted behind the command. */
  @ParameterizedTest
  @CsvSource(
      delimiter = '|',
      quoteCharacter = '"',
      textBlock =
          """
          or training.from.partly=true leaves such weights random | or --set training.from.partly=true leaves such weights random
          x, or set diffusion.conditional=false                   | x, or --set diffusion.conditional=false
          needs (diffusion.conditional=true, and others above 0)  | needs (--set diffusion.conditional=true, and others above 0)
          a new run with training.learning_rate=5.0E-4.           | a new run with --set training.learning_rate=5.0E-4.
          of training.steps=20 and training.parts=2; others       | of --steps 20 and --set training.parts=2; others
          give --set training.parts=2                             | give --set training.parts=2
          training.held_out is 0.5 in a=b                         | training.held_out is 0.5 in a=b
          """)
  void settingsWithTheirValuesCanBePasted(String message, String translated) {
    assertThat(translated("train --out o --steps 5", message)).isEqualTo(translated);
    assertThat(translated("sample --run r --out o", message)).isEqualTo(message);
  }

  /** One that is added there and not here would be called by its setting's name. */
  @Test
  void allOptionsOfSamplingStandForSettings() {
    var options = CommandLine.Model.CommandSpec.forAnnotatedObject(new SamplingOptions()).options();
    assertThat(options).hasSizeGreaterThan(5);
    for (var option : options) {
      var value = option.type() == String.class ? "x" : "1";
      var line = "sample --run r --out o " + option.longestName() + " " + value;
      var flags = Flags.of(new CommandLine(new Main()).parseArgs(line.split(" ")));
      assertThat(flags.bySetting().values()).containsExactly(option.longestName());
      var setting = flags.bySetting().keySet().iterator().next();
      assertThat(setting).startsWith("sampling.");
      assertThat(SamplerConfig.class.getRecordComponents())
          .extracting(c -> c.getName().replaceAll("([A-Z])", "_$1").toLowerCase(Locale.ROOT))
          .contains(setting.substring("sampling.".length()));
    }
  }

  @Test
  void whatIsNotOnTheClassPathCanBeAdded() {
    assertThatThrownBy(() -> Modality.ALL.get("modality.kind", "words"))
        .satisfies(
            e ->
                assertThat(Flags.NONE.translated(e.getMessage()))
                    .startsWith(
                        "modality.kind is 'words', but no kind of data of that name is on the class"
                            + " path (jars in BITDIFF_CLASSPATH that name it in META-INF/services are); there are "));
  }

  @Test
  void otherSettingsAndWhatNamesTheOptionAlreadyStay() {
    for (var message :
        new String[] {
          "sampling.steps_more is 0",
          "sampling.steps.more is 0",
          "my.sampling.steps is 0",
          "--steps and --set sampling.steps are the same setting"
        }) {
      assertThat(STEPS.translated(message)).isEqualTo(message);
    }
    assertThat(STEPS.translated("--steps-more needs sampling.steps"))
        .isEqualTo("--steps-more needs --steps (sampling.steps)");
  }
}

package org.bitdiffusion.run;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;
import static org.assertj.core.api.Assertions.within;
import static org.junit.jupiter.api.Assertions.assertTimeoutPreemptively;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.util.List;
import java.util.Map;
import org.bitdiffusion.ConfigurationException;
import org.bitdiffusion.DataException;
import org.bitdiffusion.config.ConfigYaml;
import org.bitdiffusion.data.Condition;
import org.bitdiffusion.data.Marginal;
import org.bitdiffusion.data.Schema;
import org.bitdiffusion.data.Space;
import org.bitdiffusion.modality.image.ImageSettings;
import org.bitdiffusion.nn.unet.UNetConfig;
import org.bitdiffusion.storage.RunFolder;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.junit.jupiter.params.provider.ValueSource;

class ConfigReaderTest {
  @TempDir private Path folder;

  /** Its reader takes the square of a comment's length. */
  @Test
  void aTextThatIsTooLongIsRefused() {
    assertThatThrownBy(() -> ConfigReader.text("here", "# " + "x".repeat(1 << 21), Map.of()))
        .isInstanceOf(ConfigurationException.class)
        .hasMessage("here is longer than 1,048,576 characters, too long for a configuration");
  }

  @Test
  void everyPresetIsWhatItsFileSaysOverTheDefaults() {
    assertThat(ConfigReader.presets())
        .extracting(name -> ConfigReader.preset(name, Map.of()).data())
        .containsExactly(
            "icons,size=16,levels=2",
            "icons,size=24,levels=2,families=40",
            "idx:/usr/share/datasets/fashion-mnist",
            "cifar10",
            "cifar10",
            "imagenet64",
            "scenes",
            "emoji",
            "coco",
            "table");
    var cifar10 = ConfigReader.preset("cifar10", Map.of());
    var size = (UNetConfig) cifar10.network();
    assertThat(size.width()).isEqualTo(256);
    assertThat(size.multipliers()).containsExactly(1, 1, 1);
    assertThat(cifar10.training().steps()).isEqualTo(1_500_000);
    assertThat(cifar10.training().batchSize()).isEqualTo(128);
    assertThat(cifar10.training().learningRate()).isEqualTo(1e-4);
    assertThat(cifar10.training().emaDecay()).isEqualTo(0.9999);
    assertThat(cifar10.diffusion().prediction()).isEqualTo("x0"); // a default
    var imagenet = ConfigReader.preset("imagenet64", Map.of());
    assertThat(imagenet.training().batchSize()).isEqualTo(1024);
    assertThat(imagenet.training().learningRate()).isEqualTo(2e-4);
  }

  @Test
  void settingsWinAndYamlIsReadBack() throws IOException {
    var config =
        ConfigReader.preset(
                "icons",
                Map.of(
                    "training.batch_size", "8",
                    "network.multipliers", "[1, 3]",
                    "codec.encoding", "gray",
                    "modality.flip", "true",
                    "training.learning_rate", "1e-3"))
            .withSchema(
                new Schema(
                    Space.of(List.of(1, 4, 4), 3),
                    new Condition.Labels(List.of("a", "b")),
                    Schema.NO_END,
                    Map.of("palette", List.of(1, 2, 3))));
    assertThat(config.training().batchSize()).isEqualTo(8);
    assertThat(((UNetConfig) config.network()).multipliers()).containsExactly(1, 3);
    assertThat(config.modality()).isEqualTo(new ImageSettings(true));
    var file = Files.writeString(folder.resolve("config.yaml"), ConfigYaml.text(config));
    assertThat(ConfigReader.file(file, Map.of())).isEqualTo(config);
  }

  /** They are in a file of their own, beside the configuration of a run. */
  @Test
  void marginalsComeBackWithARun() throws IOException {
    var schema =
        Schema.of(new Space(List.of(1, 2), List.of(2, 3)))
            .withMarginals(List.of(Marginal.of(7, 1), Marginal.of(1, 0, 4)));
    var config = ConfigReader.preset("icons", Map.of()).withSchema(schema);
    var run = RunFolder.create(folder.resolve("run"));
    run.keep(config);
    assertThat(run.configuration()).content().doesNotContain("marginals");
    assertThat(ConfigReader.file(run.configuration(), Map.of())).isEqualTo(config);
    assertThat(schema).isNotEqualTo(schema.withMarginals(List.of()));

    Files.writeString(
        run.path().resolve("marginals.json"), "{\"categories\":2,\"starts\":[0],\"counts\":[1]}\n");
    assertThatThrownBy(() -> ConfigReader.file(run.configuration(), Map.of()))
        .isInstanceOf(DataException.class)
        .hasMessageContaining("marginals.json is another run's: 1 marginals of 2 places");
    run.keep(config.withSchema(schema.withMarginals(List.of())));
    assertThat(run.path().resolve("marginals.json")).doesNotExist();
  }

  @ParameterizedTest
  @CsvSource(
      delimiter = '|',
      value = {
        "training.batchsize|3|did you mean training.batch_size?",
        "batch_size|3|did you mean training.batch_size?",
        "trainig.steps|3|did you mean training.steps?",
        "samplin.steps|3|did you mean sampling.steps?",
        "codec.digits|3|no setting; there are codec.encoding, codec.scale, codec.permutation_seed",
        "colour|3|'colour' is no setting; a setting is named as ",
        "training|3|no setting",
        "training.batch_size|many|settings: training.batch_size is 'many'; it must be a whole number",
        "training.batch_size|1.5|training.batch_size is '1.5'; it must be a whole number",
        "modality.flip|maybe|modality.flip is 'maybe'; it must be true or false",
        "training.learning_rate|fast|training.learning_rate is 'fast'; it must be a number",
        "network.multipliers|7|network.multipliers is '7'; it must be a list such as [1, 2]",
        "training.steps|~|training.steps has no value",
        "network.multipliers|[1,null]|network.multipliers has an entry without a value",
        "training.batch_size|0|training.batch_size is 0; it must be at least 1",
        "training.parts|7|a divisor of training.batch_size 48",
        "training.learning_rate|1e38|training.learning_rate is 1.0E38; it must be above 0 and at most",
        "training.weight_decay|-0.1|at least 0",
        "training.beta1|1|in [0, 1)",
        "training.beta2|1|in [0, 1)",
        "training.epsilon|0|above 0",
        "training.epsilon|1e999|training.epsilon is Infinity; it must be above 0 and at most 1",
        "training.epsilon|1.1|above 0 and at most 1",
        "training.epsilon|.inf|is no YAML",
        "training.weight_decay|1e999|training.weight_decay is Infinity; it must be at least 0 and at",
        "training.gradient_clip|1e999|training.gradient_clip is Infinity; it must be at least 0 (0: none)",
        "sampling.guidance|1e39|sampling.guidance is 1.0E39; it must be a number of at most 1000000.0",
        "sampling.self_guidance|-1e39|sampling.self_guidance is -1.0E39; it must be a number of at",
        "codec.scale|1e300|codec.scale is 1.0E300; it must be above 0, 1.0E-6 to 1000000.0",
        "codec.scale|1e-300|codec.scale is 1.0E-300; it must be above 0",
        "codec.scale|0|codec.scale is 0.0; it must be above 0",
        "network.width|2147483640|network.width is 2147483640; it must be at most 65536",
        "network.multipliers|[2147483647]|a list of numbers of at most 1000",
        "network.blocks|2147483647|network.blocks is 2147483647; it must be at most 1000",
        "training.seed|010|training.seed line 1 has the number 010, which YAML takes for 8 in octal",
        "training.seed|-017|has the number -017, which YAML takes for -15",
        "diffusion.label_dropout|1.5|diffusion.label_dropout is 1.5; it must be in [0, 1]",
        "network.width|-1|network.width is -1",
        "sampling.steps|0|sampling.steps is 0",
        "training.flip|true|'training.flip' is now modality.flip",
        "training.accumulation|2|'training.accumulation' is now training.parts",
        "training.optimizer|adamw|is now training.weight_decay: above 0 it is AdamW, else Adam",
        "captions.jitter|0.1|'captions.jitter' is now modality.jitter",
        "modality.flipp|true|did you mean modality.flip?",
        "modality.kind|caption|modality.kind is image, and all other settings there go with that",
        "modality.kind|wrods|modality.kind is 'wrods', but no kind of data of that name is on",
        "diffusion.self_conditioning|half|'half' is unknown; use none, coin or half_batch",
        "training.precision|float16|'float16' is unknown; use auto, float32 or bfloat16",
        "codec.encoding|binry|(or binary for uint8, permuted for uint8_rand); did you mean binary?",
        "network.kind|captioner|begin with a preset or a file of another kind"
      })
  void settingsThatCannotBeAreNamed(String key, String value, String message) {
    assertThatThrownBy(() -> ConfigReader.preset("icons", Map.of(key, value)))
        .isInstanceOf(ConfigurationException.class)
        .hasMessageContaining(message);
  }

  @ParameterizedTest
  @CsvSource(
      delimiter = '|',
      value = {
        "network.encoder.pach|'network.encoder.pach' is no setting; did you mean network.encoder.patch?",
        "network.decodr|did you mean network.decoder?",
        "modality.lenght|'modality.lenght' is no setting; did you mean modality.length?",
        "modality.words|there are modality.kind, modality.tokenizer, modality.vocabulary",
        "network.multipliers|'network.multipliers' is a setting, but of network.kind unet, which",
        "modality.flip|'modality.flip' is a setting, but of modality.kind image, which"
      })
  void settingsThatCaptionersLackAreNamed(String key, String message) {
    assertThatThrownBy(() -> ConfigReader.preset("scene-captions", Map.of(key, "1")))
        .isInstanceOf(ConfigurationException.class)
        .hasMessageContaining(message);
  }

  @Test
  void settingsOfCaptionsAreNoneOfImages() {
    assertThatThrownBy(() -> ConfigReader.preset("icons", Map.of("modality.length", "9")))
        .isInstanceOf(ConfigurationException.class)
        .hasMessage(
            "'modality.length' is a setting, but of modality.kind caption, which this configuration"
                + " is not");
    assertThatThrownBy(() -> ConfigReader.preset("icons", Map.of("network.encoder.patch", "4")))
        .hasMessageContaining(
            "'network.encoder.patch' is a setting, but of network.kind captioner");
  }

  @Test
  void captionsAreMadeWithoutGuidance() {
    assertThatThrownBy(
            () -> ConfigReader.preset("scene-captions", Map.of("sampling.guidance", "1")))
        .isInstanceOf(ConfigurationException.class)
        .hasMessage("sampling.guidance is 1.0, but captions are made without; use 0");
  }

  @Test
  void kindsThatAreNotThereAreNamed() throws IOException {
    var file = folder.resolve("config.yaml");
    Files.writeString(file, "modality:\n  kind: imge\n");
    assertThatThrownBy(() -> Run.open(folder))
        .isInstanceOf(ConfigurationException.class)
        .hasMessage(
            file
                + ": modality.kind is 'imge', but no kind of data of that name is on the class"
                + " path; there are image, caption, table; did you mean image?");
    Files.writeString(file, "network:\n  kind: perceiver\n  width: 3\n");
    assertThatThrownBy(() -> Run.open(folder))
        .isInstanceOf(ConfigurationException.class)
        .hasMessage(
            file
                + ": network.kind is 'perceiver', but no kind of network of that name is on the"
                + " class path; there are unet, captioner, mlp, transformer");
    Files.writeString(file, "network:\n  kind: captoner\n");
    assertThatThrownBy(() -> Run.open(folder)).hasMessageEndingWith("; did you mean captioner?");
  }

  @Test
  void aFormatOfLaterIsRefused() throws IOException {
    var file = folder.resolve("config.yaml");
    for (var format : List.of("3", "0", "-1")) {
      Files.writeString(file, "format: " + format + "\ndata: icons\nnews: 1\n");
      assertThatThrownBy(() -> ConfigReader.file(file, Map.of()))
          .isInstanceOf(ConfigurationException.class)
          .hasMessage(
              "%s is of format %s, but this version reads formats 1 to 2; use the version that wrote it"
                  .formatted(file, format));
    }
    for (var format : List.of("two", "1.5", "\"2\"")) {
      Files.writeString(file, "format: " + format + "\ndata: icons\n");
      assertThatThrownBy(() -> ConfigReader.file(file, Map.of()))
          .isInstanceOf(ConfigurationException.class)
          .hasMessage(
              "%s: format is %s; it must be a whole number"
                  .formatted(
                      file, format.equals("1.5") ? format : '"' + format.replace("\"", "") + '"'));
    }
    Files.writeString(file, "data: icons\n");
    assertThat(ConfigReader.file(file, Map.of()).format()).isEqualTo(2);
  }

  @Test
  void filesThatAreNoConfigurationAreNamed() throws IOException {
    assertThatThrownBy(() -> ConfigReader.preset("nothing", Map.of()))
        .hasMessageContaining("use icons, icons-small, fashion-small");
    assertThatThrownBy(() -> ConfigReader.file(folder.resolve("none.yaml"), Map.of()))
        .hasMessageContaining("none.yaml does not exist");
    var twice =
        Files.writeString(folder.resolve("twice.yaml"), "training:\n  steps: 1\n  steps: 2\n");
    assertThatThrownBy(() -> ConfigReader.file(twice, Map.of()))
        .isInstanceOf(ConfigurationException.class)
        .hasMessageContaining("twice.yaml")
        .hasMessageContaining("Duplicate field 'steps'");
    var broken = Files.writeString(folder.resolve("broken.yaml"), "training:\n  steps: [1\nx");
    assertThatThrownBy(() -> ConfigReader.file(broken, Map.of()))
        .isInstanceOf(ConfigurationException.class)
        .hasMessageContaining("broken.yaml line ");
    var empty = Files.writeString(folder.resolve("empty.yaml"), "codec:\n  encoding:\n");
    assertThatThrownBy(() -> ConfigReader.file(empty, Map.of()))
        .isInstanceOf(ConfigurationException.class)
        .hasMessageEndingWith("empty.yaml: codec.encoding has no value");
    var wrong = Files.writeString(folder.resolve("wrong.yaml"), "training:\n  steps: many\n");
    assertThatThrownBy(() -> ConfigReader.file(wrong, Map.of("training.seed", "1")))
        .isInstanceOf(ConfigurationException.class)
        .hasMessageEndingWith("wrong.yaml: training.steps is 'many'; it must be a whole number");
    var unknown = Files.writeString(folder.resolve("unknown.yaml"), "trainin:\n  steps: 1\n");
    assertThatThrownBy(() -> ConfigReader.file(unknown, Map.of()))
        .hasMessageContaining("unknown.yaml: 'trainin' is no setting");
  }

  @Test
  void samplingThatTheTrainingDoesNotPrepareIsRefused() {
    assertThatThrownBy(
            () ->
                ConfigReader.preset(
                    "icons",
                    Map.of(
                        "diffusion.self_conditioning", "none",
                        "sampling.self_conditioning", "momentum")))
        .isInstanceOf(ConfigurationException.class)
        .hasMessageContaining("momentum, but diffusion.self_conditioning is none");
    assertThatThrownBy(
            () ->
                ConfigReader.preset(
                    "icons",
                    Map.of(
                        "diffusion.self_conditioning_rate", "0",
                        "sampling.self_conditioning", "momentum")))
        .isInstanceOf(ConfigurationException.class)
        .hasMessageContaining("momentum, but diffusion.self_conditioning is none, or its rate 0");
  }

  @Test
  void theLearningRateWarmsUpAndFalls() {
    var constant =
        ConfigReader.preset(
            "cifar10", Map.of("training.warmup_steps", "10", "training.learning_rate", "0.5"));
    assertThat(constant.learningRate(1)).isCloseTo(0.05, within(1e-12));
    assertThat(constant.learningRate(10)).isEqualTo(0.5);
    assertThat(constant.learningRate(1_000_000)).isEqualTo(0.5);
    var cosine =
        ConfigReader.preset(
            "icons",
            Map.of(
                "training.steps", "100",
                "training.warmup_steps", "20",
                "training.learning_rate", "1"));
    assertThat(cosine.learningRate(1)).isCloseTo(0.05, within(1e-12));
    assertThat(cosine.learningRate(20)).isEqualTo(1);
    assertThat(cosine.learningRate(21)).isEqualTo(1); // the wave begins where the warm-up ends
    assertThat(cosine.learningRate(61)).isCloseTo(0.5, within(1e-12)); // the middle of 80
    assertThat(cosine.learningRate(100)) // the last step still moves
        .isCloseTo((1 + Math.cos(Math.PI * 79 / 80)) / 2, within(1e-12))
        .isGreaterThan(3e-4);
    for (var step = 21; step < 100; step++) {
      assertThat(cosine.learningRate(step + 1)).isLessThan(cosine.learningRate(step));
    }
  }

  @Test
  void classNamesThatLookLikeNumbersComeBackAsTheyAre() throws IOException {
    var names = List.of("010", "1e5", "0x1F", "12_34", "true", "null", "~", "a: b", "1.50", "");
    var schema =
        new Schema(
            Space.of(List.of(1, 8, 8), 2), new Condition.Labels(names), Schema.NO_END, Map.of());
    var file = folder.resolve("config.yaml");
    Files.writeString(
        file, ConfigYaml.text(ConfigReader.preset("icons", Map.of()).withSchema(schema)));

    assertThat(ConfigReader.file(file, Map.of()).schema()).isEqualTo(schema);
  }

  @ParameterizedTest
  @ValueSource(strings = {"0", "0x10", "1_000", "10"})
  void numbersThatMeanOneThingAreRead(String seed) {
    assertThat(ConfigReader.preset("icons", Map.of("training.seed", seed)).training().seed())
        .isEqualTo(Long.decode(seed.replace("_", "")));
  }

  @Test
  void octalNumbersOfAFileAreRefused() throws IOException {
    var file = Files.writeString(folder.resolve("a.yaml"), "format: 2\ntraining:\n  seed: 010\n");
    assertThatThrownBy(() -> ConfigReader.file(file, Map.of()))
        .isInstanceOf(ConfigurationException.class)
        .hasMessage(
            file
                + " line 3 has the number 010, which YAML takes for 8 in octal digits; write it"
                + " without the 0");
  }

  /** A comment takes SnakeYAML the square of its length. */
  @Test
  void noFileTakesLong() {
    for (var text :
        List.of(
            "# " + "x".repeat(5_000_000),
            "# " + "x".repeat(400_000),
            "[".repeat(1_000_000),
            "- ".repeat(500_000),
            "'" + "x".repeat(1_000_000),
            "&a ".repeat(300_000),
            "a: " + "9".repeat(1_000_000),
            " ".repeat(1_000_000) + "a: 1")) {
      assertTimeoutPreemptively(
          Duration.ofSeconds(5),
          () -> {
            var file = Files.writeString(folder.resolve("long.yaml"), text);
            try {
              ConfigReader.file(file, Map.of());
            } catch (ConfigurationException e) {
              assertThat(e.getMessage()).contains(file.toString()).hasSizeLessThan(500);
            }
          });
    }
    assertThatThrownBy(() -> ConfigReader.file(folder.resolve("long.yaml"), Map.of()))
        .hasMessageContaining("'a' is no setting");
  }

  @Test
  void aFileOfManyMegabytesIsNotRead() throws IOException {
    var file = Files.writeString(folder.resolve("long.yaml"), "#" + "x".repeat(1 << 20));
    assertThatThrownBy(() -> ConfigReader.file(file, Map.of()))
        .isInstanceOf(ConfigurationException.class)
        .hasMessage(
            "the configuration %s cannot be read: it is longer than 1,048,576 bytes"
                .formatted(file));
  }
}

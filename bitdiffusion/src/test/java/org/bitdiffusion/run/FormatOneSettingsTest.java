package org.bitdiffusion.run;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import java.util.Map;
import org.bitdiffusion.ConfigurationException;
import org.bitdiffusion.config.ConfigYaml;
import org.bitdiffusion.config.RunConfig;
import org.bitdiffusion.data.Condition;
import org.bitdiffusion.data.Schema;
import org.bitdiffusion.data.Space;
import org.bitdiffusion.modality.caption.CaptionSettings;
import org.bitdiffusion.modality.image.ImageSettings;
import org.bitdiffusion.nn.captioner.CaptionerConfig;
import org.bitdiffusion.nn.unet.UNetConfig;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

/** Each config.yaml as version 0.1 wrote it, but for sections that have not changed. */
class FormatOneSettingsTest {
  private static final String UNET =
      """
      network:
        kind: "unet"
        width: 16
        multipliers: [1, 2]
        blocks: 2
        attention: [6]
        head_width: 16
        dropout: 0.1
      captions: null
      """;
  private static final String TRAINING =
      """
      training:
        steps: 30
        batch_size: 8
        accumulation: 2
        optimizer: "adamw"
        learning_rate: 2.0E-4
        weight_decay: 0.01
        flip: %s
        seed: 7
      """;

  @TempDir private Path folder;

  /** What format 1 refused, or cannot be followed, is not taken for something else. */
  @Test
  void whatWasRefusedStaysRefused() throws IOException {
    var file = folder.resolve("config.yaml");
    var optimizer =
        ": 'training.optimizer' is now training.weight_decay: above 0 it is AdamW, else";
    var refused =
        Map.of(
            "captions: {length: 7}\nnetwork: {kind: captioner}\ntraining: {flip: true}\n",
            ": training.flip is true, but captions tell left from right",
            "training: {optimizer: adam, weight_decay: 0.1}\n",
            optimizer,
            "training: {optimizer: sgd}\n",
            optimizer);
    for (var settings : refused.keySet()) {
      Files.writeString(file, settings);
      assertThatThrownBy(() -> ConfigReader.file(file, Map.of()))
          .as(settings)
          .isInstanceOf(ConfigurationException.class)
          .hasMessageStartingWith(file + refused.get(settings));
    }
    Files.writeString(file, "training: {optimizer: adam}\n");
    assertThat(ConfigReader.file(file, Map.of()).training().weightDecay()).isZero();
  }

  /** Read, written as format 2, and read again. */
  private RunConfig read(String yaml) throws IOException {
    var file = Files.writeString(folder.resolve("config.yaml"), yaml);
    var config = ConfigReader.file(file, Map.of());
    assertThat(config.format()).isEqualTo(2);
    var text = ConfigYaml.text(config);
    assertThat(text).startsWith("format: 2\n").doesNotContain("example:", "optimizer:");
    Files.writeString(file, text);
    assertThat(ConfigReader.file(file, Map.of())).isEqualTo(config);
    return config;
  }

  @ParameterizedTest
  @ValueSource(booleans = {false, true})
  void imagesWithoutClasses(boolean flip) throws IOException {
    var config =
        read(
            "data: \"icons,size=12,levels=4\"\n"
                + UNET
                + TRAINING.formatted(flip)
                + """
                example:
                  shape: [1, 12, 12]
                  categories: 4
                  classes: []
                  palette: []
                  end: null
                """);
    assertThat(config.data()).isEqualTo("icons,size=12,levels=4");
    assertThat(config.modality()).isEqualTo(new ImageSettings(flip));
    assertThat(config.schema()).isEqualTo(Schema.of(Space.of(List.of(1, 12, 12), 4)));
    var training = config.training();
    assertThat(training.parts()).isEqualTo(2);
    assertThat(training.weightDecay()).isEqualTo(0.01);
    assertThat(training.learningRate()).isEqualTo(2e-4);
    assertThat(training.seed()).isEqualTo(7);
    assertThat(((UNetConfig) config.network()).multipliers()).containsExactly(1, 2);
  }

  @Test
  void imagesWithClasses() throws IOException {
    var config =
        read(
            UNET
                + TRAINING.formatted("false")
                + """
                example:
                  shape: [3, 8, 8]
                  categories: 256
                  classes: ["a", "010"]
                  palette: []
                  end: null
                """);
    assertThat(config.schema())
        .isEqualTo(
            new Schema(
                Space.of(List.of(3, 8, 8), 256),
                new Condition.Labels(List.of("a", "010")),
                Schema.NO_END,
                Map.of()));
  }

  @Test
  void imagesWithAPalette() throws IOException {
    var config =
        read(
            UNET
                + TRAINING.formatted("false")
                + """
                example:
                  shape: [1, 8, 8]
                  categories: 3
                  classes: []
                  palette: [0, 255, 16711680]
                  end: null
                """);
    assertThat(config.schema())
        .isEqualTo(
            new Schema(
                Space.of(List.of(1, 8, 8), 3),
                Condition.NONE,
                Schema.NO_END,
                Map.of("palette", List.of(0, 255, 0xff0000))));
  }

  @Test
  void captions() throws IOException {
    var config =
        read(
            """
            data: "scenes"
            network:
              kind: "captioner"
              decoder: "bits"
              width: 48
              layers: 2
              heads: 4
              dropout: 0.0
              encoder:
                kind: "vit"
                image_size: 8
                patch: 4
                width: 32
                layers: 1
                heads: 4
                pixels: "symmetric"
                weights: ""
                frozen: false
            captions:
              tokenizer: "words"
              vocabulary: 100
              length: 7
              jitter: 0.2
            """
                + TRAINING.formatted("false")
                + """
                example:
                  shape: [1, 7]
                  categories: 12
                  classes: []
                  palette: []
                  end: 0
                """);
    assertThat(config.modality()).isEqualTo(new CaptionSettings("words", 100, 7, 0.2));
    assertThat(((CaptionerConfig) config.network()).encoder())
        .isEqualTo(CaptionerConfig.Encoder.vit(8, 4, 32, 1, 4));
    assertThat(config.schema())
        .isEqualTo(
            new Schema(Space.of(List.of(1, 7), 12), new Condition.Pixels(3, 8, 8), 0, Map.of()));
  }

  /** A user's file for captions names what differs from the defaults, and may have no section. */
  @Test
  void filesForNewRuns() throws IOException {
    assertThat(read("data: scenes\nnetwork:\n  kind: captioner\n").modality())
        .isEqualTo(new CaptionSettings("words", 32768, 64, 0));
    var config = read("captions:\n  length: 9\nnetwork:\n  kind: captioner\n");
    assertThat(config.modality()).isEqualTo(new CaptionSettings("words", 32768, 9, 0));
    assertThat(config.schema()).isNull();
    assertThat(read("training:\n  flip: true\n").modality()).isEqualTo(new ImageSettings(true));
  }
}

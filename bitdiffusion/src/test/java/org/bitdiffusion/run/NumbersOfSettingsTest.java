package org.bitdiffusion.run;

import static org.assertj.core.api.Assertions.assertThat;
import static org.junit.jupiter.api.Assertions.assertTimeoutPreemptively;

import com.fasterxml.jackson.databind.JsonNode;
import java.nio.file.Path;
import java.time.Duration;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.stream.Stream;
import org.bitdiffusion.ConfigurationException;
import org.bitdiffusion.DataException;
import org.bitdiffusion.config.ConfigYaml;
import org.bitdiffusion.training.Trainer;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.MethodSource;

/** Numbers at the edges of what 32 and 64 bits hold, in each setting that is a number. */
class NumbersOfSettingsTest {
  private static final List<String> EDGES =
      List.of(
          "0",
          "-1",
          "2147483647",
          "2147483648",
          "9223372036854775807",
          "9223372036854775808",
          "1e39",
          ".nan");

  /** Networks as small as they are made, which a setting then makes large. */
  private static final Map<String, String> IMAGES =
      Map.of(
          "data", "icons,size=8,levels=2,subset=8",
          "network.width", "8",
          "network.head_width", "8",
          "sampling.self_conditioning", "none",
          "sampling.sampler", "heun"); // two estimates a step

  private static final Map<String, String> WORDS =
      Map.of("data", "scenes,count=8", "network.width", "16", "network.heads", "1");

  private static final Listener LISTENER = new Listener();

  private static final class Listener implements Trainer.Listener {}

  @TempDir private Path folder;

  static Stream<String> settings() {
    return Stream.of("icons", "scene-captions")
        .flatMap(
            preset -> {
              var tree =
                  ConfigYaml.parse("", ConfigYaml.text(ConfigReader.preset(preset, Map.of())));
              var keys = new ArrayList<String>();
              addNumbers(tree, "", keys);
              return keys.stream()
                  .filter(key -> preset.equals("icons") || key.matches("(modality|network)[.].*"))
                  .map(key -> preset + " " + key);
            });
  }

  private static void addNumbers(JsonNode node, String prefix, List<String> keys) {
    for (var entry : node.properties()) {
      var key = prefix + entry.getKey();
      if (entry.getValue().isNumber()) {
        keys.add(key);
      } else if (entry.getValue().path(0).isNumber()) {
        keys.add(key + "[]");
      }
      addNumbers(entry.getValue(), key + ".", keys);
    }
  }

  @ParameterizedTest
  @MethodSource("settings")
  void isTakenOrRefusedByItsName(String setting) {
    var preset = setting.split(" ")[0];
    var key = setting.split(" ")[1].replace("[]", "");
    for (var edge : EDGES) {
      var value = setting.endsWith("[]") ? "[" + edge + "]" : edge;
      var changes = new LinkedHashMap<>(preset.equals("icons") ? IMAGES : WORDS);
      changes.put(key, value);
      assertTimeoutPreemptively(
          Duration.ofSeconds(60),
          () -> {
            try {
              begin(preset, key, changes, folder.resolve(edge));
            } catch (ConfigurationException | DataException e) {
              var name = key.substring(key.lastIndexOf('.') + 1);
              assertThat(e.getMessage()).as(key + "=" + edge).contains(name).hasLineCount(1);
            }
          },
          key + "=" + edge);
    }
  }

  /** All that a training does before its first step, as far as the setting can matter there. */
  private static void begin(String preset, String key, Map<String, String> changes, Path folder) {
    var config = ConfigReader.preset(preset, changes);
    assertThat(config.sampling().evaluations()).isPositive();
    if (!key.matches("(codec|modality|network)[.].*|training[.](batch_size|parts)")) {
      return;
    }
    try (var source = Run.data(config);
        var trainer = Run.start(config, source, folder, LISTENER)) {
      assertThat(trainer.done()).isZero();
    }
  }
}

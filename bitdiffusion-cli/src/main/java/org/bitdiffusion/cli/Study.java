package org.bitdiffusion.cli;

import com.fasterxml.jackson.annotation.JsonCreator;
import com.fasterxml.jackson.core.JsonProcessingException;
import com.fasterxml.jackson.databind.DeserializationFeature;
import com.fasterxml.jackson.databind.JsonMappingException;
import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.ObjectMapper;
import com.fasterxml.jackson.databind.node.ObjectNode;
import java.io.IOException;
import java.nio.file.Path;
import java.util.HashMap;
import java.util.LinkedHashMap;
import java.util.LinkedHashSet;
import java.util.List;
import java.util.Map;
import java.util.Objects;
import java.util.Set;
import java.util.function.Consumer;
import java.util.stream.Collectors;
import java.util.stream.Stream;
import org.bitdiffusion.ConfigurationException;
import org.bitdiffusion.DataException;
import org.bitdiffusion.Registry;
import org.bitdiffusion.config.ConfigYaml;
import org.bitdiffusion.config.RunConfig;
import org.bitdiffusion.io.RegularFile;
import org.bitdiffusion.run.ConfigReader;

/**
 * A question that runs answer: variants of a training, each with several seeds, and ways to sample
 * from each of them.
 *
 * @param title of tables and plots
 * @param preset that all runs begin with, or null if it is a file
 * @param config that all runs begin with, or null if it is a preset
 * @param settings that all runs change, by key such as {@code training.steps}
 * @param variants by name, the settings in which they differ
 * @param sampling the ways to do so
 * @param baseline the variant that the others are compared with, or the way to sample; the first
 *     variant unless given
 * @param seeds of the trainings and of their samples
 * @param samples that are drawn of each
 * @param metrics of {@code evaluate} that are told, the first of which is plotted
 */
record Study(
    String title,
    String preset,
    Config config,
    Map<String, JsonNode> settings,
    Map<String, Map<String, JsonNode>> variants,
    Ways sampling,
    String baseline,
    List<Long> seeds,
    int samples,
    List<String> metrics) {
  private static final String SAMPLING = "sampling.";
  private static final int LONGEST_NAME = 100;

  /** Ways to sample: lists of values multiply, and each way is a curve, or a column. */
  private static final int MOST_WAYS = 2000;

  private static final List<String> KEYS =
      List.of(
          "title",
          "preset",
          "config",
          "settings",
          "variants",
          "sampling",
          "baseline",
          "seeds",
          "samples",
          "metrics");

  /**
   * A configuration file, as it was when the study was read: a run may begin days later.
   *
   * @param file relative to the working directory
   */
  record Config(String file, String text) {}

  Study {
    require(title != null, "title", "a text");
    require(
        (preset == null) != (config == null),
        "preset",
        "the name of one, or else config: the path of a file");
    require(variants != null && !variants.isEmpty(), "variants", "names with their settings");
    require(seeds != null && !seeds.isEmpty(), "seeds", "a list such as [0, 1, 2]");
    require(seeds.stream().distinct().count() == seeds.size(), "seeds", "a list without repeats");
    require(samples >= 2, "samples", "a number of at least 2");
    require(metrics != null && !metrics.isEmpty(), "metrics", "a list of what evaluate reports");
    requireNames("variants", variants.keySet());
    var folders = new HashMap<String, String>();
    for (var variant : variants.keySet()) {
      var other = folders.put(name(variant), variant);
      if (other != null) {
        throw new ConfigurationException(
            "variants '%s' and '%s' would have the same folder, %s; rename one"
                .formatted(other, variant, name(variant)));
      }
    }
    settings = settings == null ? Map.of() : settings;
    sampling =
        sampling == null || sampling.byName().isEmpty()
            ? Ways.of(Map.of("preset", Map.of()))
            : sampling;
    requireNames("sampling", sampling.byName().keySet());
    baseline = baseline == null ? variants.keySet().iterator().next() : baseline;
    var places = new LinkedHashSet<>(variants.keySet());
    places.addAll(sampling.byName().keySet());
    require(
        places.contains(baseline),
        "baseline",
        "one of the variants, %s, or of the ways to sample, %s%s"
            .formatted(
                listed(variants.keySet()),
                listed(sampling.byName().keySet()),
                Registry.didYouMean(baseline, places)));
    for (var way : sampling.byName().values()) {
      for (var key : way.settings().keySet()) {
        if (!key.startsWith(SAMPLING)) {
          throw new ConfigurationException(
              "sampling '%s' sets %s; only settings of sampling.* can be set there"
                  .formatted(way.group(), key));
        }
      }
    }
  }

  /**
   * A way to sample.
   *
   * @param group the name in the study, which the ways of a list of values share
   */
  record Way(String group, Map<String, JsonNode> settings) {}

  /**
   * The ways to sample.
   *
   * @param byName in their order
   */
  record Ways(Map<String, Way> byName) {
    /**
     * The ways that a study names.
     *
     * @param groups by name, settings such as {@code sampling.steps}; a setting with a list of
     *     values stands for a way of each value, whose name goes on with it, and of which the best
     *     is told
     */
    @JsonCreator(mode = JsonCreator.Mode.DELEGATING)
    static Ways of(Map<String, Map<String, JsonNode>> groups) {
      var ways = new LinkedHashMap<String, Way>();
      groups.forEach(
          (group, settings) -> {
            var some = new LinkedHashMap<String, Map<String, JsonNode>>();
            some.put(group, settings == null ? Map.of() : settings);
            for (var setting : some.get(group).entrySet()) {
              if (setting.getValue().isArray()) {
                spread(some, setting.getKey(), setting.getValue());
              }
            }
            some.forEach(
                (name, one) ->
                    require(
                        ways.put(name, new Way(group, one)) == null,
                        "a name of sampling",
                        "other than those of the rest, and '%s' is twice".formatted(name)));
            requireFew(ways.size());
          });
      return new Ways(ways);
    }
  }

  /** The ways to sample, by their names. */
  Map<String, Way> ways() {
    return sampling.byName();
  }

  private static void requireFew(long ways) {
    require(
        ways <= MOST_WAYS,
        "sampling",
        "at most %,d ways, and its lists make %,d or more".formatted(MOST_WAYS, ways));
  }

  /** Takes each way once for each value of a setting. */
  private static void spread(Map<String, Map<String, JsonNode>> ways, String key, JsonNode values) {
    require(!values.isEmpty(), key, "a value, or a list of some");
    requireFew((long) ways.size() * values.size());
    var all = new LinkedHashMap<String, Map<String, JsonNode>>();
    ways.forEach(
        (name, settings) ->
            values.forEach(
                value -> {
                  var one = new LinkedHashMap<>(settings);
                  one.put(key, value);
                  var setting = key.substring(key.lastIndexOf('.') + 1);
                  all.put("%s, %s %s".formatted(name, setting, value.asText()), one);
                }));
    ways.clear();
    ways.putAll(all);
  }

  /** A variant's name in a form that any file system takes. */
  static String name(String variant) {
    return variant.replaceAll("[^A-Za-z0-9._-]+", "-");
  }

  private static String listed(Set<String> names) {
    return names.stream().map(name -> "'" + name + "'").collect(Collectors.joining(", "));
  }

  /** They become names of folders, of curves and of rows. */
  private static void requireNames(String key, Set<String> names) {
    for (var name : names) {
      require(
          !name.isBlank() && name.length() <= LONGEST_NAME,
          "a name of " + key,
          "a text of 1 to %d characters, and not '%s'"
              .formatted(LONGEST_NAME, name.substring(0, Math.min(name.length(), LONGEST_NAME))));
    }
  }

  private static void require(boolean right, String key, String expected) {
    if (!right) {
      throw new ConfigurationException(key + " is missing or wrong; it must be " + expected);
    }
  }

  /**
   * Reads a study, and checks the settings of all its runs.
   *
   * @param data the source of all runs, or null for that of the settings
   * @throws ConfigurationException if the file cannot be read, has an unknown key, or a run's
   *     settings do not fit
   */
  static Study read(Path file, String data) {
    JsonNode tree;
    try {
      tree = ConfigYaml.read(file);
    } catch (IOException e) {
      throw new ConfigurationException(DataException.cannotRead(file, e).getMessage(), e);
    }
    try {
      for (var key : tree.properties()) {
        if (!KEYS.contains(key.getKey())) {
          throw new ConfigurationException(
              "'%s' is no key of a study; use one of %s%s"
                  .formatted(
                      key.getKey(),
                      String.join(", ", KEYS),
                      Registry.didYouMean(key.getKey(), KEYS)));
        }
      }
      if (!(tree instanceof ObjectNode root)) {
        throw new ConfigurationException("the study is empty");
      }
      if (root.path("config").isTextual()) { // relative to the study
        var config = file.resolveSibling(root.get("config").asText());
        root.putObject("config").put("file", config.toString()).put("text", text(config));
      }
      if (data != null) {
        root.withObject("/settings").put("data", data);
      }
      var study =
          new ObjectMapper()
              .enable(DeserializationFeature.FAIL_ON_NULL_FOR_PRIMITIVES)
              .treeToValue(root, Study.class);
      study.requireOfEach(study::requireFit);
      for (var variant : study.variants.keySet()) {
        if (!study.config(variant, 0).data().equals(study.data())) {
          throw new ConfigurationException(
              "variant '%s' sets data; all variants have the same, set it in settings"
                  .formatted(variant));
        }
      }
      return study;
    } catch (JsonMappingException e) {
      if (e.getCause() instanceof ConfigurationException cause) {
        throw new ConfigurationException(file + ": " + cause.getMessage(), e);
      }
      var place =
          e.getPath().stream()
              .map(JsonMappingException.Reference::getFieldName)
              .filter(Objects::nonNull)
              .collect(Collectors.joining(" / "));
      throw new ConfigurationException(
          "%s: %s has a value of another kind than a study has there; README shows one"
              .formatted(file, place.isEmpty() ? "the file" : place),
          e);
    } catch (JsonProcessingException e) {
      throw new ConfigurationException(file + ": " + e.getOriginalMessage(), e);
    } catch (ConfigurationException e) {
      throw new ConfigurationException(file + ": " + e.getMessage(), e);
    }
  }

  /** Complains if settings do not fit each other, or those of a way to sample. */
  private void requireFit(String variant) {
    config(variant, seeds.get(0));
    for (var way : ways().keySet()) {
      of(way, () -> config(variant, way));
    }
  }

  /** Names the way to sample of which something is said. */
  static void of(String way, Runnable check) {
    try {
      check.run();
    } catch (ConfigurationException e) {
      throw new ConfigurationException("sampling '%s': %s".formatted(way, e.getMessage()), e);
    }
  }

  /**
   * Checks each variant, and names the one that fails: unless the settings that all of them share
   * fail in the same way without it.
   *
   * @param check of a variant, or of null: of no variant's settings
   */
  void requireOfEach(Consumer<String> check) {
    for (var variant : variants.keySet()) {
      try {
        check.accept(variant);
      } catch (ConfigurationException e) {
        throw new ConfigurationException(withPlace(e, variant, check), e);
      } catch (DataException e) {
        throw new DataException(withPlace(e, variant, check), e);
      }
    }
  }

  private String withPlace(RuntimeException failure, String variant, Consumer<String> check) {
    var message = failure.getMessage();
    try {
      check.accept(null);
    } catch (ConfigurationException | DataException shared) {
      if (message.equals(shared.getMessage())) {
        var places =
            Stream.of("settings: ", "sampling '", preset == null ? config.file() : "preset");
        return places.anyMatch(message::startsWith) ? message : "settings: " + message;
      }
    }
    return "variant '%s': %s".formatted(variant, message);
  }

  /** The data of all runs, which their samples are compared with. */
  String data() {
    return read(texts(settings)).data();
  }

  /**
   * The configuration of a run.
   *
   * @param variant null for what all variants share
   */
  RunConfig config(String variant, long seed) {
    return config(variant, seed, Map.of());
  }

  /** The configuration of a variant's runs as it is sampled in one of the ways. */
  RunConfig config(String variant, String way) {
    return config(variant, seeds.get(0), sampling(way));
  }

  private RunConfig config(String variant, long seed, Map<String, String> sampling) {
    var changes = texts(settings);
    changes.putAll(texts(variants.get(variant)));
    changes.putAll(sampling);
    changes.put("training.seed", Long.toString(seed));
    return read(changes);
  }

  /** What all runs begin with, with other settings. */
  private RunConfig read(Map<String, String> changes) {
    return preset != null
        ? ConfigReader.preset(preset, changes)
        : ConfigReader.text(config.file(), config.text(), changes).withSchema(null);
  }

  private static String text(Path config) {
    try {
      return ConfigYaml.readText(RegularFile.require(config));
    } catch (IOException e) {
      throw new ConfigurationException(DataException.cannotRead(config, e).getMessage(), e);
    }
  }

  /** The settings of a way to sample, by key. */
  Map<String, String> sampling(String way) {
    return texts(ways().get(way).settings());
  }

  private static Map<String, String> texts(Map<String, JsonNode> settings) {
    var texts = new LinkedHashMap<String, String>();
    if (settings != null) { // a variant without settings
      settings.forEach(
          (key, value) ->
              texts.put(key, value.isContainerNode() ? value.toString() : value.asText()));
    }
    return texts;
  }
}

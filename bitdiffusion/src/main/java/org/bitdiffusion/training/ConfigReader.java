package org.bitdiffusion.training;

import static java.nio.charset.StandardCharsets.UTF_8;

import com.fasterxml.jackson.annotation.JsonSubTypes;
import com.fasterxml.jackson.annotation.JsonTypeInfo;
import com.fasterxml.jackson.core.JsonProcessingException;
import com.fasterxml.jackson.core.StreamReadFeature;
import com.fasterxml.jackson.databind.DeserializationFeature;
import com.fasterxml.jackson.databind.JsonMappingException;
import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.PropertyNamingStrategies;
import com.fasterxml.jackson.databind.exc.MismatchedInputException;
import com.fasterxml.jackson.databind.node.ObjectNode;
import com.fasterxml.jackson.dataformat.yaml.YAMLGenerator;
import com.fasterxml.jackson.dataformat.yaml.YAMLMapper;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.NoSuchFileException;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Collection;
import java.util.Comparator;
import java.util.List;
import java.util.Map;
import java.util.stream.Collectors;
import org.bitdiffusion.ConfigurationException;
import org.bitdiffusion.DataException;
import org.bitdiffusion.nn.CaptionerConfig;
import org.bitdiffusion.nn.NetworkConfig;
import org.bitdiffusion.nn.UNetConfig;

/**
 * Reads configurations: the defaults, changed by a preset or a file, changed by single settings. A
 * key that the defaults lack is an error, so that a misspelt one is never ignored.
 */
public final class ConfigReader {
  private static final String FOLDER = "/org/bitdiffusion/presets/";

  private static final YAMLMapper YAML =
      YAMLMapper.builder()
          .propertyNamingStrategy(PropertyNamingStrategies.SNAKE_CASE)
          .enable(DeserializationFeature.FAIL_ON_NULL_FOR_PRIMITIVES)
          .enable(DeserializationFeature.FAIL_ON_TRAILING_TOKENS)
          .enable(StreamReadFeature.STRICT_DUPLICATE_DETECTION)
          .disable(DeserializationFeature.ACCEPT_FLOAT_AS_INT)
          .disable(YAMLGenerator.Feature.WRITE_DOC_START_MARKER)
          .disable(YAMLGenerator.Feature.USE_NATIVE_TYPE_ID)
          .addMixIn(NetworkConfig.class, Kind.class)
          .build();

  private static final List<String> KINDS = List.of("unet", "captioner");

  /** {@code network.kind} says which network it is. */
  @JsonTypeInfo(use = JsonTypeInfo.Id.NAME, property = "kind")
  @JsonSubTypes({
    @JsonSubTypes.Type(value = UNetConfig.class, name = "unet"),
    @JsonSubTypes.Type(value = CaptionerConfig.class, name = "captioner")
  })
  private interface Kind {}

  private ConfigReader() {}

  /** The presets that ship with the library. */
  public static List<String> presets() {
    return List.of(
        "icons",
        "fashion-small",
        "cifar10-small",
        "cifar10",
        "imagenet64",
        "scene-captions",
        "emoji-captions",
        "coco-captions");
  }

  /**
   * A preset of this library.
   *
   * @param settings values by key such as {@code training.batch_size}, which win over the preset's
   * @throws ConfigurationException if there is no such preset, key or value
   */
  public static RunConfig preset(String name, Map<String, String> settings) {
    if (!presets().contains(name)) {
      throw new ConfigurationException(
          "preset '" + name + "' is unknown; use one of " + String.join(", ", presets()));
    }
    return resolve("preset " + name, resource(name + ".yaml"), settings);
  }

  /**
   * A configuration file, such as the {@code config.yaml} of a run.
   *
   * @throws ConfigurationException if it cannot be read, or has an unknown key or an impossible
   *     value
   */
  public static RunConfig file(Path file, Map<String, String> settings) {
    try {
      return resolve(file.toString(), Files.readString(file), settings);
    } catch (NoSuchFileException e) {
      throw new ConfigurationException("the configuration " + file + " does not exist", e);
    } catch (IOException e) {
      throw new ConfigurationException(
          "the configuration " + DataException.cannotRead(file, e).getMessage(), e);
    }
  }

  /** A configuration as YAML, which {@link #file} reads back. */
  public static String yaml(RunConfig config) {
    try {
      return YAML.writeValueAsString(config);
    } catch (JsonProcessingException e) {
      throw new IllegalStateException(e);
    }
  }

  /** A configuration as a tree of JSON. */
  public static JsonNode tree(RunConfig config) {
    return YAML.valueToTree(config);
  }

  private static RunConfig resolve(String origin, String text, Map<String, String> settings) {
    var tree = (ObjectNode) tree("defaults.yaml", resource("defaults.yaml"));
    var changes = tree(origin, text);
    if (!changes.isMissingNode() && !changes.isNull()) {
      var kind = changes.path("network").path("kind").asText("unet");
      if (!kind.equals("unet")) {
        if (!KINDS.contains(kind)) {
          throw new ConfigurationException(
              "%s: network.kind '%s' is unknown; use one of %s"
                  .formatted(origin, kind, String.join(", ", KINDS)));
        }
        var other = "defaults-" + kind + ".yaml";
        tree.setAll((ObjectNode) tree(other, resource(other)));
      }
      merge(origin, "", tree, changes);
    }
    settings.forEach((key, value) -> set(tree, key, value));
    try {
      return YAML.treeToValue(tree, RunConfig.class);
    } catch (JsonMappingException e) {
      if (e.getCause() instanceof ConfigurationException cause) {
        throw cause;
      }
      var path =
          e.getPath().stream()
              .map(
                  r -> r.getFieldName() != null ? r.getFieldName() : Integer.toString(r.getIndex()))
              .collect(Collectors.joining("."));
      var set = settings.keySet().stream().anyMatch(key -> (path + ".").startsWith(key + "."));
      throw new ConfigurationException(
          "%s: %s is '%s'; it must be %s"
              .formatted(
                  set ? "--set" : origin,
                  path,
                  tree.at("/" + path.replace('.', '/')).asText(),
                  e instanceof MismatchedInputException m ? kind(m.getTargetType()) : "another"),
          e);
    } catch (JsonProcessingException e) {
      throw new ConfigurationException(origin + ": " + e.getOriginalMessage(), e);
    }
  }

  private static String kind(Class<?> type) {
    if (type == int.class || type == long.class || type == Integer.class) {
      return "a whole number";
    }
    if (type == double.class) {
      return "a number";
    }
    if (type == boolean.class) {
      return "true or false";
    }
    return Collection.class.isAssignableFrom(type) ? "a list such as [1, 2]" : "text";
  }

  private static void requireValue(String origin, String key, JsonNode before, JsonNode value) {
    if (value.isNull() && !before.isNull()) {
      throw new ConfigurationException(origin + ": " + key + " has no value");
    }
    if (value.isArray()) {
      for (var element : value) {
        if (element.isNull()) {
          throw new ConfigurationException(origin + ": " + key + " has an entry without a value");
        }
      }
    }
  }

  private static void merge(String origin, String prefix, ObjectNode target, JsonNode changes) {
    if (!changes.isObject()) {
      throw new ConfigurationException(
          origin + ": expected 'key: value' lines" + (prefix.isEmpty() ? "" : " below " + prefix));
    }
    changes
        .properties()
        .forEach(
            entry -> {
              var key = prefix + entry.getKey();
              if (!target.has(entry.getKey())) {
                throw unknown(origin, key);
              }
              if (target.get(entry.getKey()) instanceof ObjectNode section) {
                merge(origin, key + ".", section, entry.getValue());
              } else {
                requireValue(origin, key, target.get(entry.getKey()), entry.getValue());
                target.set(entry.getKey(), entry.getValue());
              }
            });
  }

  private static void set(ObjectNode tree, String key, String value) {
    if (key.equals("network.kind") && !value.equals(tree.at("/network/kind").asText())) {
      throw new ConfigurationException(
          "--set network.kind: it is %s, and all other settings of the network go with that; begin"
                  .formatted(tree.at("/network/kind").asText())
              + " with a preset or a file of another kind");
    }
    var section = tree;
    var names = key.split("\\.", -1);
    for (var i = 0; i < names.length - 1; i++) {
      if (!(section.get(names[i]) instanceof ObjectNode next)) {
        throw unknown("--set", key);
      }
      section = next;
    }
    var last = names[names.length - 1];
    if (!section.has(last) || section.get(last) instanceof ObjectNode) {
      throw unknown("--set", key);
    }
    var node =
        section.get(last).isTextual() ? section.textNode(value) : tree("--set " + key, value);
    requireValue("--set", key, section.get(last), node);
    section.set(last, node);
  }

  private static ConfigurationException unknown(String origin, String key) {
    var known = keys("", (ObjectNode) tree("defaults.yaml", resource("defaults.yaml")));
    if (known.contains(key)) {
      return new ConfigurationException(
          "%s: '%s' is a setting, but of another kind of network than this one's"
              .formatted(origin, key));
    }
    var section = key.substring(0, key.lastIndexOf('.') + 1);
    var neighbours = known.stream().filter(candidate -> candidate.startsWith(section)).toList();
    // Sections are often left out or mistyped, so the last names are compared alone.
    var nearest =
        (neighbours.isEmpty() ? known : neighbours)
            .stream()
                .min(
                    Comparator.<String>comparingInt(
                            candidate -> distance(lastName(candidate), lastName(key)))
                        .thenComparingInt(candidate -> distance(candidate, key)))
                .orElseThrow();
    var isNear = distance(lastName(nearest), lastName(key)) <= lastName(key).length() / 3;
    String hint;
    if (isNear) {
      hint = "did you mean " + nearest + "?";
    } else if (section.isEmpty() || neighbours.isEmpty()) {
      hint = "a setting is named as " + nearest + " is";
    } else {
      hint = "there are " + String.join(", ", neighbours);
    }
    return new ConfigurationException("%s: '%s' is no setting; %s".formatted(origin, key, hint));
  }

  private static List<String> keys(String prefix, ObjectNode tree) {
    var keys = new ArrayList<String>();
    tree.properties()
        .forEach(
            entry -> {
              if (entry.getValue() instanceof ObjectNode section) {
                keys.addAll(keys(prefix + entry.getKey() + ".", section));
              } else {
                keys.add(prefix + entry.getKey());
              }
            });
    return keys;
  }

  private static String lastName(String key) {
    return key.substring(key.lastIndexOf('.') + 1);
  }

  /** Levenshtein's distance, with which the nearest key is found. */
  private static int distance(String a, String b) {
    var row = new int[b.length() + 1];
    for (var j = 0; j <= b.length(); j++) {
      row[j] = j;
    }
    for (var i = 1; i <= a.length(); i++) {
      var diagonal = row[0];
      row[0] = i;
      for (var j = 1; j <= b.length(); j++) {
        var above = row[j];
        var change = diagonal + (a.charAt(i - 1) == b.charAt(j - 1) ? 0 : 1);
        row[j] = Math.min(change, 1 + Math.min(above, row[j - 1]));
        diagonal = above;
      }
    }
    return row[b.length()];
  }

  private static JsonNode tree(String origin, String yaml) {
    try {
      return YAML.readTree(yaml);
    } catch (JsonProcessingException e) {
      var at = e.getLocation();
      throw new ConfigurationException(
          "%s%s is no YAML: %s"
              .formatted(
                  origin,
                  at == null ? "" : " line " + at.getLineNr(),
                  e.getOriginalMessage().lines().findFirst().orElse("")),
          e);
    }
  }

  private static String resource(String name) {
    try (var in = ConfigReader.class.getResourceAsStream(FOLDER + name)) {
      return new String(in.readAllBytes(), UTF_8);
    } catch (IOException e) {
      throw new IllegalStateException("the library's " + name + " cannot be read", e);
    }
  }
}

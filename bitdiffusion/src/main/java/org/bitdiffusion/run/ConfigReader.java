package org.bitdiffusion.run;

import static java.nio.charset.StandardCharsets.UTF_8;
import static java.util.Locale.ROOT;

import com.fasterxml.jackson.annotation.JsonTypeInfo;
import com.fasterxml.jackson.core.JsonProcessingException;
import com.fasterxml.jackson.databind.JsonMappingException;
import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.PropertyNamingStrategies;
import com.fasterxml.jackson.databind.exc.MismatchedInputException;
import com.fasterxml.jackson.databind.jsontype.NamedType;
import com.fasterxml.jackson.databind.node.ObjectNode;
import com.fasterxml.jackson.dataformat.yaml.YAMLMapper;
import java.io.IOException;
import java.nio.file.NoSuchFileException;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.Collection;
import java.util.Comparator;
import java.util.List;
import java.util.Map;
import java.util.TreeSet;
import java.util.function.UnaryOperator;
import java.util.stream.Collectors;
import org.bitdiffusion.ConfigurationException;
import org.bitdiffusion.DataException;
import org.bitdiffusion.Named;
import org.bitdiffusion.Registry;
import org.bitdiffusion.config.ConfigYaml;
import org.bitdiffusion.config.ModalityConfig;
import org.bitdiffusion.config.RunConfig;
import org.bitdiffusion.modality.Modality;
import org.bitdiffusion.nn.NetworkConfig;
import org.bitdiffusion.nn.NetworkKind;
import org.bitdiffusion.storage.MarginalFile;

/**
 * Reads configurations: the defaults, changed by a preset or a file, changed by single settings. A
 * key that the defaults lack is an error, so that a misspelt one is never ignored.
 */
public final class ConfigReader {
  private static final String FOLDER = "/org/bitdiffusion/presets/";

  /** Where settings are that had another name in format 1. */
  private static final Map<String, String> MOVED =
      Map.ofEntries(
          Map.entry("training.flip", "modality.flip"),
          Map.entry("training.accumulation", "training.parts"),
          Map.entry("training.optimizer", "training.weight_decay: above 0 it is AdamW, else Adam"),
          Map.entry("captions", "modality"),
          Map.entry("captions.tokenizer", "modality.tokenizer"),
          Map.entry("captions.vocabulary", "modality.vocabulary"),
          Map.entry("captions.length", "modality.length"),
          Map.entry("captions.jitter", "modality.jitter"),
          Map.entry("example", "schema"));

  private static final YAMLMapper YAML = mapper();

  /** {@code modality.kind} and {@code network.kind} say which records their sections are. */
  @JsonTypeInfo(use = JsonTypeInfo.Id.NAME, property = "kind")
  private interface Kind {}

  private static YAMLMapper mapper() {
    var mapper = ConfigYaml.newMapper();
    mapper.addMixIn(NetworkConfig.class, Kind.class);
    mapper.addMixIn(ModalityConfig.class, Kind.class);
    for (var kind : NetworkKind.ALL.all()) {
      mapper.registerSubtypes(new NamedType(kind.settings(), kind.name()));
    }
    for (var kind : Modality.ALL.all()) {
      mapper.registerSubtypes(new NamedType(kind.settings(), kind.name()));
    }
    return mapper;
  }

  private ConfigReader() {}

  /** The presets that ship with the library. */
  public static List<String> presets() {
    return List.of(
        "icons",
        "icons-small",
        "fashion-small",
        "cifar10-small",
        "cifar10",
        "imagenet64",
        "scene-captions",
        "emoji-captions",
        "coco-captions",
        "table");
  }

  /**
   * A preset of this library.
   *
   * @param settings values by key such as {@code training.batch_size}, which win over the preset's
   * @throws ConfigurationException if there is no such preset, key or value
   */
  public static RunConfig preset(String name, Map<String, String> settings) {
    Registry.require("preset", name, presets());
    return text("preset " + name, resource(name + ".yaml"), settings);
  }

  /**
   * A configuration file, such as the {@code config.yaml} of a run.
   *
   * @throws ConfigurationException if it cannot be read, or has an unknown key or an impossible
   *     value
   * @throws DataException if what a run keeps beside it is damaged
   */
  public static RunConfig file(Path file, Map<String, String> settings) {
    try {
      return withMarginals(file, resolve(file.toString(), ConfigYaml.read(file), settings));
    } catch (NoSuchFileException e) {
      throw new ConfigurationException("the configuration " + file + " does not exist", e);
    } catch (IOException e) {
      throw new ConfigurationException(
          "the configuration " + DataException.cannotRead(file, e).getMessage(), e);
    }
  }

  /** Those that a run keeps beside its configuration. */
  private static RunConfig withMarginals(Path file, RunConfig config) {
    if (config.schema() == null) {
      return config;
    }
    var folder = file.toAbsolutePath().getParent();
    var marginals = MarginalFile.read(folder);
    try {
      return config.withSchema(config.schema().withMarginals(marginals));
    } catch (IllegalArgumentException e) {
      throw new DataException(
          "%s: its marginals.json is another run's: %s".formatted(folder, e.getMessage()), e);
    }
  }

  /**
   * A configuration, as it stands in a file.
   *
   * @param origin of the text, for messages
   * @throws ConfigurationException if it has an unknown key or an impossible value
   */
  public static RunConfig text(String origin, String text, Map<String, String> settings) {
    return resolve(origin, ConfigYaml.parse(origin, text), settings);
  }

  private static RunConfig resolve(String origin, JsonNode changes, Map<String, String> settings) {
    if (changes.isMissingNode() || changes.isNull()) {
      changes = YAML.createObjectNode();
    }
    if (!(changes instanceof ObjectNode object)) {
      throw new ConfigurationException(origin + ": expected 'key: value' lines");
    }
    if (format(origin, object) < RunConfig.FORMAT) {
      try {
        FormatOne.migrate(object);
      } catch (ConfigurationException e) {
        throw new ConfigurationException(origin + ": " + e.getMessage(), e);
      }
    }
    object.put("format", RunConfig.FORMAT);
    keepAsTrained(object);
    var tree = defaults(origin, object);
    merge(origin, "", tree, object);
    settings.forEach((key, value) -> set(tree, key, value));
    var config =
        read(
            tree,
            RunConfig.class,
            key ->
                settings.keySet().stream().anyMatch(s -> (key + ".").startsWith(s + "."))
                    ? "settings"
                    : origin);
    Modality.of(config).requireFit(config);
    return config;
  }

  /** A run that began before a setting was there goes on as it did, whatever its default is. */
  private static void keepAsTrained(ObjectNode config) {
    if (!config.path("schema").isObject()
        || !(config.path("network") instanceof ObjectNode network)) {
      return;
    }
    if (network.path("encoder") instanceof ObjectNode encoder
        && encoder.path("kind").asText().equals("resnet50")
        && !encoder.has("positions")) {
      encoder.put("positions", false);
    }
    if (network.path("kind").asText("unet").equals("unet")
        && config.path("diffusion").path("softmax_factorization").asBoolean()
        && !network.has("output_kernel")) {
      network.put("output_kernel", 3); // of other losses it is 3 by default
    }
  }

  /**
   * A tree as a record.
   *
   * @param origin of the value of a key, for messages
   */
  private static <T> T read(ObjectNode tree, Class<T> type, UnaryOperator<String> origin) {
    try {
      return YAML.treeToValue(tree, type);
    } catch (JsonMappingException e) {
      if (e.getCause() instanceof ConfigurationException cause) {
        throw cause;
      }
      var path =
          e.getPath().stream()
              .map(
                  r -> r.getFieldName() != null ? r.getFieldName() : Integer.toString(r.getIndex()))
              .collect(Collectors.joining("."));
      throw new ConfigurationException(
          "%s: %s is '%s'; it must be %s"
              .formatted(
                  origin.apply(path),
                  path,
                  at(tree, path).asText(),
                  e instanceof MismatchedInputException m
                      ? kind(m.getTargetType())
                      : "another"
                          + (e.getCause() instanceof IllegalArgumentException cause
                              ? ": " + cause.getMessage()
                              : "")),
          e);
    } catch (JsonProcessingException e) {
      throw new ConfigurationException(origin.apply("") + ": " + e.getOriginalMessage(), e);
    }
  }

  /** Files without one, such as a user's own, may be of the first. */
  private static int format(String origin, ObjectNode config) {
    if (!config.has("format")) {
      return 1;
    }
    var format = config.get("format");
    if (!format.isInt()) {
      throw new ConfigurationException(
          "%s: format is %s; it must be a whole number".formatted(origin, format));
    }
    if (format.asInt() < 1 || format.asInt() > RunConfig.FORMAT) {
      throw new ConfigurationException(
          "%s is of format %s, but this version reads formats 1 to %d; use the version that wrote it"
              .formatted(origin, format.asText(), RunConfig.FORMAT));
    }
    return format.asInt();
  }

  /** All settings with their defaults, of the kinds that a configuration names. */
  private static ObjectNode defaults(String origin, ObjectNode config) {
    var tree = (ObjectNode) ConfigYaml.parse("defaults.yaml", resource("defaults.yaml"));
    var modality = kind(origin, Modality.ALL, "modality", config, tree);
    tree.set("modality", section(modality, modality.name(), modality.settings()));
    var network = kind(origin, NetworkKind.ALL, "network", config, tree);
    tree.set("network", section(network, network.name(), network.settings()));
    return tree;
  }

  /** The kind that a configuration names in a section, or else the defaults. */
  private static <T extends Named> T kind(
      String origin, Registry<T> kinds, String section, ObjectNode config, ObjectNode defaults) {
    var usual = defaults.path(section).path("kind").asText();
    var name = config.path(section).path("kind").asText(usual);
    return kinds.get(origin + ": " + section + ".kind", name);
  }

  /** A kind's section with its defaults, from the file beside its class. */
  private static ObjectNode section(Object kind, String name, Class<?> settings) {
    var section = YAML.createObjectNode().put("kind", name);
    var origin = kind.getClass().getName() + ": defaults.yaml";
    try (var in = kind.getClass().getResourceAsStream("defaults.yaml")) {
      if (in != null
          && ConfigYaml.parse(origin, new String(in.readAllBytes(), UTF_8))
              instanceof ObjectNode o) {
        section.setAll(o);
      }
      var has = new TreeSet<String>();
      section.fieldNames().forEachRemaining(has::add);
      has.remove("kind");
      var needs = new TreeSet<String>();
      if (settings.getRecordComponents() != null) {
        for (var component : settings.getRecordComponents()) {
          needs.add(
              PropertyNamingStrategies.SnakeCaseStrategy.INSTANCE.translate(component.getName()));
        }
      }
      if (!has.equals(needs)) {
        throw new ConfigurationException(
            "%s has %s, but %s has %s: each kind needs such a file beside it, in a package of its own"
                .formatted(origin, has, settings.getSimpleName(), needs));
      }
      read(section, settings, key -> origin); // which is wrong whoever uses it
      return section;
    } catch (IOException e) {
      throw new IllegalStateException(origin + " cannot be read", e);
    }
  }

  private static String kind(Class<?> type) {
    if (type.isEnum()) {
      return Registry.choice(
          Arrays.stream(type.getEnumConstants())
              .map(value -> ((Enum<?>) value).name().toLowerCase(ROOT))
              .toList());
    }
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

  private static String place(String origin) {
    return origin.isEmpty() ? "" : origin + ": ";
  }

  private static void requireValue(String origin, String key, JsonNode before, JsonNode value) {
    if (value.isNull() && !before.isNull()) {
      throw new ConfigurationException(place(origin) + key + " has no value");
    }
    if (value.isArray()) {
      for (var element : value) {
        if (element.isNull()) {
          throw new ConfigurationException(place(origin) + key + " has an entry without a value");
        }
      }
    }
  }

  private static void merge(String origin, String prefix, ObjectNode root, JsonNode changes) {
    merge(origin, prefix, root, root, changes);
  }

  private static void merge(
      String origin, String prefix, ObjectNode root, ObjectNode target, JsonNode changes) {
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
                throw unknown(origin, key, root);
              }
              if (target.get(entry.getKey()) instanceof ObjectNode section) {
                merge(origin, key + ".", root, section, entry.getValue());
              } else {
                requireValue(origin, key, target.get(entry.getKey()), entry.getValue());
                target.set(entry.getKey(), entry.getValue());
              }
            });
  }

  private static void set(ObjectNode root, String key, String value) {
    if (key.equals("modality.kind") || key.equals("network.kind")) {
      (key.equals("modality.kind") ? Modality.ALL : NetworkKind.ALL).get(key, value); // or unknown
      if (!value.equals(at(root, key).asText())) {
        throw new ConfigurationException(
            "%s is %s, and all other settings there go with that; begin with a preset or a file of another kind"
                .formatted(key, at(root, key).asText()));
      }
    }
    var section = root;
    var names = key.split("\\.", -1);
    for (var i = 0; i < names.length - 1; i++) {
      if (!(section.get(names[i]) instanceof ObjectNode next)) {
        throw unknown("", key, root);
      }
      section = next;
    }
    var last = names[names.length - 1];
    if (!section.has(last) || section.get(last) instanceof ObjectNode) {
      throw unknown("", key, root);
    }
    var node =
        section.get(last).isTextual() ? section.textNode(value) : ConfigYaml.parse(key, value);
    requireValue("", key, section.get(last), node);
    section.set(last, node);
  }

  private static JsonNode at(ObjectNode tree, String key) {
    return tree.at("/" + key.replace('.', '/'));
  }

  /**
   * @param origin of the key, or empty where it is none of a file
   * @param tree all settings of the configuration
   */
  private static ConfigurationException unknown(String origin, String key, ObjectNode tree) {
    var prefix = origin.isEmpty() ? "" : origin + ": ";
    if (MOVED.containsKey(key)) {
      return new ConfigurationException("%s'%s' is now %s".formatted(prefix, key, MOVED.get(key)));
    }
    if (at(tree, key) instanceof ObjectNode section) {
      return new ConfigurationException(
          "%s'%s' is a section, and no setting; there are %s"
              .formatted(prefix, key, String.join(", ", keys(key + ".", section))));
    }
    for (var kind : otherKinds()) {
      if (kind.keys().contains(key)) {
        return new ConfigurationException(
            "%s'%s' is a setting, but of %s, which this configuration is not"
                .formatted(prefix, key, kind.name()));
      }
    }
    var sections = new ArrayList<String>();
    tree.fieldNames().forEachRemaining(sections::add);
    if (!key.contains(".") && Registry.nearest(key, sections).isPresent()) {
      return new ConfigurationException(
          "%s'%s' is no setting%s".formatted(prefix, key, Registry.didYouMean(key, sections)));
    }
    var known = keys("", tree);
    var section = key.substring(0, key.lastIndexOf('.') + 1);
    var neighbours = known.stream().filter(candidate -> candidate.startsWith(section)).toList();
    // Sections are often left out or mistyped, so the last names are compared alone.
    var nearest =
        (neighbours.isEmpty() ? known : neighbours)
            .stream()
                .min(
                    Comparator.<String>comparingInt(
                            candidate -> Registry.distance(lastName(candidate), lastName(key)))
                        .thenComparingInt(candidate -> Registry.distance(candidate, key)))
                .orElseThrow();
    var isNear =
        Registry.distance(lastName(nearest), lastName(key))
            <= Math.max(1, lastName(key).length() / 3);
    String hint;
    if (isNear) {
      hint = "did you mean " + nearest + "?";
    } else if (section.isEmpty() || neighbours.isEmpty()) {
      hint = "a setting is named as " + nearest + " is";
    } else {
      hint = "there are " + String.join(", ", neighbours);
    }
    return new ConfigurationException("%s'%s' is no setting; %s".formatted(prefix, key, hint));
  }

  /** A kind of data or of network, with the settings that its section has. */
  private record KindOfSettings(String name, List<String> keys) {}

  private static List<KindOfSettings> otherKinds() {
    var kinds = new ArrayList<KindOfSettings>();
    for (var kind : Modality.ALL.all()) {
      kinds.addAll(kindOfSettings("modality", kind, kind.settings()));
    }
    for (var kind : NetworkKind.ALL.all()) {
      kinds.addAll(kindOfSettings("network", kind, kind.settings()));
    }
    return kinds;
  }

  /** None of a kind that is not sound: whoever uses it is told, and here it is not used. */
  private static List<KindOfSettings> kindOfSettings(
      String section, Named kind, Class<?> settings) {
    try {
      var keys = keys(section + ".", section(kind, kind.name(), settings));
      return List.of(new KindOfSettings(section + ".kind " + kind.name(), keys));
    } catch (ConfigurationException e) {
      return List.of();
    }
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

  private static String resource(String name) {
    try (var in = ConfigReader.class.getResourceAsStream(FOLDER + name)) {
      return new String(in.readAllBytes(), UTF_8);
    } catch (IOException e) {
      throw new IllegalStateException("the library's " + name + " cannot be read", e);
    }
  }
}

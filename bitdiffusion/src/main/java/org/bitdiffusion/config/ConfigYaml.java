package org.bitdiffusion.config;

import com.fasterxml.jackson.annotation.JsonIgnoreProperties;
import com.fasterxml.jackson.annotation.JsonSubTypes;
import com.fasterxml.jackson.annotation.JsonTypeInfo;
import com.fasterxml.jackson.core.JsonProcessingException;
import com.fasterxml.jackson.core.JsonToken;
import com.fasterxml.jackson.core.StreamReadFeature;
import com.fasterxml.jackson.databind.DeserializationFeature;
import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.MapperFeature;
import com.fasterxml.jackson.databind.PropertyNamingStrategies;
import com.fasterxml.jackson.databind.cfg.EnumFeature;
import com.fasterxml.jackson.databind.node.ObjectNode;
import com.fasterxml.jackson.dataformat.yaml.YAMLGenerator;
import com.fasterxml.jackson.dataformat.yaml.YAMLMapper;
import java.io.IOException;
import java.nio.file.Path;
import java.util.regex.Pattern;
import org.bitdiffusion.ConfigurationException;
import org.bitdiffusion.data.Condition;
import org.bitdiffusion.data.Schema;
import org.bitdiffusion.io.TextFile;

/** Configurations as YAML, as {@code config.yaml} has them. */
public final class ConfigYaml {
  private static final YAMLMapper MAPPER =
      YAMLMapper.builder()
          .propertyNamingStrategy(PropertyNamingStrategies.SNAKE_CASE)
          .enable(DeserializationFeature.FAIL_ON_NULL_FOR_PRIMITIVES)
          .enable(DeserializationFeature.FAIL_ON_TRAILING_TOKENS)
          .enable(MapperFeature.ACCEPT_CASE_INSENSITIVE_ENUMS)
          .enable(EnumFeature.WRITE_ENUMS_TO_LOWERCASE)
          .enable(StreamReadFeature.STRICT_DUPLICATE_DETECTION)
          .disable(DeserializationFeature.ACCEPT_FLOAT_AS_INT)
          .disable(YAMLGenerator.Feature.WRITE_DOC_START_MARKER)
          .disable(YAMLGenerator.Feature.USE_NATIVE_TYPE_ID)
          .addMixIn(Condition.class, OneOf.class)
          .addMixIn(Schema.class, WithoutMarginals.class)
          .build();

  /** {@code schema.condition.kind} says which of them it is. */
  @JsonTypeInfo(use = JsonTypeInfo.Id.NAME, property = "kind")
  @JsonSubTypes({
    @JsonSubTypes.Type(value = Condition.None.class, name = "none"),
    @JsonSubTypes.Type(value = Condition.Labels.class, name = "labels"),
    @JsonSubTypes.Type(value = Condition.Pixels.class, name = "pixels")
  })
  private interface OneOf {}

  /** They may be megabytes, which nobody reads: a run keeps them in a file of their own. */
  @JsonIgnoreProperties("marginals")
  private interface WithoutMarginals {}

  /** Characters of a text; the longest line that is no value, a comment, takes its square. */
  private static final int LONGEST = 1 << 20;

  /** What YAML 1.1 takes for an octal number, and everybody else for a decimal one. */
  private static final Pattern OCTAL = Pattern.compile("[-+]?0[0-9_]+");

  private ConfigYaml() {}

  /**
   * Reads a file as a tree, see {@link #parse}.
   *
   * @throws ConfigurationException if it is no YAML
   * @throws IOException if it cannot be read, or is too long for a configuration
   */
  public static JsonNode read(Path file) throws IOException {
    return parse(file.toString(), readText(file));
  }

  /**
   * Reads a file as a text, to be parsed later.
   *
   * @throws IOException if it cannot be read, or is too long for a configuration
   */
  public static String readText(Path file) throws IOException {
    return TextFile.read(file, LONGEST);
  }

  /**
   * Reads a text as a tree of YAML. Numbers such as 010 are refused, which YAML 1.1 takes for 8.
   *
   * @param origin of the text, for a person
   * @throws ConfigurationException if it is no YAML, or too long for a configuration
   */
  public static JsonNode parse(String origin, String yaml) {
    if (yaml.length() > LONGEST) {
      throw new ConfigurationException(
          "%s is longer than %,d characters, too long for a configuration"
              .formatted(origin, LONGEST));
    }
    try {
      requireDecimals(origin, yaml);
      return MAPPER.readTree(yaml);
    } catch (JsonProcessingException e) {
      var at = e.getLocation();
      throw new ConfigurationException(
          "%s%s is no YAML: %s"
              .formatted(
                  origin,
                  at == null ? "" : " line " + at.getLineNr(),
                  e.getOriginalMessage()
                      .lines()
                      .findFirst()
                      .orElse("")
                      .replaceAll(", from `.*`", "")),
          e);
    } catch (IOException e) {
      throw new IllegalStateException("a text cannot fail to be read", e);
    }
  }

  private static void requireDecimals(String origin, String yaml) throws IOException {
    try (var parser = MAPPER.createParser(yaml)) {
      for (var token = parser.nextToken(); token != null; token = parser.nextToken()) {
        if (token == JsonToken.VALUE_NUMBER_INT && OCTAL.matcher(parser.getText()).matches()) {
          throw new ConfigurationException(
              "%s line %d has the number %s, which YAML takes for %s in octal digits; write it without the 0"
                  .formatted(
                      origin,
                      parser.currentTokenLocation().getLineNr(),
                      parser.getText(),
                      parser.getBigIntegerValue()));
        }
      }
    }
  }

  /**
   * A new mapper that reads and writes records by the names of their settings; the caller may teach
   * it more.
   */
  public static YAMLMapper newMapper() {
    return MAPPER.copy();
  }

  /** A configuration as text. */
  public static String text(RunConfig config) {
    try {
      return MAPPER.writeValueAsString(tree(config));
    } catch (JsonProcessingException e) {
      throw new IllegalStateException(e);
    }
  }

  /** The settings of one record, such as those of sampling, as a tree. */
  public static ObjectNode section(Object settings) {
    return MAPPER.valueToTree(settings);
  }

  /** A configuration as a tree, of which each section of a kind begins with its name. */
  public static ObjectNode tree(RunConfig config) {
    var tree = section(config);
    tree.set("modality", ofKind(config.modality().kind(), config.modality()));
    tree.set("network", ofKind(config.network().kind(), config.network()));
    return tree;
  }

  private static ObjectNode ofKind(String kind, Object settings) {
    var section = MAPPER.createObjectNode().put("kind", kind);
    section.setAll(section(settings));
    return section;
  }
}

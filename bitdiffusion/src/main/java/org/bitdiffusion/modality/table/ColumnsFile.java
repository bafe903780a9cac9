package org.bitdiffusion.modality.table;

import static java.nio.charset.StandardCharsets.UTF_8;

import com.fasterxml.jackson.core.JsonFactory;
import com.fasterxml.jackson.core.JsonProcessingException;
import com.fasterxml.jackson.core.StreamReadConstraints;
import com.fasterxml.jackson.core.StreamReadFeature;
import com.fasterxml.jackson.databind.DeserializationFeature;
import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.json.JsonMapper;
import com.fasterxml.jackson.databind.node.ArrayNode;
import com.fasterxml.jackson.databind.node.JsonNodeFactory;
import com.fasterxml.jackson.databind.node.ObjectNode;
import java.io.IOException;
import java.io.OutputStream;
import java.nio.file.NoSuchFileException;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Comparator;
import java.util.HashMap;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.function.Function;
import java.util.stream.IntStream;
import org.bitdiffusion.ConfigurationException;
import org.bitdiffusion.DataException;
import org.bitdiffusion.Registry;
import org.bitdiffusion.data.Marginal;
import org.bitdiffusion.io.TextFile;
import org.bitdiffusion.io.WholeFile;
import org.bitdiffusion.storage.MarginalFile;

/**
 * {@code columns.json}: what a run's columns hold, for people to read, and to edit for another run.
 * Of a run all of it counts; where a user gives it, only what he may want to say: target, dropped
 * columns, and of each column its kind, the words for missing, the order of an ordered category,
 * the pattern of dates and that of new identifiers.
 */
final class ColumnsFile {
  /** More than the file of a table of 10,000 columns has. */
  private static final int LONGEST = 1 << 30;

  private static final int FREQUENT = 5;

  private static final List<String> KEYS =
      List.of("about", "target", "dropped", "separator", "header", "columns", "segments");
  private static final List<String> COLUMN_KEYS =
      List.of(
          "name",
          "kind",
          "missing",
          "missing_count",
          "values",
          "pattern",
          "new",
          "next",
          "decimals",
          "fewest_decimals",
          "decimal_sign",
          "first",
          "step",
          "levels",
          "float_shift",
          "exact",
          "frequent");

  private static final String ABOUT =
      "Edit kind ("
          + String.join(", ", ColumnKind.texts())
          + "), missing, pattern (of dates), the order of the values of an ordered category, new (of"
          + " identifiers; empty leaves them out), target and dropped, and give the file as"
          + " --data table:FILE.csv,columns=THIS.json. All else is told of the data.";

  /** A value, and so the name of a field, may be a cell of many megabytes. */
  private static final JsonFactory LONG_TEXTS =
      JsonFactory.builder()
          .streamReadConstraints(
              StreamReadConstraints.builder()
                  .maxNameLength(Integer.MAX_VALUE)
                  .maxStringLength(Integer.MAX_VALUE)
                  .build())
          .build();

  private static final JsonMapper JSON =
      JsonMapper.builder(LONG_TEXTS)
          .enable(StreamReadFeature.STRICT_DUPLICATE_DETECTION)
          .enable(DeserializationFeature.FAIL_ON_TRAILING_TOKENS)
          .enable(DeserializationFeature.FAIL_ON_MISSING_CREATOR_PROPERTIES)
          .enable(DeserializationFeature.FAIL_ON_NULL_CREATOR_PROPERTIES)
          .build();
  private static final JsonNodeFactory NODES = JSON.getNodeFactory();

  private ColumnsFile() {}

  /** Where a run keeps it. */
  static Path of(Path run) {
    return run.resolve("columns.json");
  }

  // ---------------------------------------------------------------- writing

  /**
   * Writes columns.
   *
   * @throws DataException if the file cannot be written
   */
  static void write(Path file, Columns columns) {
    WholeFile.write(
        file,
        out -> {
          line(out, "{\"about\": " + text(ABOUT) + ",");
          line(out, " \"target\": " + columns.target().map(ColumnsFile::text).orElse("null") + ",");
          line(out, " \"dropped\": " + list(columns.dropped()) + ",");
          line(out, " \"separator\": " + text(String.valueOf(columns.separator())) + ",");
          line(out, " \"header\": " + columns.header() + ",");
          line(out, " \"columns\": [");
          var all = columns.all();
          for (var i = 0; i < all.size(); i++) {
            column(out, all.get(i), i + 1 < all.size() ? "}," : "}");
          }
          line(out, " ],");
          line(out, " \"segments\": {");
          var numbers = all.stream().filter(c -> c.kind().isNumber()).toList();
          for (var i = 0; i < numbers.size(); i++) {
            var column = numbers.get(i);
            line(
                out,
                "  %s: %s%s"
                    .formatted(
                        text(column.name()),
                        JSON.writeValueAsString(MarginalFile.Line.of(column.marginal())),
                        i + 1 < numbers.size() ? "," : ""));
          }
          line(out, " }");
          line(out, "}");
        });
  }

  private static void line(OutputStream out, String line) throws IOException {
    out.write((line + "\n").getBytes(UTF_8));
  }

  private static String text(String value) {
    return NODES.textNode(value).toString();
  }

  private static String list(List<String> values) {
    return values.stream().map(ColumnsFile::text).toList().toString();
  }

  private static void column(OutputStream out, Column column, String end) throws IOException {
    var lines = new ArrayList<String>();
    lines.add(
        "{\"name\": %s, \"kind\": \"%s\"".formatted(text(column.name()), column.kind().text()));
    lines.add(
        "\"missing\": %s, \"missing_count\": %d"
            .formatted(list(column.missingWords()), column.missingCount()));
    lines.addAll(levels(column));
    var identifiers = column.identifiers();
    if (identifiers.isPresent()) {
      lines.add(
          "\"new\": %s, \"next\": %d"
              .formatted(text(identifiers.get().pattern()), identifiers.get().next()));
    }
    line(out, "  " + String.join(",\n   ", lines) + end);
  }

  private static List<String> levels(Column column) {
    var levels = column.levels();
    if (levels instanceof NumberGrid grid) {
      return List.of(
          "\"decimals\": %d, \"fewest_decimals\": %d, \"decimal_sign\": \"%s\""
              .formatted(grid.decimals(), grid.fewest(), grid.sign()),
          "\"first\": %d, \"step\": %d, \"levels\": %d"
              .formatted(grid.first(), grid.step(), grid.count()),
          frequent(column));
    }
    if (levels instanceof FloatLevels floats) {
      var exact = NODES.objectNode();
      floats.exact().entrySet().stream()
          .sorted(Map.Entry.comparingByKey())
          .forEach(entry -> exact.put(entry.getKey().toString(), entry.getValue()));
      return List.of(
          "\"decimals\": %d, \"decimal_sign\": \"%s\"".formatted(floats.decimals(), floats.sign()),
          "\"first\": %d, \"float_shift\": %d, \"levels\": %d"
              .formatted(floats.first(), floats.shift(), floats.count()),
          frequent(column),
          "\"exact\": " + exact);
    }
    if (levels instanceof DateGrid dates) {
      return List.of(
          "\"pattern\": " + text(dates.format().pattern()),
          "\"first\": %d, \"step\": %d, \"levels\": %d"
              .formatted(dates.first(), dates.step(), dates.count()),
          frequent(column));
    }
    return column.identifiers().isPresent() ? List.of() : List.of("\"values\": " + values(column));
  }

  private static ObjectNode values(Column column) {
    var values = NODES.objectNode();
    var marginal = column.marginal();
    for (var level = 0; level < column.levels().count(); level++) {
      var symbol = level + column.missing() + 1;
      var segment = marginal.segment(symbol); // of values that are equally frequent
      var size = marginal.start(segment + 1) - marginal.start(segment);
      values.put(column.text(symbol), marginal.count(segment) / size);
    }
    return values;
  }

  /** Of numbers those that repeat most, for people. */
  private static String frequent(Column column) {
    var marginal = column.marginal();
    var frequent = NODES.objectNode();
    IntStream.range(0, marginal.segments())
        .filter(s -> marginal.start(s + 1) - marginal.start(s) == 1)
        .filter(s -> marginal.count(s) > 1 && marginal.start(s) != column.missing())
        .boxed()
        .sorted(Comparator.comparingLong(s -> -marginal.count(s)))
        .limit(FREQUENT)
        .forEach(s -> frequent.put(column.text(marginal.start(s)), marginal.count(s)));
    return "\"frequent\": " + frequent;
  }

  // ---------------------------------------------------------------- reading

  /**
   * The columns of a run.
   *
   * @throws DataException if the file is missing or damaged
   */
  static Columns read(Path file) {
    try {
      var root = parse(file);
      var segments = root.path("segments");
      var all = new ArrayList<Column>();
      for (var node : root.path("columns")) {
        all.add(column(node, segments));
      }
      return new Columns(
          all,
          Optional.ofNullable(root.path("target").textValue()),
          texts(root.path("dropped")),
          root.path("separator").asText().charAt(0),
          root.path("header").asBoolean());
    } catch (IllegalArgumentException
        | IndexOutOfBoundsException
        | ArithmeticException
        | JsonProcessingException
        | ConfigurationException e) {
      throw new DataException(
          "%s is damaged, or was edited where it is not to be: %s; take the file from where the run is whole"
              .formatted(file, e.getMessage()),
          e);
    }
  }

  private static JsonNode parse(Path file) {
    try {
      var root = JSON.readTree(TextFile.read(file, LONGEST));
      if (!root.isObject()) {
        throw new DataException(file + " holds no columns: an object of JSON is expected");
      }
      return root;
    } catch (NoSuchFileException e) {
      throw new DataException(file + " does not exist", e);
    } catch (JsonProcessingException e) {
      throw new DataException(
          "%s line %d is no JSON: %s"
              .formatted(
                  file,
                  e.getLocation() == null ? 1 : e.getLocation().getLineNr(),
                  e.getOriginalMessage().lines().findFirst().orElse("")),
          e);
    } catch (IOException e) {
      throw DataException.cannotRead(file, e);
    }
  }

  private static Column column(JsonNode node, JsonNode segments) throws JsonProcessingException {
    var name = node.path("name").asText();
    var kind = kind(node);
    var missing = node.path("missing_count").asLong();
    var words = texts(node.path("missing"));
    var identifiers = Optional.<Identifiers>empty();
    Levels levels;
    Marginal marginal;
    if (kind.isNumber()) {
      levels = numbers(kind, node);
      if (!segments.path(name).isObject()) {
        throw new IllegalArgumentException("it has no segments of " + name);
      }
      marginal = JSON.treeToValue(segments.path(name), MarginalFile.Line.class).marginal();
    } else if (kind == ColumnKind.IDENTIFIER) {
      levels = Words.of(List.of());
      marginal = Marginal.uniform(1);
      identifiers =
          Optional.of(new Identifiers(node.path("new").asText(), node.path("next").asLong()));
    } else {
      var counts = new LinkedHashMap<String, Long>();
      node.path("values").properties().forEach(e -> counts.put(e.getKey(), e.getValue().asLong()));
      levels = Words.of(List.copyOf(counts.keySet()));
      marginal = Inference.marginal(missing, List.copyOf(counts.values()));
    }
    return new Column(name, kind, words, missing > 0, levels, marginal, identifiers);
  }

  private static Levels numbers(ColumnKind kind, JsonNode node) {
    var first = node.path("first").asLong();
    var count = node.path("levels").asInt();
    if (kind == ColumnKind.DATETIME) {
      var format = DateGrid.Format.of(node.path("pattern").asText());
      return new DateGrid(format, first, node.path("step").asLong(), count);
    }
    var sign = node.path("decimal_sign").asText().charAt(0);
    var decimals = node.path("decimals").asInt();
    if (node.has("float_shift")) {
      var exact = new HashMap<Integer, String>();
      node.path("exact")
          .properties()
          .forEach(e -> exact.put(Integer.valueOf(e.getKey()), e.getValue().asText()));
      return new FloatLevels(
          (int) first, count, node.path("float_shift").asInt(), decimals, exact, sign);
    }
    return new NumberGrid(
        first,
        node.path("step").asLong(),
        count,
        decimals,
        node.path("fewest_decimals").asInt(),
        sign);
  }

  private static ColumnKind kind(JsonNode node) {
    var text = node.path("kind").asText();
    Registry.require("kind", text, ColumnKind.texts());
    return ColumnKind.values()[ColumnKind.texts().indexOf(text)];
  }

  private static List<String> texts(JsonNode array) {
    var texts = new ArrayList<String>();
    array.forEach(text -> texts.add(text.asText()));
    return texts;
  }

  // ---------------------------------------------------------------- what a user says

  /**
   * What a user says of a table's columns.
   *
   * @param choices by name, of all columns of the file
   */
  record Said(Optional<String> target, List<String> dropped, Map<String, Choice> choices) {}

  /**
   * Reads what a user says.
   *
   * @throws ConfigurationException if it has an unknown key, or one that contradicts another
   * @throws DataException if it is missing, or no JSON
   */
  static Said said(Path file) {
    var root = parse(file);
    requireKeys(file, "", root, KEYS);
    var choices = new LinkedHashMap<String, Choice>();
    if (!root.path("columns").isMissingNode() && !root.path("columns").isArray()) {
      throw wrong(file, "", "columns is no list");
    }
    for (var node : root.path("columns")) {
      if (!node.isObject() || !node.path("name").isTextual()) {
        throw wrong(file, "", "an entry of columns has no name");
      }
      var name = node.path("name").asText();
      var place = ", column '" + name + "'";
      requireKeys(file, place, node, COLUMN_KEYS);
      if (choices.put(name, choice(file, place, name, node)) != null) {
        throw wrong(file, place, "it is there twice");
      }
    }
    var dropped = strings(file, "", root, "dropped").orElse(List.of());
    var target = string(file, "", root, "target");
    if (target.isPresent() && dropped.contains(target.get())) {
      throw wrong(file, "", "target '" + target.get() + "' is dropped as well");
    }
    return new Said(target, dropped, choices);
  }

  private static Choice choice(Path file, String place, String name, JsonNode node) {
    ColumnKind kind = null;
    if (node.has("kind")) {
      try {
        kind = kind(node);
      } catch (ConfigurationException e) {
        throw wrong(file, place, e.getMessage());
      }
    }
    var missing = strings(file, place, node, "missing");
    var isOrdered = kind == ColumnKind.ORDERED || kind == ColumnKind.BOOLEAN;
    var values = isOrdered ? values(file, place, node) : List.<String>of();
    for (var value : values) {
      if (missing.orElse(Missing.USUAL).contains(value)) {
        throw wrong(file, place, "'%s' is a value, and means missing".formatted(value));
      }
    }
    var pattern = string(file, place, node, "pattern");
    if (pattern.isPresent()) {
      if (kind != null && kind != ColumnKind.DATETIME) {
        pattern = Optional.empty(); // the user made something else of dates
      } else {
        try {
          DateGrid.Format.of(pattern.get());
        } catch (IllegalArgumentException e) {
          throw wrong(
              file, place, "pattern '%s' is none: %s".formatted(pattern.get(), e.getMessage()));
        }
      }
    }
    var identifiers = string(file, place, node, "new");
    if (identifiers.isPresent() && !Identifiers.isPattern(identifiers.get())) {
      throw wrong(
          file,
          place,
          "new is '%s', which makes the same identifier for all; it needs {n} or {uuid}, or is empty"
              .formatted(identifiers.get()));
    }
    return new Choice(Optional.ofNullable(kind), values, missing, pattern, identifiers);
  }

  /** Values as a list, or as an object with their counts. */
  private static List<String> values(Path file, String place, JsonNode node) {
    var values = node.path("values");
    var all = new ArrayList<String>();
    if (values instanceof ObjectNode object) {
      object.fieldNames().forEachRemaining(all::add);
    } else if (values instanceof ArrayNode) {
      all.addAll(strings(file, place, node, "values").orElseThrow());
    } else if (!values.isMissingNode()) {
      throw wrong(file, place, "values is no list");
    }
    if (all.stream().distinct().count() < all.size()) {
      throw wrong(file, place, "a value is there twice");
    }
    return all;
  }

  private static Optional<String> string(Path file, String place, JsonNode node, String key) {
    var value = node.path(key);
    if (value.isMissingNode() || value.isNull()) {
      return Optional.empty();
    }
    if (!value.isTextual()) {
      throw wrong(file, place, "%s is %s; it must be a text".formatted(key, value));
    }
    return Optional.of(value.asText());
  }

  private static Optional<List<String>> strings(
      Path file, String place, JsonNode node, String key) {
    var values = node.path(key);
    if (values.isMissingNode()) {
      return Optional.empty();
    }
    Function<JsonNode, String> text =
        value -> {
          if (!value.isTextual()) {
            throw wrong(file, place, "%s has %s; it must be a list of texts".formatted(key, value));
          }
          return value.asText();
        };
    if (!values.isArray()) {
      throw wrong(file, place, "%s is %s; it must be a list of texts".formatted(key, values));
    }
    var all = new ArrayList<String>();
    values.forEach(value -> all.add(text.apply(value)));
    return Optional.of(all);
  }

  private static void requireKeys(Path file, String place, JsonNode node, List<String> known) {
    node.fieldNames()
        .forEachRemaining(
            key -> {
              if (!known.contains(key)) {
                throw wrong(
                    file,
                    place,
                    "'%s' is unknown; there are %s%s"
                        .formatted(key, String.join(", ", known), Registry.didYouMean(key, known)));
              }
            });
  }

  private static ConfigurationException wrong(Path file, String place, String message) {
    return new ConfigurationException(file + place + ": " + message);
  }
}

package org.bitdiffusion.metrics;

import com.fasterxml.jackson.core.JsonParser;
import com.fasterxml.jackson.core.JsonProcessingException;
import com.fasterxml.jackson.core.JsonToken;
import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.json.JsonMapper;
import java.io.IOException;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.function.BiFunction;
import java.util.function.Function;
import org.bitdiffusion.DataException;
import org.bitdiffusion.io.TextFile;

/**
 * The captions of images in a file of one of three formats, which is told by its content:
 *
 * <ul>
 *   <li>COCO's results, {@code [{"image_id": 42, "caption": "a dog"}, ...]};
 *   <li>COCO's annotations, {@code {"annotations": [{"image_id": 42, "caption": "a dog", ...},
 *       ...], ...}}, of which all else is ignored, also images without a caption;
 *   <li>JSON Lines, {@code {"id": 42, "text": "a dog"}} on each, of which all else is ignored.
 * </ul>
 *
 * <p>An id is a text or a number, and 42 and "42" are the same. It may come several times.
 *
 * @param path where the file is
 * @param captions in the file's order, at least one
 */
public record CaptionFile(Path path, List<Caption> captions) {
  private static final JsonMapper JSON = new JsonMapper();

  private static final String ANNOTATIONS = "annotations";

  /** Words of a caption. Comparing two takes as long as the product of theirs. */
  private static final int MOST_WORDS = 100_000;

  public CaptionFile {
    captions = List.copyOf(captions);
  }

  /**
   * A caption of an image.
   *
   * @param id of the image
   * @param text as it stands in the file, maybe empty
   * @param place where it stands in the file, for a person
   */
  public record Caption(String id, String text, String place) {}

  /**
   * Reads a file.
   *
   * @throws DataException if it cannot be read, is of another format or holds no caption
   */
  public static CaptionFile read(Path path) {
    try {
      var captions =
          switch (firstCharacter(path)) {
            case '[' -> results(path);
            case '{' -> isOfLines(path) ? lines(path) : annotations(path);
            default -> throw unknownFormat(path);
          };
      if (captions.isEmpty()) {
        throw new DataException(path + " holds no captions");
      }
      return new CaptionFile(path, captions);
    } catch (JsonProcessingException e) {
      throw noJson(path, e.getLocation() == null ? 1 : e.getLocation().getLineNr(), e);
    } catch (IOException e) {
      throw DataException.cannotRead(path, e);
    }
  }

  /**
   * The captions of this file, one for each image, beside the references of the same images, in
   * this file's order. COCO's evaluation demands that both are of the same images, and so does
   * this: scores of a part of the images would not compare with those of all.
   *
   * @param tokenizer splits a caption into tokens, such as {@link CaptionTokenizer#tokens}
   * @throws DataException if an image has two captions here, has one but no reference, or has
   *     references but no caption, or a caption has more than 100,000 words
   */
  public List<ScoredCaption> scoredBy(
      CaptionFile references, Function<String, List<String>> tokenizer) {
    var referencesById = new LinkedHashMap<String, List<Caption>>();
    for (var reference : references.captions()) {
      referencesById.computeIfAbsent(reference.id(), id -> new ArrayList<>()).add(reference);
    }
    var candidates = candidates();
    for (var candidate : candidates.values()) {
      if (!referencesById.containsKey(candidate.id())) {
        throw new DataException(
            "%s, %s: id %s has no reference in %s; both must be of the same images"
                .formatted(path, candidate.place(), candidate.id(), references.path()));
      }
    }
    var missing =
        referencesById.keySet().stream().filter(id -> !candidates.containsKey(id)).toList();
    if (!missing.isEmpty()) {
      throw new DataException(
          "%s has no candidate for %,d of the %,d ids in %s, the first is %s (%s); as in COCO's"
                  .formatted(
                      path,
                      missing.size(),
                      referencesById.size(),
                      references.path(),
                      missing.get(0),
                      referencesById.get(missing.get(0)).get(0).place())
              + " evaluation, both must be of the same images");
    }
    // A word is the same object wherever it occurs, so that many captions need little memory.
    var words = new HashMap<String, String>();
    BiFunction<CaptionFile, Caption, List<String>> tokens =
        (file, caption) ->
            file.words(caption, tokenizer).stream()
                .map(word -> words.computeIfAbsent(word, same -> same))
                .toList();
    return candidates.values().stream()
        .map(
            candidate ->
                new ScoredCaption(
                    tokens.apply(this, candidate),
                    referencesById.get(candidate.id()).stream()
                        .map(reference -> tokens.apply(references, reference))
                        .toList()))
        .toList();
  }

  private List<String> words(Caption caption, Function<String, List<String>> tokenizer) {
    var words = tokenizer.apply(caption.text());
    if (words.size() > MOST_WORDS) {
      throw new DataException(
          "%s, %s: a text of %,d words is no caption; at most %,d are compared"
              .formatted(path, caption.place(), words.size(), MOST_WORDS));
    }
    return words;
  }

  private Map<String, Caption> candidates() {
    var candidates = new LinkedHashMap<String, Caption>();
    for (var candidate : captions) {
      var other = candidates.put(candidate.id(), candidate);
      if (other != null) {
        throw new DataException(
            "%s holds two candidates for id %s, in %s and %s; keep one"
                .formatted(path, candidate.id(), other.place(), candidate.place()));
      }
    }
    return candidates;
  }

  /** The first character that is no blank, or -1. */
  private static int firstCharacter(Path path) throws IOException {
    try (var in = TextFile.open(path)) {
      var c = in.read();
      while (Character.isWhitespace(c)) {
        c = in.read();
      }
      return c;
    }
  }

  /**
   * Whether a file that begins with an object has more of them, rather than being one. What is no
   * JSON counts as lines: their reader says in which line.
   */
  private static boolean isOfLines(Path path) throws IOException {
    try (var in = TextFile.open(path);
        var parser = JSON.createParser(in)) {
      parser.nextToken();
      var firstLine = parser.currentLocation().getLineNr();
      while (parser.nextToken() == JsonToken.FIELD_NAME) {
        if (parser.currentName().equals(ANNOTATIONS)) {
          return false;
        }
        parser.nextToken();
        parser.skipChildren();
      }
      if (parser.currentLocation().getLineNr() > firstLine) {
        throw unknownFormat(path);
      }
      return true;
    } catch (JsonProcessingException e) {
      return true;
    }
  }

  private static List<Caption> lines(Path path) throws IOException {
    var captions = new ArrayList<Caption>();
    try (var in = TextFile.open(path)) {
      var number = 0;
      for (var line = in.readLine(); line != null; line = in.readLine()) {
        number++;
        if (!line.isBlank()) {
          captions.add(line(path, number, line));
        }
      }
    }
    return captions;
  }

  private static Caption line(Path path, int number, String line) throws IOException {
    try (var parser = JSON.createParser(line)) {
      JsonNode entry = JSON.readTree(parser);
      if (parser.nextToken() != null) {
        throw new DataException(
            "%s, line %d: more follows the caption; put each on a line of its own"
                .formatted(path, number));
      }
      return caption(path, "line " + number, entry, "id", "text");
    } catch (JsonProcessingException e) {
      throw noJson(path, number, e);
    }
  }

  private static List<Caption> results(Path path) throws IOException {
    try (var in = TextFile.open(path);
        var parser = JSON.createParser(in)) {
      parser.nextToken();
      var captions = entries(path, parser, "entry ");
      rejectMore(path, parser);
      return captions;
    }
  }

  private static List<Caption> annotations(Path path) throws IOException {
    var captions = new ArrayList<Caption>();
    try (var in = TextFile.open(path);
        var parser = JSON.createParser(in)) {
      parser.nextToken();
      while (parser.nextToken() == JsonToken.FIELD_NAME) {
        var name = parser.currentName();
        if (parser.nextToken() == JsonToken.START_ARRAY && name.equals(ANNOTATIONS)) {
          captions.addAll(entries(path, parser, "annotation "));
        } else {
          parser.skipChildren();
        }
      }
      rejectMore(path, parser);
    }
    return captions;
  }

  /** The captions of an array, at whose start the parser is; they are counted from 1. */
  private static List<Caption> entries(Path path, JsonParser parser, String kind)
      throws IOException {
    var captions = new ArrayList<Caption>();
    while (parser.nextToken() != JsonToken.END_ARRAY) {
      var place =
          "%s%d (line %d)"
              .formatted(kind, captions.size() + 1, parser.currentTokenLocation().getLineNr());
      captions.add(caption(path, place, JSON.readTree(parser), "image_id", "caption"));
    }
    return captions;
  }

  private static void rejectMore(Path path, JsonParser parser) throws IOException {
    if (parser.nextToken() != null) {
      throw new DataException(
          "%s, line %d: the file goes on after its captions; remove what follows"
              .formatted(path, parser.currentTokenLocation().getLineNr()));
    }
  }

  private static Caption caption(
      Path path, String place, JsonNode entry, String idKey, String textKey) {
    var id = entry.path(idKey);
    var text = entry.path(textKey);
    if (!id.isNumber() && !id.isTextual()) {
      throw new DataException(
          "%s, %s: \"%s\" is missing, or neither a number nor a text"
              .formatted(path, place, idKey));
    }
    if (!text.isTextual()) {
      throw new DataException(
          "%s, %s: \"%s\" is missing or no text".formatted(path, place, textKey));
    }
    return new Caption(text(id), text.textValue(), place);
  }

  /** The same for 1 and 1.0, which some programs write for it. */
  private static String text(JsonNode id) {
    return id.isNumber() && id.canConvertToExactIntegral()
        ? id.decimalValue().toBigInteger().toString()
        : id.asText();
  }

  private static DataException unknownFormat(Path path) {
    return new DataException(
        path
            + " holds no captions: it must be COCO's results or annotations in JSON, or lines of"
            + " {\"id\": ..., \"text\": ...}");
  }

  private static DataException noJson(Path path, int line, JsonProcessingException e) {
    return new DataException(
        "%s, line %d is no JSON: %s"
            .formatted(path, line, e.getOriginalMessage().lines().findFirst().orElse("")),
        e);
  }
}

package org.bitdiffusion.text;

import com.fasterxml.jackson.core.JsonFactory;
import com.fasterxml.jackson.core.JsonParser;
import com.fasterxml.jackson.core.JsonProcessingException;
import com.fasterxml.jackson.core.JsonToken;
import com.fasterxml.jackson.databind.DeserializationFeature;
import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.ObjectMapper;
import java.io.BufferedReader;
import java.io.IOException;
import java.nio.file.Path;
import java.util.List;
import java.util.function.Consumer;
import org.bitdiffusion.ConfigurationException;
import org.bitdiffusion.DataException;
import org.bitdiffusion.io.TextFile;

/**
 * Captions without their images, to learn a tokenizer from: one a line ({@code .txt}); JSON Lines
 * whose objects have {@code captions}, a list, or {@code caption} or {@code text} ({@code .jsonl});
 * or annotations as those of COCO, {@code {"annotations": [{"caption": ...}, ...]}} ({@code
 * .json}). All are UTF-8. Captions are read one after the other, so that files may be large; blank
 * ones are left out.
 */
public final class CaptionCorpus {
  private static final List<String> ENDINGS = List.of(".json", ".jsonl", ".txt");

  private final Path file;
  private final String ending;

  /**
   * @throws ConfigurationException if the file's name does not say what is in it
   */
  public CaptionCorpus(Path file) {
    this.file = file;
    this.ending =
        ENDINGS.stream()
            .filter(end -> file.toString().endsWith(end))
            .findFirst()
            .orElseThrow(
                () ->
                    new ConfigurationException(
                        file
                            + " has no known ending; captions are read from .json (annotations of"
                            + " COCO), .jsonl (JSON Lines) and .txt (one a line)"));
  }

  /**
   * Reads all captions in their order.
   *
   * @return how many there are, at least one
   * @throws DataException if the file cannot be read, is damaged, or has no captions
   */
  public long read(Consumer<String> captions) {
    var counting = new Counting(captions);
    try (var reader = TextFile.open(file)) {
      switch (ending) {
        case ".txt" -> lines(reader, (number, line) -> counting.accept(line));
        case ".jsonl" -> {
          var json = new ObjectMapper().enable(DeserializationFeature.FAIL_ON_TRAILING_TOKENS);
          lines(reader, (number, line) -> object(number, json.readTree(line), counting));
        }
        default -> annotations(reader, counting);
      }
    } catch (JsonProcessingException e) { // of annotations: those of lines are caught there
      throw new DataException("%s is damaged: line %d is no JSON".formatted(file, line(e)), e);
    } catch (IOException e) {
      throw DataException.cannotRead(file, e);
    }
    if (counting.count == 0) {
      throw new DataException(file + " has no captions in it");
    }
    return counting.count;
  }

  private static final class Counting implements Consumer<String> {
    private final Consumer<String> captions;
    private long count;

    Counting(Consumer<String> captions) {
      this.captions = captions;
    }

    @Override
    public void accept(String caption) {
      if (!caption.isBlank()) {
        captions.accept(caption.strip());
        count++;
      }
    }
  }

  private interface Line {
    void read(int number, String line) throws JsonProcessingException;
  }

  private void lines(BufferedReader reader, Line each) throws IOException {
    var number = 1;
    for (var line = reader.readLine(); line != null; line = reader.readLine(), number++) {
      if (line.isBlank()) {
        continue;
      }
      try {
        each.read(number, line);
      } catch (JsonProcessingException e) {
        throw new DataException("%s, line %d is no JSON".formatted(file, number), e);
      }
    }
  }

  private void object(int number, JsonNode object, Consumer<String> captions) {
    var list = object.path("captions");
    var one = object.has("caption") ? object.path("caption") : object.path("text");
    if (list.isArray()) {
      list.forEach(caption -> captions.accept(text(number, caption)));
    } else if (one.isTextual()) {
      captions.accept(one.textValue());
    } else {
      throw new DataException(
          "%s, line %d has no \"captions\" (a list), \"caption\" or \"text\""
              .formatted(file, number));
    }
  }

  private String text(int number, JsonNode caption) {
    if (!caption.isTextual()) {
      throw new DataException(
          "%s, line %d: a caption is %s, which is no text".formatted(file, number, caption));
    }
    return caption.textValue();
  }

  /** COCO's files are 100 MB and more, so no tree is made of them. */
  private void annotations(BufferedReader reader, Consumer<String> captions) throws IOException {
    try (var json = new JsonFactory().createParser(reader)) {
      if (json.nextToken() == JsonToken.START_OBJECT) {
        while (json.nextToken() == JsonToken.FIELD_NAME) {
          var list = json.currentName().equals("annotations");
          if (json.nextToken() == JsonToken.START_ARRAY && list) {
            while (json.nextToken() != JsonToken.END_ARRAY) {
              annotation(json, captions);
            }
            return;
          }
          json.skipChildren();
        }
      }
      throw new DataException(
          file + " has no \"annotations\", as COCO's files have; for JSON Lines end it in .jsonl");
    }
  }

  private void annotation(JsonParser json, Consumer<String> captions) throws IOException {
    var line = json.currentTokenLocation().getLineNr();
    String caption = null;
    if (json.currentToken() == JsonToken.START_OBJECT) {
      while (json.nextToken() == JsonToken.FIELD_NAME) {
        var isCaption = json.currentName().equals("caption");
        if (json.nextToken() == JsonToken.VALUE_STRING && isCaption) {
          caption = json.getText();
        }
        json.skipChildren();
      }
    }
    if (caption == null) {
      throw new DataException(
          "%s, line %d: an annotation has no \"caption\" that is a text".formatted(file, line));
    }
    captions.accept(caption);
  }

  private static int line(JsonProcessingException e) {
    return e.getLocation() == null ? 1 : e.getLocation().getLineNr();
  }
}

package org.bitdiffusion.modality.image;

import com.fasterxml.jackson.core.JsonProcessingException;
import com.fasterxml.jackson.databind.DeserializationFeature;
import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.ObjectMapper;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import org.bitdiffusion.DataException;
import org.bitdiffusion.io.TextFile;

/**
 * Images and their captions in JSON Lines: {@code {"image": "a.png", "captions": ["a dog", ...]}},
 * or with one {@code caption}. Paths are relative to the file.
 */
final class CaptionLines {
  private CaptionLines() {}

  static ImageSource open(Path file, CaptionedFiles.Settings settings) {
    var json = new ObjectMapper().enable(DeserializationFeature.FAIL_ON_TRAILING_TOKENS);
    var files = new ArrayList<Path>();
    var captions = new ArrayList<List<String>>();
    try (var reader = TextFile.open(file)) {
      var number = 0;
      for (var line = reader.readLine(); line != null; line = reader.readLine()) {
        number++;
        if (line.isBlank()) {
          continue;
        }
        var place = "%s, line %d".formatted(file, number);
        try {
          var entry = json.readTree(line);
          if (!entry.path("image").isTextual()) {
            throw new DataException(place + " names no \"image\"");
          }
          var texts = texts(place, entry);
          var image =
              CaptionedFiles.image(place, file.resolveSibling(""), entry.path("image").textValue());
          if (!settings.skipBad() && !Files.isRegularFile(image)) {
            throw new DataException("%s: the image %s does not exist".formatted(place, image));
          }
          files.add(image);
          captions.add(texts);
        } catch (JsonProcessingException e) {
          throw new DataException(place + " is no JSON", e);
        }
      }
    } catch (IOException e) {
      throw DataException.cannotRead(file, e);
    }
    var name = "captions of %s, %s".formatted(file, settings);
    return CaptionedFiles.open(name, settings, files, captions);
  }

  private static List<String> texts(String place, JsonNode entry) {
    var list = entry.path("captions");
    var texts = new ArrayList<String>();
    for (var caption : list.isArray() ? list : List.of(list, entry.path("caption"))) {
      if (caption.isTextual() && !caption.textValue().isBlank()) {
        texts.add(caption.textValue().strip());
      } else if (!caption.isMissingNode()) {
        throw new DataException(
            "%s: a caption is %s; it must be a text with words".formatted(place, caption));
      }
    }
    if (texts.isEmpty()) {
      throw new DataException(
          place + ": the image has no caption; give it \"caption\" or \"captions\"");
    }
    return texts;
  }
}

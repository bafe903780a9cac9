package org.bitdiffusion.data;

import com.fasterxml.jackson.core.JsonProcessingException;
import com.fasterxml.jackson.databind.ObjectMapper;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import org.bitdiffusion.DataException;

/**
 * Images and their captions in JSON Lines: {@code {"image": "a.png", "captions": ["a dog", ...]}},
 * or with one {@code caption}. Paths are relative to the file.
 */
final class CaptionLines {
  private CaptionLines() {}

  static ImageSource open(Path file, int size) {
    var json = new ObjectMapper();
    var files = new ArrayList<Path>();
    var captions = new ArrayList<List<String>>();
    try (var reader = Files.newBufferedReader(file)) {
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
          var texts = new ArrayList<String>();
          entry.path("captions").forEach(caption -> texts.add(caption.asText()));
          if (entry.path("caption").isTextual()) {
            texts.add(entry.path("caption").textValue());
          }
          if (texts.isEmpty()) {
            throw new DataException(
                place + ": the image has no caption; give it \"caption\" or \"captions\"");
          }
          var image = file.resolveSibling(entry.path("image").textValue());
          if (!Files.isRegularFile(image)) {
            throw new DataException("%s: the image %s does not exist".formatted(place, image));
          }
          files.add(image);
          captions.add(List.copyOf(texts));
        } catch (JsonProcessingException e) {
          throw new DataException(place + " is no JSON", e);
        }
      }
    } catch (IOException e) {
      throw DataException.cannotRead(file, e);
    }
    return CaptionedFiles.open("captions of " + file, size, files, captions);
  }
}

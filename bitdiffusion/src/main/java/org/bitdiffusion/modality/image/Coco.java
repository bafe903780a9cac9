package org.bitdiffusion.modality.image;

import com.fasterxml.jackson.core.JsonProcessingException;
import com.fasterxml.jackson.databind.DeserializationFeature;
import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.ObjectMapper;
import java.io.IOException;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import org.bitdiffusion.DataException;
import org.bitdiffusion.io.TextFile;

/**
 * MS-COCO 2017 as published: {@code annotations/captions_train2017.json} and {@code
 * captions_val2017.json}, and the images in {@code train2017} and {@code val2017}, about five
 * captions each. Images without a caption are an error.
 */
final class Coco {
  /** From here on, a float64 may stand for several whole numbers. */
  private static final double INEXACT = 1L << 53;

  private Coco() {}

  /**
   * @param split {@code train} or {@code val}
   */
  static ImageSource open(Path folder, String split, CaptionedFiles.Settings settings) {
    var file = folder.resolve("annotations").resolve("captions_" + split + "2017.json");
    var tree = tree(file);
    var names = new LinkedHashMap<Long, String>();
    for (var image : tree.path("images")) {
      if (!image.path("file_name").isTextual()) {
        throw new DataException(file + ": an image has no \"id\" or \"file_name\"");
      }
      var id = id(file, "an image", image.path("id"));
      if (names.put(id, image.path("file_name").textValue()) != null) {
        throw new DataException("%s: two images have the id %d".formatted(file, id));
      }
    }
    var captions = new LinkedHashMap<Long, List<String>>();
    for (var annotation : tree.path("annotations")) {
      var id = id(file, "the image of an annotation", annotation.path("image_id"));
      if (!names.containsKey(id)) {
        throw new DataException(
            "%s: annotation %s is of image %s, which is not among its images"
                .formatted(file, annotation.path("id"), annotation.path("image_id")));
      }
      if (!annotation.path("caption").isTextual()) {
        throw new DataException(
            "%s: annotation %s has no \"caption\"".formatted(file, annotation.path("id")));
      }
      captions
          .computeIfAbsent(id, image -> new ArrayList<>())
          .add(annotation.path("caption").textValue().strip());
    }
    var files = new ArrayList<Path>();
    var texts = new ArrayList<List<String>>();
    names.forEach(
        (id, name) -> {
          if (!captions.containsKey(id)) {
            throw new DataException("%s: image %d, %s, has no caption".formatted(file, id, name));
          }
          files.add(CaptionedFiles.image(file.toString(), folder.resolve(split + "2017"), name));
          texts.add(List.copyOf(captions.get(id)));
        });
    return CaptionedFiles.open("COCO %s, %s".formatted(split, settings), settings, files, texts);
  }

  /** A whole number of 64 bits, which other programs may have written as 1.0. */
  private static long id(Path file, String whose, JsonNode id) {
    if (!id.canConvertToExactIntegral()
        || !id.canConvertToLong()
        || (!id.isIntegralNumber() && Math.abs(id.doubleValue()) >= INEXACT)) {
      throw new DataException(
          "%s: the id of %s is %s; it must be a whole number of 64 bits"
              .formatted(file, whose, id.isMissingNode() ? "missing" : id));
    }
    return id.longValue();
  }

  private static JsonNode tree(Path file) {
    try (var reader = TextFile.open(file)) {
      var json = new ObjectMapper().enable(DeserializationFeature.FAIL_ON_TRAILING_TOKENS);
      var tree = json.readTree(reader);
      if (!tree.path("images").isArray() || !tree.path("annotations").isArray()) {
        throw new DataException(file + " has no \"images\" and \"annotations\", as COCO's have");
      }
      return tree;
    } catch (JsonProcessingException e) {
      throw new DataException(
          "%s is damaged: line %d is no JSON"
              .formatted(file, e.getLocation() == null ? 1 : e.getLocation().getLineNr()),
          e);
    } catch (IOException e) {
      throw DataException.cannotRead(file, e);
    }
  }
}

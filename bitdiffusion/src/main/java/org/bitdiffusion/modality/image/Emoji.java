package org.bitdiffusion.modality.image;

import com.fasterxml.jackson.core.JsonProcessingException;
import com.fasterxml.jackson.databind.DeserializationFeature;
import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.ObjectMapper;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.TreeMap;
import java.util.stream.Collectors;
import org.bitdiffusion.DataException;
import org.bitdiffusion.Seed;

/**
 * Emoji as several vendors draw them, 64x64, each with its name: a folder of unpacked npm packages
 * emoji-datasource-VENDOR, each with {@code emoji.json} and {@code img/VENDOR/64/*.png}. Variations
 * of the skin are emoji of their own, and named so.
 */
final class Emoji {
  private static final Map<String, String> TONES =
      Map.of(
          "1F3FB", "light",
          "1F3FC", "medium-light",
          "1F3FD", "medium",
          "1F3FE", "medium-dark",
          "1F3FF", "dark");

  /** One emoji of so many is for tests, where emoji are held out. */
  private static final int TEST = 10;

  private Emoji() {}

  /**
   * @param test whether to open what is held out, else all others
   * @param holdOut {@code vendor}: all drawings of the vendor that comes last in the alphabet;
   *     {@code emoji}: all drawings of one emoji of ten, chosen by its code
   */
  static ImageSource open(Path folder, int size, boolean test, String holdOut, boolean skipBad) {
    var vendors = vendors(folder);
    if (holdOut.equals("vendor") && vendors.size() < 2) {
      throw new DataException(
          folder + " holds one vendor's emoji only; add another, or use hold_out=emoji");
    }
    var heldOut = vendors.lastKey();
    var files = new ArrayList<Path>();
    var captions = new ArrayList<List<String>>();
    vendors.forEach(
        (vendor, place) -> {
          var list = place.resolve("emoji.json");
          var images = place.resolve("img").resolve(vendor).resolve("64");
          for (var emoji : emoji(list)) {
            var isHeldOut =
                holdOut.equals("vendor")
                    ? vendor.equals(heldOut)
                    : Math.floorMod(Seed.of(emoji.code().hashCode()), TEST) == 0;
            if (isHeldOut == test && emoji.vendors().contains(vendor)) {
              files.add(CaptionedFiles.image(list.toString(), images, emoji.image()));
              captions.add(List.of(emoji.name()));
            }
          }
        });
    return CaptionedFiles.open(
        "emoji in %s at %dx%d, %s".formatted(folder, size, size, test ? "test" : "train"),
        new CaptionedFiles.Settings(size, Fit.CROP, skipBad), // they are squares
        files,
        captions);
  }

  /**
   * @param code of the emoji, the same for all variations of its skin
   */
  private record Drawing(String code, String name, String image, List<String> vendors) {}

  /** The packages by vendor. */
  private static TreeMap<String, Path> vendors(Path folder) {
    var vendors = new TreeMap<String, Path>();
    try (var packages = Files.newDirectoryStream(folder, Files::isDirectory)) {
      for (var place : packages) {
        var images = place.resolve("img");
        if (!Files.isRegularFile(place.resolve("emoji.json")) || !Files.isDirectory(images)) {
          continue;
        }
        try (var names = Files.newDirectoryStream(images)) {
          for (var vendor : names) {
            if (Files.isDirectory(vendor.resolve("64"))) {
              vendors.put(vendor.getFileName().toString(), place);
            }
          }
        }
      }
    } catch (IOException e) {
      throw DataException.cannotRead(folder, e);
    }
    if (vendors.isEmpty()) {
      throw new DataException(
          folder
              + " holds no unpacked package emoji-datasource-VENDOR, with emoji.json and"
              + " img/VENDOR/64");
    }
    return vendors;
  }

  private static List<Drawing> emoji(Path file) {
    try {
      var drawings = new ArrayList<Drawing>();
      var json = new ObjectMapper().enable(DeserializationFeature.FAIL_ON_TRAILING_TOKENS);
      for (var emoji : json.readTree(Files.readString(file))) {
        var code = text(file, emoji, "unified");
        var name = text(file, emoji, "name").toLowerCase(Locale.ROOT);
        drawings.add(new Drawing(code, name, text(file, emoji, "image"), vendors(emoji)));
        emoji
            .path("skin_variations")
            .properties()
            .forEach(
                variation ->
                    drawings.add(
                        new Drawing(
                            code,
                            name + tones(variation.getKey()),
                            text(file, variation.getValue(), "image"),
                            vendors(variation.getValue()))));
      }
      return drawings;
    } catch (JsonProcessingException e) {
      throw new DataException(file + " is damaged: it is no JSON", e);
    } catch (IOException e) {
      throw DataException.cannotRead(file, e);
    }
  }

  private static String text(Path file, JsonNode node, String key) {
    if (!node.path(key).isTextual()) {
      throw new DataException("%s is damaged: an emoji has no \"%s\"".formatted(file, key));
    }
    return node.path(key).textValue();
  }

  private static List<String> vendors(JsonNode emoji) {
    return emoji.properties().stream()
        .filter(entry -> entry.getKey().startsWith("has_img_") && entry.getValue().asBoolean())
        .map(entry -> entry.getKey().substring("has_img_".length()))
        .toList();
  }

  /** The tones of a variation such as {@code 1F3FB} or, of two people, {@code 1F3FB-1F3FE}. */
  private static String tones(String key) {
    return Arrays.stream(key.split("-"))
        .map(code -> TONES.getOrDefault(code, code))
        .collect(Collectors.joining(" and ", " with ", " skin"));
  }
}

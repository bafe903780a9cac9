package org.bitdiffusion.run;

import com.fasterxml.jackson.databind.node.ObjectNode;
import org.bitdiffusion.ConfigurationException;
import org.bitdiffusion.data.Schema;

/**
 * Configurations of format 1, which knew only images and captions, as those of format 2. Files
 * without a format, such as a user's own, may be of either.
 */
final class FormatOne {
  private FormatOne() {}

  /** What has no place in format 2 stays, and is refused as any unknown setting is. */
  static void migrate(ObjectNode config) {
    if (!config.has("modality")) {
      captions(config);
    }
    if (config.get("training") instanceof ObjectNode training) {
      training(config, training);
    }
    if (config.has("example") && !config.has("schema")) {
      example(config);
    }
  }

  /** The section was null where the run was not about captions. */
  private static void captions(ObjectNode config) {
    var captions = config.remove("captions");
    if (captions instanceof ObjectNode
        || config.path("network").path("kind").asText().equals("captioner")) {
      var modality = config.putObject("modality").put("kind", "caption");
      if (captions instanceof ObjectNode settings) {
        modality.setAll(settings);
      }
    }
  }

  private static void training(ObjectNode config, ObjectNode training) {
    var optimizer = training.path("optimizer").asText();
    var decays = training.path("weight_decay").asDouble() > 0;
    if (optimizer.equals("adamw") || (optimizer.equals("adam") && !decays)) {
      training.remove("optimizer"); // "adamw" without a weight decay was Adam
    }
    var isOfCaptions = config.path("modality").path("kind").asText("image").equals("caption");
    if (isOfCaptions && training.has("flip")) {
      if (training.remove("flip").asBoolean()) {
        throw new ConfigurationException(
            "training.flip is true, but captions tell left from right; set it to false");
      }
    }
    if (!isOfCaptions && training.has("flip") && !config.path("modality").has("flip")) {
      config.withObject("/modality").set("flip", training.remove("flip"));
    }
    if (training.has("accumulation") && !training.has("parts")) {
      training.set("parts", training.remove("accumulation"));
    }
  }

  private static void example(ObjectNode config) {
    var example = config.remove("example");
    if (!(example instanceof ObjectNode)) {
      return;
    }
    var schema = config.putObject("schema");
    var space = schema.putObject("space");
    space.set("shape", example.path("shape"));
    space.putArray("categories").add(example.path("categories"));
    var condition = schema.putObject("condition");
    if (config.path("modality").path("kind").asText().equals("caption")) {
      var side = config.path("network").path("encoder").path("image_size");
      condition.put("kind", "pixels").put("channels", 3);
      condition.set("height", side);
      condition.set("width", side);
    } else if (example.path("classes").isEmpty()) {
      condition.put("kind", "none");
    } else {
      condition.put("kind", "labels").set("names", example.path("classes"));
    }
    schema.put("end", example.path("end").asInt(Schema.NO_END));
    var details = schema.putObject("details");
    if (!example.path("palette").isEmpty()) {
      details.set("palette", example.path("palette"));
    }
  }
}

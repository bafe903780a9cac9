package org.bitdiffusion.run;

import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.node.ObjectNode;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import org.bitdiffusion.ConfigurationException;
import org.bitdiffusion.config.ConfigYaml;
import org.bitdiffusion.config.RunConfig;
import org.bitdiffusion.model.Model;
import org.bitdiffusion.runtime.Safetensors;
import org.bitdiffusion.storage.RunFolder;
import org.bytedeco.pytorch.Tensor;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * The checkpoint that a new run begins with.
 *
 * @param run whose it is
 * @param config of that run
 * @param checkpoint its folder
 * @param partly whether weights that do not fit stay random
 */
record Origin(RunFolder run, RunConfig config, Path checkpoint, boolean partly) {
  /** Settings that the shapes of weights depend on. */
  private static final List<String> SHAPING =
      List.of("network", "codec", "diffusion", "modality", "schema");

  /** Differences that a message names. */
  private static final int NAMED = 4;

  private static final Logger LOGGER = LoggerFactory.getLogger(Origin.class);

  /** What a configuration names, if anything. */
  static Optional<Origin> of(RunConfig config) {
    var from = config.training().from();
    if (from.run().isEmpty()) {
      return Optional.empty();
    }
    try {
      var run = RunFolder.open(Path.of(from.run()));
      var before = ConfigReader.file(run.configuration(), Map.of());
      var checkpoint = run.checkpoints().require(from.checkpoint());
      var origin = new Origin(run, before, checkpoint, from.partly());
      origin.requireSameSymbols(config);
      return Optional.of(origin);
    } catch (ConfigurationException e) {
      throw new ConfigurationException("training.from.run: " + e.getMessage(), e);
    }
  }

  /** Weights of the same shape may know other words by the same numbers. */
  private void requireSameSymbols(RunConfig here) {
    if (config.modality().symbols().equals(here.modality().symbols())) {
      return;
    }
    var differing =
        some(settings(here).stream().filter(said -> said.startsWith("modality.")).toList());
    if (!partly) {
      throw new ConfigurationException(
          ("the weights of %s know symbols by numbers that mean others here: %s. Take the same"
                  + " settings, or training.from.partly=true for the sake of the other weights")
              .formatted(run.path(), differing));
    }
    LOGGER.warn(
        "weights of {} know symbols by numbers that mean others here, and learn them anew: {}",
        run.path(),
        differing);
  }

  /**
   * Fills a model with the moving average of the checkpoint's weights.
   *
   * @throws ConfigurationException if some do not fit, and must
   * @throws org.bitdiffusion.DataException if the checkpoint is damaged
   */
  void load(Model model) {
    if (partly) {
      model.network().readPretrained(); // of what stays random otherwise
    }
    var weights = model.network().parameters().byName();
    var shapes = Safetensors.shapes(checkpoint.resolve("ema.safetensors"));
    var differing = differing(weights, shapes);
    if (differing.isEmpty()) {
      run.checkpoints().read(checkpoint, Map.of("ema", weights));
      return;
    }
    var fitting = new LinkedHashMap<>(weights);
    fitting.keySet().removeAll(differing.keySet());
    if (!partly || fitting.isEmpty()) {
      throw new ConfigurationException(
          "training.from.run: the weights of %s do not fit: %s; %s. Take the same settings%s"
              .formatted(
                  run.path(),
                  some(List.copyOf(differing.values())),
                  some(settings(model.config())),
                  partly ? "" : ", or training.from.partly=true leaves such weights random"));
    }
    run.checkpoints().readSome(checkpoint, "ema", fitting);
    LOGGER.warn(
        "{} of {} weights are not those of {}: {}",
        differing.size(),
        weights.size(),
        run.path(),
        some(List.copyOf(differing.values())));
  }

  /** What is to be said of each weight that is not the same here and there, by name. */
  private static Map<String, String> differing(
      Map<String, Tensor> here, Map<String, long[]> there) {
    var differing = new LinkedHashMap<String, String>();
    here.forEach(
        (name, weight) -> {
          var shape = there.get(name);
          if (!Arrays.equals(shape, weight.shape())) {
            differing.put(
                name,
                "%s is %s there and %s here"
                    .formatted(
                        name,
                        shape == null ? "not" : Arrays.toString(shape),
                        Arrays.toString(weight.shape())));
          }
        });
    there.forEach(
        (name, shape) -> {
          if (!here.containsKey(name)) {
            differing.put(
                name, "%s is %s there and not here".formatted(name, Arrays.toString(shape)));
          }
        });
    return differing;
  }

  private static String some(List<String> all) {
    var more = all.size() - NAMED;
    return String.join(", ", all.subList(0, Math.min(NAMED, all.size())))
        + (more > 0 ? " and %d more".formatted(more) : "");
  }

  /** Settings that may be why, with both values. */
  private List<String> settings(RunConfig here) {
    var mine = leaves(ConfigYaml.tree(here));
    var differing = new ArrayList<String>();
    leaves(ConfigYaml.tree(config))
        .forEach(
            (key, value) -> {
              var other = mine.get(key);
              if (!value.equals(other)) {
                differing.add(
                    "%s is %s there and %s here".formatted(key, told(value), told(other)));
              }
            });
    return differing;
  }

  private static Map<String, JsonNode> leaves(ObjectNode config) {
    var leaves = new LinkedHashMap<String, JsonNode>();
    SHAPING.forEach(section -> addLeaves(section, config.path(section), leaves));
    return leaves;
  }

  private static void addLeaves(String key, JsonNode value, Map<String, JsonNode> leaves) {
    if (value instanceof ObjectNode section) {
      section.properties().forEach(e -> addLeaves(key + "." + e.getKey(), e.getValue(), leaves));
    } else {
      leaves.put(key, value);
    }
  }

  private static String told(JsonNode value) {
    if (value == null) {
      return "not set";
    }
    return value.isArray() && value.size() > NAMED
        ? "a list of " + value.size()
        : value.isTextual() ? value.asText() : value.toString();
  }
}

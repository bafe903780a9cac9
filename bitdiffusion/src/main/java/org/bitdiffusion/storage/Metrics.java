package org.bitdiffusion.storage;

import com.fasterxml.jackson.annotation.JsonAlias;
import com.fasterxml.jackson.annotation.JsonAnyGetter;
import com.fasterxml.jackson.annotation.JsonAnySetter;
import com.fasterxml.jackson.annotation.JsonInclude;
import com.fasterxml.jackson.annotation.JsonProperty;
import java.util.Collections;
import java.util.LinkedHashMap;
import java.util.Map;

/**
 * A line of metrics.jsonl: means over the steps since the line before.
 *
 * @param gradNorm norm of the gradient, before clipping
 * @param examplesPerSecond 0, and no key of the line, where none of the steps were this process's
 * @param memoryMb resident memory of the process in MiB, 0 where the system does not say
 * @param measures what was measured of the moving average of the weights at this step, by name,
 *     such as {@code held_out_loss}; keys of the line like the others
 */
public record Metrics(
    @JsonProperty(required = true) long step,
    @JsonProperty(required = true) double loss,
    @JsonProperty(required = true) double gradNorm,
    @JsonProperty(required = true) double learningRate,
    @JsonInclude(JsonInclude.Include.NON_DEFAULT) @JsonAlias("images_per_second")
        double examplesPerSecond,
    @JsonProperty(required = true) double memoryMb,
    @JsonAnySetter @JsonAnyGetter Map<String, Double> measures) {
  public Metrics {
    measures =
        measures == null ? Map.of() : Collections.unmodifiableMap(new LinkedHashMap<>(measures));
  }

  /** This line with what was measured. */
  public Metrics with(Map<String, Double> measures) {
    return new Metrics(step, loss, gradNorm, learningRate, examplesPerSecond, memoryMb, measures);
  }
}

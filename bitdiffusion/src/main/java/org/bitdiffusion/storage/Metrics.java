package org.bitdiffusion.storage;

import com.fasterxml.jackson.annotation.JsonAlias;

/**
 * A line of metrics.jsonl: means over the steps since the line before.
 *
 * @param gradNorm norm of the gradient, before clipping
 * @param memoryMb resident memory of the process in MiB, 0 where the system does not say
 */
public record Metrics(
    long step,
    double loss,
    double gradNorm,
    double learningRate,
    @JsonAlias("images_per_second") double examplesPerSecond,
    double memoryMb) {}

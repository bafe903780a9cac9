package org.bitdiffusion.cli;

import org.bitdiffusion.sampling.SamplerConfig;
import picocli.CommandLine.Option;

/**
 * Options that change how samples are drawn; what is not given is as the run's config.yaml says.
 */
final class SamplingOptions {
  @Option(names = "--steps", paramLabel = "S", description = "Number of steps.")
  private Integer steps;

  @Option(
      names = "--sampler",
      paramLabel = "NAME",
      description = "ddim, ddpm, ddpm_small or dpm++.")
  private String sampler;

  @Option(
      names = "--td",
      paramLabel = "X",
      description = "Asymmetric time interval, in steps; helps where steps are few.")
  private Double td;

  @Option(
      names = "--self-cond",
      paramLabel = "MODE",
      description = "previous, momentum, self_guidance or none.")
  private String selfConditioning;

  @Option(
      names = "--momentum",
      paramLabel = "M",
      description = "Weight of the past with --self-cond momentum.")
  private Double momentum;

  @Option(
      names = "--self-guidance",
      paramLabel = "W",
      description = "Weight of the second pass with --self-cond self_guidance.")
  private Double selfGuidance;

  @Option(
      names = "--schedule",
      paramLabel = "NAME",
      description = "Another noise schedule than the training's.")
  private String schedule;

  @Option(
      names = "--guidance",
      paramLabel = "W",
      description = "Classifier-free guidance; needs --class.")
  private Double guidance;

  SamplerConfig over(SamplerConfig run) {
    return new SamplerConfig(
        steps != null ? steps : run.steps(),
        sampler != null ? sampler : run.sampler(),
        td != null ? td : run.td(),
        selfConditioning != null ? selfConditioning : run.selfConditioning(),
        momentum != null ? momentum : run.momentum(),
        selfGuidance != null ? selfGuidance : run.selfGuidance(),
        schedule != null ? schedule : run.schedule(),
        guidance != null ? guidance : run.guidance());
  }
}

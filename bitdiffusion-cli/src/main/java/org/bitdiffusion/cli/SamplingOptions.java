package org.bitdiffusion.cli;

import java.util.Objects;
import java.util.stream.Stream;
import org.bitdiffusion.ConfigurationException;
import org.bitdiffusion.sampling.SamplerConfig;
import picocli.CommandLine.Option;

/**
 * Options that change how samples are drawn; what is not given is as the run's config.yaml says.
 */
final class SamplingOptions {
  @Option(
      names = "--steps",
      paramLabel = "S",
      description = "Number of steps (default: the run's sampling.steps).")
  private Integer steps;

  @Option(
      names = "--sampler",
      paramLabel = "NAME",
      completionCandidates = Names.Samplers.class,
      description = "${COMPLETION-CANDIDATES} (default: the run's).")
  private String sampler;

  @Option(
      names = "--eta",
      paramLabel = "E",
      description = "Noise of ddim, in [0, 1]: 0 adds none, 1 is ddpm_small (default: the run's).")
  private Double eta;

  @Option(
      names = "--td",
      paramLabel = "X",
      description =
          "Asymmetric time interval, in steps, at least 0 (default: the run's); helps where steps"
              + " are few.")
  private Double td;

  @Option(
      names = "--self-cond",
      paramLabel = "MODE",
      completionCandidates = Names.SelfConditioning.class,
      description = "${COMPLETION-CANDIDATES} (default: the run's).")
  private String selfConditioning;

  @Option(
      names = "--momentum",
      paramLabel = "M",
      description = "Weight of the past with --self-cond momentum, in [0, 1).")
  private Double momentum;

  @Option(
      names = "--self-guidance",
      paramLabel = "W",
      description = "Weight of the second pass with --self-cond self_guidance; 3 to 5 are good.")
  private Double selfGuidance;

  @Option(
      names = "--schedule",
      paramLabel = "NAME",
      description =
          "Another noise schedule than the training's: cosine, linear, cosine@start,end,tau or"
              + " sigmoid@start,end,tau.")
  private String schedule;

  @Option(
      names = "--guidance",
      paramLabel = "W",
      description = "Classifier-free guidance, of runs that know classes (diffusion.conditional).")
  private Double guidance;

  @Option(
      names = "--churn",
      paramLabel = "C",
      description =
          "Noise that is added anew on the way, of ddim without eta and heun, at least 0 (default:"
              + " the run's).")
  private Double churn;

  @Option(
      names = "--churn-noise",
      paramLabel = "S",
      description = "Standard deviation of the noise of --churn (default: the run's, which is 1).")
  private Double churnNoise;

  @Option(
      names = "--word-temperature",
      paramLabel = "T",
      description =
          "Of runs with diffusion.prediction matched_filter or code_words: below 1 makes what the"
              + " network thinks likely likelier (default: the run's).")
  private Double wordTemperature;

  @Option(
      names = "--temperature",
      paramLabel = "T",
      description =
          "Of an autoregressive decoder: 0 takes the likeliest token, 1 draws as likely as the"
              + " network says, less makes likely ones likelier (default: the run's).")
  private Double temperature;

  @Option(
      names = "--top-k",
      paramLabel = "K",
      description = "With a temperature above 0: draws from the K likeliest; 0 for all.")
  private Integer topK;

  @Option(
      names = "--top-p",
      paramLabel = "P",
      description =
          "With a temperature above 0: draws from the fewest of the likeliest tokens that have the"
              + " probability P together; 1 for all.")
  private Double topP;

  /** Complains of those that are given, but for runs of the other kind. */
  void requireFit(boolean autoregressive) {
    var steppings =
        Stream.of(
            steps,
            sampler,
            eta,
            td,
            selfConditioning,
            momentum,
            selfGuidance,
            schedule,
            guidance,
            churn,
            churnNoise,
            wordTemperature);
    if (autoregressive && steppings.anyMatch(Objects::nonNull)) {
      throw new ConfigurationException(
          "the run is autoregressive: it has no sampling steps; leave --steps and the like out");
    }
    if (!autoregressive && Stream.of(temperature, topK, topP).anyMatch(Objects::nonNull)) {
      throw new ConfigurationException(
          "--temperature, --top-k and --top-p are for autoregressive decoders; this run makes all"
              + " symbols at once");
    }
  }

  SamplerConfig over(SamplerConfig run) {
    var mode = selfConditioning != null ? selfConditioning : run.selfConditioning();
    requireMode("--momentum", momentum, "momentum", mode);
    requireMode("--self-guidance", selfGuidance, "self_guidance", mode);
    var heat = temperature != null ? temperature : run.temperature();
    if (heat == 0 && (topK != null || topP != null)) {
      throw new ConfigurationException(
          "--top-k and --top-p have no effect at temperature 0, which draws nothing; add"
              + " --temperature 1");
    }
    return new SamplerConfig(
        steps != null ? steps : run.steps(),
        sampler != null ? sampler : run.sampler(),
        // Another sampler has none unless asked for.
        eta != null ? eta : sampler == null || sampler.equals(run.sampler()) ? run.eta() : 0,
        td != null ? td : run.td(),
        mode,
        momentum != null ? momentum : run.momentum(),
        selfGuidance != null ? selfGuidance : run.selfGuidance(),
        schedule != null ? schedule : run.schedule(),
        guidance != null ? guidance : run.guidance(),
        churn != null ? churn : run.churn(),
        churnNoise != null ? churnNoise : run.churnNoise(),
        wordTemperature != null ? wordTemperature : run.wordTemperature(),
        heat,
        topK != null ? topK : run.topK(),
        topP != null ? topP : run.topP());
  }

  private static void requireMode(String option, Double value, String needed, String mode) {
    if (value != null && !mode.equals(needed)) {
      throw new ConfigurationException(
          "%s has no effect with --self-cond %s; add --self-cond %s"
              .formatted(option, mode, needed));
    }
  }
}

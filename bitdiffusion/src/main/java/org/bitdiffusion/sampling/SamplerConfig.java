package org.bitdiffusion.sampling;

import java.util.List;
import org.bitdiffusion.ConfigurationException;
import org.bitdiffusion.Registry;
import org.bitdiffusion.diffusion.NoiseSchedule;

/**
 * How samples are drawn (arXiv 2208.04202, section 4 and appendices E and G).
 *
 * @param steps S, the number of estimates, with S - 1 transitions between them
 * @param sampler the name of a {@link Solver}, such as {@code ddim}
 * @param eta of DDIM, in [0, 1]: the share of fresh noise, from deterministic (0) to {@code
 *     ddpm_small} (1)
 * @param td asymmetric time interval, in steps: each transition goes that much further than the
 *     time at which the network is asked next. Above 0 it sharpens: what the network thinks likely
 *     becomes more so, at any number of steps, which helps where its estimates are blurred
 * @param selfConditioning what the network sees as estimate: {@code previous} (the last step's,
 *     algorithm 2), {@code momentum} (a moving average, algorithm 5), {@code self_guidance} (two
 *     passes a step, algorithm 6) or {@code none}
 * @param momentum weight of the past in the moving average, in [0, 1)
 * @param selfGuidance w of algorithm 6: w second + (1 - w) first; the paper's best are 3 to 5
 * @param schedule another noise schedule than the training's, or empty
 * @param guidance w of classifier-free guidance, (1 + w) conditional - w unconditional; 0 for none
 * @param churn S_churn of arXiv 2206.00364, algorithm 2: before each step x_t goes back to a larger
 *     noise level, with fresh noise, by the factor 1 + min(S_churn / S, sqrt(2) - 1); 0 for none.
 *     Together with self-guidance it harms
 * @param churnNoise S_noise of the same, the standard deviation of that noise; 1 is exact
 * @param wordTemperature by which what the network knows beyond x_t is divided, with the
 *     predictions {@code matched_filter} and {@code code_words}: below 1 likely symbols become
 *     likelier
 * @param temperature of models that give the next symbol, which take no notice of all others; see
 *     {@link NextSymbol}
 * @param topK the same
 * @param topP the same
 */
public record SamplerConfig(
    int steps,
    String sampler,
    double eta,
    double td,
    String selfConditioning,
    double momentum,
    double selfGuidance,
    String schedule,
    double guidance,
    double churn,
    double churnNoise,
    double wordTemperature,
    double temperature,
    int topK,
    double topP) {
  /** Modes of self-conditioning. */
  public static final List<String> MODES = List.of("previous", "momentum", "self_guidance", "none");

  /** The settings of models that give the next symbol; no other takes notice of them. */
  public static final List<String> OF_NEXT_SYMBOL = List.of("temperature", "top_k", "top_p");

  /** Of guidance; far above any that helps, and far below where float32 overflows. */
  private static final double HIGHEST_WEIGHT = 1e6;

  /** Finer ones move t by less than float32 tells apart near 1. */
  private static final int MOST_STEPS = 1_000_000;

  /** DDIM, 100 steps, the last step's estimate. */
  public static final SamplerConfig DEFAULT =
      new SamplerConfig(100, "ddim", 0, 0, "previous", 0.9, 3, "", 0);

  /** Of a model that denoises. */
  public SamplerConfig(
      int steps,
      String sampler,
      double eta,
      double td,
      String selfConditioning,
      double momentum,
      double selfGuidance,
      String schedule,
      double guidance) {
    this(
        steps,
        sampler,
        eta,
        td,
        selfConditioning,
        momentum,
        selfGuidance,
        schedule,
        guidance,
        0,
        1,
        1,
        0,
        0,
        1);
  }

  public SamplerConfig {
    require(
        steps >= 1 && steps <= MOST_STEPS,
        "sampling.steps",
        steps,
        "at least 1 and at most " + MOST_STEPS);
    var solver = Solver.ALL.get("sampling.sampler", sampler);
    require(eta >= 0 && eta <= 1, "sampling.eta", eta, "in [0, 1]");
    require(
        eta == 0 || solver.takesEta(),
        "sampling.eta",
        eta,
        "0 with sampler " + sampler + ", which does not take it");
    require(td >= 0 && Double.isFinite(td), "sampling.td", td, "at least 0");
    Registry.require("sampling.self_conditioning", selfConditioning, MODES);
    require(momentum >= 0 && momentum < 1, "sampling.momentum", momentum, "in [0, 1)");
    require(
        Math.abs(selfGuidance) <= HIGHEST_WEIGHT,
        "sampling.self_guidance",
        selfGuidance,
        "a number of at most " + HIGHEST_WEIGHT);
    require(
        Math.abs(guidance) <= HIGHEST_WEIGHT,
        "sampling.guidance",
        guidance,
        "a number of at most " + HIGHEST_WEIGHT);
    require(churn >= 0 && Double.isFinite(churn), "sampling.churn", churn, "at least 0");
    require(
        churn == 0 || (solver.forgets() && eta == 0),
        "sampling.churn",
        churn,
        "0 with sampler %s and eta %s: it goes with deterministic ones that look at one step at a time, ddim with eta 0 or heun"
            .formatted(sampler, eta));
    require(
        churnNoise >= 0 && churnNoise <= HIGHEST_WEIGHT,
        "sampling.churn_noise",
        churnNoise,
        "at least 0");
    require(
        wordTemperature > 0 && wordTemperature <= HIGHEST_WEIGHT,
        "sampling.word_temperature",
        wordTemperature,
        "above 0");
    new NextSymbol(temperature, topK, topP); // complains
    if (!schedule.isEmpty()) {
      NoiseSchedule.parse(schedule); // complains at once rather than after the model is read
    }
  }

  /** This configuration with another mode of self-conditioning. */
  public SamplerConfig withSelfConditioning(String mode) {
    return with(steps, mode, guidance);
  }

  /** This configuration with another number of steps. */
  public SamplerConfig withSteps(int steps) {
    return with(steps, selfConditioning, guidance);
  }

  /** This configuration with another weight of classifier-free guidance. */
  public SamplerConfig withGuidance(double weight) {
    return with(steps, selfConditioning, weight);
  }

  private SamplerConfig with(int steps, String mode, double guidance) {
    return new SamplerConfig(
        steps,
        sampler,
        eta,
        td,
        mode,
        momentum,
        selfGuidance,
        schedule,
        guidance,
        churn,
        churnNoise,
        wordTemperature,
        temperature,
        topK,
        topP);
  }

  /** How often the network is evaluated for a sample, unless known symbols take more rounds. */
  public int evaluations() {
    return solver().evaluations(steps)
        * (selfConditioning.equals("self_guidance") ? 2 : 1)
        * (guidance != 0 ? 2 : 1);
  }

  /** How a model that gives the next symbol chooses it. */
  public NextSymbol nextSymbol() {
    return new NextSymbol(temperature, topK, topP);
  }

  /** How x_t moves. */
  Solver solver() {
    return Solver.ALL.get("sampling.sampler", sampler);
  }

  /** The schedule to sample with, given the training's. */
  NoiseSchedule schedule(NoiseSchedule training) {
    return schedule.isEmpty() ? training : NoiseSchedule.parse(schedule);
  }

  private static void require(boolean right, String key, Object value, String expected) {
    if (!right) {
      throw new ConfigurationException(key + " is " + value + "; it must be " + expected);
    }
  }
}

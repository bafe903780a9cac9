package org.bitdiffusion.training;

import java.util.Arrays;
import java.util.List;
import org.bitdiffusion.ConfigurationException;
import org.bitdiffusion.codec.Codec;
import org.bitdiffusion.data.DataSource;
import org.bitdiffusion.data.ImageSource;
import org.bitdiffusion.data.Jitter;
import org.bitdiffusion.diffusion.BitDiffusion;
import org.bitdiffusion.diffusion.NoiseSchedule;
import org.bitdiffusion.diffusion.Objective;
import org.bitdiffusion.diffusion.SelfConditioning;
import org.bitdiffusion.nn.CaptionerConfig;
import org.bitdiffusion.nn.NetworkConfig;
import org.bitdiffusion.runtime.Compute;
import org.bitdiffusion.sampling.Sampler;
import org.bitdiffusion.sampling.SamplerConfig;
import org.bitdiffusion.text.CaptionData;

/**
 * Everything that is needed to repeat a run, as it stands in its {@code config.yaml}. Presets are
 * the same file with the parts that differ from {@code defaults.yaml}.
 *
 * @param data the source, as {@code --data} takes it: {@code SOURCE[:PATH][,key=value...]}
 * @param codec how symbols become analog bits
 * @param diffusion process, prediction, loss and self-conditioning
 * @param network its kind and size
 * @param captions how captions become tokens; null where the run is not about captions
 * @param training how long and how fast
 * @param sampling how samples are drawn unless said otherwise
 * @param example what one example of the data is, or null in a preset, which leaves it to the data
 */
public record RunConfig(
    String data,
    CodecConfig codec,
    DiffusionConfig diffusion,
    NetworkConfig network,
    CaptionsConfig captions,
    TrainingConfig training,
    SamplerConfig sampling,
    ExampleConfig example) {

  /**
   * @param encoding {@code uint8}, {@code gray}, {@code uint8_rand}, {@code one_hot} or {@code
   *     continuous}
   * @param scale b: bits are -b and +b
   * @param permutationSeed of {@code uint8_rand} where the paper's own permutation does not apply
   */
  public record CodecConfig(String encoding, double scale, long permutationSeed) {}

  /**
   * @param schedule such as {@code cosine} or {@code sigmoid@-3,3,0.9}
   * @param prediction {@code x0}, {@code eps} or {@code v}
   * @param loss {@code l2}, {@code sigmoid} or {@code softmax}
   * @param softmaxFactorization whether the last layer gives a distribution over all codes, whose
   *     mean is the prediction
   * @param selfConditioning {@code half_batch}, {@code coin} or {@code none}
   * @param selfConditioningRate share of examples that see an estimate
   * @param stratifiedTime whether t is spread evenly over the batch
   * @param normalizeInput whether the network sees x_t at standard deviation 1
   * @param conditional whether the network is told the class
   * @param labelDropout rate at which it is not, for classifier-free guidance
   */
  public record DiffusionConfig(
      String schedule,
      String prediction,
      String loss,
      boolean softmaxFactorization,
      String selfConditioning,
      double selfConditioningRate,
      boolean stratifiedTime,
      boolean normalizeInput,
      boolean conditional,
      double labelDropout) {
    public DiffusionConfig {
      if (!(labelDropout >= 0 && labelDropout <= 1)) {
        throw new ConfigurationException(
            "diffusion.label_dropout is " + labelDropout + "; it must be in [0, 1]");
      }
    }
  }

  /**
   * @param tokenizer {@code words}, {@code bytes}, or the path of a tokenizer.json
   * @param vocabulary the largest number of words
   * @param length tokens a caption, with the one that ends it; longer captions are cut
   * @param jitter strength of the random changes of the images in training, see {@link Jitter}
   */
  public record CaptionsConfig(String tokenizer, int vocabulary, int length, double jitter) {
    public CaptionsConfig {
      new Jitter(jitter); // checks it
      if (length < 2) {
        throw new ConfigurationException(
            "captions.length is " + length + "; it must be at least 2");
      }
    }
  }

  /**
   * @param steps updates of the weights
   * @param batchSize examples an update, over all accumulated parts
   * @param accumulation parts in which a batch is computed, to need less memory; the coin of
   *     self-conditioning is tossed, and t stratified, in each of them
   * @param optimizer {@code adam} or {@code adamw}
   * @param learningRate after the warm-up
   * @param learningRateSchedule {@code constant} or {@code cosine} (falling to 0 at the last step)
   * @param warmupSteps over which the learning rate rises from 0
   * @param weightDecay of {@code adamw}
   * @param gradientClip largest norm of the gradient; 0 for no limit
   * @param emaDecay of the moving average of the weights, with which samples are drawn; the first
   *     steps use less, (1 + step) / (10 + step)
   * @param flip whether images are mirrored left to right at random
   * @param seed of weights, order, noise
   * @param precision {@code auto}, {@code float32} or {@code bfloat16}
   * @param logEvery steps between lines of metrics.jsonl
   * @param checkpointEvery steps between checkpoints, with a grid of samples each
   * @param keepCheckpoints the newest ones that are kept
   */
  public record TrainingConfig(
      long steps,
      int batchSize,
      int accumulation,
      String optimizer,
      double learningRate,
      String learningRateSchedule,
      long warmupSteps,
      double beta1,
      double beta2,
      double epsilon,
      double weightDecay,
      double gradientClip,
      double emaDecay,
      boolean flip,
      long seed,
      String precision,
      int logEvery,
      int checkpointEvery,
      int keepCheckpoints) {}

  /**
   * What must be known of the data to sample without it.
   *
   * @param shape of one example: [C, H, W] of images, [1, L] of captions
   * @param categories K
   * @param classes names by label; empty where there are none
   * @param palette colours 0xRRGGBB by symbol; empty where symbols are intensities
   * @param end the token that ends a caption; null of images
   */
  public record ExampleConfig(
      List<Integer> shape,
      int categories,
      List<String> classes,
      List<Integer> palette,
      Integer end) {
    public ExampleConfig {
      shape = List.copyOf(shape);
      classes = List.copyOf(classes);
      palette = List.copyOf(palette);
    }
  }

  /** Far above any that trains; steps of single precision would overflow. */
  private static final double HIGHEST_RATE = 1e30;

  public RunConfig {
    var t = training;
    require(t.steps() >= 1, "steps", t.steps(), "at least 1");
    require(t.batchSize() >= 1, "batch_size", t.batchSize(), "at least 1");
    require(
        t.accumulation() >= 1 && t.batchSize() % t.accumulation() == 0,
        "accumulation",
        t.accumulation(),
        "a divisor of training.batch_size " + t.batchSize());
    require(
        List.of("adam", "adamw").contains(t.optimizer()),
        "optimizer",
        t.optimizer(),
        "adam or adamw");
    require(
        t.learningRate() > 0 && t.learningRate() <= HIGHEST_RATE,
        "learning_rate",
        t.learningRate(),
        "above 0 and at most " + HIGHEST_RATE);
    require(
        List.of("constant", "cosine").contains(t.learningRateSchedule()),
        "learning_rate_schedule",
        t.learningRateSchedule(),
        "constant or cosine");
    require(t.warmupSteps() >= 0, "warmup_steps", t.warmupSteps(), "at least 0");
    require(t.beta1() >= 0 && t.beta1() < 1, "beta1", t.beta1(), "in [0, 1)");
    require(t.beta2() >= 0 && t.beta2() < 1, "beta2", t.beta2(), "in [0, 1)");
    require(t.epsilon() > 0, "epsilon", t.epsilon(), "above 0");
    require(t.weightDecay() >= 0, "weight_decay", t.weightDecay(), "at least 0");
    require(
        t.optimizer().equals("adamw") || t.weightDecay() == 0,
        "weight_decay",
        t.weightDecay(),
        "0 with optimizer adam; use adamw");
    require(t.gradientClip() >= 0, "gradient_clip", t.gradientClip(), "at least 0 (0: none)");
    require(t.emaDecay() >= 0 && t.emaDecay() < 1, "ema_decay", t.emaDecay(), "in [0, 1)");
    require(t.logEvery() >= 1, "log_every", t.logEvery(), "at least 1");
    require(t.checkpointEvery() >= 1, "checkpoint_every", t.checkpointEvery(), "at least 1");
    require(t.keepCheckpoints() >= 1, "keep_checkpoints", t.keepCheckpoints(), "at least 1");
    require(
        Compute.PRECISIONS.contains(t.precision()),
        "precision",
        t.precision(),
        "auto, float32 or bfloat16");
    if (!(network instanceof CaptionerConfig captioner && !captioner.decoder().equals("bits"))) {
      // What no data would make right is found before any is read.
      new Sampler(newDiffusion(codec, diffusion, 2), sampling);
    }
    if (diffusion.conditional() && diffusion.labelDropout() == 1) {
      throw new ConfigurationException(
          "diffusion.label_dropout is 1.0, so that no class is ever told; set"
              + " diffusion.conditional=false instead");
    }
    if (captions != null && t.flip()) {
      throw new ConfigurationException(
          "training.flip is true, but what captions say of left and right would be false then");
    }
    if (captions != null && sampling.guidance() != 0) {
      throw new ConfigurationException(
          "sampling.guidance is " + sampling.guidance() + ", but captions are made without; use 0");
    }
  }

  private static void require(boolean right, String key, Object value, String expected) {
    if (!right) {
      throw new ConfigurationException(
          "training." + key + " is " + value + "; it must be " + expected);
    }
  }

  /**
   * This configuration for a data source, whose shape and categories it takes over.
   *
   * @throws ConfigurationException if the network is to be told classes that the data does not have
   */
  public RunConfig forData(DataSource source) {
    if (diffusion.conditional() && source.classes().isEmpty()) {
      throw new ConfigurationException(
          "diffusion.conditional is true, but %s has no classes; use data with classes, or --set"
                  .formatted(source.name())
              + " diffusion.conditional=false");
    }
    var palette =
        source instanceof ImageSource images ? images.format().palette() : List.<Integer>of();
    var shape = Arrays.stream(source.shape()).boxed().toList();
    var values = Math.max(product(source.shape()), product(source.conditionShape()));
    if (values * training.batchSize() > Integer.MAX_VALUE - 8) {
      throw new ConfigurationException(
          "training.batch_size is %d; of %s one batch can hold %,d"
              .formatted(training.batchSize(), source.name(), (Integer.MAX_VALUE - 8) / values));
    }
    Integer end = null;
    if (network instanceof CaptionerConfig captioner) {
      if (!(source instanceof CaptionData pairs)) {
        throw new ConfigurationException(source.name() + " has no captions to learn from");
      }
      pairs.requireSide(captioner.encoder().imageSize());
      end = pairs.tokenizer().end();
    }
    return withExample(
        new ExampleConfig(shape, source.categories(), source.classes(), palette, end));
  }

  private static long product(int[] shape) {
    return Arrays.stream(shape).asLongStream().reduce(1, Math::multiplyExact);
  }

  /** This configuration with another source of data. */
  public RunConfig withData(String data) {
    return new RunConfig(data, codec, diffusion, network, captions, training, sampling, example);
  }

  /** This configuration for data of a kind. */
  public RunConfig withExample(ExampleConfig example) {
    return new RunConfig(data, codec, diffusion, network, captions, training, sampling, example);
  }

  /** The diffusion process that this configuration describes; needs {@link #example}. */
  public BitDiffusion newDiffusion() {
    return newDiffusion(codec, diffusion, example.categories());
  }

  private static BitDiffusion newDiffusion(CodecConfig c, DiffusionConfig d, int categories) {
    var codec = Codec.of(c.encoding(), categories, c.scale(), c.permutationSeed());
    return new BitDiffusion(
        codec,
        NoiseSchedule.parse(d.schedule()),
        Objective.of(d.prediction(), d.loss(), d.softmaxFactorization(), codec),
        SelfConditioning.parse(d.selfConditioning()),
        d.selfConditioningRate(),
        d.stratifiedTime(),
        d.normalizeInput());
  }

  /** Where a run's seed goes: {@code Seed.of(seed, WEIGHTS)} and so on. */
  static final long ORDER = 0;

  static final long NOISE = 1;
  static final long WEIGHTS = 2;

  /** The learning rate at a step, counted from 1. */
  public double learningRate(long step) {
    var t = training;
    var warm = t.warmupSteps() == 0 ? 1 : Math.min(1, (double) step / t.warmupSteps());
    var decay =
        t.learningRateSchedule().equals("cosine")
            ? 0.5 * (1 + Math.cos(Math.PI * Math.min(1, (double) step / t.steps())))
            : 1;
    return t.learningRate() * warm * decay;
  }
}

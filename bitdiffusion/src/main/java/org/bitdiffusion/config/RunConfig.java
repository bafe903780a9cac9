package org.bitdiffusion.config;

import java.math.BigDecimal;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.OptionalDouble;
import java.util.OptionalInt;
import org.bitdiffusion.ConfigurationException;
import org.bitdiffusion.Registry;
import org.bitdiffusion.codec.Codec;
import org.bitdiffusion.data.Condition;
import org.bitdiffusion.data.DataSource;
import org.bitdiffusion.data.Marginal;
import org.bitdiffusion.data.Schema;
import org.bitdiffusion.data.Space;
import org.bitdiffusion.diffusion.BitDiffusion;
import org.bitdiffusion.diffusion.KnownInTraining;
import org.bitdiffusion.diffusion.NoiseSchedule;
import org.bitdiffusion.diffusion.Objective;
import org.bitdiffusion.diffusion.SelfConditioning;
import org.bitdiffusion.nn.NetworkConfig;
import org.bitdiffusion.nn.Signature;
import org.bitdiffusion.runtime.Precision;
import org.bitdiffusion.sampling.Sampler;
import org.bitdiffusion.sampling.SamplerConfig;

/**
 * Everything that is needed to repeat a run, as it stands in its {@code config.yaml}. Presets are
 * the same file with the parts that differ from {@code defaults.yaml}.
 *
 * @param format of the file, {@value #FORMAT}
 * @param data the source, {@code SOURCE[:PATH][,key=value...]}
 * @param modality the kind of data and its settings
 * @param codec how symbols become analog bits
 * @param diffusion process, prediction, loss and self-conditioning
 * @param network its kind and size
 * @param training how long and how fast
 * @param sampling how samples are drawn unless said otherwise
 * @param schema what an example of the data is, or null in a preset, which leaves it to the data
 */
public record RunConfig(
    int format,
    String data,
    ModalityConfig modality,
    CodecConfig codec,
    DiffusionConfig diffusion,
    NetworkConfig network,
    TrainingConfig training,
    SamplerConfig sampling,
    Schema schema) {
  /** Of files that this version writes. */
  public static final int FORMAT = 2;

  /**
   * @param encoding one of {@link Codec#ENCODINGS}, or a synonym
   * @param scale b: bits are -b and +b
   * @param permutationSeed of {@code uint8_rand} where the paper's own permutation does not apply
   * @param bits of a number in a column, at most: of {@code rank}, {@code quantile} and {@code
   *     tree}
   */
  public record CodecConfig(String encoding, double scale, long permutationSeed, int bits) {
    public CodecConfig {
      encoding = Codec.canonicalName(encoding); // a synonym means the same run
    }
  }

  /**
   * @param schedule such as {@code cosine} or {@code sigmoid@-3,3,0.9}
   * @param prediction one of {@link Objective#PREDICTIONS}
   * @param loss one of {@link Objective#LOSSES}
   * @param softmaxFactorization whether the last layer gives a distribution over all codes, whose
   *     mean is the prediction
   * @param selfConditioning {@code half_batch}, {@code coin} or {@code none}
   * @param selfConditioningRate share of examples that see an estimate
   * @param stratifiedTime whether t is spread evenly over the batch
   * @param normalizeInput whether the network sees x_t at standard deviation 1
   * @param denoisedInput whether it sees what x_t says of each bit by itself, in place of x_t
   * @param conditional whether the network is told the class
   * @param labelDropout rate at which it is not, for classifier-free guidance
   * @param knownRate how often some symbols of an example are given, see {@link KnownInTraining}
   * @param targetRate how often, of these, all but the data's target are
   * @param wordCells of code words, at most, that the network has a number for in each symbol
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
      boolean denoisedInput,
      boolean conditional,
      double labelDropout,
      double knownRate,
      double targetRate,
      int wordCells) {
    public DiffusionConfig {
      if (!(labelDropout >= 0 && labelDropout <= 1)) {
        throw new ConfigurationException(
            "diffusion.label_dropout is " + labelDropout + "; it must be in [0, 1]");
      }
    }
  }

  /**
   * @param steps updates of the weights
   * @param batchSize examples an update, over all parts
   * @param parts in which a batch is computed, one after the other, to need less memory; each has
   *     noise of its own, in which the coin of self-conditioning is tossed and t stratified. The
   *     gradient is that of the whole batch
   * @param learningRate after the warm-up
   * @param learningRateSchedule {@code constant} or {@code cosine} (falling after the warm-up, to 0
   *     after the last step)
   * @param warmupSteps over which the learning rate rises from 0
   * @param weightDecay of AdamW; 0 is Adam
   * @param gradientClip largest norm of the gradient; 0 for no limit
   * @param emaDecay of the moving average of the weights, with which samples are drawn; the first
   *     steps use less, (1 + step) / (10 + step)
   * @param calibrationSamples drawn after the last step with that moving average, whose biases of
   *     outputs are moved towards the data's frequencies of values by them; 0 for none
   * @param seed of weights, order, noise
   * @param precision {@code auto}, {@code float32} or {@code bfloat16}
   * @param logEvery steps between lines of metrics.jsonl
   * @param checkpointEvery steps between checkpoints, with a grid of samples each
   * @param keepCheckpoints the newest ones that are kept; the best one is kept besides
   * @param heldOut data that is not trained on, whose loss is told at each checkpoint: a source, or
   *     a share of the training's data in (0, 1), such as 0.05; empty for none
   * @param measure what is measured of samples at each checkpoint
   * @param from the run whose weights a new run begins with
   */
  public record TrainingConfig(
      long steps,
      int batchSize,
      int parts,
      double learningRate,
      String learningRateSchedule,
      long warmupSteps,
      double beta1,
      double beta2,
      double epsilon,
      double weightDecay,
      double gradientClip,
      double emaDecay,
      int calibrationSamples,
      long seed,
      String precision,
      int logEvery,
      int checkpointEvery,
      int keepCheckpoints,
      String heldOut,
      MeasureConfig measure,
      FromConfig from) {
    /** Names of learning rate schedules. */
    public static final List<String> SCHEDULES = List.of("constant", "cosine");

    public TrainingConfig {
      heldOut = heldOut.strip();
    }

    /** The share of the data that is held out; empty where a source is, or nothing. */
    public OptionalDouble heldOutShare() {
      return share(heldOut);
    }

    /** A share of data such as {@code 0.05} or {@code 5%}; empty of what is none. */
    public static OptionalDouble share(String heldOut) {
      try {
        // Of Double's "NaN" and "1f" each could be a source.
        return OptionalDouble.of(
            heldOut.endsWith("%")
                ? new BigDecimal(heldOut.substring(0, heldOut.length() - 1))
                    .movePointLeft(2)
                    .doubleValue()
                : new BigDecimal(heldOut).doubleValue());
      } catch (NumberFormatException e) {
        return OptionalDouble.empty();
      }
    }

    /** Examples in a part of a batch. */
    public int partSize() {
      return batchSize / parts;
    }
  }

  /**
   * @param name of a number that {@code evaluate} tells of this kind of data; empty for none
   * @param samples that are drawn, always of the same noise, or examples that are asked about
   * @param data they are compared with, a source; empty for the whole of the run's data, also where
   *     a share of it is held out
   * @param options of the evaluation, {@code NAME=VALUE} each, such as {@code features=FILE}
   */
  public record MeasureConfig(String name, int samples, String data, List<String> options) {
    /** The options by name. */
    public Map<String, String> byName() {
      var byName = new LinkedHashMap<String, String>();
      for (var option : options) {
        var at = option.indexOf('=');
        byName.put(option.substring(0, at), option.substring(at + 1));
      }
      return byName;
    }
  }

  /**
   * @param run its folder; empty to begin with random weights
   * @param checkpoint {@code newest}, {@code best} or the number of a step
   * @param partly whether weights that the other run does not have in the same shape are random,
   *     instead of an error
   */
  public record FromConfig(String run, String checkpoint, boolean partly) {}

  /** Far above any that trains; steps of single precision would overflow. */
  private static final double HIGHEST_RATE = 1e30;

  private static final double HIGHEST_DECAY = 1000;
  private static final double HIGHEST_NORM = 1e30;

  /** Fewer tell nothing of how frequent values are. */
  private static final int LEAST_CALIBRATION_SAMPLES = 10_000;

  private static final int MOST_CALIBRATION_SAMPLES = 100_000_000;

  public RunConfig {
    var t = training;
    require(t.steps() >= 1, "steps", t.steps(), "at least 1");
    require(t.batchSize() >= 1, "batch_size", t.batchSize(), "at least 1");
    require(
        t.parts() >= 1 && t.batchSize() % t.parts() == 0,
        "parts",
        t.parts(),
        "a divisor of training.batch_size " + t.batchSize());
    require(
        t.learningRate() > 0 && t.learningRate() <= HIGHEST_RATE,
        "learning_rate",
        t.learningRate(),
        "above 0 and at most " + HIGHEST_RATE);
    Registry.require(
        "training.learning_rate_schedule", t.learningRateSchedule(), TrainingConfig.SCHEDULES);
    require(t.warmupSteps() >= 0, "warmup_steps", t.warmupSteps(), "at least 0");
    require(t.beta1() >= 0 && t.beta1() < 1, "beta1", t.beta1(), "in [0, 1)");
    require(t.beta2() >= 0 && t.beta2() < 1, "beta2", t.beta2(), "in [0, 1)");
    require(t.epsilon() > 0 && t.epsilon() <= 1, "epsilon", t.epsilon(), "above 0 and at most 1");
    require(
        t.weightDecay() >= 0 && t.weightDecay() <= HIGHEST_DECAY,
        "weight_decay",
        t.weightDecay(),
        "at least 0 and at most " + HIGHEST_DECAY);
    require(
        t.gradientClip() >= 0 && t.gradientClip() <= HIGHEST_NORM,
        "gradient_clip",
        t.gradientClip(),
        "at least 0 (0: none) and at most " + HIGHEST_NORM);
    require(t.emaDecay() >= 0 && t.emaDecay() < 1, "ema_decay", t.emaDecay(), "in [0, 1)");
    require(
        t.calibrationSamples() >= 0
            && t.calibrationSamples() <= MOST_CALIBRATION_SAMPLES
            && (t.calibrationSamples() == 0 || t.calibrationSamples() >= LEAST_CALIBRATION_SAMPLES),
        "calibration_samples",
        t.calibrationSamples(),
        "0, or at least %d and at most %d"
            .formatted(LEAST_CALIBRATION_SAMPLES, MOST_CALIBRATION_SAMPLES));
    require(t.logEvery() >= 1, "log_every", t.logEvery(), "at least 1");
    require(t.checkpointEvery() >= 1, "checkpoint_every", t.checkpointEvery(), "at least 1");
    require(t.keepCheckpoints() >= 1, "keep_checkpoints", t.keepCheckpoints(), "at least 1");
    if (t.calibrationSamples() > 0 && diffusion.wordCells() == 0) {
      throw new ConfigurationException(
          "training.calibration_samples is %d; it goes with diffusion.word_cells above 0, which prediction code_words has"
              .formatted(t.calibrationSamples()));
    }
    Registry.require("training.precision", t.precision(), Precision.NAMES);
    var share = t.heldOutShare();
    require(
        share.isEmpty() || share.getAsDouble() > 0 && share.getAsDouble() < 1,
        "held_out",
        t.heldOut(),
        "a share above 0 and below 1, or a source of data");
    require(t.measure().samples() >= 2, "measure.samples", t.measure().samples(), "at least 2");
    for (var option : t.measure().options()) {
      require(option.indexOf('=') > 0, "measure.options", option, "a list of NAME=VALUE");
    }
    if (!network.autoregressive()) {
      // What no data would make right is found before any is read.
      var anyTarget = OptionalInt.of(0);
      new Sampler(
          newDiffusion(codec, diffusion, Space.of(List.of(1), 2), List.of(), anyTarget), sampling);
    }
    if (diffusion.conditional() && diffusion.labelDropout() == 1) {
      throw new ConfigurationException(
          "diffusion.label_dropout is 1.0, so that no class is ever told; set"
              + " diffusion.conditional=false instead");
    }
  }

  private static void require(boolean right, String key, Object value, String expected) {
    if (!right) {
      throw new ConfigurationException(
          "training." + key + " is " + value + "; it must be " + expected);
    }
  }

  /**
   * This configuration for a data source, whose schema it takes over.
   *
   * @throws ConfigurationException if the network is to be told classes that the data does not
   *     have, samples are to be guided by classes that it is not told, or a batch is too large
   */
  public RunConfig forData(DataSource source) {
    var schema = source.schema();
    if (diffusion.conditional() && schema.condition().classes().isEmpty()) {
      throw new ConfigurationException(
          "diffusion.conditional is true, but %s has no classes; use data with classes (of a folder of images its sub-folders), or set diffusion.conditional=false"
              .formatted(source.name()));
    }
    if (diffusion.targetRate() > 0 && schema.target().isEmpty()) {
      throw new ConfigurationException(
          "diffusion.target_rate is %s, but %s names no target; add ,target=COLUMN to the data, or set diffusion.target_rate=0"
              .formatted(diffusion.targetRate(), source.name()));
    }
    if (sampling.guidance() != 0 && !(diffusion.conditional() && diffusion.labelDropout() > 0)) {
      throw new ConfigurationException(
          "sampling.guidance is %s, which needs a network that is told classes, though not always (diffusion.conditional=true, and diffusion.label_dropout above 0); set sampling.guidance=0"
              .formatted(sampling.guidance()));
    }
    var values = Math.max(schema.space().places(), schema.condition().pixels());
    if ((long) values * training.batchSize() > Integer.MAX_VALUE - 8) {
      throw new ConfigurationException(
          "training.batch_size is %d; of %s one batch can hold %,d"
              .formatted(training.batchSize(), source.name(), (Integer.MAX_VALUE - 8) / values));
    }
    return withSchema(schema);
  }

  /** This configuration with another source of data. */
  public RunConfig withData(String data) {
    return new RunConfig(
        format, data, modality, codec, diffusion, network, training, sampling, schema);
  }

  /** This configuration for data of a schema. */
  public RunConfig withSchema(Schema schema) {
    return new RunConfig(
        format, data, modality, codec, diffusion, network, training, sampling, schema);
  }

  /** What the network is told: classes only where it is to be; needs {@link #schema}. */
  public Condition condition() {
    var condition = schema.condition();
    return condition.classes().isEmpty() || diffusion.conditional() ? condition : Condition.NONE;
  }

  /** What the network takes and gives; needs {@link #schema}. */
  public Signature signature() {
    var space = schema.space();
    var shape = space.shape();
    if (network.autoregressive()) { // it sees symbols, and no bits of them
      return new Signature(
          space, shape, shape, shape, condition(), training.partSize(), new int[0]);
    }
    var process = newDiffusion();
    var bits = process.codec().shape(shape);
    var input = new ArrayList<>(bits);
    if (diffusion.knownRate() > 0) {
      var channels = bits.size() == 1 ? space.places() : shape.get(0);
      input.set(0, Math.addExact(bits.get(0), channels));
    }
    return new Signature(
        space,
        input,
        bits,
        process.objective().output(space, process.codec()),
        condition(),
        training.partSize(),
        process.codec().placeOfBit(space));
  }

  /** The diffusion process that this configuration describes; needs {@link #schema}. */
  public BitDiffusion newDiffusion() {
    return newDiffusion(codec, diffusion, schema.space(), schema.marginals(), schema.target());
  }

  private static BitDiffusion newDiffusion(
      CodecConfig c, DiffusionConfig d, Space space, List<Marginal> marginals, OptionalInt target) {
    var codec = Codec.of(c.encoding(), space, marginals, c.bits(), c.scale(), c.permutationSeed());
    return new BitDiffusion(
        codec,
        NoiseSchedule.parse(d.schedule()),
        Objective.of(d.prediction(), d.loss(), d.softmaxFactorization(), d.wordCells(), codec),
        SelfConditioning.parse(d.selfConditioning()),
        d.selfConditioningRate(),
        d.stratifiedTime(),
        d.normalizeInput(),
        d.denoisedInput(),
        new KnownInTraining(d.knownRate(), d.targetRate(), target));
  }

  /** Where a run's seed goes: {@code Seed.of(seed, WEIGHTS)} and so on. */
  public static final long ORDER = 0;

  /** The noise of training steps. */
  public static final long NOISE = 1;

  /** The initial weights. */
  public static final long WEIGHTS = 2;

  /** Which examples are held out, and the noise in which their loss is taken. */
  public static final long HELD_OUT = 3;

  /** The samples of {@code training.calibration_samples}. */
  public static final long CALIBRATION = 4;

  /**
   * The learning rate at a step, counted from 1: it rises in a line to the full one at the end of
   * the warm-up. From there {@code cosine} goes down half a wave, of which the next step has the
   * top, and the last one what is left just before the bottom: no step is for nothing.
   */
  public double learningRate(long step) {
    var t = training;
    if (step < t.warmupSteps()) {
      return t.learningRate() * step / t.warmupSteps();
    }
    if (!t.learningRateSchedule().equals("cosine") || step <= t.warmupSteps()) {
      return t.learningRate();
    }
    var done = (double) (step - t.warmupSteps() - 1) / (t.steps() - t.warmupSteps());
    return t.learningRate() * 0.5 * (1 + Math.cos(Math.PI * Math.min(1, done)));
  }
}

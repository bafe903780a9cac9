package org.bitdiffusion.training;

import org.bitdiffusion.nn.UNetConfig;
import org.bitdiffusion.sampling.SamplerConfig;

/**
 * Everything that is needed to repeat a run, as it stands in its {@code config.yaml}. Presets are
 * the same file with the parts that differ from {@code defaults.yaml}.
 *
 * @param data the source, as {@code --data} takes it: {@code SOURCE[:PATH][,key=value...]}
 * @param codec how symbols become analog bits
 * @param diffusion process, prediction, loss and self-conditioning
 * @param network size of the U-Net
 * @param training how long and how fast
 * @param sampling how samples are drawn unless said otherwise
 */
public record RunConfig(
    String data,
    CodecConfig codec,
    DiffusionConfig diffusion,
    UNetConfig network,
    TrainingConfig training,
    SamplerConfig sampling) {

  /**
   * @param encoding {@code uint8}, {@code gray}, {@code uint8_rand} or {@code one_hot}
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
      double labelDropout) {}

  /**
   * @param steps updates of the weights
   * @param batchSize examples an update, over all accumulated parts
   * @param accumulation parts in which a batch is computed, to need less memory
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

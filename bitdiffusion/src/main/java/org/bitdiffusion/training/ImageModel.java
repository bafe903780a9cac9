package org.bitdiffusion.training;

import static org.bytedeco.pytorch.global.torch.full_like;

import java.nio.file.Path;
import java.util.Arrays;
import org.bitdiffusion.ConfigurationException;
import org.bitdiffusion.data.ImageFormat;
import org.bitdiffusion.diffusion.BitDiffusion;
import org.bitdiffusion.diffusion.Denoiser;
import org.bitdiffusion.nn.BatchParts;
import org.bitdiffusion.nn.UNet;
import org.bitdiffusion.nn.UNetConfig;
import org.bitdiffusion.runtime.Compute;
import org.bitdiffusion.sampling.Sampler;
import org.bitdiffusion.sampling.SamplerConfig;
import org.bytedeco.javacpp.PointerScope;
import org.bytedeco.pytorch.Scalar;
import org.bytedeco.pytorch.Tensor;
import org.bytedeco.pytorch.global.torch;

/** A U-Net, and the samples that are drawn with it. */
public final class ImageModel extends Model {
  /** In place of a label: no class in particular. */
  public static final int ANY_CLASS = -1;

  private final UNet network;

  private ImageModel(RunConfig config, BitDiffusion diffusion, UNet network, Compute compute) {
    super(config, diffusion, network, compute);
    this.network = network;
  }

  /** Random weights, from the run's seed. */
  static ImageModel create(RunConfig config, UNetConfig size, Compute compute) {
    var diffusion = config.newDiffusion();
    var example = config.example();
    var channels = example.shape().get(0);
    var bits = diffusion.codec().bits();
    var network =
        new UNet(
            size,
            2 * channels * bits,
            channels * diffusion.objective().outputs(bits),
            example.shape().get(1),
            example.shape().get(2),
            config.diffusion().conditional() ? example.classes().size() : 0,
            compute);
    return new ImageModel(config, diffusion, network, compute);
  }

  /**
   * The newest checkpoint of a run, with the moving average of its weights.
   *
   * @param precision {@code auto}, {@code float32} or {@code bfloat16}
   * @throws ConfigurationException if the folder is none of a run of images
   * @throws org.bitdiffusion.DataException if it has no checkpoint, or a damaged one
   */
  public static ImageModel load(Path run, String precision) {
    var model = Model.load(run, precision);
    if (model instanceof ImageModel images) {
      return images;
    }
    model.close();
    throw new ConfigurationException(
        run + " is no run of images: it describes them; use 'caption'");
  }

  @Override
  Tensor loss(Batches.Batch batch) {
    return loss(network, batch);
  }

  @Override
  double backward(Batches.Batch batch, double share) {
    try (var scope = new PointerScope()) {
      var parts = parts();
      var loss = loss(parts, batch);
      loss.mul(new Scalar(share)).backward();
      parts.backward();
      return loss.item_float();
    }
  }

  private BatchParts parts() {
    return new BatchParts(network, ((UNetConfig) config().network()).dropout() > 0);
  }

  private Tensor loss(Denoiser denoiser, Batches.Batch batch) {
    var size = batch.labels().length;
    var shape = new long[config().example().shape().size() + 1];
    shape[0] = size;
    for (var i = 1; i < shape.length; i++) {
      shape[i] = config().example().shape().get(i - 1);
    }
    var symbols =
        Tensor.create(batch.symbols(), shape).to(compute().newDevice(), torch.ScalarType.Int);
    return diffusion.loss(denoiser, symbols, labels(batch));
  }

  /** The labels [B], some of them dropped for classifier-free guidance; null without classes. */
  Tensor labels(Batches.Batch batch) {
    if (!config().diffusion().conditional()) {
      return null;
    }
    var labels = Tensor.create(batch.labels(), batch.labels().length);
    var dropped = torch.rand(labels.numel()).lt(new Scalar(config().diffusion().labelDropout()));
    return labels
        .masked_fill(dropped, new Scalar(ANY_CLASS))
        .to(compute().newDevice(), torch.ScalarType.Long);
  }

  /** How the symbols of a sample are painted. */
  public ImageFormat format() {
    var example = config().example();
    return new ImageFormat(
        example.shape().get(0),
        example.shape().get(1),
        example.shape().get(2),
        example.categories(),
        example.palette());
  }

  /**
   * Samples and what they were before thresholding.
   *
   * @param symbols [N, C, ...] row-major, each in 0 .. K-1
   * @param analog the last estimate of the analog bits, [N, C * bits, ...] row-major in [-b, b]
   */
  public record Samples(int[] symbols, float[] analog) {}

  /**
   * Draws samples first .. first + count - 1 of a seed, in one batch.
   *
   * @param label the class of all of them, or -1 for any
   * @param listener sees each step
   * @throws ConfigurationException if the run has no such class, or guidance without classes
   */
  public Samples sample(
      SamplerConfig sampling,
      long seed,
      long first,
      int count,
      int label,
      Sampler.Listener listener) {
    var labels = new int[count];
    Arrays.fill(labels, label);
    return sample(sampling, seed, first, labels, listener);
  }

  /**
   * Like {@link #sample(SamplerConfig, long, long, int, int, Sampler.Listener)}, with a class for
   * each sample.
   *
   * @param labels of the samples, -1 for any class
   */
  public Samples sample(
      SamplerConfig sampling, long seed, long first, int[] labels, Sampler.Listener listener) {
    requireFit(config(), sampling, labels);
    var count = labels.length;
    var conditional = config().diffusion().conditional();
    try (var scope = new PointerScope()) {
      var device = compute().newDevice();
      var example = config().example();
      var shape = example.shape().stream().mapToLong(Integer::longValue).toArray();
      shape[0] *= diffusion.codec().bits();
      var condition =
          conditional ? Tensor.create(labels, count).to(device, torch.ScalarType.Long) : null;
      var request =
          new Sampler.Request(
              seed,
              first,
              count,
              shape,
              condition,
              conditional ? full_like(condition, new Scalar(-1)) : null);
      var analog = new Sampler(diffusion, sampling).sample(parts(), request, device, listener);
      return new Samples(symbols(analog), floats(analog));
    }
  }

  /**
   * Complains unless a run can draw such samples.
   *
   * @param run its configuration, with its example
   * @param labels of the samples, -1 for any class
   * @throws ConfigurationException as {@link #sample} does, before weights are read
   */
  public static void requireFit(RunConfig run, SamplerConfig sampling, int... labels) {
    new Sampler(run.newDiffusion(), sampling); // complains of what the network was not trained for
    for (var label : labels) {
      requireClass(run, label, sampling.guidance());
    }
  }

  private static void requireClass(RunConfig run, int label, double guidance) {
    var classes = run.example().classes().size();
    var conditional = run.diffusion().conditional();
    if (label >= 0 && (!conditional || label >= classes)) {
      throw new ConfigurationException(
          conditional
              ? "class " + label + " does not exist; the run has classes 0 to " + (classes - 1)
              : "the run was trained without classes; leave --class out");
    }
    if (guidance != 0 && (!conditional || label < 0)) {
      throw new ConfigurationException(
          "guidance is %s; it needs %s"
              .formatted(
                  guidance,
                  conditional
                      ? "--class; --guidance 0 is without"
                      : "a run trained with diffusion.conditional"));
    }
    if ((guidance != 0 || label < 0) && !knowsAnyClass(run)) {
      throw new ConfigurationException(
          "the run was trained with diffusion.label_dropout 0: it knows its classes, but no image"
              + " of any class, which "
              + (guidance != 0
                  ? "guidance goes away from"
                  : "is asked for; name one with --class"));
    }
  }

  /** Whether a run can be asked for images of no class in particular: some labels were dropped. */
  public static boolean knowsAnyClass(RunConfig config) {
    return !config.diffusion().conditional() || config.diffusion().labelDropout() > 0;
  }
}

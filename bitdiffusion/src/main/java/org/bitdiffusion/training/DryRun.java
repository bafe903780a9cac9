package org.bitdiffusion.training;

import java.io.IOException;
import java.nio.ByteBuffer;
import java.nio.channels.WritableByteChannel;
import java.util.Arrays;
import java.util.Optional;
import java.util.OptionalLong;
import java.util.function.Consumer;
import org.bitdiffusion.config.RunConfig;
import org.bitdiffusion.data.DataSource;
import org.bitdiffusion.model.Model;
import org.bitdiffusion.model.SampleRequest;
import org.bitdiffusion.runtime.Compute;
import org.bitdiffusion.runtime.Engine;
import org.bitdiffusion.runtime.Group;
import org.bitdiffusion.runtime.ResidentMemory;
import org.bitdiffusion.runtime.Safetensors;
import org.bitdiffusion.sampling.Sampler;
import org.bytedeco.javacpp.PointerScope;
import org.bytedeco.pytorch.global.torch;

/**
 * What a training will take, from some steps of it that are forgotten. Nothing is written.
 *
 * @param weights their number
 * @param stateBytes of weights, gradients, two moments and the moving average, computed
 * @param activationBytes that a step had at most besides these, measured as the growth of the
 *     process over the steps; empty where the system does not say, as on a GPU
 * @param secondsPerStep the median of five, after a first one
 * @param steps of the whole training
 * @param secondsPerPreview of the samples that are drawn at a checkpoint, from two steps of
 *     sampling of the first batch of them
 * @param checkpointBytes of one checkpoint's files of weights, computed to the byte
 */
public record DryRun(
    long weights,
    long stateBytes,
    OptionalLong activationBytes,
    double secondsPerStep,
    long steps,
    double secondsPerPreview,
    long checkpointBytes) {
  /** Steps that are taken; the first one warms up. */
  private static final int STEPS = 6;

  /** Seconds for all the steps without checkpoints, their samples and their measures. */
  public double seconds() {
    return secondsPerStep * steps;
  }

  /**
   * Takes some steps.
   *
   * @param source the data as it is trained on
   * @param weights those that it begins with; without, they are random
   * @param preview samples that are drawn at each checkpoint
   */
  public static DryRun of(
      RunConfig config,
      DataSource source,
      Compute compute,
      Optional<Consumer<Model>> weights,
      SampleRequest preview) {
    try (var learner = Learner.begin(config, compute, weights);
        var batches = Trainer.batches(config, source, 0, Group.ALONE)) {
      Engine.releaseFreeMemory();
      var before = ResidentMemory.newPeak();
      var seconds = new double[STEPS - 1];
      for (var step = 1; step <= STEPS; step++) {
        var start = System.nanoTime();
        learner.step(step, batches, Group.ALONE);
        if (step > 1) {
          seconds[step - 2] = (System.nanoTime() - start) / 1e9;
        }
      }
      var onCpu = compute.device() == torch.DeviceType.CPU;
      var most = ResidentMemory.peak();
      var grown =
          onCpu && before.isPresent() && most.isPresent()
              ? OptionalLong.of(Math.max(0, most.getAsLong() - before.getAsLong()))
              : OptionalLong.empty();
      Arrays.sort(seconds);
      var parameters = learner.model().network().parameters();
      var count = parameters.count();
      return new DryRun(
          count,
          Float.BYTES * (2 * count + 3 * parameters.trained().numel()),
          grown,
          seconds[seconds.length / 2],
          config.training().steps(),
          secondsOf(preview, learner.model()),
          checkpointBytes(learner));
    }
  }

  private static double secondsOf(SampleRequest preview, Model model) {
    var batch = Math.min(preview.count(), model.config().training().partSize());
    var some = preview.part(0, batch, model.config().schema().space().places());
    var batches = (preview.count() + batch - 1) / batch;
    if (model.config().network().autoregressive()) {
      return batches * secondsToDraw(some, model);
    }
    var all = some.sampling().steps();
    var few = some.with(some.sampling().withSteps(Math.min(2, all)));
    secondsToDraw(few, model); // warms up
    return (double) batches * all / few.sampling().steps() * secondsToDraw(few, model);
  }

  private static double secondsToDraw(SampleRequest request, Model model) {
    var start = System.nanoTime();
    model.sample(request, Sampler.Listener.NONE);
    return (System.nanoTime() - start) / 1e9;
  }

  private static long checkpointBytes(Learner learner) {
    var counter = new Counter();
    try (var scope = new PointerScope()) {
      for (var file : learner.tensors().values()) {
        Safetensors.write(counter, file);
      }
      return counter.bytes;
    } catch (IOException e) {
      throw new IllegalStateException("bytes cannot be counted", e);
    }
  }

  /** Counts what is written. */
  private static final class Counter implements WritableByteChannel {
    private long bytes;

    @Override
    public int write(ByteBuffer buffer) {
      var count = buffer.remaining();
      buffer.position(buffer.limit());
      bytes += count;
      return count;
    }

    @Override
    public boolean isOpen() {
      return true;
    }

    @Override
    public void close() {}
  }
}

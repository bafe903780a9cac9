package org.bitdiffusion.nn;

import static org.bytedeco.pytorch.global.torch.cat;

import java.util.ArrayList;
import java.util.List;
import org.bitdiffusion.diffusion.Denoiser;
import org.bitdiffusion.runtime.Engine;
import org.bitdiffusion.runtime.Noise;
import org.bitdiffusion.runtime.Workers;
import org.bytedeco.javacpp.PointerScope;
import org.bytedeco.pytorch.GradMode;
import org.bytedeco.pytorch.Tensor;
import org.bytedeco.pytorch.TensorVector;

/**
 * A network that computes parts of a batch at the same time, each with its share of the engine's
 * threads. That is faster than all threads at each operation of the whole batch: some operations of
 * the engine use one thread only, and at the end of the others the threads wait for each other.
 *
 * <p>Where gradients are enabled, the joined output is a leaf of the graph, so that the backward
 * pass runs in parts as well: after the loss's own, {@link #backward} gives each part of the
 * network what reached the leaf. The parts' gradients are added in their order: the sum is the same
 * each time. An object is for one step of training, all of it in one scope, or for any number of
 * passes without gradients.
 */
public final class BatchParts implements Denoiser {
  /** Examples in the smallest part: with fewer, adding up gradients would weigh too much. */
  static final int SMALLEST = 4;

  /** Of the gradients of all parts together, which are held twice while they are made. */
  private static final long MOST_BYTES = 1L << 30;

  private final DenoisingNetwork network;
  private final Parameters parameters;
  private final Noise noise;
  private final List<Joined> joined = new ArrayList<>();

  /** The network's output for each part, and the leaf of the graph that stands for all of it. */
  private record Joined(List<Tensor> parts, Tensor leaf) {}

  /**
   * @param network of which parts are computed at the same time where it says that they may be
   */
  public BatchParts(DenoisingNetwork network) {
    this(network, null);
  }

  /**
   * @param noise of a batch that is trained on: dropout draws from it where gradients are enabled
   */
  public BatchParts(DenoisingNetwork network, Noise noise) {
    this.network = network;
    this.noise = noise;
    parameters = network.parameters();
  }

  @Override
  public Tensor forward(Tensor xt, Tensor estimate, Tensor gamma, Tensor condition) {
    var gradients = GradMode.is_enabled();
    var count = parts(xt.size(0), gradients);
    if (count == 1) {
      return network.forward(xt, estimate, gamma, condition, gradients ? noise : null);
    }
    var outputs =
        Workers.run(
            count,
            i ->
                network.forward(
                    part(xt, i, count),
                    part(estimate, i, count),
                    part(gamma, i, count),
                    condition == null ? null : part(condition, i, count)));
    var whole = cat(new TensorVector(outputs.toArray(Tensor[]::new)));
    if (!gradients) {
      return whole;
    }
    var leaf = whole.detach().requires_grad_(true);
    joined.add(new Joined(outputs, leaf));
    return leaf;
  }

  /** The number of parts of a batch. */
  private int parts(long batch, boolean gradients) {
    try (var use = parameters.use()) {
      if (parameters.values().is_cuda() || !network.inParts(gradients)) {
        return 1;
      }
    }
    var largest = batch / SMALLEST;
    if (gradients) {
      largest = Math.min(largest, MOST_BYTES / (2 * Float.BYTES * parameters.count()));
    }
    return parts(Engine.threads(), largest);
  }

  /**
   * The largest number of parts, at most {@code most}, of which each has as many threads as the
   * others and together at least three quarters of all.
   */
  static int parts(int threads, long most) {
    var parts = (int) Math.max(1, Math.min(threads, most));
    while (4 * (threads / parts * parts) < 3 * threads) {
      parts--;
    }
    return parts;
  }

  /**
   * Adds the weights' gradients to {@link Parameters#gradients()}, once the backward pass of the
   * loss has reached the output. Of a batch that was not divided, that pass has added them itself.
   */
  public void backward() {
    for (var output : joined) {
      var count = output.parts().size();
      var ofOutput = output.leaf().grad();
      try (var use = parameters.use();
          var scope = new PointerScope()) {
        Workers.run(
                count, i -> parameters.gradientsOf(output.parts().get(i), part(ofOutput, i, count)))
            .forEach(parameters.gradients()::add_);
      }
    }
    joined.clear();
  }

  private static Tensor part(Tensor whole, int i, int count) {
    var size = whole.size(0);
    var from = size * i / count;
    return whole.narrow(0, from, size * (i + 1) / count - from);
  }
}

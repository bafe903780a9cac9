package org.bitdiffusion.nn;

import static org.bytedeco.pytorch.global.torch.cat;

import java.util.ArrayList;
import java.util.List;
import org.bitdiffusion.diffusion.Denoiser;
import org.bitdiffusion.runtime.Workers;
import org.bytedeco.pytorch.GradMode;
import org.bytedeco.pytorch.Tensor;
import org.bytedeco.pytorch.TensorVector;

/**
 * A network that computes parts of a batch at the same time, each on its share of the processor's
 * cores. That is faster than all cores at each operation of the whole batch: some operations of the
 * engine use one core only, and at the end of the others the cores wait for each other.
 *
 * <p>Where gradients are enabled, the joined output is a leaf of the graph, so that the backward
 * pass runs in parts as well: after the loss's own, {@link #backward} gives each part of the
 * network what reached the leaf. The parts' gradients are added in their order: the sum is the same
 * each time. One object is for one step of training, within one scope.
 */
public final class BatchParts implements Denoiser {
  /** Fewer examples than this are no part: each has gradients of all weights, which are added. */
  static final int SMALLEST = 4;

  private final Denoiser network;
  private final Parameters parameters;
  private final int most;
  private final List<Joined> joined = new ArrayList<>();

  /** The network's output for each part, and the leaf of the graph that stands for all of it. */
  private record Joined(List<Tensor> parts, Tensor leaf) {}

  /**
   * @param network whose forward pass treats each example alone
   * @param most parts; on a GPU there is one in any case
   */
  public <N extends Network & Denoiser> BatchParts(N network, int most) {
    this.network = network;
    parameters = network.parameters();
    this.most = parameters.values().is_cuda() ? 1 : most;
  }

  @Override
  public Tensor forward(Tensor xt, Tensor estimate, Tensor gamma, Tensor condition) {
    var count = (int) Math.min(most, xt.size(0) / SMALLEST);
    if (count < 2) {
      return network.forward(xt, estimate, gamma, condition);
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
    if (!GradMode.is_enabled()) {
      return join(outputs);
    }
    var leaf = join(outputs.stream().map(Tensor::detach).toList()).requires_grad_(true);
    joined.add(new Joined(outputs, leaf));
    return leaf;
  }

  /**
   * Adds the weights' gradients to {@link Parameters#gradients()}, once the backward pass of the
   * loss has reached the output. Of a batch that was not divided, that pass has added them itself.
   */
  public void backward() {
    for (var output : joined) {
      var count = output.parts().size();
      var ofOutput = output.leaf().grad();
      var ofWeights =
          Workers.run(
              count, i -> parameters.gradients(output.parts().get(i), part(ofOutput, i, count)));
      ofWeights.forEach(parameters.gradients()::add_);
    }
    joined.clear();
  }

  private static Tensor part(Tensor whole, int i, int count) {
    var size = whole.size(0);
    var from = size * i / count;
    return whole.narrow(0, from, size * (i + 1) / count - from);
  }

  private static Tensor join(List<Tensor> parts) {
    return cat(new TensorVector(parts.toArray(Tensor[]::new)), 0);
  }
}

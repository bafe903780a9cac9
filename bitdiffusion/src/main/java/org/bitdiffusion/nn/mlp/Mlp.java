package org.bitdiffusion.nn.mlp;

import static org.bytedeco.pytorch.global.torch.cat;
import static org.bytedeco.pytorch.global.torch.silu;

import java.util.ArrayList;
import java.util.List;
import java.util.Optional;
import org.bitdiffusion.nn.DenoisingNetwork;
import org.bitdiffusion.nn.Dropout;
import org.bitdiffusion.nn.LayerNorm;
import org.bitdiffusion.nn.Linear;
import org.bitdiffusion.nn.Parameters;
import org.bitdiffusion.nn.TimeEmbedding;
import org.bitdiffusion.runtime.Compute;
import org.bitdiffusion.runtime.Noise;
import org.bytedeco.pytorch.Tensor;
import org.bytedeco.pytorch.TensorVector;
import org.bytedeco.pytorch.global.torch;

/**
 * A multilayer perceptron: residual blocks of a norm, two linear maps and a SiLU between them, each
 * told the time by a scale and a shift of its norm.
 *
 * <p>Takes x_t (with what is known, if the process has it) and the estimate, [B, in] together,
 * gamma [B], and, if there are classes, their labels [B] int64, where -1 means "no class". Gives
 * [B, out] float32, which begins at 0. Several threads may compute with it at once.
 */
public final class Mlp implements DenoisingNetwork {
  private record Block(LayerNorm norm, Linear time, Linear widen, Linear narrow) {}

  private final MlpConfig config;
  private final Compute compute;
  private final Dropout dropout;
  private final TimeEmbedding time;
  private final Linear input;
  private final List<Block> blocks = new ArrayList<>();
  private final LayerNorm outputNorm;
  private final Linear output;
  private final Parameters parameters;

  /**
   * A network with random weights.
   *
   * @param in entries of x_t and the estimate together
   * @param out entries of the output
   * @param classes number of classes, 0 for none
   * @param seed of the weights
   */
  public Mlp(MlpConfig config, int in, int out, int classes, Compute compute, long seed) {
    this.config = config;
    this.compute = compute;
    dropout = new Dropout(config.dropout());
    try (var p = new Parameters.Builder(seed)) {
      var width = config.width();
      var inner = Math.multiplyExact(config.expansion(), width);
      var embedding = config.embedding();
      time = new TimeEmbedding(p.in("time"), embedding, embedding, classes);
      input = Linear.scaled(p.in("input"), in, width, 1);
      for (var i = 0; i < config.blocks(); i++) {
        var block = p.in("blocks." + i);
        blocks.add(
            new Block(
                new LayerNorm(block.in("norm"), width),
                Linear.zero(block.in("time"), embedding, 2 * width),
                Linear.scaled(block.in("widen"), width, inner, 1),
                Linear.scaled(block.in("narrow"), inner, width, 1)));
      }
      outputNorm = new LayerNorm(p.in("output_norm"), width);
      output = Linear.zero(p.in("output"), width, out);
      parameters = p.build(compute);
    }
  }

  @Override
  public boolean inParts(boolean gradients) {
    return !gradients || config.dropout() == 0;
  }

  @Override
  public Parameters parameters() {
    return parameters;
  }

  @Override
  public Optional<Tensor> outputBiases() {
    return Optional.of(output.bias());
  }

  @Override
  public Tensor forward(Tensor xt, Tensor estimate, Tensor gamma, Tensor labels) {
    return forward(xt, estimate, gamma, labels, null);
  }

  @Override
  public Tensor forward(Tensor xt, Tensor estimate, Tensor gamma, Tensor labels, Noise noise) {
    return parameters.compute(
        () -> {
          var type = compute.precision().type();
          var e = time.forward(gamma, labels).to(type);
          var h = input.forward(cat(new TensorVector(xt, estimate), 1).to(type));
          for (var block : blocks) {
            var time = block.time().forward(e).chunk(2, 1);
            var a = block.norm().forward(h);
            a = a.addcmul(a, time.get(0)).add(time.get(1));
            a = dropout.forward(silu(block.widen().forward(a)), noise);
            h = h.add(block.narrow().forward(a));
          }
          return output.forward(outputNorm.forward(h)).to(torch.ScalarType.Float);
        });
  }
}

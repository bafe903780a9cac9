package org.bitdiffusion.nn.transformer;

import static org.bytedeco.pytorch.global.torch.baddbmm;
import static org.bytedeco.pytorch.global.torch.cat;
import static org.bytedeco.pytorch.global.torch.index_select;
import static org.bytedeco.pytorch.global.torch.zeros;

import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import org.bitdiffusion.nn.DenoisingNetwork;
import org.bitdiffusion.nn.LayerNorm;
import org.bitdiffusion.nn.Linear;
import org.bitdiffusion.nn.Parameters;
import org.bitdiffusion.nn.Signature;
import org.bitdiffusion.nn.TimeEmbedding;
import org.bitdiffusion.nn.TransformerLayer;
import org.bitdiffusion.runtime.Compute;
import org.bitdiffusion.runtime.Noise;
import org.bytedeco.pytorch.Device;
import org.bytedeco.pytorch.Tensor;
import org.bytedeco.pytorch.TensorVector;
import org.bytedeco.pytorch.global.torch;

/**
 * A transformer whose tokens are the symbols of an example: the bits of one, what was estimated of
 * them, and whether it is known. Where all symbols have the same values, as in a sequence, all have
 * the same maps from bits and to bits, and a vector that says which place they have; columns of a
 * table have their own maps each. The time is added to every token.
 *
 * <p>Takes x_t and the estimate, [B, D, ...], gamma [B], and, if there are classes, their labels
 * [B] int64, where -1 means "no class". Gives [B, D, ...] float32, which begins at 0.
 */
public final class Transformer implements DenoisingNetwork {
  private final TransformerConfig config;
  private final Compute compute;
  private final long[] output;

  /** Of each place and each bit of the widest its entry among all bits, behind the last if none. */
  private final long[] entries;

  /** Of each bit its entry among the places' bits. */
  private final long[] back;

  private final int places;
  private final int widest;
  private final boolean isKnownSeen;
  private final TimeEmbedding time;
  private final Linear time2;
  private final TokenMap in;
  private final Tensor position;
  private final List<TransformerLayer> layers = new ArrayList<>();
  private final LayerNorm outputNorm;
  private final TokenMap out;
  private final Parameters parameters;

  /**
   * A linear map of tokens [B, P, in] to [B, P, out]: one for all, or one for each place.
   *
   * @param weight [P, in, out]
   * @param bias [P, 1, out]
   */
  private record TokenMap(Linear ofAll, Tensor weight, Tensor bias) {
    Tensor forward(Tensor tokens) {
      if (ofAll != null) {
        return ofAll.forward(tokens);
      }
      var type = tokens.scalar_type();
      return baddbmm(bias.to(type), tokens.transpose(0, 1), weight.to(type)).transpose(0, 1);
    }
  }

  /**
   * A network with random weights.
   *
   * @param seed of the weights
   */
  public Transformer(TransformerConfig config, Signature signature, Compute compute, long seed) {
    this.config = config;
    this.compute = compute;
    var classes = signature.condition().classes().size();
    output = signature.output().stream().mapToLong(side -> side).toArray();
    var placeOfBit = signature.placeOfBit();
    places = signature.space().places();
    isKnownSeen = !signature.input().equals(signature.estimate());
    var bits = new int[places];
    back = new long[placeOfBit.length];
    for (var i = 0; i < placeOfBit.length; i++) {
      back[i] = bits[placeOfBit[i]]++;
    }
    widest = Arrays.stream(bits).max().orElseThrow();
    entries = new long[places * widest];
    Arrays.fill(entries, placeOfBit.length);
    for (var i = 0; i < placeOfBit.length; i++) {
      back[i] += (long) placeOfBit[i] * widest;
      entries[(int) back[i]] = i;
    }
    var shared = signature.space().uniform();
    try (var p = new Parameters.Builder(seed)) {
      var width = config.width();
      var embedding = config.embedding();
      time = new TimeEmbedding(p.in("time"), embedding, embedding, classes);
      time2 = Linear.scaled(p.in("time.2"), embedding, width, 1);
      var inputs = 2 * widest + (isKnownSeen ? 1 : 0);
      in =
          shared
              ? new TokenMap(Linear.scaled(p.in("input"), inputs, width, 1), null, null)
              : new TokenMap(
                  null,
                  p.in("input").scaled("weight", 1, inputs, width, places, inputs, width),
                  p.in("input").constant("bias", 0, places, 1, width));
      position = shared ? p.uniform("position", 1, places, width) : null;
      for (var i = 0; i < config.layers(); i++) {
        layers.add(
            new TransformerLayer(
                p.in("layers." + i), width, config.heads(), false, config.dropout()));
      }
      outputNorm = new LayerNorm(p.in("output_norm"), width);
      out =
          shared
              ? new TokenMap(Linear.zero(p.in("output"), width, widest), null, null)
              : new TokenMap(
                  null,
                  p.in("output").constant("weight", 0, places, width, widest),
                  p.in("output").constant("bias", 0, places, 1, widest));
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
  public Tensor forward(Tensor xt, Tensor estimate, Tensor gamma, Tensor labels) {
    return forward(xt, estimate, gamma, labels, null);
  }

  @Override
  public Tensor forward(Tensor xt, Tensor estimate, Tensor gamma, Tensor labels, Noise noise) {
    return parameters.compute(
        () -> {
          var type = compute.precision().type();
          var h = in.forward(tokens(xt.flatten(1, -1), estimate.flatten(1, -1)).to(type));
          h = h.add(time2.forward(time.forward(gamma, labels).to(type)).unsqueeze(1));
          if (position != null) {
            h = h.add(position.to(type));
          }
          for (var layer : layers) {
            h = layer.forward(h, null, null, null, noise);
          }
          var bits = out.forward(outputNorm.forward(h)).flatten(1, -1);
          var shape = output.length + 1;
          var sides = new long[shape];
          sides[0] = xt.size(0);
          System.arraycopy(output, 0, sides, 1, output.length);
          return index_select(bits, 1, index(back, xt.device()))
              .to(torch.ScalarType.Float)
              .view(sides);
        });
  }

  /**
   * What is seen of each symbol, [B, P, in].
   *
   * @param xt [B, D], or with what is known [B, D + P]
   * @param estimate [B, D]
   */
  private Tensor tokens(Tensor xt, Tensor estimate) {
    var batch = xt.size(0);
    var nothing = zeros(new long[] {batch, 1}, xt.options());
    var some = new ArrayList<Tensor>();
    for (var bits : List.of(xt.narrow(1, 0, back.length), estimate)) {
      some.add(
          index_select(cat(new TensorVector(bits, nothing), 1), 1, index(entries, xt.device()))
              .view(batch, places, widest));
    }
    if (isKnownSeen) {
      some.add(xt.narrow(1, back.length, places).unsqueeze(-1));
    }
    return cat(new TensorVector(some.toArray(Tensor[]::new)), 2);
  }

  private static Tensor index(long[] index, Device device) {
    return Tensor.create(index, index.length).to(device, torch.ScalarType.Long);
  }
}

package org.bitdiffusion.nn;

import static org.bytedeco.pytorch.global.torch.gelu;
import static org.bytedeco.pytorch.global.torch.matmul;
import static org.bytedeco.pytorch.global.torch.softmax;

import org.bitdiffusion.runtime.Noise;
import org.bitdiffusion.runtime.Scope;
import org.bytedeco.pytorch.Scalar;
import org.bytedeco.pytorch.Tensor;

/**
 * One layer of a Transformer (arXiv 1706.03762), with the norms before its parts: self-attention;
 * attention to a memory, if there is one; two linear maps with a GELU between them. Each is added
 * to its input.
 *
 * <p>Attention is written as two matrix products, which on a CPU are several times faster than the
 * engine's fused one.
 */
public final class TransformerLayer {
  private final int heads;
  private final Dropout dropout;
  private final LayerNorm norm1;
  private final Linear qkv;
  private final Linear projection;
  private final LayerNorm crossNorm;
  private final Linear crossQuery;
  private final Linear crossProjection;
  private final LayerNorm norm2;
  private final Linear widen;
  private final Linear narrow;

  /**
   * @param width D, a multiple of {@code heads}
   * @param cross whether there is a memory to attend to
   * @param dropout rate at the end of each part
   */
  public TransformerLayer(
      Parameters.Builder parameters, int width, int heads, boolean cross, double dropout) {
    this.heads = heads;
    this.dropout = new Dropout(dropout);
    norm1 = new LayerNorm(parameters.in("norm1"), width);
    qkv = new Linear(parameters.in("attn.qkv"), width, 3 * width);
    projection = new Linear(parameters.in("attn.proj"), width, width);
    crossNorm = cross ? new LayerNorm(parameters.in("cross_norm"), width) : null;
    crossQuery = cross ? new Linear(parameters.in("cross_attn.query"), width, width) : null;
    crossProjection = cross ? new Linear(parameters.in("cross_attn.proj"), width, width) : null;
    norm2 = new LayerNorm(parameters.in("norm2"), width);
    widen = new Linear(parameters.in("mlp.fc1"), width, 4 * width);
    narrow = new Linear(parameters.in("mlp.fc2"), 4 * width, width);
  }

  /** Keys and values of a sequence, [B, S, D] each. */
  public record Memory(Tensor keys, Tensor values) {}

  /** What the self-attention of a position sees: given its own queries, keys and values. */
  public interface Past {
    /** All keys and values so far, given those of the newest positions. */
    Memory with(Tensor keys, Tensor values);
  }

  /**
   * @param x [B, L, D]
   * @param mask what is added to the scores of self-attention, [L, S]; null if each position sees
   *     all others
   * @param past null unless positions before x are to be seen as well
   * @param memory null if the layer attends to none
   * @param noise that says what dropout leaves out; null where it leaves out nothing
   * @return [B, L, D]
   */
  public Tensor forward(Tensor x, Tensor mask, Past past, Memory memory, Noise noise) {
    return Scope.result(
        () -> {
          var parts = qkv.forward(norm1.forward(x)).chunk(3, -1);
          var seen = new Memory(parts.get(1), parts.get(2));
          if (past != null) {
            seen = past.with(seen.keys(), seen.values());
          }
          var h =
              x.add(dropout.forward(projection.forward(attend(parts.get(0), seen, mask)), noise));
          if (memory != null) {
            var query = crossQuery.forward(crossNorm.forward(h));
            h = h.add(dropout.forward(crossProjection.forward(attend(query, memory, null)), noise));
          }
          return h.add(
              dropout.forward(narrow.forward(gelu(widen.forward(norm2.forward(h)))), noise));
        });
  }

  /** Mixes the values [B, S, D] for queries [B, L, D] to [B, L, D], each head for itself. */
  private Tensor attend(Tensor queries, Memory memory, Tensor mask) {
    var width = queries.size(2);
    var q = heads(queries.mul(new Scalar(1 / Math.sqrt((double) width / heads))));
    var scores = matmul(q, heads(memory.keys()).transpose(-2, -1));
    if (mask != null) {
      scores = scores.add(mask);
    }
    return matmul(softmax(scores, -1), heads(memory.values()))
        .transpose(1, 2)
        .reshape(queries.size(0), queries.size(1), width);
  }

  /** [B, L, D] to [B, heads, L, D / heads]. */
  private Tensor heads(Tensor x) {
    return x.view(x.size(0), x.size(1), heads, -1).transpose(1, 2);
  }
}

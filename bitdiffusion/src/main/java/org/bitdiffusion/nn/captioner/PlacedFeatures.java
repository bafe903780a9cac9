package org.bitdiffusion.nn.captioner;

import java.util.ArrayList;
import java.util.List;
import org.bitdiffusion.nn.LayerNorm;
import org.bitdiffusion.nn.Linear;
import org.bitdiffusion.nn.Parameters;
import org.bitdiffusion.nn.TransformerLayer;
import org.bitdiffusion.runtime.Noise;
import org.bitdiffusion.runtime.Scope;
import org.bytedeco.pytorch.Tensor;

/**
 * Features of a convolutional encoder with where they lie, which attention would not see otherwise:
 * it is the same whatever their order. They are projected to the decoder's width and normed, each
 * place adds a learned vector of its own, and Transformer layers, if there are any, let the places
 * see each other, as in pix2seq's encoder (arXiv 2109.10852, section 2.2).
 */
final class PlacedFeatures {
  /** Of the initial vectors: below that of a normed feature, 1, and not drowned by it. */
  private static final double DEVIATION = 0.5;

  private final Linear projection;
  private final LayerNorm norm;
  private final Tensor positions;
  private final List<TransformerLayer> layers = new ArrayList<>();
  private final LayerNorm lastNorm; // null where there are no layers

  /**
   * @param places T, the number of features
   * @param in size of a feature
   * @param width D, of the decoder
   * @param depth number of Transformer layers, 0 for none
   * @param dropout rate in them
   */
  PlacedFeatures(
      Parameters.Builder p, int places, int in, int width, int depth, int heads, double dropout) {
    projection = new Linear(p.in("projection"), in, width);
    norm = new LayerNorm(p.in("norm"), width);
    positions = p.in("positions").uniform("weight", Math.sqrt(3) * DEVIATION, places, width);
    for (var i = 0; i < depth; i++) {
      layers.add(new TransformerLayer(p.in("layers." + i), width, heads, false, dropout));
    }
    lastNorm = depth == 0 ? null : new LayerNorm(p.in("last_norm"), width);
  }

  /**
   * @param features [B, T, in], of the places from left to right and from top to bottom
   * @param noise that says what dropout leaves out; null where it leaves out nothing
   * @return [B, T, D]
   */
  Tensor forward(Tensor features, Noise noise) {
    return Scope.result(
        () -> {
          var h = norm.forward(projection.forward(features));
          h = h.add(positions.to(h.scalar_type()));
          for (var layer : layers) {
            h = layer.forward(h, null, null, null, noise);
          }
          return lastNorm == null ? h : lastNorm.forward(h);
        });
  }
}

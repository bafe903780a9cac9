package org.bitdiffusion.nn.captioner;

import static org.bytedeco.pytorch.global.torch.cat;
import static org.bytedeco.pytorch.global.torch.linear;

import java.util.ArrayList;
import java.util.List;
import org.bitdiffusion.nn.ConvolutionCheck;
import org.bitdiffusion.nn.LayerNorm;
import org.bitdiffusion.nn.Parameters;
import org.bitdiffusion.nn.TransformerLayer;
import org.bitdiffusion.runtime.Noise;
import org.bitdiffusion.runtime.Scope;
import org.bytedeco.pytorch.Tensor;
import org.bytedeco.pytorch.TensorOptional;
import org.bytedeco.pytorch.TensorVector;

/**
 * The Vision Transformer (arXiv 2010.11929): patches of the image are embedded linearly, and with a
 * class token before them pass through Transformer layers. Its weights have the names and shapes
 * that the timm library gives them, so that public checkpoints fit.
 */
final class VisionTransformer implements ImageEncoder {
  private static final double SMALL = 0.035; // uniform with the standard deviation 0.02

  private final int patch;
  private final int width;
  private final int side;
  private final Tensor classToken;
  private final Tensor positions;
  private final Tensor patchWeight;
  private final Tensor patchBias;
  private final List<TransformerLayer> layers = new ArrayList<>();
  private final LayerNorm norm;

  /**
   * @param imageSize side of the images, a multiple of {@code patch}
   */
  VisionTransformer(
      Parameters.Builder parameters,
      int imageSize,
      int patch,
      int width,
      int depth,
      int heads,
      double dropout) {
    this.patch = patch;
    this.width = width;
    side = imageSize / patch;
    classToken = parameters.uniform("cls_token", SMALL, 1, 1, width);
    positions = parameters.uniform("pos_embed", SMALL, 1, 1 + side * side, width);
    var projection = parameters.in("patch_embed.proj");
    var bound = 1 / Math.sqrt(3.0 * patch * patch);
    patchWeight = projection.uniform("weight", bound, width, 3, patch, patch);
    patchBias = projection.uniform("bias", bound, width);
    for (var i = 0; i < depth; i++) {
      layers.add(new TransformerLayer(parameters.in("blocks." + i), width, heads, false, dropout));
    }
    norm = new LayerNorm(parameters.in("norm"), width);
  }

  @Override
  public int width() {
    return width;
  }

  @Override
  public Tensor forward(Tensor images, boolean training, Noise noise) {
    return Scope.result(
        () -> {
          var batch = images.size(0);
          var type = images.scalar_type();
          // A convolution with stride = kernel is a linear map of each patch.
          var patches =
              images
                  .view(batch, 3, side, patch, side, patch)
                  .permute(0, 2, 4, 1, 3, 5)
                  .reshape(batch, side * side, 3 * patch * patch);
          var embedded =
              linear(
                  patches,
                  patchWeight.view(width, -1).to(type),
                  new TensorOptional(patchBias.to(type)));
          var token = classToken.to(type).expand(batch, 1, width);
          var h = cat(new TensorVector(token, embedded), 1).add(positions.to(type));
          for (var layer : layers) {
            h = layer.forward(h, null, null, null, noise);
          }
          return norm.forward(h);
        });
  }

  @Override
  public List<ConvolutionCheck.Shape> convolutions() {
    return List.of();
  }
}

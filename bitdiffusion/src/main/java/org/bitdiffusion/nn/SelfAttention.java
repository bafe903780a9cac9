package org.bitdiffusion.nn;

import static org.bytedeco.pytorch.global.torch.add;
import static org.bytedeco.pytorch.global.torch.matmul;
import static org.bytedeco.pytorch.global.torch.softmax;

import org.bitdiffusion.runtime.Scope;
import org.bytedeco.pytorch.Scalar;
import org.bytedeco.pytorch.Tensor;

/**
 * Self-attention between all pixels of [B, C, H, W] on a residual path: (x + attention(norm(x))) /
 * sqrt 2, in the shape, type and layout of x. Written as two matrix products, which on a CPU are
 * several times faster than the engine's fused attention; they hold a weight for each pair of
 * pixels, [B, heads, HW, HW]. The norm has 32 groups, or where the channels are no multiple of 32,
 * the next smaller number that divides them.
 */
public final class SelfAttention {
  private static final double HALF_POWER = Math.sqrt(0.5);

  private final int heads;
  private final GroupNorm norm;
  private final Linear queriesKeysValues;
  private final Linear output;

  public SelfAttention(Parameters.Builder parameters, int channels, int headWidth) {
    heads = channels / headWidth;
    norm = new GroupNorm(parameters.in("norm"), channels, 32);
    queriesKeysValues = Linear.scaled(parameters.in("qkv"), channels, channels, 3);
    output = Linear.scaled(parameters.in("output"), channels, channels, 1);
  }

  public Tensor forward(Tensor x) {
    return Scope.result(
        () -> {
          var batch = x.size(0);
          var channels = x.size(1);
          var pixels = x.size(2) * x.size(3);
          var headWidth = channels / heads;
          var sequence = norm.forward(x).permute(0, 2, 3, 1).reshape(batch, pixels, channels);
          var qkv =
              queriesKeysValues
                  .forward(sequence)
                  .view(batch, pixels, 3, heads, headWidth)
                  .permute(2, 0, 3, 1, 4);
          var q = qkv.select(0, 0).mul(new Scalar(1 / Math.sqrt(headWidth)));
          var k = qkv.select(0, 1);
          var v = qkv.select(0, 2);
          var mixed = matmul(softmax(matmul(q, k.transpose(-2, -1)), -1), v);
          var y =
              output.forward(mixed.transpose(1, 2).reshape(batch, pixels, channels), HALF_POWER);
          // The sum has the layout of its first operand, so that must be x's.
          var image =
              y.transpose(1, 2)
                  .view(batch, channels, x.size(2), x.size(3))
                  .contiguous(x.suggest_memory_format());
          return add(image, x, new Scalar(HALF_POWER));
        });
  }
}

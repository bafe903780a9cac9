package org.bitdiffusion.modality.image;

import static org.bytedeco.pytorch.global.torch.silu;

import java.util.ArrayList;
import java.util.List;
import org.bitdiffusion.nn.Conv2d;
import org.bitdiffusion.nn.ConvolutionCheck;
import org.bitdiffusion.nn.GroupNorm;
import org.bitdiffusion.nn.Linear;
import org.bitdiffusion.nn.Network;
import org.bitdiffusion.nn.Parameters;
import org.bitdiffusion.runtime.Compute;
import org.bitdiffusion.runtime.Scope;
import org.bytedeco.pytorch.MemoryFormatOptional;
import org.bytedeco.pytorch.Scalar;
import org.bytedeco.pytorch.Tensor;
import org.bytedeco.pytorch.global.torch;

/**
 * A classifier of small images that is soon trained: its last layer but one gives features to
 * compare images by, where the weights of FID's network are not at hand. Three stages of two 3x3
 * convolutions, each with group norm and SiLU, of which the second halves the sides; then the mean
 * over all places.
 */
public final class SmallClassifier implements Network {
  /** The number of features of an image. */
  public static final int FEATURES = 128;

  /** The smallest side of an image, so that each stage has a pixel to halve. */
  public static final int SMALLEST_SIDE = 8;

  /** The weight whose first side is the number of classes. */
  public static final String LAST_WEIGHT = "classes.weight";

  private static final int[] WIDTHS = {32, 64, FEATURES};
  private static final int GROUPS = 8;
  private static final int LARGEST_SIDE = 64; // of images that it is meant for

  private final Compute compute;
  private final Parameters parameters;
  private final List<Conv2d> convolutions = new ArrayList<>();
  private final List<GroupNorm> norms = new ArrayList<>();
  private final List<ConvolutionCheck.Shape> shapes = new ArrayList<>();
  private final Linear classes;

  /**
   * What the network says of images.
   *
   * @param features [B, {@value SmallClassifier#FEATURES}] float32
   * @param logits of the classes, [B, classes] float32
   */
  public record Output(Tensor features, Tensor logits) {}

  /** Random weights of a seed. */
  public SmallClassifier(int classes, Compute compute, long seed) {
    this.compute = compute;
    try (var p = new Parameters.Builder(seed)) {
      var in = 3;
      var side = LARGEST_SIDE;
      for (var width : WIDTHS) {
        for (var stride = 1; stride <= 2; stride++) {
          var name = "layers." + convolutions.size();
          convolutions.add(new Conv2d(p.in(name), in, width, 3, stride, 1));
          norms.add(new GroupNorm(p.in(name + ".norm"), width, GROUPS));
          shapes.add(new ConvolutionCheck.Shape(in, width, 3, stride, side));
          side /= stride;
          in = width;
        }
      }
      this.classes = new Linear(p.in("classes"), FEATURES, classes);
      parameters = p.build(compute);
    }
  }

  /**
   * @param images [B, 3, H, W] float32, values in [0, 1]
   */
  public Output forward(Tensor images) {
    try (var use = parameters.use()) {
      var features =
          Scope.result(
              () -> {
                var h =
                    images
                        .mul(new Scalar(2))
                        .sub(new Scalar(1))
                        .to(
                            compute.newDevice(),
                            compute.precision().type(),
                            false,
                            false,
                            new MemoryFormatOptional(compute.layout()));
                for (var i = 0; i < convolutions.size(); i++) {
                  h = silu(norms.get(i).forward(convolutions.get(i).forward(h)));
                }
                return h.to(torch.ScalarType.Float).mean(2, 3);
              });
      return new Output(features, Scope.result(() -> classes.forward(features)));
    }
  }

  @Override
  public Parameters parameters() {
    return parameters;
  }

  @Override
  public List<ConvolutionCheck.Shape> convolutions() {
    return List.copyOf(shapes);
  }
}

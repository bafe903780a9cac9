package org.bitdiffusion.nn.unet;

import static org.assertj.core.api.Assertions.assertThat;
import static org.bytedeco.pytorch.global.torch.zeros;

import java.net.URISyntaxException;
import java.nio.file.Path;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.Random;
import java.util.TreeMap;
import org.bitdiffusion.runtime.Compute;
import org.bitdiffusion.runtime.Engine;
import org.bitdiffusion.runtime.Precision;
import org.bitdiffusion.runtime.Safetensors;
import org.bytedeco.javacpp.PointerScope;
import org.bytedeco.pytorch.NoGradGuard;
import org.bytedeco.pytorch.Scalar;
import org.bytedeco.pytorch.Tensor;
import org.bytedeco.pytorch.global.torch;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

/**
 * Outputs and gradients against those of a U-Net that was written independently, in eager PyTorch
 * and float64: unet-reference.py made unet-reference.safetensors. Its five examples are one image
 * at two times and of two classes and none, so that what time and class do is compared as well.
 */
class UNetReferenceTest {
  private static final UNetConfig CONFIG =
      new UNetConfig(32, List.of(1, 2), 1, List.of("8", "4"), 16, 0, 1, 0);
  private static final int EXAMPLES = 5;

  @BeforeAll
  static void loadEngine() {
    Engine.load();
  }

  // Relative to the norm of each; measured: float32 2e-6 (gradients 8e-6), bfloat16 0.010 (0.044).
  @ParameterizedTest
  @CsvSource({
    "FLOAT32, Contiguous, 1e-5, 2e-5",
    "FLOAT32, ChannelsLast, 1e-5, 2e-5",
    "BFLOAT16, Contiguous, 0.02, 0.08",
    "BFLOAT16, ChannelsLast, 0.02, 0.08"
  })
  void outputsAndGradientsAreThoseOfTheReference(
      Precision precision,
      torch.MemoryFormat layout,
      double outputTolerance,
      double gradientTolerance)
      throws URISyntaxException {
    var compute = new Compute(torch.DeviceType.CPU, precision, layout, "test");
    try (var network = new UNet(CONFIG, 6, 3, 8, 8, 3, compute, 0);
        var scope = new PointerScope()) {
      var weights = network.parameters().byName();
      drawLikeTheReference(weights);
      var reference = reference(weights);
      var x = reference.get("x");
      var y =
          network.forward(
              x.narrow(1, 0, 3),
              x.narrow(1, 3, 3),
              reference.get("gamma"),
              indices(reference.get("labels")));
      for (var i = 0; i < EXAMPLES; i++) {
        var expected = reference.get("y").select(0, i);
        assertThat(error(y.select(0, i), expected)).as("example %d", i).isLessThan(outputTolerance);
        for (var j = 0; j < i; j++) { // a time or class that is ignored or swapped would be seen
          assertThat(error(y.select(0, j), expected)).as("%d and %d", i, j).isGreaterThan(0.03);
        }
      }
      y.mul(reference.get("factors")).sum().backward();
      reference.forEach(
          (name, expected) -> {
            if (name.startsWith("gradient.")) {
              var weight = weights.get(name.substring("gradient.".length()));
              assertThat(error(weight.grad(), expected)).as(name).isLessThan(gradientTolerance);
            }
          });
    }
  }

  /** The same weights as unet-reference.py: of the same generator, in the order of their names. */
  private static void drawLikeTheReference(Map<String, Tensor> weights) {
    var random = new Random(7);
    try (var scope = new PointerScope();
        var noGrad = new NoGradGuard()) {
      new TreeMap<>(weights)
          .forEach(
              (name, weight) -> {
                var isMatrix = weight.dim() > 1;
                var bound = isMatrix ? Math.sqrt(3.0 / weight.select(0, 0).numel()) : 0.5;
                var mean = !isMatrix && name.contains("norm") && name.endsWith("weight") ? 1 : 0;
                var values = new float[(int) weight.numel()];
                for (var i = 0; i < values.length; i++) {
                  values[i] = (float) (mean + bound * (2.0 * random.nextFloat() - 1));
                }
                weight.copy_(Tensor.create(values, weight.shape()));
              });
    }
  }

  private static Map<String, Tensor> reference(Map<String, Tensor> weights)
      throws URISyntaxException {
    var tensors = new HashMap<String, Tensor>();
    tensors.put("x", zeros(EXAMPLES, 6, 8, 8));
    tensors.put("gamma", zeros(EXAMPLES));
    tensors.put("labels", zeros(EXAMPLES, 3));
    tensors.put("factors", zeros(EXAMPLES, 3, 8, 8));
    tensors.put("y", zeros(EXAMPLES, 3, 8, 8));
    for (var name :
        List.of(
            "embedding.0.weight",
            "embedding.1.weight",
            "down.0.0.residual.conv0.weight",
            "down.1.0.attention.qkv.weight")) {
      tensors.put("gradient." + name, zeros(weights.get(name).shape()));
    }
    var file = UNetReferenceTest.class.getResource("/org/bitdiffusion/unet-reference.safetensors");
    Safetensors.read(Path.of(file.toURI()), tensors);
    return tensors;
  }

  /** Of one-hot rows, -1 where all is zero. */
  private static Tensor indices(Tensor oneHot) {
    var numbers = Tensor.create(new long[] {1, 2, 3}, 3).to(torch.ScalarType.Float);
    return oneHot.matmul(numbers).sub(new Scalar(1)).to(torch.ScalarType.Long);
  }

  private static double error(Tensor actual, Tensor expected) {
    return actual.sub(expected).norm().item_double() / expected.norm().item_double();
  }
}

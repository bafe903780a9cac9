package org.bitdiffusion.modality.image;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.within;

import java.nio.FloatBuffer;
import java.util.List;
import java.util.SplittableRandom;
import org.bitdiffusion.nn.Conv2d;
import org.bitdiffusion.nn.Parameters;
import org.bitdiffusion.runtime.Compute;
import org.bitdiffusion.runtime.Engine;
import org.bytedeco.javacpp.PointerScope;
import org.bytedeco.pytorch.NoGradGuard;
import org.bytedeco.pytorch.Tensor;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

class InceptionV3Test {
  @BeforeAll
  static void loadEngine() {
    Engine.load();
  }

  private static float[] random(int count) {
    var random = new SplittableRandom(count);
    var values = new float[count];
    for (var i = 0; i < count; i++) {
      values[i] = (float) (2 * random.nextDouble() - 1);
    }
    return values;
  }

  private static float[] values(Tensor tensor) {
    var values = new float[(int) tensor.numel()];
    tensor.contiguous().<FloatBuffer>createBuffer().get(values);
    return values;
  }

  @Test
  void convolutionsAreThoseThatAreComputed() {
    try (var network = new InceptionV3(Compute.PLAIN)) {
      assertThat(network.convolutions()).hasSize(94);
      var weights =
          network.parameters().byName().entrySet().stream()
              .filter(entry -> entry.getKey().endsWith("conv.weight"))
              .map(entry -> entry.getValue().shape())
              .map(shape -> List.of(shape[1], shape[0], shape[2], shape[3]));
      assertThat(network.convolutions())
          .extracting(
              s -> List.of((long) s.in(), (long) s.out(), (long) s.height(), (long) s.width()))
          .containsExactlyInAnyOrderElementsOf(weights.toList());
    }
  }

  /** Against plain loops: kernels that are no squares, with and without zeros around the image. */
  @ParameterizedTest
  @CsvSource({"1, 7, 1, 0, 3", "7, 1, 1, 3, 0", "1, 3, 1, 0, 1", "3, 3, 2, 0, 0", "3, 3, 1, 0, 0"})
  void convolutions(int height, int width, int stride, int rows, int columns) {
    var in = 5;
    var out = 3;
    var side = 9;
    var builder = new Parameters.Builder(0);
    var layer =
        Conv2d.withoutBias(
            builder, in, out, new long[] {height, width}, stride, new long[] {rows, columns});
    try (var parameters = builder.build(Compute.PLAIN);
        var scope = new PointerScope();
        var noGrad = new NoGradGuard()) {
      var x = random(in * side * side);
      var y = layer.forward(Tensor.create(x, 1, in, side, side));
      var w = values(parameters.byName().get("weight"));
      var down = (side + 2 * rows - height) / stride + 1;
      var across = (side + 2 * columns - width) / stride + 1;
      assertThat(y.shape()).containsExactly(1, out, down, across);
      var actual = values(y);
      for (var o = 0; o < out; o++) {
        for (var i = 0; i < down; i++) {
          for (var j = 0; j < across; j++) {
            var sum = 0.0;
            for (var c = 0; c < in; c++) {
              for (var k = 0; k < height; k++) {
                for (var l = 0; l < width; l++) {
                  var row = i * stride + k - rows;
                  var column = j * stride + l - columns;
                  if (row >= 0 && row < side && column >= 0 && column < side) {
                    sum +=
                        w[((o * in + c) * height + k) * width + l]
                            * x[(c * side + row) * side + column];
                  }
                }
              }
            }
            assertThat((double) actual[(o * down + i) * across + j]).isCloseTo(sum, within(1e-5));
          }
        }
      }
    }
  }

  /** In a corner, the mean is over 4 values and not over 9 of which 5 are zeros. */
  @Test
  void averagePoolsLeaveThePaddingOut() {
    try (var scope = new PointerScope()) {
      var x = Tensor.create(new float[] {1, 2, 3, 4, 5, 6, 7, 8, 9}, 1, 1, 3, 3);
      assertThat(values(InceptionV3.averagePool(x)))
          .containsExactly(3, 3.5f, 4, 4.5f, 5, 5.5f, 6, 6.5f, 7);
    }
  }

  /**
   * The published count of the network of 1000 classes is 23,834,568 without running statistics.
   */
  @Test
  void weightsHaveThePublicNames() {
    try (var network = new InceptionV3(Compute.PLAIN)) {
      var names = network.parameters().byName();
      assertThat(names)
          .containsKeys(
              "Conv2d_1a_3x3.conv.weight",
              "Conv2d_4a_3x3.bn.running_var",
              "Mixed_5b.branch5x5_2.conv.weight",
              "Mixed_6a.branch3x3dbl_3.bn.bias",
              "Mixed_6e.branch7x7dbl_5.conv.weight",
              "Mixed_7a.branch7x7x3_4.conv.weight",
              "Mixed_7c.branch3x3dbl_3b.bn.running_mean",
              "fc.bias");
      assertThat(names.get("Mixed_6b.branch7x7_2.conv.weight").shape())
          .containsExactly(128, 128, 1, 7);
      assertThat(names).hasSize(94 * 5 + 2);
      var weights =
          names.entrySet().stream()
              .filter(entry -> !entry.getKey().contains("running"))
              .mapToLong(entry -> entry.getValue().numel())
              .sum();
      assertThat(weights).isEqualTo(23_834_568 + 8 * 2049); // 1008 classes
    }
  }
}

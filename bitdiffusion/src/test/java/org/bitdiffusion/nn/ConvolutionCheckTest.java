package org.bitdiffusion.nn;

import static org.assertj.core.api.Assertions.assertThat;
import static org.bytedeco.pytorch.global.torch.globalContext;

import java.util.List;
import org.bitdiffusion.runtime.Compute;
import org.bitdiffusion.runtime.Engine;
import org.bitdiffusion.runtime.Precision;
import org.bytedeco.javacpp.PointerScope;
import org.bytedeco.pytorch.Scalar;
import org.bytedeco.pytorch.Tensor;
import org.bytedeco.pytorch.TensorOptional;
import org.bytedeco.pytorch.global.torch;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.EnumSource;

/** That the check finds wrong convolutions, and what it does then. */
class ConvolutionCheckTest {
  private static final List<ConvolutionCheck.Shape> SHAPES =
      List.of(new ConvolutionCheck.Shape(32, 32, 3, 1, 8));

  private boolean oneDnn;

  @BeforeAll
  static void loadEngine() {
    Engine.load();
  }

  @BeforeEach
  void switchOneDnnOn() {
    torch.manual_seed(2);
    oneDnn = globalContext().userEnabledMkldnn();
    globalContext().setUserEnabledMkldnn(true);
  }

  @AfterEach
  void restoreOneDnn() {
    globalContext().setUserEnabledMkldnn(oneDnn);
  }

  private static Compute compute(Precision precision) {
    return new Compute(torch.DeviceType.CPU, precision, torch.MemoryFormat.ChannelsLast, "test");
  }

  private static ConvolutionCheck.Result check(
      Precision precision, ConvolutionCheck.Forward forward) {
    return ConvolutionCheck.run(SHAPES, compute(precision), forward).get(0);
  }

  /** The factor of an error that is to be found: small, but more than the type's rounding. */
  private static Scalar slightly(Precision precision) {
    return new Scalar(precision == Precision.BFLOAT16 ? 0.05 : 5e-4);
  }

  /** The value 0, but the gradient of a part of y. */
  private static Tensor gradientOnly(Tensor y, Scalar part) {
    return y.sub(y.detach()).mul(part);
  }

  @ParameterizedTest
  @EnumSource(Precision.class)
  void aWrongOutputIsFound(Precision precision) {
    var result =
        check(
            precision,
            (layer, x) -> {
              var y = layer.forward(x);
              return y.add(y.detach().mul(slightly(precision)));
            });
    assertThat(result.right()).isFalse();
    assertThat(result.output()).isGreaterThan(slightly(precision).toDouble() / 2);
  }

  @ParameterizedTest
  @EnumSource(Precision.class)
  void nanIsFoundAndInfinitelyWrong(Precision precision) {
    var result =
        check(
            precision,
            (layer, x) -> {
              var y = layer.forward(x);
              var one = torch.zeros_like(y);
              one.select(0, 1).select(0, 3).fill_(new Scalar(Double.NaN));
              return y.add(one);
            });
    assertThat(result.right()).isFalse();
    assertThat(result.output()).isInfinite();
  }

  @ParameterizedTest
  @EnumSource(Precision.class)
  void aWrongGradientToTheInputIsFound(Precision precision) {
    var result =
        check(precision, (layer, x) -> layer.forward(x.add(gradientOnly(x, slightly(precision)))));
    var right = check(precision, Conv2d::forward);
    assertThat(right.right()).isTrue();
    assertThat(result.right()).isFalse();
    assertThat(result.inputGradient()).isGreaterThan(slightly(precision).toDouble() / 2);
    assertThat(result.output()).isLessThan(slightly(precision).toDouble() / 2);
    assertThat(result.weightGradient()).isLessThan(slightly(precision).toDouble() / 2);
  }

  @ParameterizedTest
  @EnumSource(Precision.class)
  void aWrongGradientToTheWeightsIsFound(Precision precision) {
    var result =
        check(
            precision,
            (layer, x) ->
                layer.forward(x).add(gradientOnly(layer.forward(x.detach()), slightly(precision))));
    assertThat(result.right()).isFalse();
    assertThat(result.weightGradient()).isGreaterThan(slightly(precision).toDouble() / 2);
    assertThat(result.output()).isLessThan(slightly(precision).toDouble() / 2);
    assertThat(result.inputGradient()).isLessThan(slightly(precision).toDouble() / 2);
  }

  @Test
  void oneDnnStaysOnWhereAllIsRight() {
    ConvolutionCheck.ensureRight(SHAPES, compute(Precision.FLOAT32));
    assertThat(globalContext().userEnabledMkldnn()).isTrue();
  }

  @Test
  void oneDnnIsSwitchedOffWhereOneIsWrong() {
    ConvolutionCheck.ensureRight(
        SHAPES, compute(Precision.FLOAT32), (layer, x) -> layer.forward(x, 1.01));
    assertThat(globalContext().userEnabledMkldnn()).isFalse();
  }

  @Test
  void onlyTheProcessorsConvolutionsAreChecked() {
    var cuda =
        new Compute(
            torch.DeviceType.CUDA, Precision.FLOAT32, torch.MemoryFormat.ChannelsLast, "test");
    ConvolutionCheck.ensureRight(SHAPES, cuda, (layer, x) -> layer.forward(x, 1.01));
    assertThat(globalContext().userEnabledMkldnn()).isTrue();
  }

  /** So the reference needs no switch of the process, and is right where oneDNN is wrong. */
  @Test
  void oneDnnTakesNoPartInFloat64() {
    try (var scope = new PointerScope()) {
      var x = torch.randn(2, 24, 9, 9);
      var w = torch.randn(40, 24, 3, 3);
      var with = convolved(x, w);
      globalContext().setUserEnabledMkldnn(false);
      var without = convolved(x, w);
      for (var i = 0; i < 3; i++) {
        assertThat(without[i].equal(with[i])).isTrue();
      }
    }
  }

  /** The output, and the gradients to the input and to the weights. */
  private static Tensor[] convolved(Tensor x, Tensor w) {
    var input = x.to(torch.ScalarType.Double).detach().requires_grad_(true);
    var weight = w.to(torch.ScalarType.Double).detach().requires_grad_(true);
    var one = new long[] {1, 1};
    var y = torch.conv2d(input, weight, new TensorOptional(), one, one, one, 1);
    y.square().sum().backward();
    return new Tensor[] {y, input.grad(), weight.grad()};
  }
}

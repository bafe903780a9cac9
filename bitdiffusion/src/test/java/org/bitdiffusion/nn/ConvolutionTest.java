package org.bitdiffusion.nn;

import static org.assertj.core.api.Assertions.assertThat;
import static org.bytedeco.pytorch.global.torch.globalContext;

import java.util.ArrayList;
import java.util.List;
import java.util.stream.Stream;
import org.bitdiffusion.runtime.Compute;
import org.bitdiffusion.runtime.Engine;
import org.bitdiffusion.runtime.Precision;
import org.bytedeco.pytorch.global.torch;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.MethodSource;

/** The convolution against float64 without oneDNN, which is silently wrong where not padded. */
class ConvolutionTest {
  @BeforeAll
  static void loadEngine() {
    Engine.load();
    torch.manual_seed(1);
  }

  /** A network of another test may have switched it off, where it is wrong. */
  @BeforeEach
  void withOneDnn() {
    globalContext().setUserEnabledMkldnn(true);
  }

  static Stream<Compute> ways() {
    var ways = new ArrayList<Compute>();
    for (var precision : Precision.values()) {
      for (var layout : List.of(torch.MemoryFormat.ChannelsLast, torch.MemoryFormat.Contiguous)) {
        ways.add(new Compute(torch.DeviceType.CPU, precision, layout, "test"));
      }
    }
    return ways.stream();
  }

  @ParameterizedTest
  @MethodSource("ways")
  void isRightAtAnyNumberOfChannels(Compute compute) {
    var shapes = new ArrayList<ConvolutionCheck.Shape>();
    for (var channels = 1; channels <= 72; channels++) {
      if (channels % 16 == 0) {
        continue;
      }
      shapes.add(new ConvolutionCheck.Shape(channels, 32, 3, 1, 8));
      shapes.add(new ConvolutionCheck.Shape(32, channels, 3, 1, 8));
      shapes.add(new ConvolutionCheck.Shape(channels, 73 - channels, 1, 1, 7));
      shapes.add(new ConvolutionCheck.Shape(channels, channels, 3, 2, 9));
    }
    shapes.add(new ConvolutionCheck.Shape(48, 24, 3, 1, 16));
    shapes.add(new ConvolutionCheck.Shape(48, 48, 3, 2, 16));
    shapes.add(new ConvolutionCheck.Shape(80, 80, 3, 2, 16));
    // Kernels that are no squares, and no zeros around the image.
    shapes.add(new ConvolutionCheck.Shape(40, 24, 1, 7, 1, 0, 3, 17));
    shapes.add(new ConvolutionCheck.Shape(24, 40, 7, 1, 1, 3, 0, 17));
    shapes.add(new ConvolutionCheck.Shape(48, 40, 3, 3, 2, 0, 0, 15));
    assertThat(ConvolutionCheck.run(shapes, compute))
        .allSatisfy(result -> assertThat(result.right()).as("%s", result).isTrue());
  }
}

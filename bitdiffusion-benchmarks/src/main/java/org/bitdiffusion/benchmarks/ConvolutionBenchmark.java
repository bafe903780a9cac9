package org.bitdiffusion.benchmarks;

import static org.bytedeco.pytorch.global.torch.randn;

import java.util.concurrent.TimeUnit;
import org.bitdiffusion.nn.Conv2d;
import org.bitdiffusion.nn.Parameters;
import org.bitdiffusion.runtime.Compute;
import org.bitdiffusion.runtime.Engine;
import org.bitdiffusion.runtime.Precision;
import org.bytedeco.javacpp.PointerScope;
import org.bytedeco.pytorch.MemoryFormatOptional;
import org.bytedeco.pytorch.NoGradGuard;
import org.bytedeco.pytorch.Tensor;
import org.bytedeco.pytorch.global.torch;
import org.openjdk.jmh.annotations.Benchmark;
import org.openjdk.jmh.annotations.BenchmarkMode;
import org.openjdk.jmh.annotations.Fork;
import org.openjdk.jmh.annotations.Measurement;
import org.openjdk.jmh.annotations.Mode;
import org.openjdk.jmh.annotations.OutputTimeUnit;
import org.openjdk.jmh.annotations.Param;
import org.openjdk.jmh.annotations.Scope;
import org.openjdk.jmh.annotations.Setup;
import org.openjdk.jmh.annotations.State;
import org.openjdk.jmh.annotations.TearDown;
import org.openjdk.jmh.annotations.Warmup;

/** A 3x3 convolution of 32 feature maps of 32x32, forward and backward, in each type and layout. */
@State(Scope.Benchmark)
@BenchmarkMode(Mode.AverageTime)
@OutputTimeUnit(TimeUnit.MILLISECONDS)
@Warmup(iterations = 3, time = 1)
@Measurement(iterations = 5, time = 1)
@Fork(1)
public class ConvolutionBenchmark {
  @Param({"64", "48"})
  private int channels;

  @Param({"FLOAT32", "BFLOAT16"})
  private Precision precision;

  @Param({"ChannelsLast", "Contiguous"})
  private torch.MemoryFormat layout;

  private Parameters parameters;
  private Conv2d convolution;
  private Tensor x;

  /** Makes the input and the weights. */
  @Setup
  public void setUp() {
    Engine.load();
    var builder = new Parameters.Builder(0);
    convolution = new Conv2d(builder, channels, channels, 3, 1, 1);
    parameters = builder.build(Compute.PLAIN);
    x =
        org.bitdiffusion.runtime.Scope.owned(
            () ->
                randn(32, channels, 32, 32)
                    .to(precision.type(), false, false, new MemoryFormatOptional(layout)));
    x.set_requires_grad(true);
  }

  /** Frees both. */
  @TearDown
  public void tearDown() {
    x.close();
    parameters.close();
  }

  /** Forward, without a graph. */
  @Benchmark
  public long forward() {
    try (var scope = new PointerScope();
        var noGrad = new NoGradGuard()) {
      return convolution.forward(x).numel();
    }
  }

  /** Forward, and the gradients to the input and the weights. */
  @Benchmark
  public long forwardAndBackward() {
    try (var scope = new PointerScope()) {
      var y = convolution.forward(x);
      y.sum().backward();
      return y.numel();
    }
  }
}

package org.bitdiffusion.benchmarks;

import static org.bytedeco.pytorch.global.torch.randint;

import java.util.concurrent.TimeUnit;
import org.bitdiffusion.codec.UniformCodec;
import org.bitdiffusion.runtime.Engine;
import org.bytedeco.javacpp.PointerScope;
import org.bytedeco.pytorch.Tensor;
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

/** Encoding and decoding 128 images of 3x64x64. */
@State(Scope.Benchmark)
@BenchmarkMode(Mode.AverageTime)
@OutputTimeUnit(TimeUnit.MILLISECONDS)
@Warmup(iterations = 3, time = 1)
@Measurement(iterations = 5, time = 1)
@Fork(1)
public class CodecBenchmark {
  @Param({"uint8", "gray", "uint8_rand"})
  private String encoding;

  /** 200 is no power of two. */
  @Param({"256", "200"})
  private int categories;

  private UniformCodec codec;
  private Tensor symbols;
  private Tensor analog;

  /** Makes random symbols and their analog bits. */
  @Setup
  public void setUp() {
    Engine.load();
    codec = UniformCodec.of(encoding, categories, 1, 0);
    symbols =
        org.bitdiffusion.runtime.Scope.owned(
            () -> randint(categories, new long[] {128, 3, 64, 64}));
    analog = org.bitdiffusion.runtime.Scope.owned(() -> codec.encode(symbols));
  }

  /** Frees both. */
  @TearDown
  public void tearDown() {
    analog.close();
    symbols.close();
  }

  /** Symbols to analog bits. */
  @Benchmark
  public long encode() {
    try (var scope = new PointerScope()) {
      return codec.encode(symbols).numel();
    }
  }

  /** Analog bits to symbols. */
  @Benchmark
  public long decode() {
    try (var scope = new PointerScope()) {
      return codec.decode(analog).numel();
    }
  }
}

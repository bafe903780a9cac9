package org.bitdiffusion.sampling;

import static org.bytedeco.pytorch.global.torch.make_generator_cpu;
import static org.bytedeco.pytorch.global.torch.randn;
import static org.bytedeco.pytorch.global.torch.stack;

import java.util.function.Supplier;
import org.bitdiffusion.runtime.Scope;
import org.bitdiffusion.runtime.Seed;
import org.bytedeco.pytorch.Device;
import org.bytedeco.pytorch.Generator;
import org.bytedeco.pytorch.GeneratorOptional;
import org.bytedeco.pytorch.Tensor;
import org.bytedeco.pytorch.TensorOptions;
import org.bytedeco.pytorch.TensorVector;
import org.bytedeco.pytorch.global.torch;

/**
 * Standard normal noise of which sample i's part depends on the seed and on i alone, whatever other
 * samples are drawn beside it and on whatever device.
 */
final class SampleNoise implements Supplier<Tensor>, AutoCloseable {
  private final Generator[] generators;
  private final long[] shape;
  private final Device device;

  /**
   * @param first index i of the first sample
   * @param shape of one sample
   */
  SampleNoise(long seed, long first, int count, long[] shape, Device device) {
    this.shape = shape.clone();
    this.device = device;
    generators = new Generator[count];
    for (var i = 0; i < count; i++) {
      var sampleSeed = Seed.ofPlace(seed, first + i); // the engine drops higher bits
      generators[i] = Scope.owned(() -> make_generator_cpu(sampleSeed));
    }
  }

  /** The next noise of all samples, [N, ...]. */
  @Override
  public Tensor get() {
    return Scope.result(
        () -> {
          var each = new Tensor[generators.length];
          for (var i = 0; i < each.length; i++) {
            each[i] = randn(shape, new GeneratorOptional(generators[i]), new TensorOptions());
          }
          return stack(new TensorVector(each)).to(device, torch.ScalarType.Float);
        });
  }

  @Override
  public void close() {
    for (var generator : generators) {
      generator.close();
    }
  }
}

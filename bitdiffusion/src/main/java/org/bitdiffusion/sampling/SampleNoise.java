package org.bitdiffusion.sampling;

import static org.bytedeco.pytorch.global.torch.make_generator_cpu;
import static org.bytedeco.pytorch.global.torch.rand;
import static org.bytedeco.pytorch.global.torch.randn;
import static org.bytedeco.pytorch.global.torch.stack;

import java.util.Arrays;
import java.util.function.Function;
import java.util.function.Supplier;
import org.bitdiffusion.Seed;
import org.bitdiffusion.runtime.Lifetime;
import org.bitdiffusion.runtime.Noise;
import org.bitdiffusion.runtime.Scope;
import org.bytedeco.pytorch.Device;
import org.bytedeco.pytorch.Generator;
import org.bytedeco.pytorch.GeneratorOptional;
import org.bytedeco.pytorch.Tensor;
import org.bytedeco.pytorch.TensorOptions;
import org.bytedeco.pytorch.TensorVector;
import org.bytedeco.pytorch.global.torch;

/**
 * Noise of which sample i's part depends on the seed and on i alone, whatever other samples are
 * drawn beside it and on whatever device.
 */
public final class SampleNoise implements Noise, Supplier<Tensor> {
  /** Samples of a seed: the engine's generators tell no more of them apart. */
  public static final long MOST_SAMPLES = 1L << 32;

  private final Lifetime lifetime = new Lifetime("the samples' noise");
  private final Generator[] generators;
  private final long[] shape;
  private final Device device;

  /**
   * @param first index i of the first sample, all of which are below {@link #MOST_SAMPLES}
   * @param shape of one sample's noise in {@link #get}
   */
  public SampleNoise(long seed, long first, int count, long[] shape, Device device) {
    if (first < 0 || count < 1 || first > MOST_SAMPLES - count || shape.length < 1) {
      throw new IllegalArgumentException(
          "no samples: first %d, count %d, shape %s"
              .formatted(first, count, Arrays.toString(shape)));
    }
    this.shape = new long[shape.length + 1];
    this.shape[0] = count;
    System.arraycopy(shape, 0, this.shape, 1, shape.length);
    this.device = Scope.owned(() -> new Device(device.type(), device.index())); // of any scope
    generators = new Generator[count];
    for (var i = 0; i < count; i++) {
      var sampleSeed = Seed.ofPlace(seed, first + i); // the engine drops higher bits
      generators[i] = Scope.owned(() -> make_generator_cpu(sampleSeed));
    }
  }

  /** The shape [N, ...] of {@link #get}. */
  public long[] shape() {
    return shape.clone();
  }

  /** N. */
  public int count() {
    return generators.length;
  }

  /** The next standard normal noise of all samples, [N, ...]. */
  @Override
  public Tensor get() {
    return normal(shape);
  }

  @Override
  public Tensor normal(long... shape) {
    var each = shapeOfOne(shape);
    return ofEach(generator -> randn(each, generator, new TensorOptions()));
  }

  @Override
  public Tensor uniform(long... shape) {
    var each = shapeOfOne(shape);
    return ofEach(generator -> rand(each, generator, new TensorOptions()));
  }

  private long[] shapeOfOne(long[] shape) {
    if (shape.length < 1 || shape[0] != generators.length) {
      throw new IllegalArgumentException(
          "noise of %d samples has not the shape %s"
              .formatted(generators.length, Arrays.toString(shape)));
    }
    return Arrays.copyOfRange(shape, 1, shape.length);
  }

  private Tensor ofEach(Function<GeneratorOptional, Tensor> draw) {
    try (var use = lifetime.use()) {
      return Scope.result(
          () -> {
            var each = new Tensor[generators.length];
            for (var i = 0; i < each.length; i++) {
              each[i] = draw.apply(new GeneratorOptional(generators[i]));
            }
            return stack(new TensorVector(each)).to(device, torch.ScalarType.Float);
          });
    }
  }

  @Override
  public void close() {
    lifetime.close(
        () -> {
          for (var generator : generators) {
            generator.close();
          }
          device.close();
        });
  }
}

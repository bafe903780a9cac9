package org.bitdiffusion.runtime;

import static org.bytedeco.pytorch.global.torch.globalContext;
import static org.bytedeco.pytorch.global.torch.make_generator_cpu;
import static org.bytedeco.pytorch.global.torch.rand;
import static org.bytedeco.pytorch.global.torch.randn;
import static org.bytedeco.pytorch.global.torch.randperm;

import java.util.function.Function;
import org.bitdiffusion.Seed;
import org.bytedeco.pytorch.Device;
import org.bytedeco.pytorch.Generator;
import org.bytedeco.pytorch.GeneratorOptional;
import org.bytedeco.pytorch.Tensor;
import org.bytedeco.pytorch.TensorOptions;

/**
 * Where random numbers of a batch come from: nothing in the library draws from a generator that it
 * shares with others. Owns native memory: close it; a closed one throws {@link
 * IllegalStateException}.
 */
public interface Noise extends AutoCloseable {
  /** Standard normal numbers, float32; the first side is the batch. */
  Tensor normal(long... shape);

  /** Uniform numbers in [0, 1), float32; the first side is the batch. */
  Tensor uniform(long... shape);

  @Override
  void close();

  /**
   * Noise of one part of a training step's batch: a function of these three numbers, whatever else
   * is computed beside it, on any machine; but of the kind of device too, as each has a generator
   * of its own.
   *
   * @param seed of all steps
   * @param part from 0 to 2^32 - 1: those of one step have different generators
   */
  static OfBatch ofPart(long seed, long step, long part, Device device) {
    return new OfBatch(Seed.ofPlace(Seed.of(seed, step), part), device);
  }

  /** One generator for a whole batch, on the device of the numbers. */
  final class OfBatch implements Noise {
    private final Lifetime lifetime = new Lifetime("the noise");
    private final Generator generator;
    private final Device device;

    /**
     * @param seed of which the engine takes the lower 32 bits
     */
    public OfBatch(long seed, Device device) {
      this.device = Scope.owned(() -> new Device(device.type(), device.index())); // of any scope
      generator = Scope.owned(() -> generator(device, seed));
    }

    private static Generator generator(Device device, long seed) {
      if (device.is_cpu()) {
        return make_generator_cpu(seed);
      }
      var generator = globalContext().defaultGenerator(device).clone();
      generator.set_current_seed(seed);
      return generator;
    }

    private TensorOptions options() {
      return new TensorOptions(device);
    }

    @Override
    public Tensor normal(long... shape) {
      return draw(from -> randn(shape, from, options()));
    }

    @Override
    public Tensor uniform(long... shape) {
      return draw(from -> rand(shape, from, options()));
    }

    /** 0 .. n - 1 in random order, [n] float32. */
    public Tensor permutation(long n) {
      return draw(from -> randperm(n, from, options()));
    }

    private Tensor draw(Function<GeneratorOptional, Tensor> draw) {
      try (var use = lifetime.use()) {
        return draw.apply(new GeneratorOptional(generator));
      }
    }

    @Override
    public void close() {
      lifetime.close(
          () -> {
            generator.close();
            device.close();
          });
    }
  }
}

package org.bitdiffusion.nn;

import static org.bytedeco.pytorch.global.torch.cat;
import static org.bytedeco.pytorch.global.torch.empty;
import static org.bytedeco.pytorch.global.torch.grad;
import static org.bytedeco.pytorch.global.torch.make_generator_cpu;
import static org.bytedeco.pytorch.global.torch.zeros_like;

import java.util.Arrays;
import java.util.Collections;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.function.Consumer;
import java.util.function.Supplier;
import org.bitdiffusion.ConfigurationException;
import org.bitdiffusion.runtime.Compute;
import org.bitdiffusion.runtime.Engine;
import org.bitdiffusion.runtime.Lifetime;
import org.bitdiffusion.runtime.Scope;
import org.bytedeco.javacpp.Pointer;
import org.bytedeco.javacpp.PointerScope;
import org.bytedeco.pytorch.BoolOptional;
import org.bytedeco.pytorch.Generator;
import org.bytedeco.pytorch.GeneratorOptional;
import org.bytedeco.pytorch.NoGradGuard;
import org.bytedeco.pytorch.Scalar;
import org.bytedeco.pytorch.Tensor;
import org.bytedeco.pytorch.TensorVector;
import org.bytedeco.pytorch.global.torch;

/**
 * The weights of a network by name, in the order in which its layers were made, those that training
 * does not change last. All of them lie one after the other in one float32 tensor, and the
 * gradients in another, so that the optimizer, the gradient's norm and the moving average are a few
 * operations on one tensor each instead of a loop.
 *
 * <p>Owns the native memory of the weights: close it when the network is no longer needed.
 */
public final class Parameters implements AutoCloseable {
  private final Lifetime lifetime = new Lifetime("the network");
  private final Map<String, Tensor> byName;
  private final Tensor values;
  private final Tensor trained;
  private final Tensor gradients;
  private final long count;

  private Parameters(Map<String, Tensor> byName, Tensor values, Tensor trained, Tensor gradients) {
    this.byName = Collections.unmodifiableMap(byName);
    this.values = values;
    this.trained = trained;
    this.gradients = gradients;
    count = values.numel();
  }

  /**
   * Computes with the weights, which are not freed meanwhile, in a scope as {@link Scope#result}
   * has it. What reads the tensors below in some other way must end before they are closed.
   *
   * @throws IllegalStateException if they are closed
   */
  public <P extends Pointer> P compute(Supplier<P> body) {
    try (var use = lifetime.use()) {
      return Scope.result(body);
    }
  }

  /**
   * Keeps the weights from being freed until what it returns is closed, by the same thread.
   *
   * @throws IllegalStateException if they are closed
   */
  public Lifetime.Use use() {
    return lifetime.use();
  }

  private void requireOpen() {
    lifetime.use().close();
  }

  /** The weights by name: leaves of the graph, float32, views of {@link #values()}. */
  public Map<String, Tensor> byName() {
    requireOpen();
    return byName;
  }

  /** All weights, [{@link #count()}] float32. Writing to it changes the network. */
  public Tensor values() {
    requireOpen();
    return values;
  }

  /** The first ones of {@link #values()}: those that are trained. */
  public Tensor trained() {
    requireOpen();
    return trained;
  }

  /** The gradients of {@link #trained()} in the same order; backward passes add to it. */
  public Tensor gradients() {
    requireOpen();
    return gradients;
  }

  /**
   * The gradients of {@link #trained()} in the same order, [n] float32, from an output that depends
   * on all of them and the gradient that has reached it; adds nothing to {@link #gradients()}.
   */
  Tensor gradientsOf(Tensor output, Tensor reached) {
    return compute(
        () -> {
          var weights =
              byName.values().stream().filter(Tensor::requires_grad).toArray(Tensor[]::new);
          var gradients =
              grad(
                  new TensorVector(output),
                  new TensorVector(weights),
                  new TensorVector(reached),
                  new BoolOptional(false),
                  false,
                  false);
          var flat = new Tensor[weights.length];
          Arrays.setAll(flat, i -> gradients.get(i).flatten());
          return cat(new TensorVector(flat));
        });
  }

  /**
   * The parts of a tensor that is laid out like {@link #values()}, such as a moving average, by the
   * weights' names and in their shapes.
   */
  public Map<String, Tensor> named(Tensor flat) {
    var parts = new LinkedHashMap<String, Tensor>();
    var offset = 0L;
    for (var weight : byName().entrySet()) {
      var count = weight.getValue().numel();
      parts.put(weight.getKey(), flat.narrow(0, offset, count).view(weight.getValue().shape()));
      offset += count;
    }
    return parts;
  }

  /** The number of weights. */
  public long count() {
    return count;
  }

  /** Waits until what computes with the weights has ended. */
  @Override
  public void close() {
    lifetime.close(
        () -> {
          byName.values().forEach(Tensor::close);
          gradients.close();
          trained.close();
          values.close();
        });
  }

  /**
   * Collects the weights while layers are made; {@link #build} then gives them memory. Until that
   * they are empty, so that a network which is too large for the machine is refused at no cost.
   * Closing it frees what was made if it did not come to that, such as where a layer complains.
   */
  public static final class Builder implements AutoCloseable {
    private static final long BYTES = 2L * Float.BYTES; // of a weight and its gradient

    private final Collected collected;
    private final boolean whole;
    private final boolean training;
    private final String prefix;

    /** What the builders of all parts share. */
    private static final class Collected {
      private final Map<String, Weight> byName = new LinkedHashMap<>(); // as they were made
      private final Generator generator;
      private final long memory = Engine.memory();
      private long count;
      private boolean built;

      Collected(long seed) {
        Engine.load();
        generator = Scope.owned(() -> make_generator_cpu(seed));
      }

      /** Those that are trained, or the others. */
      Map<String, Weight> which(boolean trained) {
        var some = new LinkedHashMap<String, Weight>();
        byName.forEach(
            (name, weight) -> {
              if (weight.trained() == trained) {
                some.put(name, weight);
              }
            });
        return some;
      }
    }

    /**
     * A weight without memory as yet.
     *
     * @param tensor that the layer has, still empty
     * @param initial writes its values
     */
    @SuppressWarnings("ArrayRecordComponent") // never compared
    private record Weight(
        Tensor tensor, long[] shape, long count, boolean trained, Consumer<Tensor> initial) {}

    /**
     * @param seed of the initial weights, of which the engine takes the lower 32 bits
     */
    public Builder(long seed) {
      this(new Collected(seed), true, true, "");
    }

    private Builder(Collected collected, boolean whole, boolean training, String prefix) {
      this.collected = collected;
      this.whole = whole;
      this.training = training;
      this.prefix = prefix;
    }

    /** A builder for a part: its names begin with {@code name} and a dot. */
    public Builder in(String name) {
      return new Builder(collected, false, training, prefix + name + ".");
    }

    /** A builder of weights that get no gradient: of a frozen part, or of running statistics. */
    public Builder fixed() {
      return new Builder(collected, false, false, prefix);
    }

    /**
     * A weight drawn uniformly from [-bound, bound).
     *
     * @throws ConfigurationException if the weights so far do not fit into the machine's memory
     */
    public Tensor uniform(String name, double bound, long... shape) {
      var drawn = new GeneratorOptional(collected.generator);
      return add(name, shape, weight -> weight.uniform_(-bound, bound, drawn));
    }

    /**
     * A weight of a linear map, drawn uniformly with the variance 2 gain^2 / (fanIn + fanOut)
     * (Glorot and Bengio 2010), as the paper's public code has it: with biases of 0 and a gain of 1
     * what flows forward and the gradients that flow back keep their sizes, where the widths are
     * equal.
     *
     * @param gain near 0 for a map that starts near zero
     * @param fanIn entries of the input that an entry of the output depends on
     * @param fanOut entries of the output that depend on an entry of the input
     * @throws ConfigurationException if the weights so far do not fit into the machine's memory
     */
    public Tensor scaled(String name, double gain, long fanIn, long fanOut, long... shape) {
      return uniform(name, gain * Math.sqrt(6.0 / (fanIn + fanOut)), shape);
    }

    /**
     * A weight of which all entries are {@code value}.
     *
     * @throws ConfigurationException if the weights so far do not fit into the machine's memory
     */
    public Tensor constant(String name, double value, long... shape) {
      return add(name, shape, weight -> weight.fill_(new Scalar(value)));
    }

    private Tensor add(String name, long[] shape, Consumer<Tensor> initial) {
      var full = prefix + name;
      if (collected.byName.containsKey(full)) {
        throw new IllegalStateException("two weights are named " + full);
      }
      var size = count(full, shape);
      var tensor = Scope.owned(() -> empty(0));
      collected.byName.put(full, new Weight(tensor, shape, size, training, initial));
      return tensor;
    }

    /** The entries of a shape, which are added to those of all. */
    private long count(String name, long[] shape) {
      var memory = collected.memory;
      try {
        var size = 1L;
        for (var side : shape) {
          size = Math.multiplyExact(size, side);
        }
        collected.count = Math.addExact(collected.count, size);
        if (Math.multiplyExact(BYTES, collected.count) <= memory) {
          return size;
        }
      } catch (ArithmeticException e) {
        // far more than any memory
      }
      throw new ConfigurationException(
          "the network does not fit into the %,d MB of memory: with %s of the shape %s, its weights and their gradients take more; take a smaller network (network.width and the like)"
              .formatted(memory >> 20, name, Arrays.toString(shape)));
    }

    /**
     * Gives all weights their place in one tensor on the device, draws their values in the order in
     * which they were made, and gives gradients to the trained.
     */
    public Parameters build(Compute compute) {
      try (var scope = new PointerScope();
          var noGrad = new NoGradGuard()) {
        var trained = collected.which(true);
        var all = new LinkedHashMap<>(trained);
        all.putAll(collected.which(false));
        var drawn = empty(collected.count);
        var offsets = new LinkedHashMap<String, Long>();
        var offset = 0L;
        for (var weight : all.entrySet()) {
          offsets.put(weight.getKey(), offset);
          offset += weight.getValue().count();
        }
        collected.byName.forEach(
            (name, weight) ->
                weight.initial().accept(drawn.narrow(0, offsets.get(name), weight.count())));
        var values = drawn.to(compute.newDevice(), torch.ScalarType.Float);
        var count = trained.values().stream().mapToLong(Weight::count).sum();
        var trainedValues = values.narrow(0, 0, count);
        var gradients = zeros_like(trainedValues);
        var byName = new LinkedHashMap<String, Tensor>();
        all.forEach(
            (name, weight) -> {
              var tensor = weight.tensor();
              var from = offsets.get(name);
              tensor.set_data(values.narrow(0, from, weight.count()).view(weight.shape()));
              if (weight.trained()) {
                tensor.set_requires_grad(true);
                var gradient = gradients.narrow(0, from, weight.count()).view(weight.shape());
                tensor.mutable_grad().put(gradient);
              }
              byName.put(name, tensor);
            });
        for (var kept : List.of(values, trainedValues, gradients)) {
          kept.retainReference(); // beyond the scope, as nothing can fail from here on
        }
        collected.built = true;
        collected.generator.close();
        return new Parameters(byName, values, trainedValues, gradients);
      }
    }

    /** Of a part's builder it does nothing: the whole one is closed. */
    @Override
    public void close() {
      if (whole && !collected.built) {
        collected.generator.close();
        collected.byName.values().forEach(weight -> weight.tensor().close());
      }
    }
  }
}

package org.bitdiffusion.nn;

import static org.bytedeco.pytorch.global.torch.cat;
import static org.bytedeco.pytorch.global.torch.grad;
import static org.bytedeco.pytorch.global.torch.make_generator_cpu;
import static org.bytedeco.pytorch.global.torch.zeros;
import static org.bytedeco.pytorch.global.torch.zeros_like;

import java.util.ArrayList;
import java.util.Arrays;
import java.util.Collections;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.function.Supplier;
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
   * Collects the weights while layers are made; {@link #build} then lays them out. Closing it frees
   * those that were made if it did not come to that, such as where a layer complains of its size.
   */
  public static final class Builder implements AutoCloseable {
    private final Builder root;
    private final Map<String, Tensor> trained;
    private final Map<String, Tensor> fixed;
    private final boolean training;
    private final String prefix;
    private final Generator generator;

    /** Of the root. */
    private boolean built;

    /**
     * @param seed of the initial weights, of which the engine takes the lower 32 bits
     */
    public Builder(long seed) {
      root = this;
      trained = new LinkedHashMap<>();
      fixed = new LinkedHashMap<>();
      training = true;
      prefix = "";
      generator = generator(seed);
    }

    private static Generator generator(long seed) {
      Engine.load();
      return Scope.owned(() -> make_generator_cpu(seed));
    }

    private Builder(Builder root, boolean training, String prefix) {
      this.root = root;
      trained = root.trained;
      fixed = root.fixed;
      this.training = training;
      this.prefix = prefix;
      generator = root.generator;
    }

    /** A builder for a part: its names begin with {@code name} and a dot. */
    public Builder in(String name) {
      return new Builder(root, training, prefix + name + ".");
    }

    /** A builder of weights that get no gradient: of a frozen part, or of running statistics. */
    public Builder fixed() {
      return new Builder(root, false, prefix);
    }

    /** A weight drawn uniformly from [-bound, bound). */
    public Tensor uniform(String name, double bound, long... shape) {
      var drawn = new GeneratorOptional(generator);
      return add(name, () -> zeros(shape).uniform_(-bound, bound, drawn));
    }

    /** A weight of which all entries are {@code value}. */
    public Tensor constant(String name, double value, long... shape) {
      return add(name, () -> zeros(shape).fill_(new Scalar(value)));
    }

    private Tensor add(String name, Supplier<Tensor> initial) {
      var full = prefix + name;
      if (trained.containsKey(full) || fixed.containsKey(full)) {
        throw new IllegalStateException("two weights are named " + full);
      }
      var tensor = Scope.owned(initial);
      (training ? trained : fixed).put(full, tensor);
      return tensor;
    }

    /** Moves all weights into one tensor on the device and gives gradients to the trained. */
    public Parameters build(Compute compute) {
      try (var scope = new PointerScope();
          var noGrad = new NoGradGuard()) {
        var device = compute.newDevice();
        var byName = new LinkedHashMap<>(trained);
        byName.putAll(fixed);
        var parts = new ArrayList<Tensor>();
        byName.values().forEach(weight -> parts.add(weight.flatten()));
        var values =
            cat(new TensorVector(parts.toArray(Tensor[]::new))).to(device, torch.ScalarType.Float);
        var count = trained.values().stream().mapToLong(Tensor::numel).sum();
        var trainedValues = values.narrow(0, 0, count);
        var gradients = zeros_like(trainedValues);
        var offset = 0L;
        for (var entry : byName.entrySet()) {
          var weight = entry.getValue();
          var shape = weight.shape();
          var size = weight.numel();
          weight.set_data(values.narrow(0, offset, size).view(shape));
          if (trained.containsKey(entry.getKey())) {
            weight.set_requires_grad(true);
            weight.mutable_grad().put(gradients.narrow(0, offset, size).view(shape));
          }
          offset += size;
        }
        for (var kept : List.of(values, trainedValues, gradients)) {
          kept.retainReference(); // beyond the scope, as nothing can fail from here on
        }
        root.built = true;
        generator.close();
        return new Parameters(byName, values, trainedValues, gradients);
      }
    }

    /** Of a part's builder it does nothing: the whole one is closed. */
    @Override
    public void close() {
      if (this == root && !built) {
        generator.close();
        trained.values().forEach(Tensor::close);
        fixed.values().forEach(Tensor::close);
      }
    }
  }
}

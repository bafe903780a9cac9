package org.bitdiffusion.model;

import java.nio.file.Path;
import java.util.Map;
import java.util.Optional;
import java.util.concurrent.CancellationException;
import java.util.function.Consumer;
import org.bitdiffusion.ConfigurationException;
import org.bitdiffusion.Seed;
import org.bitdiffusion.config.RunConfig;
import org.bitdiffusion.data.Batch;
import org.bitdiffusion.data.Condition;
import org.bitdiffusion.data.Given;
import org.bitdiffusion.nn.ConvolutionCheck;
import org.bitdiffusion.nn.DenoisingNetwork;
import org.bitdiffusion.nn.Network;
import org.bitdiffusion.nn.NetworkKind;
import org.bitdiffusion.nn.NextSymbolNetwork;
import org.bitdiffusion.runtime.Compute;
import org.bitdiffusion.runtime.Engine;
import org.bitdiffusion.runtime.Lifetime;
import org.bitdiffusion.runtime.Noise;
import org.bitdiffusion.runtime.Tensors;
import org.bitdiffusion.sampling.Sampler;
import org.bitdiffusion.storage.Checkpoints;
import org.bytedeco.javacpp.PointerScope;
import org.bytedeco.pytorch.NoGradGuard;
import org.bytedeco.pytorch.Scalar;
import org.bytedeco.pytorch.Tensor;
import org.bytedeco.pytorch.global.torch;

/**
 * A network with all that is needed to train it and to draw from it, divided by how it learns and
 * not by what it shows. Owns the weights: close it.
 *
 * <p>Closing waits for the calls of other threads; what draws or searches samples is told to stop
 * at its next step. A closed model refuses what needs its weights, by an {@link
 * IllegalStateException}; so does closing it from inside one of its own calls, such as in a
 * listener.
 */
public abstract sealed class Model implements AutoCloseable
    permits DiffusionModel, AutoregressiveModel {
  private final Lifetime lifetime = new Lifetime("the model");
  private final RunConfig config;
  private final Network network;
  private final Compute compute;
  private Loaded loaded; // or null

  Model(RunConfig config, Network network, Compute compute) {
    this.config = config;
    this.network = network;
    this.compute = compute;
  }

  /**
   * The network that a configuration describes, with random weights from the run's seed.
   *
   * @param config with its {@link RunConfig#schema}
   * @throws ConfigurationException if its parts do not fit each other
   */
  public static Model create(RunConfig config, Compute compute) {
    Engine.load();
    var weights = Seed.of(config.training().seed(), RunConfig.WEIGHTS);
    var autoregressive = config.network().autoregressive();
    if (autoregressive) {
      AutoregressiveModel.requireSequences(config);
    }
    var diffusion = autoregressive ? null : config.newDiffusion(); // may complain: before weights
    var network = NetworkKind.of(config.network(), config.signature(), compute, weights);
    if (network instanceof DenoisingNetwork denoising && !autoregressive) {
      return new DiffusionModel(config, diffusion, denoising, compute);
    }
    if (network instanceof NextSymbolNetwork next && autoregressive) {
      return new AutoregressiveModel(config, next, compute);
    }
    network.close();
    throw new ConfigurationException(
        "network.kind is %s, whose settings say that it %s, but it made a %s"
            .formatted(
                config.network().kind(),
                autoregressive ? "gives the next symbol" : "denoises",
                network.getClass().getSimpleName()));
  }

  /** The run's configuration. */
  public RunConfig config() {
    return config;
  }

  /** How the network computes. */
  public Compute compute() {
    return compute;
  }

  /** The weights, and their number. */
  public Network network() {
    return network;
  }

  /**
   * Keeps the weights from being freed until what it returns is closed, by the same thread.
   *
   * @throws IllegalStateException if the model is closed
   */
  public Lifetime.Use use() {
    return lifetime.use();
  }

  /**
   * Ends a call that draws where another thread waits to close the model.
   *
   * @throws CancellationException if one does
   */
  void requireNobodyCloses() {
    if (lifetime.isClosing()) {
      throw new CancellationException("sampling was stopped, as the model is being closed");
    }
  }

  /** Checks that this machine computes the network right. */
  public void ensureRight() {
    ConvolutionCheck.ensureRight(network.convolutions(), compute);
  }

  /**
   * Takes the moving average of the weights of a checkpoint.
   *
   * @param checkpoint one of these
   * @throws org.bitdiffusion.DataException if it is not there, damaged, or of another network
   */
  public void load(Checkpoints checkpoints, Path checkpoint) {
    try (var use = use();
        var weights = network.parameters().use()) {
      var state = checkpoints.read(checkpoint, Map.of("ema", network.parameters().byName()));
      loaded = new Loaded(checkpoint, state.checksums().get("ema.safetensors"));
    }
  }

  /**
   * Weights that were loaded. Their checkpoint may be gone since, as a training keeps few.
   *
   * @param checkpoint its folder
   * @param checksum CRC-32C of the weights
   */
  public record Loaded(Path checkpoint, long checksum) {}

  /** What was {@link #load loaded} last; empty where nothing was. */
  public Optional<Loaded> loaded() {
    return Optional.ofNullable(loaded);
  }

  /** The noise of one part of a training step, from which dropout draws too. */
  public Noise.OfBatch noise(long step, long part) {
    var seed = Seed.of(config.training().seed(), RunConfig.NOISE);
    return Noise.ofPart(seed, step, part, compute.newDevice());
  }

  /** The loss of a batch, one number, as it is without dropout. */
  public double loss(Batch batch, Noise.OfBatch noise) {
    try (var use = use();
        var scope = new PointerScope();
        var noGrad = new NoGradGuard()) {
      return lossOf(batch, noise).item_float();
    }
  }

  /**
   * The loss of a batch, one number. Where a gradient is asked for, it has the graph of the
   * weights', and dropout leaves out what the noise says.
   */
  abstract Tensor lossOf(Batch batch, Noise.OfBatch noise);

  /**
   * How much a batch's loss weighs beside those of other parts of the same size: what it is the
   * mean of, by number.
   */
  public double weight(Batch batch) {
    return 1;
  }

  /** Adds {@code share} of the gradient of a batch's loss to the weights'; returns the loss. */
  public double backward(Batch batch, double share, Noise.OfBatch noise) {
    try (var use = use();
        var scope = new PointerScope()) {
      var loss = lossOf(batch, noise);
      loss.mul(new Scalar(share)).backward();
      return loss.item_float();
    }
  }

  /**
   * Draws samples, in one batch.
   *
   * @param listener sees each step of a model that has steps
   * @throws ConfigurationException if the model cannot draw them
   * @throws CancellationException if the listener said to stop, or another thread closes the model
   * @throws IllegalStateException if the model is closed
   */
  public abstract Samples sample(SampleRequest request, Sampler.Listener listener);

  /**
   * Draws any number of samples, no more at a time than a batch.
   *
   * @param batch samples that are drawn at a time
   * @param listener sees each step of each batch
   * @param consumer takes each batch's samples, in their order
   * @throws ConfigurationException if the model cannot draw them
   * @throws CancellationException if the listener said to stop, or another thread closes the model
   * @throws IllegalStateException if the model is closed
   */
  public void sampleAll(
      SampleRequest request, int batch, Sampler.Listener listener, Consumer<Samples> consumer) {
    var places = config.schema().space().places();
    try (var use = use()) {
      for (var first = 0; first < request.count(); first += batch) {
        var some = request.part(first, Math.min(batch, request.count() - first), places);
        consumer.accept(sample(some, listener));
      }
    }
  }

  /** Draws any number of samples, no more at a time than a batch. */
  public Samples sampleAll(SampleRequest request, int batch) {
    return sampleAll(request, batch, Sampler.Listener.NONE);
  }

  /**
   * Draws any number of samples, no more at a time than a batch.
   *
   * @throws CancellationException if the listener said to stop, or another thread closes the model
   */
  public Samples sampleAll(SampleRequest request, int batch, Sampler.Listener listener) {
    var space = config.schema().space();
    var all = new int[Math.multiplyExact(request.count(), space.places())];
    var done = new int[1];
    sampleAll(
        request,
        batch,
        listener,
        some -> {
          System.arraycopy(some.symbols(), 0, all, done[0], some.symbols().length);
          done[0] += some.symbols().length;
        });
    return new Samples(space, all);
  }

  /** What a batch is conditioned on, as the network reads it; null where it is told nothing. */
  Tensor condition(Given given, int count) {
    return config
        .condition()
        .match(() -> null, labels -> labels(given, count), pixels -> images(pixels, given, count));
  }

  private Tensor labels(Given given, int count) {
    if (given.labels().length != count) {
      throw new ConfigurationException(
          "%d examples need a class each, and %d are given"
              .formatted(count, given.labels().length));
    }
    return Tensor.create(given.labels(), count).to(compute.newDevice(), torch.ScalarType.Long);
  }

  private Tensor images(Condition.Pixels pixels, Given given, int count) {
    var images = given.alike() ? 1 : count;
    if (given.pixels().length != (long) images * pixels.pixels()) {
      throw new ConfigurationException(
          "%d examples need an image each of %dx%d, and %d bytes are given"
              .formatted(images, pixels.width(), pixels.height(), given.pixels().length));
    }
    return Tensor.create(
            given.pixels(), false, images, pixels.channels(), pixels.height(), pixels.width())
        .to(compute.newDevice(), torch.ScalarType.Float)
        .div(new Scalar(255))
        .expand(count, -1, -1, -1);
  }

  /** A batch's symbols [B, C, ...] on the device. */
  Tensor symbols(Batch batch) {
    var space = config.schema().space();
    var count = batch.symbols().length / space.places();
    return Tensor.create(batch.symbols(), Tensors.shape(count, space.shape()))
        .to(compute.newDevice(), torch.ScalarType.Int);
  }

  @Override
  public void close() {
    lifetime.close(network::close);
  }
}

package org.bitdiffusion.training;

import java.nio.FloatBuffer;
import java.nio.IntBuffer;
import java.nio.file.Path;
import java.util.Map;
import org.bitdiffusion.ConfigurationException;
import org.bitdiffusion.diffusion.BitDiffusion;
import org.bitdiffusion.nn.CaptionerConfig;
import org.bitdiffusion.nn.ConvolutionCheck;
import org.bitdiffusion.nn.Network;
import org.bitdiffusion.nn.UNetConfig;
import org.bitdiffusion.runtime.Compute;
import org.bitdiffusion.runtime.Engine;
import org.bitdiffusion.runtime.Seed;
import org.bytedeco.javacpp.PointerScope;
import org.bytedeco.pytorch.Device;
import org.bytedeco.pytorch.Scalar;
import org.bytedeco.pytorch.Tensor;
import org.bytedeco.pytorch.global.torch;

/**
 * A network with all that is needed to train it and to draw from it. Owns the weights: close it.
 */
public abstract sealed class Model implements AutoCloseable permits ImageModel, CaptionModel {
  private final RunConfig config;
  private final Network network;
  private final Compute compute;

  /** What the network was, or will be, trained for; null of an autoregressive captioner. */
  final BitDiffusion diffusion;

  private Path checkpoint;

  Model(RunConfig config, BitDiffusion diffusion, Network network, Compute compute) {
    this.config = config;
    this.diffusion = diffusion;
    this.network = network;
    this.compute = compute;
  }

  /**
   * The network that a configuration describes, with random weights from the run's seed.
   *
   * @param config with its {@link RunConfig#example}
   * @throws ConfigurationException if its parts do not fit each other
   */
  public static Model create(RunConfig config, Compute compute) {
    Engine.load();
    torch.manual_seed(Seed.of(config.training().seed(), RunConfig.WEIGHTS));
    if (config.network() instanceof UNetConfig size) {
      return ImageModel.create(config, size, compute);
    }
    return CaptionModel.create(config, (CaptionerConfig) config.network(), compute);
  }

  /**
   * The newest checkpoint of a run, with the moving average of its weights.
   *
   * @param precision {@code auto}, {@code float32} or {@code bfloat16}
   * @throws ConfigurationException if the folder is none of a run
   * @throws org.bitdiffusion.DataException if it has no checkpoint, or a damaged one
   */
  public static Model load(Path run, String precision) {
    var folder = RunFolder.open(run);
    var config = folder.config(Map.of());
    folder.requireNewest(); // or it says so at once
    var model = create(config, Compute.choose(precision));
    try {
      model.ensureRight();
      var checkpoint = folder.requireNewest(); // a training may have written others meanwhile
      folder.read(checkpoint, Map.of("ema", model.network.parameters().byName()));
      model.checkpoint = checkpoint;
      return model;
    } catch (RuntimeException | Error e) {
      model.close();
      throw e;
    }
  }

  /** The run's configuration. */
  public RunConfig config() {
    return config;
  }

  /** The checkpoint whose weights these are; null of random ones. */
  public Path checkpoint() {
    return checkpoint;
  }

  /**
   * The CRC-32C of the {@link #checkpoint}'s weights, which tells them apart; reads their file.
   *
   * @throws org.bitdiffusion.DataException if the file is gone
   */
  public long checksum() {
    return RunFolder.checksum(checkpoint.resolve("ema.safetensors"));
  }

  /** How the network computes. */
  public Compute compute() {
    return compute;
  }

  /** The weights, and their number. */
  public Network network() {
    return network;
  }

  /** Reads the weights of a part that begins pre-trained, where the configuration names some. */
  void readPretrained() {}

  /** Checks that this machine computes the network right. */
  void ensureRight() {
    ConvolutionCheck.ensureRight(network.convolutions(), compute);
  }

  /** The loss of a batch, one number, with the graph of the weights' gradient. */
  abstract Tensor loss(Batches.Batch batch);

  /** Adds {@code share} of the gradient of a batch's loss to the weights'; returns the loss. */
  double backward(Batches.Batch batch, double share) {
    try (var scope = new PointerScope()) {
      var loss = loss(batch);
      loss.mul(new Scalar(share)).backward();
      return loss.item_float();
    }
  }

  /**
   * The symbols [N, C, ...] of analog bits [N, C * bits, ...], such as a step's estimate; an
   * autoregressive captioner makes none.
   */
  public int[] symbols(Tensor analog) {
    try (var scope = new PointerScope()) {
      return ints(diffusion.codec().decode(analog));
    }
  }

  /** A tensor's entries, row-major. */
  static int[] ints(Tensor tensor) {
    try (var scope = new PointerScope()) {
      var values = onCpu(tensor, torch.ScalarType.Int);
      var array = new int[(int) values.numel()];
      values.<IntBuffer>createBuffer().get(array);
      return array;
    }
  }

  /** A tensor's entries, row-major. */
  static float[] floats(Tensor tensor) {
    try (var scope = new PointerScope()) {
      var values = onCpu(tensor, torch.ScalarType.Float);
      var array = new float[(int) values.numel()];
      values.<FloatBuffer>createBuffer().get(array);
      return array;
    }
  }

  private static Tensor onCpu(Tensor tensor, torch.ScalarType type) {
    return tensor.to(new Device(torch.DeviceType.CPU), type).contiguous();
  }

  @Override
  public void close() {
    network.close();
  }
}

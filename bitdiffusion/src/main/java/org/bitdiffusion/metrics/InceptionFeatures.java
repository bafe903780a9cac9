package org.bitdiffusion.metrics;

import static org.bytedeco.pytorch.global.torch.softmax;

import java.nio.FloatBuffer;
import java.nio.file.Path;
import org.bitdiffusion.DataException;
import org.bitdiffusion.nn.InceptionV3;
import org.bitdiffusion.nn.Safetensors;
import org.bitdiffusion.runtime.Compute;
import org.bytedeco.javacpp.PointerScope;
import org.bytedeco.pytorch.Device;
import org.bytedeco.pytorch.NoGradGuard;
import org.bytedeco.pytorch.Scalar;
import org.bytedeco.pytorch.Tensor;
import org.bytedeco.pytorch.global.torch;

/**
 * What FID's Inception-v3 makes of images: the features of which the Fréchet distance is FID, and
 * the probabilities of its classes, of which the Inception Score is made. Owns the network: close
 * it.
 */
public final class InceptionFeatures implements AutoCloseable {
  private final InceptionV3 network;
  private final Compute compute;

  private InceptionFeatures(InceptionV3 network, Compute compute) {
    this.network = network;
    this.compute = compute;
  }

  /**
   * Reads the network's weights.
   *
   * @param weights the public file pt_inception-2015-12-05 as safetensors
   * @param precision {@code auto}, {@code float32} or {@code bfloat16}
   * @throws DataException if the file is missing, damaged, or of another network
   */
  public static InceptionFeatures load(Path weights, String precision) {
    var compute = Compute.choose(precision);
    var network = new InceptionV3(compute);
    try {
      Safetensors.readSome(weights, network.parameters().byName());
      return new InceptionFeatures(network, compute);
    } catch (DataException e) {
      network.close();
      throw new DataException(
          e.getMessage() + " (the weights of FID's Inception-v3 are needed)", e);
    } catch (RuntimeException | Error e) {
      network.close();
      throw e;
    }
  }

  /**
   * @param pooled features, row-major [B, 2048]
   * @param probabilities of the classes, row-major [B, 1008]
   */
  @SuppressWarnings("ArrayRecordComponent") // for computing, not for comparing
  public record Batch(float[] pooled, float[] probabilities) {}

  /**
   * Looks at images, which are resized to 299x299.
   *
   * @param rgb unsigned bytes of red, green and blue, row-major [B, 3, H, W]
   */
  public Batch of(byte[] rgb, int height, int width) {
    var size = 3 * height * width;
    if (rgb.length == 0 || rgb.length % size != 0) {
      throw new IllegalArgumentException(
          "%d bytes are no images of %dx%d".formatted(rgb.length, width, height));
    }
    try (var scope = new PointerScope();
        var noGrad = new NoGradGuard()) {
      var images =
          Tensor.create(rgb, false, rgb.length / size, 3, height, width)
              .to(compute.newDevice(), torch.ScalarType.Float)
              .div(new Scalar(255));
      var output = network.forward(images);
      return new Batch(floats(output.pooled()), floats(softmax(output.logits(), 1)));
    }
  }

  private static float[] floats(Tensor tensor) {
    var values = tensor.to(new Device(torch.DeviceType.CPU), torch.ScalarType.Float).contiguous();
    var array = new float[(int) values.numel()];
    values.<FloatBuffer>createBuffer().get(array);
    return array;
  }

  @Override
  public void close() {
    network.close();
  }
}

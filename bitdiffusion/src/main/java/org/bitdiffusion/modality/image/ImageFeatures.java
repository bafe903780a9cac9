package org.bitdiffusion.modality.image;

import java.io.IOException;
import java.io.OutputStream;
import java.nio.FloatBuffer;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.zip.CRC32C;
import java.util.zip.CheckedInputStream;
import org.bitdiffusion.DataException;
import org.bitdiffusion.runtime.Tensors;
import org.bytedeco.javacpp.PointerScope;
import org.bytedeco.pytorch.Device;
import org.bytedeco.pytorch.NoGradGuard;
import org.bytedeco.pytorch.Scalar;
import org.bytedeco.pytorch.Tensor;
import org.bytedeco.pytorch.global.torch;

/** What a network makes of images, to compare sets of them by. Owns the network: close it. */
public abstract sealed class ImageFeatures implements AutoCloseable
    permits InceptionFeatures, ClassifierFeatures {
  private final double weights;

  /**
   * @param file of the network's weights
   * @throws DataException if it cannot be read
   */
  ImageFeatures(Path file) {
    var checksum = new CRC32C();
    try (var in = new CheckedInputStream(Files.newInputStream(file), checksum)) {
      in.transferTo(OutputStream.nullOutputStream());
    } catch (IOException e) {
      throw DataException.cannotRead(file, e);
    }
    weights = checksum.getValue();
  }

  /** The CRC-32C of the file of weights, which tells apart what must not be compared. */
  double weights() {
    return weights;
  }

  /** What is wrong with so few images that their covariance has not full rank. */
  public static String tooFew(String set, int images, int features) {
    return "%s holds %,d images, too few for %,d features: their covariance has not full rank below %,d, and the distance is far too high"
        .formatted(set, images, features, features + 1);
  }

  /** Whose features they are, for people. */
  public abstract String name();

  /** D, the number of features of an image. */
  public abstract int size();

  /** The number of classes. */
  public abstract int classes();

  /**
   * @param features row-major [B, D]
   * @param probabilities of the classes, row-major [B, classes]
   */
  @SuppressWarnings("ArrayRecordComponent") // for computing, not for comparing
  public record Batch(float[] features, float[] probabilities) {
    /** How many of the images seem to be of the class that they are told to be. */
    public int agreeing(long[] labels) {
      var classes = probabilities.length / labels.length;
      var count = 0;
      for (var i = 0; i < labels.length; i++) {
        var best = 0;
        for (var c = 1; c < classes; c++) {
          if (probabilities[i * classes + c] > probabilities[i * classes + best]) {
            best = c;
          }
        }
        count += best == labels[i] ? 1 : 0;
      }
      return count;
    }
  }

  /**
   * Features [B, D] and logits [B, classes].
   *
   * @param images [B, 3, H, W] float32, values in [0, 1]
   */
  abstract Tensor[] forward(Tensor images);

  /**
   * Complains of images of a size for which the features mean nothing.
   *
   * @throws DataException if they are
   */
  void requireSize(int height, int width) {}

  /**
   * Looks at images.
   *
   * @param rgb unsigned bytes of red, green and blue, row-major [B, 3, H, W]
   * @throws DataException if the features are of images of another size, or no finite numbers
   */
  public Batch of(byte[] rgb, int height, int width) {
    var size = 3 * height * width;
    if (rgb.length == 0 || rgb.length % size != 0) {
      throw new IllegalArgumentException(
          "%d bytes are no images of %dx%d".formatted(rgb.length, width, height));
    }
    requireSize(height, width);
    try (var scope = new PointerScope();
        var noGrad = new NoGradGuard()) {
      var images =
          Tensor.create(rgb, false, rgb.length / size, 3, height, width)
              .to(torch.ScalarType.Float)
              .div(new Scalar(255));
      var output = forward(images);
      for (var tensor : output) {
        if (!Tensors.areFinite(tensor.square())) {
          throw new DataException(
              name()
                  + " gives features that are no finite numbers: its weights are damaged or too"
                  + " large; use its file as it was, or precision float32");
        }
      }
      return new Batch(floats(output[0]), floats(torch.softmax(output[1], 1)));
    }
  }

  /**
   * Looks at images.
   *
   * @throws DataException if the features are of images of another size
   */
  public Batch of(ImageBatch images) {
    return of(images.rgb(), images.format().height(), images.format().width());
  }

  private static float[] floats(Tensor tensor) {
    var values = tensor.to(new Device(torch.DeviceType.CPU), torch.ScalarType.Float).contiguous();
    var array = new float[(int) values.numel()];
    values.<FloatBuffer>createBuffer().get(array);
    return array;
  }

  @Override
  public abstract void close();
}

package org.bitdiffusion.modality.image;

import java.nio.file.Path;
import org.bitdiffusion.DataException;
import org.bitdiffusion.nn.ConvolutionCheck;
import org.bitdiffusion.runtime.Compute;
import org.bitdiffusion.runtime.Safetensors;
import org.bytedeco.pytorch.Tensor;

/**
 * Of FID's Inception-v3: the features of which the Fréchet distance is FID, and the probabilities
 * of which the Inception Score is made. Images are resized to 299x299.
 */
public final class InceptionFeatures extends ImageFeatures {
  private final InceptionV3 network;

  private InceptionFeatures(InceptionV3 network, Path weights) {
    super(weights);
    this.network = network;
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
      ConvolutionCheck.ensureRight(network.convolutions(), compute);
      return new InceptionFeatures(network, weights);
    } catch (DataException e) {
      network.close();
      throw new DataException(
          e.getMessage() + " (the weights of FID's Inception-v3 are needed)", e);
    } catch (RuntimeException | Error e) {
      network.close();
      throw e;
    }
  }

  @Override
  public String name() {
    return "FID's Inception-v3";
  }

  @Override
  public int size() {
    return InceptionV3.FEATURES;
  }

  @Override
  public int classes() {
    return InceptionV3.CLASSES;
  }

  @Override
  Tensor[] forward(Tensor images) {
    var output = network.forward(images);
    return new Tensor[] {output.pooled(), output.unbiased()};
  }

  @Override
  public void close() {
    network.close();
  }
}

package org.bitdiffusion.nn.captioner;

import java.nio.file.Path;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.regex.Pattern;
import org.bitdiffusion.DataException;
import org.bitdiffusion.nn.ConvolutionCheck;
import org.bitdiffusion.nn.Network;
import org.bitdiffusion.runtime.Noise;
import org.bitdiffusion.runtime.Safetensors;
import org.bytedeco.pytorch.Tensor;

/** A network that describes images, which begins with an image encoder. */
sealed interface CaptionNetwork extends Network permits BitCaptioner, AutoregressiveCaptioner {
  /** What the names of the encoder's weights begin with. */
  String ENCODER = "encoder.";

  /** What published weights have beyond a network of features: last layers, and counters. */
  Pattern UNUSED = Pattern.compile("(head|fc|pre_logits)\\..*|.*\\.num_batches_tracked");

  /** The image encoder, and the layers that attend to it. */
  CaptionDecoder decoder();

  @Override
  default List<ConvolutionCheck.Shape> convolutions() {
    return decoder().convolutions();
  }

  /** Images [B, 3, S, S] in [0, 1] to what the layers attend to, [B, T, M]. */
  @Override
  default Tensor encode(Tensor images) {
    return encode(images, null);
  }

  @Override
  default Tensor encode(Tensor images, Noise noise) {
    return parameters().compute(() -> decoder().memory(images, noise));
  }

  /** Weights of an encoder alone under their public names, or of the encoder of another run. */
  @Override
  default void readPretrained() {
    var config = decoder().encoderConfig();
    if (config.weights().isEmpty()) {
      return;
    }
    var file = Path.of(config.weights());
    var names = Safetensors.names(file);
    var ofCaptioner = names.stream().anyMatch(name -> name.startsWith(ENCODER));
    var byName = encoder(ofCaptioner ? ENCODER : "");
    try {
      for (var name : names) {
        if (!ofCaptioner && !byName.containsKey(name) && !UNUSED.matcher(name).matches()) {
          throw new DataException(file + " has a tensor '" + name + "', which the network lacks");
        }
      }
      Safetensors.readSome(file, byName);
    } catch (DataException e) {
      throw new DataException(
          e.getMessage() + " (the settings network.encoder make a " + config.kind() + ")", e);
    }
  }

  /**
   * The weights of the image encoder.
   *
   * @param prefix before their public names: empty, or {@link #ENCODER} as in a checkpoint
   */
  default Map<String, Tensor> encoder(String prefix) {
    var weights = new LinkedHashMap<String, Tensor>();
    parameters()
        .byName()
        .forEach(
            (name, weight) -> {
              if (name.startsWith(ENCODER)) {
                weights.put(prefix + name.substring(ENCODER.length()), weight);
              }
            });
    return weights;
  }
}

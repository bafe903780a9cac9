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

  /** What the names of the weights begin with that tell a ResNet's features where they lie. */
  String FEATURES = "features.";

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

  /**
   * Weights of an encoder alone under their public names, or of the encoder of another run, with
   * what its features pass through where that run has it.
   */
  @Override
  default void readPretrained() {
    var config = decoder().encoderConfig();
    if (config.weights().isEmpty()) {
      return;
    }
    var file = Path.of(config.weights());
    var names = Safetensors.names(file);
    var ofCaptioner = names.stream().anyMatch(name -> name.startsWith(ENCODER));
    var byName = weights(ENCODER, ofCaptioner ? ENCODER : "");
    if (names.stream().anyMatch(name -> name.startsWith(FEATURES))) {
      byName.putAll(weights(FEATURES, FEATURES));
    }
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
   * The weights of a part.
   *
   * @param part what their names begin with
   * @param prefix in the place of that: empty for the public names of an encoder
   */
  private Map<String, Tensor> weights(String part, String prefix) {
    var weights = new LinkedHashMap<String, Tensor>();
    parameters()
        .byName()
        .forEach(
            (name, weight) -> {
              if (name.startsWith(part)) {
                weights.put(prefix + name.substring(part.length()), weight);
              }
            });
    return weights;
  }
}

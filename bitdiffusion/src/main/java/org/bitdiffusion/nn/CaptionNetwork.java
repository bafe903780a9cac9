package org.bitdiffusion.nn;

import java.util.LinkedHashMap;
import java.util.Map;
import org.bytedeco.pytorch.Tensor;

/** A network that describes images. */
public sealed interface CaptionNetwork extends Network
    permits BitCaptioner, AutoregressiveCaptioner {
  /** What the names of the encoder's weights begin with. */
  String ENCODER = "encoder.";

  /**
   * What captions of images are made from: the condition of all steps, computed once.
   *
   * @param images [B, 3, S, S] float32, values in [0, 1]
   * @return [B, T, M]
   */
  Tensor memory(Tensor images);

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

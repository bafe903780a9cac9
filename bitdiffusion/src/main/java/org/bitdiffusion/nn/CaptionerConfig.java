package org.bitdiffusion.nn;

import java.util.List;
import org.bitdiffusion.ConfigurationException;

/**
 * The size of a captioner: an image encoder, and a decoder that attends to its features.
 *
 * @param decoder {@code bits}: all positions of a caption at once, as analog bits; {@code
 *     autoregressive}: one token after the other
 * @param width of the decoder
 * @param layers of the decoder
 * @param heads of its attention
 * @param dropout rate, in [0, 1)
 * @param encoder of the image
 */
public record CaptionerConfig(
    String decoder, int width, int layers, int heads, double dropout, Encoder encoder)
    implements NetworkConfig {

  /**
   * @param imageSize side of the images
   * @param patch side of the patches of which each is one feature
   * @param width of a feature
   * @param layers of the encoder
   * @param heads of its attention
   */
  public record Encoder(int imageSize, int patch, int width, int layers, int heads) {
    public Encoder {
      require(imageSize >= 1, "encoder.image_size", imageSize, "at least 1");
      require(
          patch >= 1 && imageSize % patch == 0,
          "encoder.patch",
          patch,
          "a divisor of encoder.image_size " + imageSize);
      require(layers >= 1, "encoder.layers", layers, "at least 1");
      require(
          heads >= 1 && width >= 1 && width % heads == 0,
          "encoder.heads",
          heads,
          "a divisor of encoder.width " + width);
    }
  }

  public CaptionerConfig {
    require(
        List.of("bits", "autoregressive").contains(decoder),
        "decoder",
        decoder,
        "bits or autoregressive");
    require(layers >= 1, "layers", layers, "at least 1");
    require(width >= 2 && width % 2 == 0, "width", width, "an even number of at least 2");
    require(heads >= 1 && width % heads == 0, "heads", heads, "a divisor of width " + width);
    require(dropout >= 0 && dropout < 1, "dropout", dropout, "in [0, 1)");
  }

  private static void require(boolean right, String key, Object value, String expected) {
    if (!right) {
      throw new ConfigurationException(
          "network." + key + " is " + value + "; it must be " + expected);
    }
  }
}

package org.bitdiffusion.nn.captioner;

import static org.bitdiffusion.nn.NetworkConfig.require;

import java.util.List;
import org.bitdiffusion.nn.NetworkConfig;

/**
 * The size of a captioner: an image encoder, and a decoder that attends to its features.
 *
 * @param decoder {@code bits}: all positions of a caption at once, as analog bits; {@code
 *     autoregressive}: one token after the other
 * @param width of the decoder
 * @param layers of the decoder
 * @param heads of its attention
 * @param dropout rate, in [0, 1)
 * @param tokens what only an autoregressive decoder has
 * @param encoder of the image
 */
public record CaptionerConfig(
    String decoder,
    int width,
    int layers,
    int heads,
    double dropout,
    Tokens tokens,
    Encoder encoder)
    implements NetworkConfig {

  // Far above what fits into a memory, and so low that no number of features overflows.
  private static final int LARGEST = 1 << 16;
  private static final int LARGEST_IMAGE = 1 << 14;
  private static final int DEEPEST = 1000;
  private static final double HIGHEST_WEIGHT = 1e6;

  /**
   * How tokens are read and learned, as in pix2seq's captioner (github.com/google-research/pix2seq,
   * tasks/captioning.py).
   *
   * @param dropout rate, in [0, 1), at which the decoder is not told a token that comes before, in
   *     training; it always knows where a caption begins
   * @param endWeight of the token that ends a caption in the loss, beside 1 of others; above 0
   * @param sharedEmbedding whether the weights that read a token are those that write it
   */
  public record Tokens(double dropout, double endWeight, boolean sharedEmbedding) {
    /** All told, the end as any other, and weights of their own. */
    public static final Tokens PLAIN = new Tokens(0, 1, false);

    public Tokens {
      require(dropout >= 0 && dropout < 1, "tokens.dropout", dropout, "in [0, 1)");
      require(
          endWeight > 0 && endWeight <= HIGHEST_WEIGHT,
          "tokens.end_weight",
          endWeight,
          "above 0 and at most " + HIGHEST_WEIGHT);
    }
  }

  /**
   * @param kind {@code vit} or {@code resnet50}
   * @param imageSize side of the images
   * @param patch side of the patches of which each is one feature, of a vit
   * @param width of a feature, of a vit
   * @param layers of a vit; of a resnet50 the Transformer layers of the decoder's width that its
   *     features pass through, 0 for none
   * @param heads of a vit's attention
   * @param positions of a resnet50: whether its features are projected to the decoder's width and
   *     told where they lie, without which the decoder cannot know; a vit does so itself
   * @param pixels how they are standardised: {@code symmetric} to [-1, 1], {@code imagenet} by that
   *     data set's mean and standard deviation of each colour
   * @param weights a safetensors file with the weights to begin with, under the public names; empty
   *     for random ones
   * @param frozen whether they stay as they are
   */
  public record Encoder(
      String kind,
      int imageSize,
      int patch,
      int width,
      int layers,
      int heads,
      boolean positions,
      String pixels,
      String weights,
      boolean frozen) {
    public Encoder {
      require(List.of("vit", "resnet50").contains(kind), "encoder.kind", kind, "vit or resnet50");
      require(imageSize >= 1, "encoder.image_size", imageSize, "at least 1");
      require(
          imageSize <= LARGEST_IMAGE, "encoder.image_size", imageSize, "at most " + LARGEST_IMAGE);
      if (kind.equals("vit")) {
        require(
            patch >= 1 && imageSize % patch == 0,
            "encoder.patch",
            patch,
            "a divisor of encoder.image_size " + imageSize);
        require(layers >= 1, "encoder.layers", layers, "at least 1");
        require(width <= LARGEST, "encoder.width", width, "at most " + LARGEST);
        require(
            heads >= 1 && width >= 1 && width % heads == 0,
            "encoder.heads",
            heads,
            "a divisor of encoder.width " + width);
      }
      require(layers >= 0, "encoder.layers", layers, "at least 0");
      require(layers <= DEEPEST, "encoder.layers", layers, "at most " + DEEPEST);
      require(
          List.of("symmetric", "imagenet").contains(pixels),
          "encoder.pixels",
          pixels,
          "symmetric or imagenet");
    }

    /** A Vision Transformer that begins with random weights. */
    public static Encoder vit(int imageSize, int patch, int width, int layers, int heads) {
      return new Encoder(
          "vit", imageSize, patch, width, layers, heads, true, "symmetric", "", false);
    }
  }

  /** Names of decoders. */
  public static final List<String> DECODERS = List.of("bits", "autoregressive");

  static final String KIND = "captioner";

  @Override
  public String kind() {
    return KIND;
  }

  @Override
  public boolean autoregressive() {
    return decoder.equals("autoregressive");
  }

  public CaptionerConfig {
    require(DECODERS.contains(decoder), "decoder", decoder, "bits or autoregressive");
    require(layers >= 1, "layers", layers, "at least 1");
    require(layers <= DEEPEST, "layers", layers, "at most " + DEEPEST);
    require(width <= LARGEST, "width", width, "at most " + LARGEST);
    require(width >= 2 && width % 2 == 0, "width", width, "an even number of at least 2");
    require(heads >= 1 && width % heads == 0, "heads", heads, "a divisor of width " + width);
    require(dropout >= 0 && dropout < 1, "dropout", dropout, "in [0, 1)");
  }
}

package org.bitdiffusion.modality.caption;

import org.bitdiffusion.ConfigurationException;
import org.bitdiffusion.config.ModalityConfig;

/**
 * The settings of captions.
 *
 * @param tokenizer {@code words}, {@code bytes}, or the path of a tokenizer.json
 * @param vocabulary the largest number of words
 * @param length tokens a caption, with the one that ends it; longer captions are cut
 * @param jitter strength of the random changes of the images in training, see {@link Jitter}
 */
public record CaptionSettings(String tokenizer, int vocabulary, int length, double jitter)
    implements ModalityConfig {
  static final String KIND = "caption";

  private static final int SHORTEST = 2;

  /** Attention would take 16 GiB for one caption of this length. */
  private static final int LONGEST = 1 << 16;

  public CaptionSettings {
    new Jitter(jitter); // checks it
    if (length < SHORTEST || length > LONGEST) {
      throw new ConfigurationException(
          "modality.length is %d; it must be from %d to %d".formatted(length, SHORTEST, LONGEST));
    }
  }

  @Override
  public String kind() {
    return KIND;
  }

  @Override
  public ModalityConfig fixed() {
    return new CaptionSettings(tokenizer, vocabulary, length, 0);
  }

  @Override
  public ModalityConfig symbols() {
    return new CaptionSettings(tokenizer, vocabulary, SHORTEST, 0);
  }
}

package org.bitdiffusion.modality.image;

import org.bitdiffusion.config.ModalityConfig;

/**
 * The settings of images.
 *
 * @param flip whether they are mirrored left to right at random in training
 */
public record ImageSettings(boolean flip) implements ModalityConfig {
  static final String KIND = "image";

  @Override
  public String kind() {
    return KIND;
  }

  @Override
  public ModalityConfig fixed() {
    return new ImageSettings(false);
  }
}

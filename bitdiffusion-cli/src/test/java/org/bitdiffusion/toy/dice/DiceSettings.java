package org.bitdiffusion.toy.dice;

import org.bitdiffusion.config.ModalityConfig;

/**
 * The settings of dice.
 *
 * @param loaded whether the first die never shows its highest face
 */
public record DiceSettings(boolean loaded) implements ModalityConfig {
  @Override
  public String kind() {
    return "dice";
  }
}

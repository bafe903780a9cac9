package org.bitdiffusion.modality.table;

import org.bitdiffusion.config.ModalityConfig;

/**
 * The settings of tables.
 *
 * @param escapeFormulas whether texts that a spreadsheet would compute, such as {@code =1+1}, are
 *     written with an apostrophe in front
 */
public record TableSettings(boolean escapeFormulas) implements ModalityConfig {
  static final String KIND = "table";

  @Override
  public String kind() {
    return KIND;
  }

  /** How rows are written may change at any time. */
  @Override
  public ModalityConfig fixed() {
    return new TableSettings(false);
  }
}

package org.bitdiffusion.config;

/** The settings of a kind of data: the section {@code modality} of a configuration. */
public interface ModalityConfig {
  /** The name of the kind. */
  String kind();

  /**
   * These settings with the defaults of those that may change in the middle of a run, such as
   * random changes of the data: the others must stay as they are.
   */
  default ModalityConfig fixed() {
    return this;
  }

  /**
   * These settings with the same values of those that do not change what a symbol stands for:
   * weights know symbols by their numbers, so that runs whose others differ cannot share them.
   */
  default ModalityConfig symbols() {
    return fixed();
  }
}

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
}

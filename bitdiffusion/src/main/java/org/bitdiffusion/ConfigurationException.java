package org.bitdiffusion;

/**
 * A setting that cannot be: an unknown name, a value out of range, two settings that contradict
 * each other. The message is one line for a person: which setting, what is wrong, what would be
 * right.
 */
public final class ConfigurationException extends RuntimeException {
  public ConfigurationException(String message) {
    super(message);
  }

  public ConfigurationException(String message, Throwable cause) {
    super(message, cause);
  }
}

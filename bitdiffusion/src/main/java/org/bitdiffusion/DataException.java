package org.bitdiffusion;

/**
 * A file or folder that is not what it should be: missing, empty, truncated, corrupt, foreign. The
 * message is one line for a person: which file, what is wrong, what to do.
 */
public final class DataException extends RuntimeException {
  public DataException(String message) {
    super(message);
  }

  public DataException(String message, Throwable cause) {
    super(message, cause);
  }
}

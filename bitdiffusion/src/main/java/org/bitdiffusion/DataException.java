package org.bitdiffusion;

import java.io.EOFException;
import java.io.FileNotFoundException;
import java.io.IOException;
import java.nio.charset.CharacterCodingException;
import java.nio.file.AccessDeniedException;
import java.nio.file.FileAlreadyExistsException;
import java.nio.file.FileSystemException;
import java.nio.file.NoSuchFileException;
import java.nio.file.Path;

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

  /** The system could not read a file or folder. */
  public static DataException cannotRead(Path path, IOException cause) {
    return new DataException(path + " cannot be read: " + reason(cause), cause);
  }

  /** The system could not write a file or folder. */
  public static DataException cannotWrite(Path path, IOException cause) {
    return new DataException(path + " cannot be written: " + reason(cause), cause);
  }

  /** In words: the messages of many file exceptions are only the path. */
  private static String reason(IOException e) {
    if (e instanceof FileSystemException failure && failure.getReason() != null) {
      return failure.getReason();
    }
    if (e instanceof FileNotFoundException && e.getMessage() != null) {
      return e.getMessage().replaceFirst(".* \\((.*)\\)$", "$1"); // without the path, again
    }
    if (e instanceof NoSuchFileException) {
      return "it or its folder does not exist";
    }
    if (e instanceof AccessDeniedException) {
      return "permission denied";
    }
    if (e instanceof FileAlreadyExistsException failure) {
      return failure.getFile() + " is in the way";
    }
    if (e instanceof CharacterCodingException) {
      return "it is not UTF-8; convert it";
    }
    if (e instanceof EOFException) {
      return "it ends too early";
    }
    return e.getMessage() == null ? e.getClass().getSimpleName() : e.getMessage();
  }
}

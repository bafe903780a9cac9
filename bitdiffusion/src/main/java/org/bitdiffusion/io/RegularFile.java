package org.bitdiffusion.io;

import java.io.IOException;
import java.nio.file.FileSystemException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.attribute.BasicFileAttributes;

/** Files that hold what they hold, and are no pipes or devices: opening those may wait for ever. */
public final class RegularFile {
  private RegularFile() {}

  /**
   * Complains of a pipe, a socket or a device.
   *
   * @return the file
   * @throws IOException if it is one of these, or is not there
   */
  public static Path require(Path file) throws IOException {
    if (Files.readAttributes(file, BasicFileAttributes.class).isOther()) {
      throw new FileSystemException(
          file.toString(), null, "it is a pipe or a device, where a file is needed");
    }
    return file;
  }

  /**
   * Like {@link #require}, of a file that may also not be there yet.
   *
   * @throws IOException if it is a pipe, a socket or a device
   */
  public static Path requireOrNew(Path file) throws IOException {
    return Files.exists(file) ? require(file) : file;
  }
}

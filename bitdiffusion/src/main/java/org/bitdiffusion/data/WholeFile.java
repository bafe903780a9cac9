package org.bitdiffusion.data;

import java.io.IOException;
import java.io.OutputStream;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.StandardCopyOption;
import org.bitdiffusion.DataException;

/**
 * Files that are whole whenever they are there: written under another name beside their place, then
 * renamed. What stood there before is replaced only by a whole file.
 */
final class WholeFile {
  private WholeFile() {}

  /** Writes what a file is to hold. */
  @FunctionalInterface
  interface Content {
    void writeTo(OutputStream out) throws IOException;
  }

  /**
   * Writes a file, and makes the folders above it.
   *
   * @throws DataException if it cannot be written; nothing is left of it then
   */
  static void write(Path file, Content content) {
    var folder = file.toAbsolutePath().getParent();
    Path unfinished = null;
    try {
      if (Files.isDirectory(file)) {
        throw new DataException(file + " cannot be written: it is a folder");
      }
      Files.createDirectories(folder);
      unfinished = folder.resolve("." + file.getFileName() + ".unfinished");
      try (var out = Files.newOutputStream(unfinished)) {
        content.writeTo(out);
      }
      Files.move(
          unfinished, file, StandardCopyOption.ATOMIC_MOVE, StandardCopyOption.REPLACE_EXISTING);
    } catch (IOException e) {
      if (unfinished != null) {
        delete(unfinished);
      }
      throw DataException.cannotWrite(file, e);
    }
  }

  private static void delete(Path file) {
    try {
      Files.deleteIfExists(file);
    } catch (IOException e) {
      // the disk is failing anyway; the first failure is the one to report
    }
  }
}

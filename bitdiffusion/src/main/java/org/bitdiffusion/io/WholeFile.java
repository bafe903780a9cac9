package org.bitdiffusion.io;

import java.io.IOException;
import java.io.OutputStream;
import java.io.RandomAccessFile;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.StandardCopyOption;
import java.nio.file.StandardOpenOption;
import java.util.UUID;
import org.bitdiffusion.DataException;

/**
 * Files that are whole whenever they are there: written under another name beside their place, then
 * renamed. What stood there before is replaced only by a whole file. That other name is used once,
 * so of several processes that write the same file, one wins and none is mixed with another.
 */
public final class WholeFile {
  private WholeFile() {}

  /** Writes what a file is to hold. */
  @FunctionalInterface
  public interface Content {
    void writeTo(OutputStream out) throws IOException;
  }

  /**
   * Writes a file, and makes the folders above it.
   *
   * @throws DataException if it cannot be written; nothing is left of it then
   */
  public static void write(Path file, Content content) {
    if (Files.isDirectory(file)) {
      throw new DataException(file + " cannot be written: it is a folder");
    }
    var place = file.toAbsolutePath();
    // Not by Files.createTempFile, whose files nobody else may read.
    var unfinished =
        place.resolveSibling(".%s.%s.unfinished".formatted(place.getFileName(), UUID.randomUUID()));
    try {
      Files.createDirectories(place.getParent());
      try (var out = Files.newOutputStream(unfinished, StandardOpenOption.CREATE_NEW)) {
        content.writeTo(out);
      }
      store(unfinished);
      Files.move(
          unfinished, place, StandardCopyOption.ATOMIC_MOVE, StandardCopyOption.REPLACE_EXISTING);
    } catch (IOException e) {
      throw DataException.cannotWrite(file, e);
    } finally {
      delete(unfinished); // gone already unless something failed
    }
  }

  /**
   * Waits until the bytes are on the disk: a name may reach it before them, and would stand for an
   * empty file after a power cut. Not by a channel, which an interrupted thread cannot use.
   */
  private static void store(Path file) throws IOException {
    try (var opened = new RandomAccessFile(file.toFile(), "rw")) {
      opened.getFD().sync();
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

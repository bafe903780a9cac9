package org.bitdiffusion.io;

import java.io.IOException;
import java.io.OutputStream;
import java.io.RandomAccessFile;
import java.nio.file.DirectoryIteratorException;
import java.nio.file.Files;
import java.nio.file.LinkOption;
import java.nio.file.Path;
import java.nio.file.StandardCopyOption;
import java.nio.file.StandardOpenOption;
import java.time.Duration;
import java.time.Instant;
import java.util.Set;
import java.util.UUID;
import java.util.concurrent.ConcurrentHashMap;
import java.util.regex.Pattern;
import org.bitdiffusion.DataException;

/**
 * Files that are whole whenever they are there: written under another name beside their place, then
 * renamed. What stood there before is replaced only by a whole file. That other name is used once,
 * so of several processes that write the same file, one wins and none is mixed with another. What a
 * process that was killed has left unfinished is removed by the next that writes in that folder.
 */
public final class WholeFile {
  /** What this class writes beside a file, with the process that does. */
  private static final Pattern UNFINISHED =
      Pattern.compile(
          "\\..*\\.(?:(\\d{1,18})-)?[0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12}\\.unfinished");

  /**
   * For so long nobody may have written to a file that is taken for left. Processes of other
   * machines, or of another container, may write in the same folder; theirs are not known here.
   */
  private static final Duration LEFT = Duration.ofHours(1);

  /** Folders that were looked through: that is done once, as many files may be written there. */
  private static final Set<Path> SWEPT = ConcurrentHashMap.newKeySet();

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
        place.resolveSibling(
            ".%s.%d-%s.unfinished"
                .formatted(place.getFileName(), ProcessHandle.current().pid(), UUID.randomUUID()));
    try {
      Files.createDirectories(place.getParent());
      if (SWEPT.add(place.getParent())) {
        sweep(place.getParent(), Instant.now());
      }
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

  /** Deletes what processes have left unfinished that are no more. */
  static void sweep(Path folder, Instant now) {
    try (var files = Files.newDirectoryStream(folder, ".*.unfinished")) {
      for (var file : files) {
        var name = UNFINISHED.matcher(file.getFileName().toString());
        if (name.matches()
            && Files.isRegularFile(file, LinkOption.NOFOLLOW_LINKS)
            && Files.getLastModifiedTime(file).toInstant().plus(LEFT).isBefore(now)
            && (name.group(1) == null
                || ProcessHandle.of(Long.parseLong(name.group(1))).isEmpty())) {
          delete(file);
        }
      }
    } catch (IOException | DirectoryIteratorException e) {
      // they stay, as they would if nobody looked
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

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
import java.util.regex.Matcher;
import java.util.regex.Pattern;
import org.bitdiffusion.DataException;

/**
 * Files that are whole whenever they are there: written under another name beside their place, then
 * renamed. What stood there before is replaced only by a whole file. That other name is used once,
 * so of several processes that write the same file, one wins and none is mixed with another. What a
 * process that was killed has left unfinished is removed by the next that writes in that folder.
 */
public final class WholeFile {
  /**
   * What this class writes beside a file, with the process that does, if not in earlier versions.
   */
  private static final Pattern UNFINISHED =
      Pattern.compile(
          "\\..*\\.(?:%s-)?(?:\\d{1,18}-)?[0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12}\\.unfinished"
              .formatted(ProcessMark.PATTERN));

  /**
   * For so long nobody may have written to a file that is taken for left where its process is not
   * known here, as that of another machine or container that writes in the same folder.
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
            ".%s.%s-%s.unfinished"
                .formatted(place.getFileName(), ProcessMark.own(), UUID.randomUUID()));
    try {
      Files.createDirectories(place.getParent());
      try (var out = Files.newOutputStream(unfinished, StandardOpenOption.CREATE_NEW)) {
        if (SWEPT.add(place.getParent())) {
          sweep(unfinished, Instant.now());
        }
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

  /**
   * Deletes what processes have left unfinished that are no more.
   *
   * @param own a file of this process, beside which they may be
   */
  static void sweep(Path own, Instant now) {
    try (var files = Files.newDirectoryStream(own.toAbsolutePath().getParent(), ".*.unfinished")) {
      for (var file : files) {
        var name = UNFINISHED.matcher(file.getFileName().toString());
        if (name.matches()
            && Files.isRegularFile(file, LinkOption.NOFOLLOW_LINKS)
            && isLeft(name, file, own, now)) {
          delete(file);
        }
      }
    } catch (IOException | DirectoryIteratorException e) {
      // they stay, as they would if nobody looked
    }
  }

  private static boolean isLeft(Matcher name, Path file, Path own, Instant now) {
    try {
      return name.group(1) == null
          ? ProcessMark.isLeftByUnknown(file, own, now, LEFT)
          : ProcessMark.of(name, 1).isLeft(file, own, now, LEFT);
    } catch (IOException e) {
      return false; // another process was faster
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

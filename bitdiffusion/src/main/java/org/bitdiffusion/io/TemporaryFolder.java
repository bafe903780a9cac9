package org.bitdiffusion.io;

import java.io.IOException;
import java.io.UncheckedIOException;
import java.nio.file.DirectoryIteratorException;
import java.nio.file.Files;
import java.nio.file.LinkOption;
import java.nio.file.Path;
import java.time.Duration;
import java.time.Instant;
import java.util.Comparator;
import java.util.Set;
import java.util.concurrent.ConcurrentHashMap;
import java.util.regex.Pattern;
import org.bitdiffusion.DataException;

/**
 * A folder among temporary files, which nobody else may look into or write, until it is closed, or
 * this process ends. What a process that was killed has left is removed by the next that makes one.
 */
public final class TemporaryFolder implements AutoCloseable {
  private static final String PREFIX = "bitdiffusion-";

  private static final Pattern NAME =
      Pattern.compile(PREFIX + "\\w+-" + ProcessMark.PATTERN + "-\\d+");

  /** As charts of a training of days do, one may use a folder long after it was written. */
  private static final Duration LEFT = Duration.ofDays(30);

  private static final Set<TemporaryFolder> OPEN = ConcurrentHashMap.newKeySet();

  static {
    Runtime.getRuntime()
        .addShutdownHook(
            new Thread(() -> OPEN.forEach(TemporaryFolder::deleteOnExit), "temporary files"));
  }

  private final Path path;

  private TemporaryFolder(Path path) {
    this.path = path;
    OPEN.add(this);
  }

  /**
   * Makes one.
   *
   * @param purpose a word for its name
   * @throws DataException if it cannot be made
   */
  public static TemporaryFolder make(String purpose) {
    return make(Path.of(System.getProperty("java.io.tmpdir")), purpose);
  }

  /** Like {@link #make(String)}, in another place than is usual. */
  public static TemporaryFolder make(Path temporary, String purpose) {
    try {
      var prefix = PREFIX + purpose + "-" + ProcessMark.own() + "-";
      var folder = new TemporaryFolder(Files.createTempDirectory(temporary, prefix));
      sweep(folder.path, Instant.now());
      return folder;
    } catch (IOException e) {
      throw DataException.cannotWrite(temporary, e);
    }
  }

  /** Where it is. */
  public Path path() {
    return path;
  }

  /** Removes the folders of this user's processes that are no more. */
  static void sweep(Path own, Instant now) {
    try (var folders = Files.newDirectoryStream(own.getParent(), PREFIX + "*")) {
      for (var folder : folders) {
        var name = NAME.matcher(folder.getFileName().toString());
        try {
          if (name.matches()
              && Files.isDirectory(folder, LinkOption.NOFOLLOW_LINKS)
              && ProcessMark.of(name, 1).isLeft(folder, own, now, LEFT)) {
            delete(folder);
          }
        } catch (IOException e) {
          // another process was faster
        }
      }
    } catch (IOException | DirectoryIteratorException e) {
      // they stay, as they would if nobody looked
    }
  }

  /** Removes it with all that it holds; what cannot be removed stays. */
  @Override
  public void close() {
    delete(path);
    OPEN.remove(this);
  }

  /** Not now: other threads that the end of the process has started, to save, may still read it. */
  private void deleteOnExit() {
    try (var files = Files.walk(path)) {
      files.forEach(file -> file.toFile().deleteOnExit()); // the last one first
    } catch (IOException | UncheckedIOException e) {
      // the next process that makes one removes it
    }
  }

  private static void delete(Path folder) {
    try (var files = Files.walk(folder)) {
      for (var file : files.sorted(Comparator.reverseOrder()).toList()) {
        Files.deleteIfExists(file);
      }
    } catch (IOException | UncheckedIOException e) {
      // the system clears its temporary files in the end
    }
  }
}

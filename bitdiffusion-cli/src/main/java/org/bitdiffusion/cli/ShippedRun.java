package org.bitdiffusion.cli;

import java.io.IOException;
import java.io.UncheckedIOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Comparator;
import java.util.zip.ZipInputStream;
import org.bitdiffusion.DataException;
import org.bitdiffusion.run.Run;

/**
 * The run that comes with the command: a model of icons, with its weights alone, which {@code
 * .ci/icons} trains and packs. It is unpacked into a folder of its own among temporary files, which
 * closing removes.
 */
final class ShippedRun implements AutoCloseable {
  private static final String RESOURCE = "icons.zip";

  private final Path folder;

  private ShippedRun(Path folder) {
    this.folder = folder;
  }

  /**
   * Unpacks it.
   *
   * @throws DataException if there is no room for it among temporary files
   */
  static ShippedRun icons() {
    Path folder = null;
    try (var zip = new ZipInputStream(ShippedRun.class.getResourceAsStream(RESOURCE))) {
      folder = Files.createTempDirectory("bitdiff-icons-"); // nobody else may write there
      for (var entry = zip.getNextEntry(); entry != null; entry = zip.getNextEntry()) {
        var file = folder.resolve(entry.getName());
        if (entry.isDirectory()) {
          Files.createDirectories(file);
        } else {
          Files.copy(zip, file);
        }
      }
      return new ShippedRun(folder);
    } catch (IOException e) {
      if (folder != null) {
        delete(folder);
      }
      throw DataException.cannotWrite(Path.of(System.getProperty("java.io.tmpdir")), e);
    }
  }

  Run open() {
    return Run.open(folder);
  }

  @Override
  public void close() {
    delete(folder);
  }

  private static void delete(Path folder) {
    try (var files = Files.walk(folder)) {
      for (var file : files.sorted(Comparator.reverseOrder()).toList()) {
        Files.delete(file);
      }
    } catch (IOException | UncheckedIOException e) {
      // the system clears its temporary files in the end
    }
  }
}

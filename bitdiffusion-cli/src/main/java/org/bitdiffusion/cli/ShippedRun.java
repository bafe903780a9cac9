package org.bitdiffusion.cli;

import java.io.IOException;
import java.nio.file.Files;
import java.util.zip.ZipInputStream;
import org.bitdiffusion.DataException;
import org.bitdiffusion.io.TemporaryFolder;
import org.bitdiffusion.run.Run;

/**
 * The run that comes with the command: a model of icons, with its weights alone, which {@code
 * .ci/icons} trains and packs. It is unpacked into a folder of its own among temporary files, which
 * closing removes.
 */
final class ShippedRun implements AutoCloseable {
  private static final String RESOURCE = "icons.zip";

  private final TemporaryFolder folder;

  private ShippedRun(TemporaryFolder folder) {
    this.folder = folder;
  }

  /**
   * Unpacks it.
   *
   * @throws DataException if there is no room for it among temporary files
   */
  static ShippedRun icons() {
    var folder = TemporaryFolder.make("icons");
    try (var zip = new ZipInputStream(ShippedRun.class.getResourceAsStream(RESOURCE))) {
      for (var entry = zip.getNextEntry(); entry != null; entry = zip.getNextEntry()) {
        var file = folder.path().resolve(entry.getName());
        if (entry.isDirectory()) {
          Files.createDirectories(file);
        } else {
          Files.copy(zip, file);
        }
      }
      return new ShippedRun(folder);
    } catch (IOException e) {
      folder.close();
      throw DataException.cannotWrite(folder.path(), e);
    }
  }

  Run open() {
    return Run.open(folder.path());
  }

  @Override
  public void close() {
    folder.close();
  }
}

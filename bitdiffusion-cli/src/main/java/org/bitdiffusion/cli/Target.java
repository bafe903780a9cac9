package org.bitdiffusion.cli;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Arrays;
import org.bitdiffusion.ConfigurationException;
import org.bitdiffusion.DataException;
import org.bitdiffusion.data.DataSource;
import org.bitdiffusion.data.DataSpec;
import org.bitdiffusion.modality.Renderer;
import org.bitdiffusion.modality.SampleFile;

/**
 * Whether what an option names can be written, looked at before the work that it is for, so that
 * hours of it are not lost to a misspelt path.
 */
final class Target {
  private Target() {}

  /** Whether a file's name ends so, as {@code .png}. */
  static boolean endsIn(Path file, String ending) {
    return file.toString().endsWith(ending);
  }

  /**
   * Complains unless a file can be written.
   *
   * @param endings that its name may have, such as {@code .png}
   * @throws ConfigurationException if it has another
   * @throws DataException if something is in its way, or its folder cannot be written
   */
  static void requireFile(String option, Path file, String... endings) {
    requireEnding(option, file, endings);
    if (Files.isDirectory(file)) {
      throw cannotWrite(file, "it is a folder");
    }
    requireWritable(file, file.toAbsolutePath().getParent());
  }

  /**
   * Complains if a file that is to be written is one that is read.
   *
   * @param input of the command, or null
   * @throws ConfigurationException if it is
   */
  static void requireOther(String option, Path file, Path input) {
    try {
      if (input != null
          && Files.exists(file)
          && Files.exists(input)
          && Files.isSameFile(file, input)) {
        throw new ConfigurationException(
            "%s is %s, which is read here, and would be lost; name another"
                .formatted(option, file));
      }
    } catch (IOException e) {
      throw DataException.cannotRead(file, e);
    }
  }

  /**
   * Complains if a file that is to be written is one of the data's.
   *
   * @throws ConfigurationException if it is the data's file, or is there already in its folder
   */
  static void requireOutside(String option, Path file, DataSpec data) {
    if (data.path() == null) {
      return;
    }
    var input = Path.of(data.path());
    requireOther(option, file, input);
    try {
      if (Files.isRegularFile(file)
          && Files.isDirectory(input)
          && file.toRealPath().startsWith(input.toRealPath())) {
        throw ofData(option, file);
      }
    } catch (IOException e) {
      throw DataException.cannotRead(file, e);
    }
  }

  /**
   * Complains if a file that is to be written is one that the data names.
   *
   * @throws ConfigurationException if it is
   */
  static void requireUnread(String option, Path file, DataSource data) {
    if (Files.isRegularFile(file) && data.reads(file)) {
      throw ofData(option, file);
    }
  }

  private static ConfigurationException ofData(String option, Path file) {
    return new ConfigurationException(
        "%s is %s, a file of the data, which would be lost; name another".formatted(option, file));
  }

  /** Like {@link #requireFile}, of one that is only read if it is there already. */
  static void requireFileOrNew(String option, Path file, String ending) {
    if (Files.isRegularFile(file)) {
      requireEnding(option, file, ending);
    } else {
      requireFile(option, file, ending);
    }
  }

  /**
   * Complains unless samples can be written there.
   *
   * @throws ConfigurationException if its name has an ending of which none are made, or it is a
   *     folder that is not empty
   * @throws DataException if something is in its way, or it cannot be written
   */
  static void requireSamples(String option, Path out, Renderer renderer) {
    requireSamples(option, out, renderer, "");
  }

  /**
   * @param orElse what else the name could be, for the message
   */
  static void requireSamples(String option, Path out, Renderer renderer, String orElse) {
    String ending;
    try {
      ending = SampleFile.ending(out, renderer);
    } catch (ConfigurationException e) {
      throw new ConfigurationException(option + " " + e.getMessage() + orElse, e);
    }
    if (ending == null) {
      requireFolder(out);
    } else {
      requireFile(option, out, ending);
    }
  }

  private static void requireEnding(String option, Path file, String... endings) {
    if (Arrays.stream(endings).noneMatch(ending -> endsIn(file, ending))) {
      throw new ConfigurationException(
          "%s is %s; it must end in %s".formatted(option, file, String.join(" or ", endings)));
    }
  }

  /**
   * Complains unless files can be written in a folder, which may have to be made: where there are
   * files already, new ones could take their places, or be taken for theirs.
   *
   * @throws ConfigurationException if it is not empty
   * @throws DataException if something is in its way, or it cannot be written
   */
  static void requireFolder(Path folder) {
    if (Files.isDirectory(folder)) {
      try (var files = Files.newDirectoryStream(folder)) {
        if (files.iterator().hasNext()) {
          throw new ConfigurationException(
              folder + " is not empty; name a folder that is, or a new one");
        }
      } catch (IOException e) {
        throw DataException.cannotRead(folder, e);
      }
    }
    requireWritable(folder);
  }

  /** Complains unless a folder can be made, or written where it is there already. */
  static void requireWritable(Path folder) {
    requireWritable(folder, folder.toAbsolutePath());
  }

  /** The nearest folder that exists is the one in which the others are made. */
  private static void requireWritable(Path target, Path folder) {
    var nearest = folder;
    while (!Files.exists(nearest) && nearest.getParent() != null) {
      nearest = nearest.getParent();
    }
    if (!Files.isDirectory(nearest)) {
      throw cannotWrite(target, nearest + " is in the way");
    }
    if (!Files.isWritable(nearest)) {
      throw cannotWrite(target, "permission denied for " + nearest);
    }
  }

  private static DataException cannotWrite(Path target, String reason) {
    return new DataException(target + " cannot be written: " + reason);
  }
}

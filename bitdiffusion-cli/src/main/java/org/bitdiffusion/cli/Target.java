package org.bitdiffusion.cli;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Arrays;
import java.util.regex.Pattern;
import org.bitdiffusion.ConfigurationException;
import org.bitdiffusion.DataException;

/**
 * Whether what an option names can be written, looked at before the work that it is for, so that
 * hours of it are not lost to a misspelt path.
 */
final class Target {
  /** Of a file, such as .gif: a folder's name seldom has one. */
  private static final Pattern ENDING = Pattern.compile("\\.[A-Za-z]\\w{1,4}$");

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
    if (Arrays.stream(endings).noneMatch(ending -> endsIn(file, ending))) {
      throw new ConfigurationException(
          "%s is %s; it must end in %s".formatted(option, file, String.join(" or ", endings)));
    }
    if (Files.isDirectory(file)) {
      throw cannotWrite(file, "it is a folder");
    }
    requireWritable(file, file.toAbsolutePath().getParent());
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
    requireWritable(folder, folder.toAbsolutePath());
  }

  /**
   * Complains unless images can be written: as a grid ({@code .png}), as an array ({@code .npy})
   * or, under any other name, each to a file of its own in a folder.
   */
  static void requireImages(String option, Path out) {
    if (endsIn(out, ".png") || endsIn(out, ".npy")) {
      requireFile(option, out, ".png", ".npy");
    } else if (ENDING.matcher(out.toString()).find() && !Files.isDirectory(out)) {
      throw new ConfigurationException(
          "%s is %s; it must end in .png or .npy, or be a folder, which must be there already if its"
                  .formatted(option, out)
              + " name has an ending");
    } else {
      requireFolder(out);
    }
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

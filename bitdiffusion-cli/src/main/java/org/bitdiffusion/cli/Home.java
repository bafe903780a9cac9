package org.bitdiffusion.cli;

import java.io.IOException;
import java.nio.file.FileAlreadyExistsException;
import java.nio.file.Files;
import java.nio.file.LinkOption;
import java.nio.file.Path;
import java.nio.file.attribute.PosixFilePermissions;

/**
 * A home for users whom the system does not know, such as those that only a container has. Java's
 * is {@code ?} then, and libraries would unpack hundreds of MB into a folder of that name, wherever
 * the command is started.
 */
final class Home {
  private static final String PROPERTY = "user.home";

  private Home() {}

  /** Sets Java's home where it is none. */
  static void require() {
    if (!Path.of(System.getProperty(PROPERTY, "?")).isAbsolute()) {
      try {
        var temporary = Path.of(System.getProperty("java.io.tmpdir"));
        System.setProperty(PROPERTY, choose(System.getenv("HOME"), temporary).toString());
      } catch (IOException e) {
        // whoever needs one says so
      }
    }
  }

  /**
   * What the environment says, or else a folder of this user's own among temporary files, the same
   * each time.
   *
   * @param home maybe null
   */
  static Path choose(String home, Path temporary) throws IOException {
    if (home != null && Path.of(home).isAbsolute() && Files.isWritable(Path.of(home))) {
      return Path.of(home);
    }
    var own = PosixFilePermissions.asFileAttribute(PosixFilePermissions.fromString("rwx------"));
    var probe = Files.createTempFile(temporary, "bitdiff-", "");
    var user = Files.getOwner(probe);
    Files.delete(probe);
    var folder = temporary.resolve("bitdiff-home-" + user.getName());
    try {
      Files.createDirectory(folder, own);
    } catch (FileAlreadyExistsException e) {
      // Libraries are loaded from there: nobody else may have put them.
      if (!Files.isDirectory(folder, LinkOption.NOFOLLOW_LINKS)
          || !Files.getOwner(folder).equals(user)
          || !Files.getPosixFilePermissions(folder).equals(own.value())) {
        return Files.createTempDirectory(temporary, "bitdiff-home-", own);
      }
    }
    return folder;
  }
}

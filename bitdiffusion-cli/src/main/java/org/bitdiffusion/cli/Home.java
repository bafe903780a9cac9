package org.bitdiffusion.cli;

import java.io.IOException;
import java.nio.file.FileAlreadyExistsException;
import java.nio.file.Files;
import java.nio.file.LinkOption;
import java.nio.file.Path;
import java.nio.file.attribute.PosixFilePermissions;
import java.util.Map;

/**
 * A home for users whom the system does not know, such as those that only a container has. Java's
 * is {@code ?} then, and libraries would unpack hundreds of MB into a folder of that name, wherever
 * the command is started.
 */
final class Home {
  private static final String PROPERTY = "user.home";

  private Home() {}

  /** Sets Java's home where it is none, and where the libraries' native code is unpacked. */
  static void require() {
    caches(System.getenv("XDG_CACHE_HOME"))
        .forEach((property, folder) -> System.getProperties().putIfAbsent(property, folder));
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
   * The folders of native code by the properties that the libraries read, where the user's caches
   * are elsewhere than usual (XDG Base Directory Specification, which ignores relative paths).
   *
   * @param cache what the environment says of them, maybe null
   */
  static Map<String, String> caches(String cache) {
    return cache == null || !Path.of(cache).isAbsolute()
        ? Map.of()
        : Map.of(
            "org.bytedeco.javacpp.cachedir", Path.of(cache, "javacpp").toString(),
            "DJL_CACHE_DIR", Path.of(cache, "djl").toString());
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

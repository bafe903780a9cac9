package org.bitdiffusion.io;

import java.io.IOException;
import java.nio.file.DirectoryIteratorException;
import java.nio.file.FileSystemException;
import java.nio.file.Files;
import java.nio.file.LinkOption;
import java.nio.file.Path;
import java.nio.file.attribute.FileAttribute;
import java.nio.file.attribute.PosixFileAttributes;
import java.nio.file.attribute.PosixFilePermission;
import java.nio.file.attribute.PosixFilePermissions;
import java.nio.file.attribute.UserPrincipal;
import java.util.Set;
import java.util.TreeSet;

/**
 * Folders that nobody but this process's user, and the system's, can put files into, or exchange
 * for another: for what is run, and not only read. Where the system has no owners and permissions
 * in the manner of POSIX, all folders are taken for such.
 */
public final class PrivateFolder {
  private static final FileAttribute<Set<PosixFilePermission>> FOR_OWNER =
      PosixFilePermissions.asFileAttribute(PosixFilePermissions.fromString("rwx------"));

  /** Of the mode: only a file's owner may remove or rename it, as among temporary files. */
  private static final int STICKY = 01000;

  private PrivateFolder() {}

  /**
   * Takes a folder, or makes it and those above it.
   *
   * @return its path without links, which others could change
   * @throws IOException if it cannot be written, or others can write it, or a folder above it
   */
  public static Path require(Path folder) throws IOException {
    var posix = folder.getFileSystem().supportedFileAttributeViews().contains("unix");
    if (!Files.isDirectory(folder)) {
      if (posix) {
        Files.createDirectories(folder, FOR_OWNER);
      } else {
        Files.createDirectories(folder);
      }
    }
    var real = folder.toRealPath();
    var probe = Files.createTempFile(real, ".owner-", "");
    try {
      if (posix) {
        requireNoOthers(real, Files.getOwner(probe));
      }
    } finally {
      Files.delete(probe);
    }
    return real;
  }

  /**
   * A folder of this user's own among temporary files: that of an earlier call, or a new one.
   *
   * @param prefix of its name, whose rest nobody can know before
   * @throws IOException if there is none, and none can be made
   */
  public static Path among(Path temporary, String prefix) throws IOException {
    var left = new TreeSet<Path>(); // so that all processes take the same
    try (var folders = Files.newDirectoryStream(temporary, prefix + "*")) {
      folders.forEach(left::add);
    } catch (DirectoryIteratorException e) {
      throw e.getCause();
    }
    for (var folder : left) {
      if (Files.isDirectory(folder, LinkOption.NOFOLLOW_LINKS)) {
        try {
          return require(folder);
        } catch (IOException e) {
          // another user's
        }
      }
    }
    return require(Files.createTempDirectory(temporary, prefix));
  }

  private static void requireNoOthers(Path folder, UserPrincipal user) throws IOException {
    var system = Files.getOwner(folder.getRoot());
    requireOwner(folder, folder, user, system);
    if (isWritableByOthers(folder)) {
      throw refused(folder, "others can write it");
    }
    for (var above = folder.getParent(); above != null; above = above.getParent()) {
      requireOwner(folder, above, user, system);
      var mode = (int) Files.getAttribute(above, "unix:mode");
      if (isWritableByOthers(above) && (mode & STICKY) == 0) {
        throw refused(folder, "others can write " + above);
      }
    }
  }

  private static void requireOwner(Path folder, Path one, UserPrincipal user, UserPrincipal system)
      throws IOException {
    var owner = Files.getOwner(one);
    if (!owner.equals(user) && !owner.equals(system)) {
      throw refused(
          folder,
          (one.equals(folder) ? "it" : one) + " belongs to another user, " + owner.getName());
    }
  }

  /** A group of the owner's name is taken for the owner's alone, as many systems give to each. */
  private static boolean isWritableByOthers(Path folder) throws IOException {
    var attributes = Files.readAttributes(folder, PosixFileAttributes.class);
    var permissions = attributes.permissions();
    return permissions.contains(PosixFilePermission.OTHERS_WRITE)
        || permissions.contains(PosixFilePermission.GROUP_WRITE)
            && !attributes.group().getName().equals(attributes.owner().getName());
  }

  private static FileSystemException refused(Path folder, String reason) {
    return new FileSystemException(folder.toString(), null, reason);
  }
}

package org.bitdiffusion.runtime;

import java.io.IOException;
import java.nio.file.FileSystemException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.Objects;
import org.bitdiffusion.DataException;
import org.bitdiffusion.io.PrivateFolder;

/**
 * Where a library unpacks its native code, and loads it from: a folder that nobody else may write.
 * Left alone, the libraries take a folder of a known name among temporary files where the user's
 * home cannot be written, and whoever has made it before puts code of theirs into this process.
 */
public enum NativeCode {
  /** That of the engine, 450 MB for the CPU. */
  ENGINE(
      List.of("org.bytedeco.javacpp.cachedir", "org.bytedeco.javacpp.cacheDir"),
      "javacpp",
      ".javacpp/cache"),

  /** That of tokenizers, 18 MB. */
  TOKENIZERS(List.of("DJL_CACHE_DIR", "ENGINE_CACHE_DIR"), "djl", ".djl.ai");

  private static final String AMONG_TEMPORARY = "bitdiffusion-native-";

  private final List<String> settings;
  private final String inCaches;
  private final String inHome;
  private Path folder;

  NativeCode(List<String> settings, String inCaches, String inHome) {
    this.settings = settings;
    this.inCaches = inCaches;
    this.inHome = inHome;
  }

  /**
   * The folder, which is chosen on the first call, and told to the library: what its system
   * property names (such as {@code org.bytedeco.javacpp.cachedir}), or else the first of {@code
   * XDG_CACHE_HOME}, the user's home, and a folder of this user's own among temporary files that
   * this user can write, and nobody else.
   *
   * @throws DataException if there is none
   */
  public synchronized Path folder() {
    if (folder == null) {
      folder = choose();
    }
    return folder;
  }

  private Path choose() {
    for (var setting : settings) {
      for (var value : Arrays.asList(System.getenv(setting), System.getProperty(setting))) {
        if (value != null && !value.isEmpty()) {
          return given(setting, Path.of(value));
        }
      }
    }
    var chosen =
        choose(
            System.getenv("XDG_CACHE_HOME"),
            Arrays.asList(System.getProperty("user.home"), System.getenv("HOME")),
            Path.of(System.getProperty("java.io.tmpdir")));
    System.setProperty(settings.get(0), chosen.toString());
    return chosen;
  }

  /** A folder that the user has named is the user's to answer for, but it has to be one. */
  private static Path given(String setting, Path named) {
    try {
      Files.createDirectories(named);
      if (!Files.isWritable(named)) { // JavaCPP would take another, without a word
        throw new FileSystemException(named.toString(), null, "permission denied");
      }
      return named;
    } catch (IOException e) {
      throw new DataException(
          setting + ", for native libraries: " + DataException.cannotWrite(named, e).getMessage(),
          e);
    }
  }

  /**
   * The first folder that is this user's alone.
   *
   * @param caches what the environment says of the user's caches, maybe null or relative, which is
   *     ignored (XDG Base Directory Specification)
   * @param homes of the user, some maybe null, or {@code ?} for a user whom the system does not
   *     know
   */
  Path choose(String caches, List<String> homes, Path temporary) {
    var places = new ArrayList<Path>();
    if (caches != null && Path.of(caches).isAbsolute()) {
      places.add(Path.of(caches, inCaches));
    }
    homes.stream()
        .filter(Objects::nonNull)
        .map(Path::of)
        .filter(Path::isAbsolute)
        .map(home -> home.resolve(inHome))
        .distinct()
        .forEach(places::add);
    var refused = new ArrayList<String>();
    for (var place : places) {
      try {
        return PrivateFolder.require(place);
      } catch (IOException e) {
        refused.add(DataException.cannotWrite(place, e).getMessage());
      }
    }
    try {
      return PrivateFolder.require(
          PrivateFolder.among(temporary, AMONG_TEMPORARY).resolve(inCaches));
    } catch (IOException e) {
      refused.add(DataException.cannotWrite(temporary, e).getMessage());
    }
    throw new DataException(
        "native libraries have no folder that this user can write, and nobody else (%s); name one with -D%s=DIR"
            .formatted(String.join("; ", refused), settings.get(0)));
  }
}

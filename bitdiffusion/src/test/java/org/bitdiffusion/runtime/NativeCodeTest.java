package org.bitdiffusion.runtime;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;
import static org.assertj.core.api.Assumptions.assumeThat;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.attribute.PosixFilePermissions;
import java.util.Arrays;
import java.util.List;
import org.bitdiffusion.DataException;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

class NativeCodeTest {
  @TempDir private Path folder;
  private Path caches;
  private Path home;
  private Path temporary;

  @BeforeEach
  void make() throws IOException {
    folder = folder.toRealPath();
    caches = Files.createDirectory(folder.resolve("caches"));
    home = Files.createDirectory(folder.resolve("home"));
    temporary = Files.createDirectory(folder.resolve("temporary"));
  }

  private Path engine(String caches, Path home) {
    return NativeCode.ENGINE.choose(caches, List.of(home.toString()), temporary);
  }

  private static void openToAll(Path folder) throws IOException {
    assumeThat(Files.getFileStore(folder).supportsFileAttributeView("posix")).isTrue();
    Files.setPosixFilePermissions(folder, PosixFilePermissions.fromString("rwxrwxrwx"));
  }

  @Test
  void liesWhereTheUsersCachesAre() {
    assertThat(engine(caches.toString(), home)).isEqualTo(caches.resolve("javacpp"));
    assertThat(NativeCode.TOKENIZERS.choose(caches.toString(), List.of(), temporary))
        .isEqualTo(caches.resolve("djl"));
  }

  @Test
  void liesElseInTheUsersHome() {
    for (var none : new String[] {null, "", "relative"}) {
      assertThat(engine(none, home)).isEqualTo(home.resolve(".javacpp/cache"));
    }
    var homes = Arrays.asList("?", null, home.toString());
    assertThat(NativeCode.TOKENIZERS.choose(null, homes, temporary))
        .isEqualTo(home.resolve(".djl.ai"));
    assertThat(temporary).isEmptyDirectory();
  }

  @Test
  void liesElseInAFolderOfOnesOwnTheSameEachTime() {
    for (var at : List.of(Path.of("?"), Path.of("/dev/null"))) {
      var own = engine(null, at);
      assertThat(own).isDirectory().startsWith(temporary).endsWithRaw(Path.of("javacpp"));
      assertThat(engine(null, at)).isEqualTo(own);
      assertThat(NativeCode.TOKENIZERS.choose(null, List.of("?"), temporary))
          .isEqualTo(own.resolveSibling("djl"));
    }
    assertThat(temporary.toFile().list()).hasSize(1);
  }

  @Test
  void isNoFolderThatOthersCanWrite() throws IOException {
    var prepared = Files.createDirectories(home.resolve(".javacpp/cache"));
    openToAll(prepared);
    assertThat(engine(null, home)).startsWith(temporary);
    openToAll(caches);
    assertThat(engine(caches.toString(), home)).startsWith(temporary);
  }

  @Test
  void thatThereIsNoneIsSaidWithTheReasons() throws IOException {
    openToAll(home);
    openToAll(temporary);
    assertThatThrownBy(() -> engine(null, home))
        .isInstanceOf(DataException.class)
        .hasMessageContaining(
            home.resolve(".javacpp/cache") + " cannot be written: others can write " + home)
        .hasMessageContaining(temporary + " cannot be written: others can write")
        .hasMessageEndingWith("name one with -Dorg.bytedeco.javacpp.cachedir=DIR");
  }
}

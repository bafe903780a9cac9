package org.bitdiffusion.cli;

import static org.assertj.core.api.Assertions.assertThat;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.attribute.PosixFilePermissions;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

class HomeTest {
  @TempDir private Path folder;

  @Test
  void nativeCodeIsUnpackedWhereTheUsersCachesAre() {
    assertThat(Home.caches(folder.toString()))
        .containsEntry("org.bytedeco.javacpp.cachedir", folder.resolve("javacpp").toString())
        .containsEntry("DJL_CACHE_DIR", folder.resolve("djl").toString());
    for (var none : new String[] {null, "", "relative"}) {
      assertThat(Home.caches(none)).isEmpty();
    }
  }

  @Test
  void isWhatTheEnvironmentSays() throws IOException {
    assertThat(Home.choose(folder.toString(), folder)).isEqualTo(folder);
  }

  @Test
  void isElseAFolderOfOnesOwn() throws IOException {
    for (var none : new String[] {null, "?", folder + "/none", "relative"}) {
      var home = Home.choose(none, folder);
      assertThat(home).isDirectory().hasParent(folder);
      assertThat(Home.choose(none, folder)).isEqualTo(home);
    }
    assertThat(folder.toFile().list()).hasSize(1);
  }

  /** Others may have put libraries there. */
  @Test
  void aFolderThatOthersMayWriteIsNotTaken() throws IOException {
    var home = Home.choose(null, folder);
    Files.setPosixFilePermissions(home, PosixFilePermissions.fromString("rwxrwx---"));
    assertThat(Home.choose(null, folder)).isNotEqualTo(home);
  }

  @Test
  void aFolderOfAnotherIsNotTaken() throws IOException {
    var home = Home.choose(null, folder);
    Files.delete(home);
    Files.createSymbolicLink(home, Files.createDirectory(folder.resolve("elsewhere")));
    assertThat(Home.choose(null, folder)).isNotEqualTo(home);
  }
}

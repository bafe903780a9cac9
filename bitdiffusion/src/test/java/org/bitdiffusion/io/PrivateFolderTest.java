package org.bitdiffusion.io;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;
import static org.assertj.core.api.Assumptions.assumeThat;

import java.io.IOException;
import java.nio.file.FileSystemException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.attribute.PosixFilePermissions;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

class PrivateFolderTest {
  private static final int ANOTHER_USER = 65_534;

  @TempDir private Path temporary;
  private Path folder;

  @BeforeEach
  void make() throws IOException {
    assumeThat(temporary.getFileSystem().supportedFileAttributeViews()).contains("unix");
    temporary = temporary.toRealPath();
    folder = Files.createDirectory(temporary.resolve("folder"));
  }

  private static void mode(Path path, int mode) throws IOException {
    Files.setAttribute(path, "unix:mode", mode);
  }

  /** Only root may give files away. */
  private static void give(Path path) throws IOException {
    assumeThat((int) Files.getAttribute(path, "unix:uid")).isZero();
    Files.setAttribute(path, "unix:uid", ANOTHER_USER);
  }

  private static void assertRefused(Path folder, String reason) {
    assertThatThrownBy(() -> PrivateFolder.require(folder))
        .isInstanceOf(FileSystemException.class)
        .hasMessageContaining(folder + ": " + reason);
  }

  @Test
  void isMadeForItsOwnerAlone() throws IOException {
    var made = PrivateFolder.require(folder.resolve("a/b"));
    assertThat(made).isEqualTo(folder.resolve("a/b")).isEmptyDirectory();
    assertThat(PosixFilePermissions.toString(Files.getPosixFilePermissions(made)))
        .isEqualTo("rwx------");
    assertThat(PrivateFolder.require(made)).isEqualTo(made);
  }

  @ParameterizedTest
  @CsvSource({"0700, true", "0755, true", "0777, false", "0757, false", "01777, false"})
  void isNoneThatOthersCanWrite(String mode, boolean taken) throws IOException {
    mode(folder, Integer.parseInt(mode, 8));
    if (taken) {
      assertThat(PrivateFolder.require(folder)).isEqualTo(folder);
    } else {
      assertRefused(folder, "others can write it");
    }
  }

  @Test
  void aGroupIsOtherUnlessItHasTheOwnersName() throws IOException {
    mode(folder, 0775);
    Files.setAttribute(folder, "unix:gid", Files.getAttribute(folder, "unix:uid"));
    assertThat(PrivateFolder.require(folder)).isEqualTo(folder);
    assumeThat((int) Files.getAttribute(folder, "unix:uid")).isZero();
    Files.setAttribute(folder, "unix:gid", ANOTHER_USER);
    assertRefused(folder, "others can write it");
  }

  @Test
  void isNoneThatOthersCanExchangeForAnother() throws IOException {
    var inner = Files.createDirectory(folder.resolve("inner"));
    mode(folder, 0777);
    assertRefused(inner, "others can write " + folder);
    mode(folder, 01777); // as the folder of temporary files
    assertThat(PrivateFolder.require(inner)).isEqualTo(inner);
    give(folder);
    assertRefused(inner, folder + " belongs to another user");
  }

  @Test
  void isNoneOfAnotherUser() throws IOException {
    give(folder);
    assertRefused(folder, "it belongs to another user");
    var link = Files.createSymbolicLink(temporary.resolve("link"), folder);
    assertThatThrownBy(() -> PrivateFolder.require(link)).hasMessageContaining("another user");
  }

  @Test
  void isKnownByAPathWithoutLinks() throws IOException {
    var link = Files.createSymbolicLink(temporary.resolve("link"), folder);
    assertThat(PrivateFolder.require(link.resolve("a"))).isEqualTo(folder.resolve("a"));
  }

  @Test
  void amongTemporaryFilesTheSameIsTakenEachTime() throws IOException {
    var own = PrivateFolder.among(folder, "own-");
    assertThat(PrivateFolder.among(folder, "own-")).isEqualTo(own).hasParent(folder);
    assertThat(folder.toFile().list()).hasSize(1);
  }

  @Test
  void amongTemporaryFilesThoseThatOthersHavePreparedArePassedOver() throws IOException {
    mode(Files.createDirectory(folder.resolve("own-!")), 0777);
    Files.writeString(folder.resolve("own-#"), "a file");
    Files.createSymbolicLink(
        folder.resolve("own-$"), Files.createDirectory(temporary.resolve("target")));
    var own = PrivateFolder.among(folder, "own-");
    assertThat(own.getFileName().toString()).matches("own-\\d+");
    assertThat(PrivateFolder.among(folder, "own-")).isEqualTo(own);
    give(own);
    assertThat(PrivateFolder.among(folder, "own-")).isNotEqualTo(own);
  }
}

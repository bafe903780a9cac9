package org.bitdiffusion.cli;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.attribute.FileTime;
import java.util.List;
import org.bitdiffusion.DataException;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

class ChartFontTest {
  @TempDir private Path folder;

  @Test
  void isTheOneThatComesWithTheProgram() {
    assertThat(ChartFont.of(13).getFontName()).isEqualTo("Liberation Sans");
    assertThat(ChartFont.of(13).getSize()).isEqualTo(13);
  }

  @Test
  void noPlaceForTemporaryFilesIsAFailureThatNamesIt() {
    var none = folder.resolve("none");
    assertThatThrownBy(() -> ChartFont.load(none))
        .isInstanceOf(DataException.class)
        .hasMessage(none + " cannot be written: it or its folder does not exist");
  }

  @Test
  void foldersThatWereLeftAreRemoved() throws IOException {
    var dead = Files.createDirectory(folder.resolve("bitdiff-font-999999999-1"));
    var older = Files.createDirectory(folder.resolve("bitdiff-font-12345"));
    var alive =
        Files.createDirectory(
            folder.resolve("bitdiff-font-" + ProcessHandle.current().pid() + "-2"));
    var young = Files.createDirectory(folder.resolve("bitdiff-font-999999999-3"));
    Files.writeString(dead.resolve("fontconfig.properties"), "");
    for (var old : List.of(dead, older, alive)) {
      Files.setLastModifiedTime(old, FileTime.fromMillis(0));
    }
    ChartFont.sweep(folder);
    assertThat(List.of(dead, older)).allMatch(Files::notExists);
    assertThat(List.of(alive, young)).allMatch(Files::exists);
  }
}

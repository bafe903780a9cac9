package org.bitdiffusion.cli;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import java.nio.file.Path;
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
}

package org.bitdiffusion.data;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Arrays;
import org.bitdiffusion.ConfigurationException;
import org.bitdiffusion.DataException;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.junit.jupiter.params.provider.ValueSource;

class DataSourcesTest {
  @TempDir private Path folder;

  /** Opens a source that is described in one line. */
  static ImageSource open(String line) {
    return DataSources.open(DataSpec.parse(line));
  }

  /** The symbols of one example. */
  static int[] read(ImageSource source, int index) {
    var symbols = new int[source.format().symbols() + 2];
    symbols[0] = -7;
    symbols[symbols.length - 1] = -7;
    source.read(index, symbols, 1);
    assertThat(symbols[0]).isEqualTo(-7);
    assertThat(symbols[symbols.length - 1]).isEqualTo(-7);
    return Arrays.copyOfRange(symbols, 1, symbols.length - 1);
  }

  @Test
  void unknownSourcesAreAnsweredWithTheKnownOnes() {
    assertThatThrownBy(() -> open("icon"))
        .isInstanceOf(ConfigurationException.class)
        .hasMessageContaining("'icon'")
        .hasMessageContaining("icons, idx, cifar10, cifar100, imagenet64, images");
  }

  @ParameterizedTest
  @ValueSource(strings = {"idx", "cifar10", "cifar100", "imagenet64", "images"})
  void unknownOptionsAreFoundBeforeFilesAre(String source) {
    assertThatThrownBy(() -> open(source + ":missing,sise=24"))
        .isInstanceOf(ConfigurationException.class)
        .hasMessageContaining("no option 'sise'")
        .hasMessageContaining("it has ")
        .hasMessageContaining("subset");
  }

  @ParameterizedTest
  @ValueSource(strings = {"idx", "cifar10", "cifar100", "imagenet64", "images"})
  void missingAndEmptyFoldersAreNamed(String source) throws Exception {
    assertThatThrownBy(() -> open(source))
        .isInstanceOf(ConfigurationException.class)
        .hasMessageContaining(source + ":PATH");
    var missing = folder.resolve("missing");
    assertThatThrownBy(() -> open(source + ":" + missing))
        .isInstanceOf(DataException.class)
        .hasMessageContaining(missing + " does not exist");
    var empty = Files.createDirectories(folder.resolve("empty"));
    assertThatThrownBy(() -> open(source + ":" + empty))
        .isInstanceOf(DataException.class)
        .hasMessageContaining(empty.toString());
    if (!source.equals("idx")) {
      var file = Files.createFile(folder.resolve("file"));
      assertThatThrownBy(() -> open(source + ":" + file))
          .isInstanceOf(DataException.class)
          .hasMessageContaining(file + " is a file");
    }
  }

  @ParameterizedTest
  @CsvSource(
      delimiter = '|',
      value = {
        "icons,size=x                    | size is 'x'; it must be a whole number from 4 to 256",
        "icons,size=3                    | size is '3'; it must be a whole number from 4 to 256",
        "icons,levels=257                | from 2 to 256",
        "icons,subset=0                  | subset is '0'; it must be a whole number of at least 1",
        "icons:folder                    | 'folder' must be left out",
        "icons,skip_bad=true             | no option 'skip_bad'",
        "idx:x,split=val                 | split is 'val'; it must be one of train, test",
        "cifar10:x,size=64               | from 1 to 32",
        "cifar100:x,labels=all           | one of fine, coarse",
        "imagenet64:x,split=test         | one of train, val",
        "images:x,color=gray             | one of rgb, grey, palette",
        "images:x,color=rgb,palette=16   | no option 'palette'",
        "images:x,palette=16,levels=4    | no option 'levels'",
        "images:x,palette=257            | from 2 to 256",
        "images:x,skip_bad=yes           | one of false, true",
      })
  void valuesOutOfRangeAreAnsweredWithTheRange(String line, String message) {
    assertThatThrownBy(() -> open(line))
        .isInstanceOf(ConfigurationException.class)
        .hasMessageContaining(message);
  }

  @Test
  void aSubsetIsSpreadEvenly() {
    try (var all = open("icons,size=8");
        var some = open("icons,size=8,subset=100")) {
      assertThat(some.size()).isEqualTo(100);
      for (var i : new int[] {0, 1, 57, 99}) {
        var original = (int) ((long) i * all.size() / 100);
        assertThat(read(some, i)).isEqualTo(read(all, original));
        assertThat(some.caption(i)).isEqualTo(all.caption(original)).isNotEmpty();
      }
    }
    assertThatThrownBy(() -> open("icons,size=8,subset=100000"))
        .isInstanceOf(ConfigurationException.class)
        .hasMessageContaining("subset is 100000, but there are only 58");
  }
}

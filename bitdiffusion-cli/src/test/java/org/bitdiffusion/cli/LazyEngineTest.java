package org.bitdiffusion.cli;

import static org.assertj.core.api.Assertions.assertThat;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

/** Commands that need no tensor start without the engine, which takes seconds to load. */
class LazyEngineTest {
  @TempDir private Path folder;

  @ParameterizedTest
  @ValueSource(
      strings = {
        "--help",
        "sample --help",
        "data --help",
        "train --preset icons --set training.step=1 --out r",
        "train --prest icons",
        "data icons,subset=9 --out a.png",
        "tokenizer show bytes caption"
      })
  void loadsNoNativeLibrary(String line) throws IOException, InterruptedException {
    var cache = Files.createDirectory(folder.resolve("cache"));
    var command =
        new ArrayList<>(
            List.of(
                Path.of(System.getProperty("java.home"), "bin", "java").toString(),
                "-Dorg.bytedeco.javacpp.cachedir=" + cache,
                "-Djava.awt.headless=true",
                "-verbose:class",
                "-cp",
                System.getProperty("java.class.path"),
                Main.class.getName()));
    command.addAll(List.of(line.split(" ")));
    var output = folder.resolve("output");
    new ProcessBuilder(command)
        .directory(folder.toFile())
        .redirectErrorStream(true)
        .redirectOutput(output.toFile())
        .start()
        .waitFor();

    assertThat(Files.readString(output))
        .contains(Main.class.getName() + " source: ")
        .doesNotContain("org.bytedeco.pytorch")
        .doesNotContain("ai.djl");
    assertThat(cache).isEmptyDirectory();
  }
}

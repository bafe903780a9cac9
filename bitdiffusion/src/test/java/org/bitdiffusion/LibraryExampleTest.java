package org.bitdiffusion;

import static org.assertj.core.api.Assertions.assertThat;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import javax.imageio.ImageIO;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/** The example of the README is this one, and it runs. */
class LibraryExampleTest {
  private static final Path EXAMPLE = Path.of("src/test/java/org/bitdiffusion/LibraryExample.java");

  @TempDir private Path folder;

  @Test
  void theReadmeHoldsTheExample() throws IOException {
    var source = Files.readString(EXAMPLE);
    var example = source.substring(source.indexOf("import "));
    assertThat(Files.readString(Path.of("../README.md"))).contains(example);
  }

  @Test
  void theExampleTrainsAndPaints() throws IOException {
    var run = folder.resolve("run");
    LibraryExample.main(new String[] {run.toString(), "2"});
    var grid = ImageIO.read(run.resolve("icons.png").toFile());
    assertThat(grid.getWidth()).isEqualTo(grid.getHeight()).isGreaterThan(4 * 24);
    assertThat(run.resolve("checkpoints/step-00000002/ema.safetensors")).exists();
  }
}

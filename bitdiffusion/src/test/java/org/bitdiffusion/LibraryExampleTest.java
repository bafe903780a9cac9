package org.bitdiffusion;

import static java.nio.charset.StandardCharsets.UTF_8;
import static org.assertj.core.api.Assertions.assertThat;

import java.io.ByteArrayInputStream;
import java.io.ByteArrayOutputStream;
import java.io.IOException;
import java.io.PrintStream;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.HashMap;
import java.util.Map;
import javax.imageio.ImageIO;
import org.bitdiffusion.run.ConfigReader;
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
  void ofIconsItPaintsAGrid() throws IOException {
    var run = folder.resolve("run");
    var png = train(run, "icons", Map.of("network.width", "8", "network.attention", "[]"));
    assertThat(run.resolve("samples.png")).hasBinaryContent(png);
    var grid = ImageIO.read(new ByteArrayInputStream(png));
    assertThat(grid.getWidth()).isEqualTo(grid.getHeight()).isGreaterThan(4 * 24);
    assertThat(run.resolve("checkpoints/step-00000002/ema.safetensors")).exists();
  }

  @Test
  void ofCaptionsItWritesLines() throws IOException {
    var run = folder.resolve("run");
    var small =
        Map.of(
            "data", "scenes,count=40",
            "network.width", "16",
            "network.layers", "1",
            "network.heads", "2",
            "network.encoder.patch", "12",
            "network.encoder.width", "16",
            "network.encoder.layers", "1",
            "network.encoder.heads", "2");
    var lines = train(run, "scene-captions", small);
    assertThat(run.resolve("samples.txt")).hasBinaryContent(lines);
    assertThat(new String(lines, UTF_8).split("\n", -1)).hasSize(16 + 1);
    assertThat(run.resolve("checkpoints/step-00000002/ema.safetensors")).exists();
    assertThat(run.resolve("tokenizer.json")).exists();
  }

  /** What the example returns; it prints a loss and what it measured. */
  private static byte[] train(Path run, String preset, Map<String, String> small) {
    var settings = new HashMap<>(small);
    settings.put("training.steps", "2");
    settings.put("training.log_every", "1");
    settings.put("training.batch_size", "4");
    settings.put("sampling.steps", "2");
    var printed = new ByteArrayOutputStream();
    var before = System.out;
    System.setOut(new PrintStream(printed, true, UTF_8));
    try {
      return LibraryExample.train(run, ConfigReader.preset(preset, settings));
    } finally {
      System.setOut(before);
      assertThat(printed.toString(UTF_8))
          .contains("step 2  loss ")
          .containsPattern("symbol_total_variation=|cider=");
    }
  }
}

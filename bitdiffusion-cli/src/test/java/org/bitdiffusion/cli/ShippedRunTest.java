package org.bitdiffusion.cli;

import static org.assertj.core.api.Assertions.assertThat;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.TreeSet;
import javax.imageio.ImageIO;
import org.bitdiffusion.io.Npy;
import org.junit.jupiter.api.Test;

class ShippedRunTest extends CommandTest {
  /** Its samples are those of icons: as many bright pixels, in pieces as large; no noise. */
  @Test
  void drawsIconsWithoutARun() throws IOException {
    var before = left();
    var symbols = folder.resolve("icons.npy");
    assertThat(run("sample", "--out", symbols)).as(err.toString()).isZero();
    var drawn = Npy.read(symbols);
    assertThat(drawn.shape()).containsExactly(64, 1, 24, 24);
    var data = folder.resolve("data.npy");
    assertThat(run("data", "icons,size=24,levels=2,families=40", "--n", 1000, "--out", data))
        .isZero();
    var real = Npy.read(data);
    assertThat(bright(drawn.values()))
        .isBetween(0.7 * bright(real.values()), 1.3 * bright(real.values()));
    assertThat(edges(drawn.values()))
        .isBetween(0.6 * edges(real.values()), 1.5 * edges(real.values()));
    assertThat(left()).isEqualTo(before);
  }

  @Test
  void drawsAsItIsAsked() throws IOException {
    var grid = folder.resolve("icons.png");
    assertThat(run("sample", "--out", grid, "--n", 4, "--steps", 3, "--sampler", "ddim"))
        .as(err.toString())
        .isZero();
    assertThat(ImageIO.read(grid.toFile())).isNotNull();
  }

  /** The jar stays small. */
  @Test
  void isBelowThreeMegabytes() throws IOException {
    try (var zip = ShippedRun.class.getResourceAsStream("icons.zip")) {
      assertThat(zip.readAllBytes().length).isLessThan(3_000_000);
    }
  }

  private static double bright(int[] symbols) {
    var sum = 0;
    for (var symbol : symbols) {
      sum += symbol;
    }
    return (double) sum / symbols.length;
  }

  /** The share of neighbours in a row that differ; half of them in noise. */
  private static double edges(int[] symbols) {
    var count = 0;
    for (var i = 1; i < symbols.length; i++) {
      if (i % 24 != 0 && symbols[i] != symbols[i - 1]) {
        count++;
      }
    }
    return (double) count / symbols.length;
  }

  /** Folders that were unpacked and not removed. */
  private static TreeSet<Path> left() throws IOException {
    try (var files =
        Files.newDirectoryStream(
            Path.of(System.getProperty("java.io.tmpdir")), "bitdiffusion-icons-*")) {
      var left = new TreeSet<Path>();
      files.forEach(left::add);
      return left;
    }
  }
}

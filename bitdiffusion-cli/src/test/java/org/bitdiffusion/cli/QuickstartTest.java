package org.bitdiffusion.cli;

import static org.assertj.core.api.Assertions.assertThat;

import java.io.IOException;
import java.util.List;
import javax.imageio.ImageIO;
import org.junit.jupiter.api.Test;

class QuickstartTest extends CommandTest {
  @Test
  void trainsDrawsAndSaysWhereThePicturesAre() throws IOException {
    var run = folder.resolve("run");
    assertThat(run("quickstart", "--steps", 2, "--out", run, "--set", "sampling.steps=4"))
        .as(err.toString())
        .isZero();
    assertThat(run.resolve("checkpoints/step-00000002")).isDirectory();
    for (var picture : List.of("samples.png", "denoising.png", "loss.png")) {
      assertThat(ImageIO.read(run.resolve(picture).toFile())).as(picture).isNotNull();
      assertThat(out.toString()).contains(run.resolve(picture).toString());
    }
    assertThat(out.toString()).contains("bitdiff sample --run " + run);
  }
}

package org.bitdiffusion.cli;

import static org.assertj.core.api.Assertions.assertThat;

import java.awt.image.BufferedImage;
import java.io.IOException;
import java.io.PrintWriter;
import java.io.StringWriter;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.stream.IntStream;
import javax.imageio.ImageIO;
import org.bitdiffusion.data.Npy;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/** A small run by the command, from a folder of images to samples. */
class RunTest {
  private static final String SMALL =
      " --set network.width=8 --set network.multipliers=[1] --set network.attention=[]"
          + " --set training.batch_size=4 --set training.log_every=1 --set sampling.steps=2";

  @TempDir private Path folder;

  private final StringWriter out = new StringWriter();
  private final StringWriter err = new StringWriter();

  private int run(String line) {
    return Main.run(
        line.replace("FOLDER", folder.toString()).split(" "),
        new PrintWriter(out, true),
        new PrintWriter(err, true));
  }

  @BeforeEach
  void paintImages() throws IOException {
    for (var i = 0; i < 6; i++) {
      var image = new BufferedImage(8, 8, BufferedImage.TYPE_INT_RGB);
      image.createGraphics().fillRect(0, 0, 8, i);
      var file = folder.resolve("images/" + (i < 3 ? "few" : "many") + "/" + i + ".png");
      Files.createDirectories(file.getParent());
      ImageIO.write(image, "png", file.toFile());
    }
  }

  @Test
  void trainsResumesAndSamples() throws IOException {
    var data = " --data images:FOLDER/images,size=8,color=grey,levels=4";
    assertThat(
            run(
                "train --preset fashion-small --out FOLDER/run --steps 2 --set sampling.guidance=1"
                    + data
                    + SMALL))
        .as(err.toString())
        .isZero();
    assertThat(run("train --resume --out FOLDER/run --steps 3")).as(err.toString()).isZero();
    assertThat(out.toString()).contains("continues after step 2", "step 3 is saved in");
    assertThat(Files.readAllLines(folder.resolve("run/metrics.jsonl"))).hasSize(3);
    assertThat(ImageIO.read(folder.resolve("run/loss.png").toFile())).isNotNull();
    assertThat(ImageIO.read(folder.resolve("run/samples/step-00000003.png").toFile())).isNotNull();

    assertThat(run("sample --run FOLDER/run --n 3 --batch-size 2 --class many --out FOLDER/s.npy"))
        .as(err.toString())
        .isZero();
    var samples = Npy.read(folder.resolve("s.npy"));
    assertThat(samples.shape()).containsExactly(3, 1, 8, 8);
    assertThat(IntStream.of(samples.values())).isSubsetOf(0, 1, 2, 3);

    err.getBuffer().setLength(0);
    assertThat(run("train --resume --out FOLDER/run --set codec.encoding=gray")).isEqualTo(2);
    assertThat(err.toString()).contains("cannot change in the middle of a run");

    err.getBuffer().setLength(0);
    var other = "images:FOLDER/images,size=8,color=grey,levels=2";
    assertThat(run("train --resume --out FOLDER/run --steps 5 --data " + other)).isEqualTo(2);
    assertThat(err.toString()).contains("is not what", "was trained on");

    out.getBuffer().setLength(0);
    assertThat(run("train --resume --out FOLDER/run")).isZero();
    assertThat(out.toString()).contains("nothing was trained: 3 of 3 steps are done");

    err.getBuffer().setLength(0);
    assertThat(run("sample --run FOLDER/run --class none --out FOLDER/s.npy")).isEqualTo(2);
    assertThat(err.toString()).contains("'none' is none of the run's classes few, many");
  }

  @Test
  void aRunRemembersThatBadImagesAreSkipped() throws IOException {
    var bad = Files.writeString(folder.resolve("images/few/bad.png"), "no image");
    var train =
        "train --preset icons --out FOLDER/run --steps 1 --data images:FOLDER/images,size=8"
            + SMALL;
    assertThat(run(train)).isEqualTo(1);
    assertThat(err.toString()).contains(bad.toString(), "skip");
    assertThat(run(train + " --skip-bad")).as(err.toString()).isZero();
    assertThat(run("train --resume --out FOLDER/run --steps 2")).as(err.toString()).isZero();
  }
}

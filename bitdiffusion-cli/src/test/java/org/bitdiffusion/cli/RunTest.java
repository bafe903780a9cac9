package org.bitdiffusion.cli;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.within;

import java.awt.image.BufferedImage;
import java.io.IOException;
import java.nio.file.Files;
import java.util.ArrayList;
import java.util.HashSet;
import java.util.List;
import java.util.stream.IntStream;
import javax.imageio.ImageIO;
import org.bitdiffusion.io.Npy;
import org.bitdiffusion.run.Run;
import org.bitdiffusion.storage.Metrics;
import org.bitdiffusion.storage.RunFolder;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

/** A small run by the command, from a folder of images to samples. */
class RunTest extends CommandTest {
  private static final String SMALL =
      " --set network.width=8 --set network.multipliers=[1] --set network.attention=[]"
          + " --set training.batch_size=4 --set training.log_every=1 --set sampling.steps=2";

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

  /** A run that was begun with a checkpoint of a third one begins others with its own newest. */
  @Test
  void tellsWhatComesFromTheRunThatItBeginsWith() {
    var old = "train --preset icons --data icons,size=8,subset=16 --out FOLDER/old --steps 2";
    assertThat(
            runLine(
                old
                    + " --held-out 25% --set network.blocks=1 --set training.checkpoint_every=1"
                    + SMALL))
        .as(err.toString())
        .isZero();
    var second = "train --from FOLDER/old --steps 1 --set training.from.checkpoint=1 --out FOLDER/";
    assertThat(runLine(second + "second")).as(err.toString()).isZero();
    assertThat(out.toString())
        .contains("begins with step-00000001 of " + folder.resolve("old") + "\n")
        .contains("holds out as it did: --held-out 25%\n");
    assertThat(runLine("train --from FOLDER/second --steps 1 --held-out 25% --out FOLDER/third"))
        .as(err.toString())
        .isZero();
    assertThat(out.toString())
        .contains("begins with step-00000001 of " + folder.resolve("second") + "\n")
        .doesNotContain("holds out as it did");
    assertThat(Run.open(folder.resolve("third")).config().training().from().checkpoint())
        .isEqualTo("newest");

    assertThat(runLine(second + "x --set network.blocks=2")).isEqualTo(2);
    assertThat(err.toString())
        .contains(", or --set training.from.partly=true leaves such weights random");
    assertThat(runLine("train --from FOLDER/old/checkpoints/step-00000001 --out FOLDER/x"))
        .isEqualTo(2);
    assertThat(err.toString())
        .contains(
            "--from: ",
            "it is inside of the run " + folder.resolve("old") + ": name that, and a checkpoint");
    assertThat(runLine("train --from FOLDER --out FOLDER/x")).isEqualTo(2);
    assertThat(err.toString())
        .contains("it has no config.yaml; there are the runs " + folder.resolve("old") + ", ");
  }

  @Test
  void trainsResumesAndSamples() throws IOException {
    var data = " --data images:FOLDER/images,size=8,color=grey,levels=4";
    assertThat(
            runLine(
                "train --preset fashion-small --out FOLDER/run --steps 2 --set sampling.guidance=1"
                    + data
                    + SMALL))
        .as(err.toString())
        .isZero();
    assertThat(out.toString())
        .contains(
            "warning: training.warmup_steps is 100, but there are 2 steps: the learning rate rises"
                + " to 2.0e-05 only, and not to 0.0010");
    for (var dry : List.of("", " --dry-run")) {
      assertThat(runLine("train --preset fashion-small --out FOLDER/run" + data + dry))
          .isEqualTo(2);
      assertThat(err.toString())
          .contains(
              "is there already; name another", "go on with it: bitdiff train --resume --out");
    }
    assertThat(runLine("train --resume --out FOLDER/run --steps 3")).as(err.toString()).isZero();
    assertThat(out.toString()).contains("continues after step 2", "step 3 is saved in");
    assertThat(err.toString()).contains(" examples/s");
    assertThat(Files.readAllLines(folder.resolve("run/metrics.jsonl")))
        .hasSize(3)
        .allMatch(line -> line.contains("\"examples_per_second\":"));
    assertThat(folder.resolve("run/config.yaml"))
        .content()
        .contains("format: 2\n", "\nmodality:\n");
    assertSize("run/loss.png", 900, 500);
    // 64 samples in 8 columns, each enlarged to 64 pixels, with gaps of 2
    assertSize("run/samples/step-00000003.png", 8 * 66 + 2, 8 * 66 + 2);

    assertThat(
            runLine("sample --run FOLDER/run --n 3 --batch-size 2 --class many --out FOLDER/s.npy"))
        .as(err.toString())
        .isZero();
    var samples = Npy.read(folder.resolve("s.npy"));
    assertThat(samples.shape()).containsExactly(3, 1, 8, 8);
    // Guidance needs classes: where none are named, each in turn is taken.
    assertThat(runLine("sample --run FOLDER/run --n 3 --out FOLDER/turn.npy")).isZero();
    assertThat(out.toString()).contains("turn.npy, of these classes in turn: few, many");
    var run = Run.open(folder.resolve("run"));
    var guided = run.config().sampling();
    assertThat(run.given(guided, 3).labels()).containsExactly(0, 1, 0);
    assertThat(run.given(guided.withGuidance(0), 3).labels()).containsExactly(-1, -1, -1);
    assertThat(IntStream.of(samples.values())).isSubsetOf(0, 1, 2, 3);

    assertThat(runLine("train --resume --out FOLDER/run --set codec.encoding=gray")).isEqualTo(2);
    assertThat(err.toString()).contains("cannot change in the middle of a run");

    var other = "images:FOLDER/images,size=8,color=grey,levels=2";
    assertThat(runLine("train --resume --out FOLDER/run --steps 5 --data " + other)).isEqualTo(2);
    assertThat(err.toString()).contains("is not what", "was trained on");

    assertThat(runLine("train --resume --out FOLDER/run")).isZero();
    assertThat(out.toString())
        .contains("nothing was trained: 3 steps are done already, training.steps is 3");

    // All of these are said before weights are read.
    var weights = folder.resolve("run/checkpoints/step-00000003/ema.safetensors");
    Files.writeString(weights, "no weights");
    Files.createDirectory(folder.resolve("a.png"));
    assertRefused(1, "--class few --out FOLDER/s.png", weights.toString());
    assertRefused(
        2, "--class none --out FOLDER/s.png", "--class: 'none' is none of the classes few, many");
    assertRefused(
        2, "--class 2 --out FOLDER/s.png", "--class: '2' is none of the classes few, many");
    assertRefused(2, "--class few,2 --out FOLDER/s.png", "--class: '2' is none of the classes");
    assertRefused(2, "--class few --steps 0 --out FOLDER/s.png", "--steps (sampling.steps) is 0");
    assertRefused(
        2,
        "--class few --n 99999999 --out FOLDER/s.png",
        "--n: 99999999 samples are too many for one file, which takes 33554431; name a folder");
    assertRefused(
        2,
        "--class few --n 99999999 --batch-size 99999999 --out FOLDER/new",
        "--batch-size is 99999999; of samples of this size it can be at most 33554431");
    assertRefused(2, "--class few --td=-1 --out FOLDER/s.png", "--td (sampling.td) is -1.0");
    assertRefused(
        2,
        "--class few --sampler ddin --out FOLDER/s.png",
        "--sampler (sampling.sampler) is 'ddin', but no sampler",
        "did you mean ddim?");
    assertRefused(
        2,
        "--class few --sampler heun --eta 0.5 --out FOLDER/s.png",
        "--eta (sampling.eta) is 0.5; it must be 0 with sampler heun");
    assertRefused(
        2,
        "--condition manny --out FOLDER/s.png",
        "--condition: 'manny' is none of the classes few, many; did you mean many?");
    assertRefused(2, "--class few --out FOLDER/s.gif", "must end in .png or .npy, or be a folder");
    assertRefused(
        2, "--class few --out FOLDER/s.npy --strip s.jpg", "--strip is s.jpg; it must end in .png");
    assertRefused(1, "--class few --out FOLDER/a.png", "a.png cannot be written: it is a folder");
    assertRefused(1, "--class few --out FOLDER/s.npy/s", "s.npy/s cannot be written: ");
    assertRefused(2, "--class few --out FOLDER/images", "images is not empty; name a folder");
    assertRefused(2, "--class few --momentum 0.5 --out FOLDER/s.png", "--momentum has no effect");
    assertRefused(
        1, "--class few --out FOLDER/s.png --histogram FOLDER/s.npy/h.png", "s.npy is in the way");
  }

  @Test
  void aConfigurationThatWasNeverTrainedIsNoRun() throws IOException {
    Files.createDirectory(folder.resolve("run"));
    Files.writeString(folder.resolve("run/config.yaml"), "data: icons");
    assertRefused(1, "--out FOLDER/s.png", "run has no checkpoint yet");
  }

  private void assertRefused(int exit, String options, String... message) {
    assertThat(runLine("sample --run FOLDER/run " + options)).as(options).isEqualTo(exit);
    assertThat(err.toString().lines()).hasSize(1);
    assertThat(err.toString()).startsWith("bitdiff: ").contains(message);
  }

  private void assertSize(String picture, int width, int height) throws IOException {
    var image = ImageIO.read(folder.resolve(picture).toFile());
    assertThat(List.of(image.getWidth(), image.getHeight())).containsExactly(width, height);
  }

  @Test
  void samplesAStripAHistogramAndAFolder() throws IOException {
    assertThat(
            runLine(
                "train --preset icons --out FOLDER/run --steps 1"
                    + " --data images:FOLDER/images,size=8"
                    + SMALL))
        .as(err.toString())
        .isZero();
    assertThat(
            runLine(
                "sample --run FOLDER/run --n 3 --batch-size 2 --out FOLDER/s"
                    + " --strip FOLDER/strip.png --histogram FOLDER/bits.png"))
        .as(err.toString())
        .isZero();
    assertThat(folder.resolve("s").toFile().list())
        .containsExactlyInAnyOrder("000000.png", "000001.png", "000002.png");
    assertSize("s/000002.png", 8, 8);
    // Both steps and the last estimate, of each of the first batch's 2 samples.
    assertSize("strip.png", 3 * 66 + 2, 2 * 66 + 2);
    assertThat(out.toString())
        .contains("their way from noise is in", "the distribution of their analog bits is in");
    assertThat(
            runLine(
                "sample --run FOLDER/run --n 1 --steps 5 --out FOLDER/one.png"
                    + " --strip FOLDER/strip.png"))
        .isZero();
    assertSize("strip.png", 6 * 66 + 2, 66 + 2);
    assertThat(
            runLine("sample --run FOLDER/run --n 1 --out FOLDER/x.png --strip FOLDER/y/../x.png"))
        .isEqualTo(2);
    assertThat(err.toString()).contains("name the same file");
    assertSize("bits.png", 900, 500);
  }

  /** Networks of the presets fit images of other sizes than theirs. */
  @ParameterizedTest
  @ValueSource(
      strings = {
        "icons --data icons",
        "cifar10-small --set diffusion.conditional=false --data icons,size=48"
      })
  void presetsTakeImagesOfOtherSizes(String presetAndData) {
    assertThat(
            runLine(
                "train --out FOLDER/run --steps 2 --set network.width=8 --set training.batch_size=2"
                    + " --set network.head_width=8 --set sampling.steps=1 --preset "
                    + presetAndData))
        .as(err.toString())
        .isZero();
    assertThat(folder.resolve("run/checkpoints/step-00000002")).isDirectory();
  }

  /**
   * The same step is taken three times. Where images are mirrored, what it learns is something
   * else; where they are not, no more than rounding differs.
   */
  @Test
  void aRunGoesOnWithMirroredImages() throws IOException {
    var train =
        "train --preset icons --data icons,size=8 --out FOLDER/run --steps 1 --precision float32";
    assertThat(runLine(train + SMALL)).as(err.toString()).isZero();
    assertThat(folder.resolve("run/config.yaml")).content().contains("flip: false\n");
    var resume =
        "train --resume --out FOLDER/run --steps 2 --set training.batch_size=16"
            + " --set modality.flip=";
    var gradients = new ArrayList<Double>();
    for (var flip : List.of(false, false, true)) {
      assertThat(runLine(resume + flip)).as(err.toString()).isZero();
      assertThat(folder.resolve("run/config.yaml")).content().contains("flip: " + flip + "\n");
      var metrics = RunFolder.open(folder.resolve("run")).history();
      assertThat(metrics).extracting(Metrics::step).containsExactly(1L, 2L);
      gradients.add(metrics.get(1).gradNorm());
      var checkpoint = folder.resolve("run/checkpoints/step-00000002");
      Files.move(checkpoint, folder.resolve("taken-" + gradients.size()));
    }
    assertThat(gradients.get(1)).isCloseTo(gradients.get(0), within(1e-4));
    assertThat(gradients.get(2)).isNotCloseTo(gradients.get(0), within(1e-3));
  }

  /** What is opaque in a picture stays as it is; the rest is drawn. */
  @Test
  void drawsOnlyWhatIsNotKnown() throws IOException {
    var train =
        "train --preset icons --out FOLDER/run --steps 1 --data images:FOLDER/images,size=8"
            + " --set training.learning_rate=0.00000001"; // random weights draw all kinds of values
    assertThat(runLine(train + SMALL)).as(err.toString()).isZero();
    var picture = new BufferedImage(8, 8, BufferedImage.TYPE_INT_ARGB);
    for (var i = 0; i < 24; i++) {
      picture.setRGB(i % 8, i / 8, 0xff000000 | 1_000_003 * (i + 1));
    }
    ImageIO.write(picture, "png", folder.resolve("known.png").toFile());
    var sample = "sample --run FOLDER/run --n 3 --batch-size 2 --out FOLDER/s.npy --known ";
    assertThat(runLine(sample + "FOLDER/known.png")).as(err.toString()).isZero();
    var samples = Npy.read(folder.resolve("s.npy")).values();
    var drawn = new HashSet<Integer>();
    for (var i = 0; i < samples.length; i++) {
      var pixel = i % 64;
      if (pixel < 24) {
        var shift = 16 - 8 * (i / 64 % 3); // red, green, blue
        assertThat(samples[i]).isEqualTo(1_000_003 * (pixel + 1) >> shift & 255);
      } else {
        drawn.add(samples[i]);
      }
    }
    assertThat(drawn).hasSizeGreaterThan(20);
    ImageIO.write(picture.getSubimage(0, 0, 4, 8), "png", folder.resolve("half.png").toFile());
    assertThat(runLine(sample + "FOLDER/half.png")).isEqualTo(1);
    assertThat(err.toString()).contains("half.png is 4x8, but the run's images are 8x8");
  }

  @Test
  void picturesThatCannotBeWrittenDoNotEndATraining() throws IOException {
    var train =
        "train --preset icons --out FOLDER/run --steps 1 --data images:FOLDER/images,size=8";
    assertThat(runLine(train + SMALL)).as(err.toString()).isZero();
    var loss = folder.resolve("run/loss.png");
    Files.delete(loss);
    Files.createDirectory(loss);
    Files.delete(folder.resolve("run/samples/step-00000001.png"));
    Files.delete(folder.resolve("run/samples"));
    Files.createFile(folder.resolve("run/samples"));

    assertThat(runLine("train --resume --out FOLDER/run --steps 3 --checkpoint-every 1")).isZero();

    assertThat(folder.resolve("run/checkpoints/step-00000003")).isDirectory();
    assertThat(err.toString().lines().filter(line -> line.startsWith("bitdiff: ")))
        .containsExactly(
            "bitdiff: "
                + loss
                + " cannot be written: it is a folder; training goes on without such pictures");
  }

  @Test
  void aRunRemembersThatBadImagesAreSkipped() throws IOException {
    var bad = Files.writeString(folder.resolve("images/few/bad.png"), "no image");
    var train =
        "train --preset icons --out FOLDER/run --steps 1 --data images:FOLDER/images,size=8"
            + SMALL;
    assertThat(runLine(train)).isEqualTo(1);
    assertThat(err.toString()).contains(bad.toString(), "skip");
    assertThat(runLine(train + " --skip-bad")).as(err.toString()).isZero();
    assertThat(runLine("train --resume --out FOLDER/run --steps 2")).as(err.toString()).isZero();
  }
}

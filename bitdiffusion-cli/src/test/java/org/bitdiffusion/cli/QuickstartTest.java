package org.bitdiffusion.cli;

import static org.assertj.core.api.Assertions.assertThat;

import java.io.IOException;
import java.nio.file.Files;
import java.util.List;
import java.util.stream.Stream;
import javax.imageio.ImageIO;
import org.bitdiffusion.run.Run;
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
    assertThat(out.toString()).contains("bitdiff sample --run " + run, "a column each of:");
  }

  /** Of data without its families, it draws what there is. */
  @Test
  void trainsOnOtherIconsToo() {
    var data = List.of("--set", "data=icons,size=12");
    var steps = List.of("--steps", 1, "--set", "sampling.steps=2", "--out", folder.resolve("run"));
    assertThat(quickstart(data, steps.toArray())).isEqualTo(2);
    assertThat(err.toString()).contains("has no classes");
    var unconditional =
        Stream.concat(
                data.stream(),
                Stream.of("--set", "diffusion.conditional=false", "--set", "sampling.guidance=0"))
            .toList();
    assertThat(quickstart(unconditional, steps.toArray())).as(err.toString()).isZero();
    assertThat(out.toString()).doesNotContain("a column each of:");
  }

  /** The first stretch of training, whose speed is measured, leaves no trace in the weights. */
  @Test
  void aTimeIsTheSameRunAsItsNumberOfSteps() throws IOException {
    var paced = folder.resolve("paced");
    var settings =
        List.of(
            "--set", "training.warmup_steps=3",
            "--set", "training.log_every=1",
            "--set", "training.batch_size=8",
            "--set", "network.width=8",
            "--set", "network.multipliers=[1]",
            "--set", "network.attention=[]",
            "--set", "sampling.steps=2");
    assertThat(quickstart(settings, "--minutes", 0.001, "--out", paced))
        .as(err.toString())
        .isZero();
    var steps = Run.open(paced).config().training().steps();
    assertThat(steps).isEqualTo(4); // those that were measured, and one in no time at all
    var counted = folder.resolve("counted");
    assertThat(quickstart(settings, "--steps", steps, "--out", counted)).isZero();
    for (var file : List.of("ema", "model", "optimizer")) {
      var path = "checkpoints/step-00000004/" + file + ".safetensors";
      assertThat(paced.resolve(path)).hasSameBinaryContentAs(counted.resolve(path));
    }
    assertThat(paced.resolve("samples.png")).hasSameBinaryContentAs(counted.resolve("samples.png"));
  }

  @Test
  void ofATableItWritesRowsFillsGapsAndReports() throws IOException {
    var rows = new StringBuilder("size,paid,age\n");
    for (var i = 0; i < 300; i++) {
      rows.append(
          "%s,%s,%d\n"
              .formatted(List.of("small", "large").get(i / 2 % 2), i % 2 * 10, 20 + i % 30));
    }
    Files.writeString(folder.resolve("people.csv"), rows.toString());
    var run = folder.resolve("run");
    assertThat(
            run(
                "quickstart",
                "table",
                "--steps",
                4,
                "--data",
                "table:" + folder.resolve("people.csv"),
                "--set",
                "network.width=16",
                "--set",
                "sampling.steps=3",
                "--out",
                run))
        .as(err.toString())
        .isZero();
    assertThat(out.toString())
        .startsWith("trains on 300 rows of 3 columns ")
        .contains(
            "bitdiff sample --run " + run, "bitdiff fill --run " + run, "bitdiff evaluate --run ")
        .contains("shape_of_independent");
    assertThat(Files.readAllLines(run.resolve("rows.csv"))).hasSize(2_001);
    var gaps = Files.readAllLines(run.resolve("gaps.csv"));
    assertThat(gaps).hasSize(16).startsWith("size,paid,age"); // 5% of 300
    assertThat(String.join("\n", gaps)).containsPattern("(?m)(^,|,,|,$)");
    assertThat(run.resolve("filled.csv")).content().doesNotContainPattern("(?m)(^,|,,|,$)");
    assertThat(run.resolve("report.html")).exists();
  }

  private int quickstart(List<String> settings, Object... options) {
    return run(
        Stream.of(Stream.of("quickstart"), settings.stream(), Stream.of(options))
            .flatMap(part -> part)
            .toArray());
  }

  @Test
  void refusesATimeThatIsNone() {
    for (var minutes : List.of("0", "-1", "NaN", "1e9")) {
      assertThat(run("quickstart", "--out", folder.resolve("run"), "--minutes", minutes))
          .isEqualTo(2);
      assertThat(err.toString()).contains("--minutes is ");
    }
    assertThat(run("quickstart", "--out", folder.resolve("run"), "--minutes", 1, "--steps", 5))
        .isEqualTo(2);
    assertThat(folder.resolve("run")).doesNotExist();
  }
}

package org.bitdiffusion.cli;

import static org.assertj.core.api.Assertions.assertThat;

import java.awt.image.BufferedImage;
import java.io.IOException;
import java.nio.file.Files;
import org.bitdiffusion.io.Png;
import org.junit.jupiter.api.Test;

class TargetTest extends CommandTest {
  @Test
  void noPictureTakesThePlaceOfOneOfTheData() throws IOException {
    var data = Files.createDirectories(folder.resolve("data/cats"));
    var cat = data.resolve("cat.png");
    var picture = Png.of(new BufferedImage(9, 9, BufferedImage.TYPE_INT_RGB));
    Files.write(cat, picture);
    var link = Files.createSymbolicLink(folder.resolve("link"), data);
    for (var out : new Object[] {cat, link.resolve("cat.png")}) {
      assertThat(run("data", "images:" + data.getParent() + ",size=8", "--out", out)).isEqualTo(2);
      assertThat(err.toString()).contains("--out is " + out + ", a file of the data");
      assertThat(cat).hasBinaryContent(picture);
    }
    var captions = folder.resolve("c.npy");
    Files.writeString(captions, "{\"image\": \"data/cats/cat.png\", \"caption\": \"x\"}");
    assertThat(run("data", "captions:" + captions, "--out", captions)).isEqualTo(2);
    assertThat(err.toString()).contains("--out is " + captions + ", which is read here");
    assertThat(
            run(
                "features",
                "train",
                "--data",
                "idx:" + Files.writeString(folder.resolve("i.safetensors"), "data"),
                "--out",
                folder.resolve("i.safetensors")))
        .isEqualTo(2);
    assertThat(err.toString()).contains("--out is ", "which is read here").hasLineCount(1);
    assertThat(run("data", "images:" + data + ",size=8", "--out", folder.resolve("new.png")))
        .as(err.toString())
        .isZero();
  }

  @Test
  void noPictureTakesThePlaceOfOneThatTheDataNames() throws IOException {
    var picture = Png.of(new BufferedImage(9, 9, BufferedImage.TYPE_INT_RGB));
    var cat = Files.write(folder.resolve("cat.png"), picture);
    var list = Files.createDirectories(folder.resolve("lists")).resolve("c.jsonl");
    Files.writeString(list, "{\"image\": \"../cat.png\", \"caption\": \"x\"}");
    for (var more : new String[] {"", ",subset=1"}) {
      assertThat(run("data", "captions:" + list + ",size=8" + more, "--out", cat)).isEqualTo(2);
      assertThat(err.toString()).contains("--out is " + cat + ", a file of the data");
      assertThat(cat).hasBinaryContent(picture);
    }
    var other = Files.write(folder.resolve("other.png"), picture);
    assertThat(run("data", "captions:" + list + ",size=8", "--out", other)).isZero();
    assertThat(run("data", "captions:" + list + ",size=8", "--out", other)).isZero();
  }

  @Test
  void noCaptionsTakeThePlaceOfThoseTheyAreComparedWith() throws IOException {
    var captions = Files.writeString(folder.resolve("c.jsonl"), "{}");
    for (var option : new String[] {"--captions", "--with"}) {
      var value = option.equals("--with") ? "captions=" + captions : captions;
      var data = "captions:" + captions;
      assertThat(run("evaluate", "--run", folder, "--data", data, option, value)).isEqualTo(2);
      assertThat(err.toString()).contains("--captions is " + captions + ", which is read here");
    }
  }

  @Test
  void noStatisticsTakeThePlaceOfThoseThatAreRead() throws IOException {
    var npz = Files.writeString(folder.resolve("a.npz"), "statistics");
    assertThat(run("metrics", "fid", npz, folder, "--inception", folder, "--save", npz))
        .isEqualTo(2);
    assertThat(err.toString()).contains("--save is " + npz + ", which is read here");
  }

  @Test
  void noTableTakesThePlaceOfTheStudy() throws IOException {
    var study =
        Files.writeString(
            folder.resolve("table.csv"),
            "title: t\npreset: icons\nvariants: {a: {}}\nseeds: [0]\nsamples: 2\nmetrics: [x]\n");
    assertThat(run("study", study, "--out", folder)).isEqualTo(2);
    assertThat(err.toString()).contains("the table.csv of --out is " + study);
  }
}

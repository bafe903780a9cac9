package org.bitdiffusion.cli;

import static org.assertj.core.api.Assertions.assertThat;

import com.fasterxml.jackson.databind.ObjectMapper;
import java.awt.image.BufferedImage;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import javax.imageio.ImageIO;
import org.assertj.core.api.InstanceOfAssertFactories;
import org.bitdiffusion.io.Npy;
import org.junit.jupiter.api.Test;

/** A small run of captions by the command. */
class CaptionRunTest extends CommandTest {
  private static final String SMALL =
      " --set network.width=8 --set network.layers=1 --set network.heads=2"
          + " --set network.encoder.patch=24 --set network.encoder.width=8"
          + " --set network.encoder.layers=1 --set network.encoder.heads=2"
          + " --set training.batch_size=4 --set training.log_every=1 --set sampling.steps=3";

  private Path paint(String name) throws IOException {
    var file = folder.resolve(name);
    ImageIO.write(new BufferedImage(60, 48, BufferedImage.TYPE_INT_RGB), "png", file.toFile());
    return file;
  }

  /** A run of two steps, with one setting of its own. */
  private void train(String setting) {
    assertThat(
            runLine(
                "train --preset scene-captions --data scenes,count=40 --out FOLDER/run --steps 2"
                    + SMALL
                    + " --set "
                    + setting))
        .as(err.toString())
        .isZero();
  }

  @Test
  void trainsResumesDescribesAndEvaluates() throws IOException {
    var image = paint("a.png");
    train("modality.length=12");
    assertThat(out.toString())
        .containsPattern("[1-9]\\d* captions are longer than modality.length 12");
    assertThat(runLine("train --resume --out FOLDER/run --steps 3")).as(err.toString()).isZero();

    assertThat(
            runLine(
                "caption --run FOLDER/run FOLDER/a.png --n 2 --json --trace --precision float32"))
        .as(err.toString())
        .isZero();
    var report = new ObjectMapper().readTree(out.toString());
    assertThat(report.path("image").asText()).isEqualTo(image.toString());
    assertThat(report.path("captions")).hasSize(2);
    assertThat(report.path("steps")).hasSize(3);
    assertThat(report.path("steps").get(2)).isEqualTo(report.path("captions").get(0));

    assertThat(runLine("evaluate --run FOLDER/run --data scenes,split=test,count=5 --json"))
        .as(err.toString())
        .isZero();
    var scores = new ObjectMapper().readTree(out.toString());
    assertThat(scores.path("images").asInt()).isEqualTo(5);
    assertThat(scores.fieldNames())
        .toIterable()
        .contains("bleu_4", "cider", "rouge_l", "true_captions", "captions_per_second");

    assertThat(
            runLine(
                "evaluate --run FOLDER/run --data scenes,count=9 --n 4 --captions FOLDER/c.jsonl"
                    + " --json"))
        .isZero();
    assertThat(Files.readAllLines(folder.resolve("c.jsonl")))
        .hasSize(4)
        .last(InstanceOfAssertFactories.STRING)
        .contains("\"id\":6"); // of 0, 2, 4, 6
    assertThat(new ObjectMapper().readTree(out.toString()).path("images").asInt()).isEqualTo(4);
    // More than are made at a time, and the first ones as above.
    assertThat(runLine("caption --run FOLDER/run FOLDER/a.png --n 66 --json --precision float32"))
        .isZero();
    var many = new ObjectMapper().readTree(out.toString()).path("captions");
    assertThat(many).hasSize(66).startsWith(report.path("captions").get(0));
    assertThat(runLine("evaluate --run FOLDER/run --data scenes,count=9,subset=2 --json")).isZero();
    assertThat(new ObjectMapper().readTree(out.toString()).has("true_captions")).isTrue();
    assertThat(runLine("evaluate --run FOLDER/run --data scenes,count=9 --n 0")).isEqualTo(2);
    assertThat(err.toString()).contains("--n is 0; it must be at least 1");
    assertThat(runLine("evaluate --run FOLDER/run --data scenes,count=9 --beams 2")).isEqualTo(2);
    assertThat(err.toString()).contains("--beams and --length-penalty are for autoregressive");
    assertThat(runLine("evaluate --run FOLDER/run --data scenes,count=9 --held-out scenes"))
        .isEqualTo(2);
    assertThat(err.toString())
        .contains("--held-out is not for runs of the kind caption; there are --captions, --beams");
    assertThat(runLine("evaluate --run FOLDER/run --data scenes,count=9 --guidance 2"))
        .isEqualTo(2);
    assertThat(err.toString())
        .contains("--guidance (sampling.guidance) is 2.0, but captions are made without");

    assertThat(runLine("caption --run FOLDER/run FOLDER/none.png")).isEqualTo(1);
    assertThat(err.toString()).contains("none.png");
    assertThat(runLine("caption --run FOLDER/run FOLDER/run/loss.png FOLDER/none.png"))
        .isEqualTo(1);
    assertThat(out.toString()).isEmpty(); // nothing is described before all are there
    assertThat(runLine("caption --run FOLDER/run FOLDER/a.png --beams 3")).isEqualTo(2);
    assertThat(err.toString()).contains("--beams", "autoregressive");
    assertThat(runLine("caption --run FOLDER/run FOLDER/a.png --top-k 3")).isEqualTo(2);
    assertThat(err.toString())
        .contains("--temperature, --top-k and --top-p are for autoregressive");
    assertThat(runLine("evaluate --run FOLDER/run --data icons,size=16")).isEqualTo(2);
    assertThat(err.toString()).contains("images are 16x16, but the run describes those of 48x48");
    assertThat(runLine("sample --run FOLDER/run --n 1 --out FOLDER/s.png")).isEqualTo(2);
    assertThat(err.toString()).contains("s.png must end in .txt or .jsonl or .npy, or be a folder");

    Files.writeString(
        folder.resolve("run/tokenizer.json"), "{\"type\":\"words\",\"words\":[\"a\"]}");
    assertThat(runLine("caption --run FOLDER/run FOLDER/a.png")).isEqualTo(1);
    assertThat(err.toString()).contains("has a vocabulary of 4, but the run was trained with");
  }

  /** What 'sample' writes in each form is what 'caption' tells. */
  @Test
  void drawsSamplesOfAnImageAndAtCheckpoints() throws IOException {
    paint("a.png");
    train("modality.length=12");
    assertThat(Files.readAllLines(folder.resolve("run/samples/step-00000002.txt"))).hasSize(64);

    assertThat(
            runLine(
                "caption --run FOLDER/run FOLDER/a.png --n 3 --seed 5 --json --precision float32"))
        .isZero();
    var captions = new ArrayList<String>();
    new ObjectMapper()
        .readTree(out.toString())
        .path("captions")
        .forEach(caption -> captions.add(caption.asText()));
    assertThat(captions).hasSize(3);
    assertThat(captions.stream().distinct()).hasSizeGreaterThan(1);
    var sample =
        "sample --run FOLDER/run --condition FOLDER/a.png --n 3 --batch-size 2 --seed 5 --precision"
            + " float32 --out ";
    assertThat(runLine(sample + "FOLDER/s.txt")).as(err.toString()).isZero();
    assertThat(folder.resolve("s.txt")).hasContent(String.join("\n", captions));
    assertThat(runLine(sample + "FOLDER/s.jsonl")).isZero();
    assertThat(Files.readAllLines(folder.resolve("s.jsonl")))
        .extracting(line -> new ObjectMapper().readTree(line).path("text").asText())
        .isEqualTo(captions);
    assertThat(runLine(sample + "FOLDER/s.npy")).isZero();
    assertThat(Npy.read(folder.resolve("s.npy")).shape()).containsExactly(3, 1, 12);
    assertThat(runLine(sample + "FOLDER/s")).isZero();
    assertThat(folder.resolve("s/000002.txt")).hasContent(captions.get(2));

    assertThat(runLine("sample --run FOLDER/run --n 1 --out FOLDER/t.txt")).isEqualTo(2);
    assertThat(err.toString()).contains("need an image each; --condition names its file");
    assertThat(runLine(sample + "FOLDER/t.txt --known FOLDER/a.png")).isEqualTo(2);
    assertThat(err.toString()).contains("--known: symbols of this kind of data cannot be given");
    assertThat(
            runLine("sample --run FOLDER/run --n 1 --condition FOLDER/none.png --out FOLDER/t.txt"))
        .isEqualTo(1);
    assertThat(err.toString()).contains("none.png");
    assertThat(folder.resolve("t.txt")).doesNotExist();
  }

  @Test
  void autoregressiveRunsSearch() throws IOException {
    train("network.decoder=autoregressive");
    for (var options : new String[] {"", " --beams 3 --length-penalty 0.7"}) {
      assertThat(
              runLine(
                  "evaluate --run FOLDER/run --data scenes,split=test,count=3 --json" + options))
          .as(err.toString())
          .isZero();
    }
    assertThat(runLine("evaluate --run FOLDER/run --data scenes,count=3 --beams 0")).isEqualTo(2);
    assertThat(err.toString())
        .contains("--beams is 0 and --length-penalty 0; they must be from 1 to 1000");
    assertThat(runLine("caption --run FOLDER/run FOLDER/a.png --trace")).isEqualTo(2);
    assertThat(err.toString()).contains("no steps to trace");
    assertThat(runLine("caption --run FOLDER/run FOLDER/a.png --n 2")).isEqualTo(2);
    assertThat(err.toString()).contains("leave --n out, or let it draw with --temperature 1");
    assertThat(runLine("caption --run FOLDER/run FOLDER/a.png --sampler ddpm")).isEqualTo(2);
    assertThat(err.toString()).contains("autoregressive: it has no sampling steps");
    // What shows analog bits, or draws by them, is refused where there are none.
    var sample = "sample --run FOLDER/run --condition FOLDER/a.png --n 1 --out FOLDER/s.txt";
    for (var option : new String[] {"--strip FOLDER/t.txt", "--histogram FOLDER/t.png"}) {
      assertThat(runLine(sample + " " + option)).isEqualTo(2);
      assertThat(err.toString())
          .contains(
              "autoregressive: it has no steps; leave --strip, --histogram, --known and --given out");
    }
    assertThat(runLine(sample + " --known FOLDER/a.png")).isEqualTo(2);
    assertThat(err.toString()).contains("leave --strip, --histogram, --known and --given out");
    assertThat(runLine(sample + " --steps 5")).isEqualTo(2);
    assertThat(err.toString()).contains("autoregressive: it has no sampling steps");
    assertThat(folder.resolve("s.txt")).doesNotExist();
    assertThat(runLine("evaluate --run FOLDER/run --data scenes,split=test,count=3 --steps 5"))
        .isEqualTo(2);
    assertThat(err.toString()).contains("autoregressive");
  }

  /** Any number of captions of an image, of which each depends on its own index and the seed. */
  @Test
  void autoregressiveRunsDraw() throws IOException {
    paint("a.png");
    train("network.decoder=autoregressive");
    var some = captions("--n 3 --temperature 1 --seed 4");
    assertThat(some).hasSize(3);
    assertThat(some.stream().distinct()).hasSizeGreaterThan(1);
    assertThat(captions("--n 2 --temperature 1 --seed 4")).isEqualTo(some.subList(0, 2));
    assertThat(captions("--n 3 --temperature 1 --seed 5")).isNotEqualTo(some);
    assertThat(captions("--n 1 --temperature 1 --top-k 1 --seed 6")).isEqualTo(captions(""));
    var sample = "sample --run FOLDER/run --condition FOLDER/a.png --n 3 --batch-size 2 --seed 4";
    assertThat(runLine(sample + " --temperature 1 --precision float32 --out FOLDER/s.txt"))
        .as(err.toString())
        .isZero();
    assertThat(Files.readAllLines(folder.resolve("s.txt"))).isEqualTo(some);
    assertThat(
            runLine(
                "evaluate --run FOLDER/run --data scenes,split=test,count=3 --temperature 1 --top-p"
                    + " 0.9 --json"))
        .as(err.toString())
        .isZero();
    for (var command : List.of("caption --run FOLDER/run FOLDER/a.png", sample + " --out o.txt")) {
      assertThat(runLine(command + " --top-p 0.5")).isEqualTo(2);
      assertThat(err.toString()).contains("no effect at temperature 0").contains("--temperature 1");
      assertThat(runLine(command + " --temperature 1 --top-p 2")).isEqualTo(2);
      assertThat(err.toString()).contains("--top-p (sampling.top_p) is 2.0; it must be above 0");
    }
    assertThat(runLine("caption --run FOLDER/run FOLDER/a.png --temperature 1 --beams 2"))
        .isEqualTo(2);
    assertThat(err.toString()).contains("a temperature of 1.0 draws; take --temperature 0");
  }

  private List<String> captions(String options) throws IOException {
    var line = "caption --run FOLDER/run FOLDER/a.png --json --precision float32 ";
    assertThat(runLine((line + options).strip())).as(err.toString()).isZero();
    var captions = new ArrayList<String>();
    new ObjectMapper()
        .readTree(out.toString())
        .path("captions")
        .forEach(caption -> captions.add(caption.asText()));
    return captions;
  }
}

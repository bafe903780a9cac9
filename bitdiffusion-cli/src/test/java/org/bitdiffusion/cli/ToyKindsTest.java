package org.bitdiffusion.cli;

import static org.assertj.core.api.Assertions.assertThat;

import java.io.IOException;
import java.nio.file.Files;
import java.util.List;
import java.util.Map;
import org.bitdiffusion.io.Npy;
import org.junit.jupiter.api.Test;

/**
 * A kind of data, a kind of network and a solver that only tests know (package {@code toy}) are
 * used through the command like the library's own.
 */
class ToyKindsTest extends CommandTest {
  private static final String ROLL = "[1-6]-[1-3]-(1?\\d|20)-[12]";

  private void configure() throws IOException {
    Files.writeString(
        folder.resolve("dice.yaml"),
        """
        data: dice,rolls=500
        modality: {kind: dice}
        network: {kind: toy, width: 64, activation: hard_tanh}
        diffusion: {stratified_time: true}
        training:
          steps: 300
          batch_size: 64
          learning_rate: 0.005
          warmup_steps: 10
          ema_decay: 0.95
          precision: float32
          checkpoint_every: 200
          log_every: 50
        sampling: {sampler: straight, steps: 30}
        """);
  }

  private void succeeds(String line) {
    assertThat(runLine(line)).as(err.toString()).isZero();
  }

  private void isRefused(String line, String... reasons) {
    assertThat(runLine(line)).isEqualTo(2);
    assertThat(err.toString()).contains(reasons);
  }

  @Test
  void areTrainedResumedSampledDrawnAndEvaluated() throws IOException {
    configure();
    succeeds("train --config FOLDER/dice.yaml --out FOLDER/run");
    var run = folder.resolve("run");
    assertThat(run.resolve("config.yaml"))
        .content()
        .contains("kind: \"dice\"", "loaded: false", "kind: \"toy\"", "sampler: \"straight\"")
        .contains("activation: \"hard_tanh\"");

    // Drawn at checkpoints, by the toy's renderer.
    assertThat(Files.readAllLines(run.resolve("samples/step-00000300.txt")))
        .hasSize(64)
        .allMatch(line -> line.matches(ROLL));
    assertThat(run.resolve("samples/step-00000200.txt")).exists();

    succeeds("train --resume --out FOLDER/run --steps 600");
    assertThat(out.toString()).contains("continues after step 300");

    // Sampled, by the toy's solver and by others.
    var faces = List.of(6, 3, 20, 2);
    for (var sampler : List.of("straight", "ddim", "heun")) {
      succeeds(
          "sample --run FOLDER/run --n 200 --out FOLDER/%s.npy --sampler %s"
              .formatted(sampler, sampler));
      var rolls = Npy.read(folder.resolve(sampler + ".npy"));
      assertThat(rolls.shape()).containsExactly(200, 1, 4);
      for (var i = 0; i < rolls.values().length; i++) {
        assertThat(rolls.values()[i]).isBetween(0, faces.get(i % 4) - 1);
      }
    }
    succeeds("sample --run FOLDER/run --n 2 --out FOLDER/each --strip FOLDER/way.txt --steps 12");
    assertThat(folder.resolve("each/000001.txt")).content().matches(ROLL + "\n");
    assertThat(Files.readAllLines(folder.resolve("way.txt"))).hasSize(20);

    // Evaluated: the second die follows the first; by chance it would in a third of all rolls.
    succeeds("evaluate --run FOLDER/run --data dice --n 300 --json");
    var following = (Double) Json.parse(out.toString(), Map.class).get("following");
    assertThat(following).isGreaterThan(0.6);
    succeeds("evaluate --run FOLDER/run --data dice --with lenient=2 --json");
    assertThat(out.toString()).contains("\"following\":1.0");
    isRefused("evaluate --run FOLDER/run --data dice --held-out dice", "--held-out", "lenient");
  }

  @Test
  void areStudied() throws IOException {
    configure();
    Files.writeString(
        folder.resolve("study.yaml"),
        """
        title: Width
        config: dice.yaml
        settings: {training.steps: 4}
        variants:
          narrow: {network.width: 4}
          wide: {network.width: 64}
        sampling:
          few steps: {sampling.steps: 3}
        seeds: [0]
        samples: 20
        metrics: [following]
        """);
    succeeds("study FOLDER/study.yaml --out FOLDER/study --with lenient=1");
    assertThat(folder.resolve("study/table.csv"))
        .content()
        .containsPattern("narrow,few steps,0,lenient 1,(0|1)\\.\\d+\n")
        .contains("wide,few steps,0,lenient 1,");
    // What a run of it says of itself is a configuration too; and all of it is there already.
    var again = Files.readString(folder.resolve("study.yaml"));
    Files.writeString(
        folder.resolve("study.yaml"),
        again
            .replace("config: dice.yaml", "config: study/runs/wide-seed-0/config.yaml")
            .replace("samples: 20", "samples: 21"));
    succeeds("study FOLDER/study.yaml --out FOLDER/study --with lenient=1");
    assertThat(err.toString()).doesNotContain("training 4/4");
    Files.writeString(folder.resolve("study.yaml"), again.replace("[following]", "[fid]"));
    isRefused(
        "study FOLDER/study.yaml --out FOLDER/study",
        "bitdiff: metrics: 'fid' is not measured here; there are following");
    assertThat(err.toString()).doesNotContain("--features");
    Files.writeString(folder.resolve("study.yaml"), "preset: icons\n" + again);
    isRefused("study FOLDER/study.yaml --out FOLDER/study", "preset is missing or wrong", "config");
    isRefused("study FOLDER/dice.yaml --out FOLDER/other", "'data' is no key of a study");
  }

  @Test
  void areListedAndHintedAt() throws IOException {
    configure();
    succeeds("data dice,rolls=3 --out FOLDER/d.txt");
    assertThat(out.toString()).contains("dice: 3 examples of shape [1, 4], K = [6, 3, 20, 2]");
    succeeds("data --help");
    assertThat(out.toString()).contains("dice,rolls=1000", "rolls of four dice");
    succeeds("sample --help");
    assertThat(out.toString()).contains("straight");
    succeeds("info");
    assertThat(out.toString()).contains("dice", "toy", "straight");
    succeeds("info --config FOLDER/dice.yaml --json");
    assertThat(Json.parse(out.toString(), Map.class))
        .extractingByKey("parameters")
        .isEqualTo((2 * 11 + 1) * 64 + 64 + 64 * 11 + 11); // two linear maps, of 3 + 2 + 5 + 1 bits
    isRefused(
        "train --config FOLDER/dice.yaml --out FOLDER/run --set modality=dice", "is a section");
    isRefused(
        "train --config FOLDER/dice.yaml --out FOLDER/run --set netwrk=toy",
        "did you mean network?");
    var train = "train --config FOLDER/dice.yaml --out FOLDER/run --set ";
    isRefused(train + "sampling.sampler=straigth", "did you mean straight?");
    isRefused(
        "train --config FOLDER/dice.yaml --out FOLDER/run --data icons",
        "icons, of modality.kind image, but modality.kind is dice, whose sources are dice");
    isRefused(train + "network.widht=3", "network.widht", "did you mean network.width?");
    isRefused(
        train + "network.activation=relu",
        "settings: network.activation is 'relu'; it must be silu or hard_tanh");
    isRefused(train + "modality.loadet=true", "did you mean modality.loaded?");
    isRefused("data dise --out FOLDER/d2.txt", "did you mean dice?");
  }
}

package org.bitdiffusion.cli;

import static org.assertj.core.api.Assertions.assertThat;

import com.fasterxml.jackson.databind.ObjectMapper;
import java.io.IOException;
import java.nio.file.Files;
import org.bitdiffusion.storage.RunFolder;
import org.junit.jupiter.api.Test;

/** What the command says of held-out data, and of the best checkpoint. */
class MeasuredTrainingTest extends CommandTest {
  private static final String SMALL =
      " --set network.width=8 --set network.multipliers=[1] --set network.blocks=1"
          + " --set network.attention=[] --set training.batch_size=4 --set sampling.steps=2"
          + " --precision float32";

  private static final String TRAIN =
      "train --preset icons --data icons,size=8,subset=16 --out FOLDER/run" + SMALL;

  @Test
  void theBestCheckpointIsToldAndTaken() throws IOException {
    var line =
        TRAIN
            + " --steps 6 --checkpoint-every 2 --held-out icons,size=8,subset=40"
            + " --set training.measure.name=pair_total_variation --set training.measure.samples=9"
            + " --set training.keep_checkpoints=3";
    assertThat(runLine(line)).as(err.toString()).isZero();
    var run = RunFolder.open(folder.resolve("run"));
    var best = run.checkpoints().best().orElseThrow();
    assertThat(out.toString())
        .contains("the best checkpoint is of step %d: pair_total_variation".formatted(best.step()));
    assertThat(err.toString()).contains("  held out 0.2").contains("  pair_total_variation 0.");

    var evaluate =
        "evaluate --run FOLDER/run --data icons,size=8,subset=16 --n 9 --precision float32 --json";
    assertThat(runLine(evaluate + " --checkpoint best")).as(err.toString()).isZero();
    var report = new ObjectMapper().readTree(out.toString());
    assertThat(report.get("pair_total_variation").asDouble()).isEqualTo(best.value());

    assertThat(runLine("sample --run FOLDER/run --n 3 --out FOLDER/b.npy --checkpoint best"))
        .as(err.toString())
        .isZero();
    var number = "sample --run FOLDER/run --n 3 --out FOLDER/n.npy --checkpoint " + best.step();
    assertThat(runLine(number)).as(err.toString()).isZero();
    assertThat(folder.resolve("b.npy")).hasSameBinaryContentAs(folder.resolve("n.npy"));
    assertThat(runLine("sample --run FOLDER/run --out FOLDER/s.npy --checkpoint last"))
        .isEqualTo(2);
    assertThat(err.toString()).contains("--checkpoint: ").contains("newest, best");
  }

  @Test
  void whatCannotBeHeldOutIsNamedByItsOption() {
    assertThat(runLine(TRAIN + " --held-out icons,size=9")).isEqualTo(2);
    assertThat(err.toString()).contains("--held-out (training.held_out)").contains("9x9");
    assertThat(Files.exists(folder.resolve("run"))).isFalse();
    assertThat(runLine(TRAIN + " --steps 1")).as(err.toString()).isZero();
    assertThat(runLine("evaluate --run FOLDER/run --data icons,size=8 --checkpoint best"))
        .isEqualTo(2);
    assertThat(err.toString()).contains("has no best checkpoint").contains("training.held_out");
  }
}

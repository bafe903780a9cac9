package org.bitdiffusion.cli;

import static org.assertj.core.api.Assertions.assertThat;

import com.fasterxml.jackson.databind.ObjectMapper;
import java.io.IOException;
import java.nio.file.Files;
import org.junit.jupiter.api.Test;

class DryRunTest extends CommandTest {
  private static final String TRAIN =
      "train --preset icons --data icons,size=8,subset=16 --out FOLDER/run --steps 400"
          + " --checkpoint-every 60"
          + " --precision float32 --set network.width=16 --set network.multipliers=[1]"
          + " --set network.attention=[] --set training.batch_size=4 --set sampling.steps=2";

  @Test
  void itTellsWhatATrainingTakesAndWritesNothing() throws IOException {
    assertThat(runLine(TRAIN + " --dry-run --json")).as(err.toString()).isZero();
    var told = new ObjectMapper().readTree(out.toString());
    assertThat(folder.resolve("run")).doesNotExist();
    assertThat(runLine(TRAIN + " --dry-run")).isZero();
    assertThat(out.toString())
        .contains("for a checkpoint", "computed", "400 steps")
        .contains("%,d weights".formatted(told.get("weights").asLong()));
    assertThat(told.get("seconds").asDouble())
        .isEqualTo(400 * told.get("seconds_per_step").asDouble());

    assertThat(out.toString())
        .contains("s for 64 samples to look at", "for those of 7 checkpoints");
    assertThat(told.get("checkpoints").asInt()).isEqualTo(7);
    assertThat(told.get("seconds_per_preview").asDouble()).isPositive();

    assertThat(runLine(TRAIN.replace("400", "1"))).as(err.toString()).isZero();
    var bytes = 0L;
    try (var files = Files.list(folder.resolve("run/checkpoints/step-00000001"))) {
      for (var file : files.toList()) {
        bytes += Files.size(file);
      }
    }
    assertThat((double) told.get("checkpoint_bytes").asLong() / bytes).isBetween(0.99, 1.01);
    assertThat(told.get("state_bytes").asLong()).isEqualTo(20 * told.get("weights").asLong());
  }

  @Test
  void whatIsWrongIsSaidAsWithoutIt() {
    assertThat(runLine(TRAIN + " --dry-run --held-out icons,size=9")).isEqualTo(2);
    assertThat(err.toString()).contains("--held-out (training.held_out)");
    assertThat(runLine("train --resume --out FOLDER/run --dry-run")).isEqualTo(2);
    assertThat(err.toString()).contains("--dry-run");
    assertThat(runLine(TRAIN + " --json")).isEqualTo(2);
  }
}

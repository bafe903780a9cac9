package org.bitdiffusion.cli;

import static org.assertj.core.api.Assertions.assertThat;

import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.ObjectMapper;
import java.io.IOException;
import org.junit.jupiter.api.Test;

final class BenchTest extends CommandTest {
  private static final int BATCH = 4;
  private static final int SAMPLING_STEPS = 6;

  /** A speed is work by time: what was measured can have taken no longer than all of the call. */
  @Test
  void theUNetsSpeedsFitTheTimeOfTheCall() throws IOException {
    var start = System.nanoTime();
    var report =
        report(
            "bench unet --network width=8 --network head_width=8 --network multipliers=[1]"
                + " --network attention=[] --steps 1 --json --batch-size "
                + BATCH);
    var seconds = (System.nanoTime() - start) / 1e9;

    var measured = 0.0;
    for (var way : new String[] {"", "eager_"}) {
      var train = report.get(way + "train_images_per_second").asDouble();
      var denoise = report.get(way + "denoise_images_per_second").asDouble();
      assertThat(train).isPositive();
      assertThat(denoise).isPositive();
      measured += BATCH / train + SAMPLING_STEPS * BATCH / denoise;
    }
    assertThat(measured).isLessThan(seconds);
  }

  @Test
  void bothDecodersSpeedsFitTheTimeOfTheCall() throws IOException {
    var start = System.nanoTime();
    var report = report("bench captions --network layers=1 --steps 2 --batches 1 --json");
    var seconds = (System.nanoTime() - start) / 1e9;

    var bits = report.get("bits_images_per_second").asDouble();
    var greedy = report.get("greedy_images_per_second").asDouble();
    assertThat(report.get("ratio").asDouble()).isEqualTo(bits / greedy);
    assertThat(32 / bits + 32 / greedy).isLessThan(seconds);
  }

  private JsonNode report(String line) throws IOException {
    assertThat(runLine(line)).as(err.toString()).isZero();
    return new ObjectMapper().readTree(out.toString());
  }
}

package org.bitdiffusion.storage;

import static java.nio.charset.StandardCharsets.ISO_8859_1;
import static org.assertj.core.api.Assertions.assertThat;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Map;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

class RunFolderTest {
  @TempDir private Path folder;
  private RunFolder run;
  private Path stretches;

  @BeforeEach
  void create() {
    run = RunFolder.create(folder.resolve("run"));
    stretches = run.path().resolve("stretches.jsonl");
  }

  private static String line(long step, String more) {
    return "{\"step\":%d,\"loss\":0.5,\"grad_norm\":1.5,\"learning_rate\":0.1,\"examples_per_second\":12.5,\"memory_mb\":3.0%s}\n"
        .formatted(step, more);
  }

  /** A user's notes and tools write into the file too, perhaps in another charset. */
  @Test
  void whatOthersHaveWrittenBesideTheMetricsStays() throws IOException {
    var kept =
        line(2, ",\"note\":\"warmer\",\"tags\":[\"a\"],\"mine\":{\"x\":1},\"held_out_loss\":0.25")
            + "{\"event\":\"learning rate lowered\",\"by\":\"hand\"}\n"
            + "{\"step\":9,\"my_fid\":3.5}\r\n"
            + "\n# sch\u00f6ner\nnull\n{\"step\":3,\n"
            + line(4, "");
    Files.writeString(run.metrics(), kept + line(6, ",\"note\":\"to be taken again\""), ISO_8859_1);
    assertThat(run.history()).extracting(Metrics::step).containsExactly(2L, 4L, 6L);
    assertThat(run.history().get(0))
        .isEqualTo(new Metrics(2, 0.5, 1.5, 0.1, 12.5, 3, Map.of("held_out_loss", 0.25)));

    run.forgetAfter(4);
    assertThat(Files.readString(run.metrics(), ISO_8859_1)).isEqualTo(kept);
    assertThat(run.history()).extracting(Metrics::step).containsExactly(2L, 4L);
  }

  @Test
  void whatOthersHaveWrittenBesideTheStretchesStays() throws IOException {
    var stretch =
        "{\"first\":%d,\"precision\":\"float32\",\"device\":\"cpu\",\"engine\":\"e\",\"version\":\"v\",\"host\":\"big\"}\n";
    var kept = stretch.formatted(1) + "{\"first\":5}\nnull\n" + stretch.formatted(4);
    Files.writeString(stretches, kept + stretch.formatted(6));
    assertThat(run.stretches()).extracting(Stretch::first).containsExactly(1L, 4L, 6L);
    run.forgetAfter(4);
    assertThat(stretches).content().isEqualTo(kept);
  }

  @Test
  void onlyAnEndThatAKillHasCutOffIsForgotten() throws IOException {
    Files.writeString(run.metrics(), line(2, "") + "{\"step\":4,\"lo");
    run.forgetAfter(2);
    assertThat(run.metrics()).content().isEqualTo(line(2, ""));

    var note = "{\"note\":\"without the end of its line\"}";
    Files.writeString(run.metrics(), line(2, "") + note);
    run.forgetAfter(2);
    run.log(new Metrics(3, 1, 1, 1, 1, 1, Map.of()));
    assertThat(run.metrics()).content().startsWith(line(2, "") + note + "\n{\"step\":3");
    assertThat(run.history()).extracting(Metrics::step).containsExactly(2L, 3L);
  }

  /** They were of images only then. */
  @Test
  void theHistoryOfEarlierVersionsIsRead() throws IOException {
    var line = line(2, "").replace("examples_per_second", "images_per_second");
    Files.writeString(run.metrics(), line);
    assertThat(run.history()).containsExactly(new Metrics(2, 0.5, 1.5, 0.1, 12.5, 3, Map.of()));
    run.forgetAfter(2);
    assertThat(run.metrics()).content().isEqualTo(line);
  }
}

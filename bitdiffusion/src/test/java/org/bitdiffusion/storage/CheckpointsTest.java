package org.bitdiffusion.storage;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;
import static org.assertj.core.api.Assumptions.assumeThat;
import static org.junit.jupiter.api.Assertions.assertTimeoutPreemptively;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.util.List;
import java.util.Map;
import org.assertj.core.api.ThrowableAssert.ThrowingCallable;
import org.bitdiffusion.DataException;
import org.bitdiffusion.runtime.Engine;
import org.bitdiffusion.runtime.Safetensors;
import org.bytedeco.javacpp.PointerScope;
import org.bytedeco.pytorch.Tensor;
import org.bytedeco.pytorch.global.torch;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.condition.EnabledOnOs;
import org.junit.jupiter.api.condition.OS;
import org.junit.jupiter.api.io.TempDir;

class CheckpointsTest {
  /** What Linux counts of this process. */
  private static final Path IO = Path.of("/proc/self/io");

  @TempDir private Path folder;

  @BeforeAll
  static void loadEngine() {
    Engine.load();
  }

  /** Checksums of large weights cost no second reading. */
  @Test
  @EnabledOnOs(OS.LINUX)
  void eachFileIsReadOnce() throws IOException {
    assumeThat(IO).isReadable();
    try (var scope = new PointerScope()) {
      var checkpoints = new Checkpoints(folder);
      checkpoints.save(1, Checkpoints.Unlogged.NONE, files(torch.randn(5_000_000)), 1);
      var newest = checkpoints.requireNewest();
      var size = Files.size(newest.resolve("model.safetensors")); // 20 MB
      size += Files.size(newest.resolve("ema.safetensors"));
      var target = torch.zeros(5_000_000);
      var before = bytesRead();
      assertThat(checkpoints.read(newest, files(target)).checksums()).hasSize(2);
      assertThat(bytesRead() - before).isBetween(size, size + size / 4);
    }
  }

  private static Map<String, Map<String, Tensor>> files(Tensor weights) {
    return Map.of("model", Map.of("w", weights), "ema", Map.of("w", weights));
  }

  /** Of any file, by any thread of the process. */
  private static long bytesRead() throws IOException {
    try (var lines = Files.lines(IO)) {
      var line = lines.filter(some -> some.startsWith("rchar: ")).findFirst().orElseThrow();
      return Long.parseLong(line.substring("rchar: ".length()));
    }
  }

  /** 20 digits are no step that a long counts. */
  @Test
  void foldersOfOthersArePassedOver() throws IOException {
    var all = Files.createDirectories(folder.resolve("checkpoints"));
    Files.createDirectory(all.resolve("step-99999999999999999999"));
    Files.createDirectory(all.resolve("step-abc"));
    assertThat(new Checkpoints(folder).newest()).isEmpty();
    Files.createDirectory(all.resolve("step-00000007"));
    assertThat(new Checkpoints(folder).done()).isEqualTo(7);
  }

  @Test
  @EnabledOnOs({OS.LINUX, OS.MAC})
  void noPipeIsWaitedFor() throws Exception {
    var run = folder.resolve("run");
    var step = Files.createDirectories(run.resolve("checkpoints/step-00000001"));
    Files.writeString(run.resolve("config.yaml"), "");
    for (var name : List.of("state.json", "model.safetensors")) {
      pipe(step.resolve(name));
    }
    for (var name : List.of("metrics.jsonl", "stretches.jsonl", ".lock")) {
      pipe(run.resolve(name));
    }
    var opened = RunFolder.open(run);
    var reason = "it is a pipe or a device, where a file is needed";
    assertTimeoutPreemptively(
        Duration.ofSeconds(10),
        () -> {
          for (var wait :
              List.<ThrowingCallable>of(
                  () -> opened.checkpoints().read(step, Map.of()),
                  () -> Safetensors.names(step.resolve("model.safetensors")),
                  opened::history,
                  opened::stretches,
                  () -> opened.forgetAfter(0),
                  () -> opened.begin(new Stretch(1, "float32", "cpu", "", "")),
                  () -> opened.log(new Metrics(1, 1, 1, 1, 1, 1, Map.of())),
                  opened::lock)) {
            assertThatThrownBy(wait).isInstanceOf(DataException.class).hasMessageContaining(reason);
          }
        });
  }

  private static void pipe(Path file) throws Exception {
    assumeThat(new ProcessBuilder("mkfifo", file.toString()).start().waitFor()).isZero();
  }
}

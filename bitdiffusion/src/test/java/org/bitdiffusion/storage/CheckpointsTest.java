package org.bitdiffusion.storage;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assumptions.assumeThat;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Map;
import org.bitdiffusion.runtime.Engine;
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
}

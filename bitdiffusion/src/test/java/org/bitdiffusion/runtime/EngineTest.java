package org.bitdiffusion.runtime;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;
import static org.bytedeco.pytorch.global.torch.arange;
import static org.bytedeco.pytorch.global.torch.zeros;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Comparator;
import java.util.List;
import org.bitdiffusion.ConfigurationException;
import org.bitdiffusion.DataException;
import org.bytedeco.javacpp.Pointer;
import org.bytedeco.javacpp.PointerScope;
import org.bytedeco.pytorch.Scalar;
import org.bytedeco.pytorch.Tensor;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.condition.EnabledOnOs;
import org.junit.jupiter.api.condition.OS;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

class EngineTest {
  /** Loads the engine and computes 0 + 1 + ... + 9. */
  static final class Program {
    public static void main(String[] args) throws IOException {
      Engine.load();
      System.out.println("sum " + arange(new Scalar(10)).sum().item_int());
      if (OS.LINUX.isCurrentOs()) {
        try (var maps = Files.lines(Path.of("/proc/self/maps"))) {
          maps.filter(line -> line.matches(".*/lib(torch|c10).*\\.so.*"))
              .map(line -> line.substring(line.indexOf('/')))
              .distinct()
              .forEach(file -> System.out.println("library " + file));
        }
      }
    }
  }

  /**
   * Before a test touches a tensor: the bindings alone would take an older libtorch of the system.
   */
  @BeforeAll
  static void loadEngine() {
    Engine.load();
  }

  private Path folder;

  @BeforeEach
  void makeFolder() throws IOException {
    folder = Files.createTempDirectory("bitdiffusion-");
  }

  /** JUnit's own would warn of the links that JavaCPP makes. */
  @AfterEach
  void deleteFolder() throws IOException {
    try (var files = Files.walk(folder)) {
      for (var file : files.sorted(Comparator.reverseOrder()).toList()) {
        Files.delete(file);
      }
    }
  }

  @Test
  void loadsItsOwnLibrariesIntoAnEmptyCache() throws IOException, InterruptedException {
    // Where the system has a libtorch of its own, such as Debian's, it must not be taken.
    var cache = Files.createDirectory(folder.resolve("cache"));
    var output = folder.resolve("output");
    var exit =
        new ProcessBuilder(
                Path.of(System.getProperty("java.home"), "bin", "java").toString(),
                "-Dorg.bytedeco.javacpp.cachedir=" + cache,
                "-XX:-CreateCoredumpOnCrash",
                "-XX:ErrorFile=" + folder.resolve("crash"),
                "-cp",
                System.getProperty("java.class.path"),
                Program.class.getName())
            .redirectErrorStream(true)
            .redirectOutput(output.toFile())
            .start()
            .waitFor();

    var lines = Files.readAllLines(output);
    var own = "library " + cache.toRealPath();
    assertThat(lines).contains("sum 45");
    assertThat(exit).isZero();
    assertThat(lines)
        .filteredOn(line -> line.startsWith("library "))
        .allMatch(line -> line.startsWith(own));
  }

  @Test
  void readsWhichProcessorsTheProcessMayUse() {
    var status = "Name:\tjava\nCpus_allowed:\t10f\nCpus_allowed_list:\t0-3,8\nThreads:\t9\n";
    assertThat(Engine.allowedProcessors(status)).hasToString("{0, 1, 2, 3, 8}");
    assertThat(Engine.allowedProcessors("Name:\tjava\n")).hasToString("{}");
  }

  @Test
  void usesAThreadForEachPhysicalCoreAndCanUseFewer() {
    assertThat(Engine.physicalCores()).isBetween(1, Runtime.getRuntime().availableProcessors());
    var before = Engine.threads();
    try {
      Engine.threads(1);
      assertThat(Engine.threads()).isEqualTo(1);
    } finally {
      Engine.threads(before);
    }
  }

  @Test
  @EnabledOnOs(OS.LINUX)
  void givesFreedMemoryBackToTheSystem() {
    // The last tensor lies above the freed ones, so that the allocator does not return them itself.
    try (var tensors = new PointerScope()) {
      Tensor last = null;
      try (var freed = new PointerScope()) {
        for (var i = 0; i < 3000; i++) {
          zeros(16_384); // 64 kB, which the allocator does not map one by one
        }
        last = zeros(16_384);
        tensors.attach(last);
        freed.detach(last);
      }
      var held = Pointer.physicalBytes();
      Engine.releaseFreeMemory();
      assertThat(Pointer.physicalBytes()).isLessThan(held - 100_000_000);
      assertThat(last.sum().item_float()).isZero();
    }
  }

  @Test
  void librariesOfCudaThatAreMissingAreNamed(@TempDir Path folder) throws IOException {
    Engine.loadCuda(List.of(folder.toFile())); // no GPU build, nothing to load
    Files.writeString(folder.resolve("libtorch_cuda.so"), "none");
    assertThatThrownBy(() -> Engine.loadCuda(List.of(folder.toFile())))
        .isInstanceOf(DataException.class)
        .hasMessageContaining("the engine for NVIDIA GPUs cannot be loaded")
        .hasMessageContaining("install CUDA 13, cuDNN 9 and NCCL 2");
  }

  /** So many end the process with a signal where the system has no room for them. */
  @ParameterizedTest
  @ValueSource(ints = {8000, 0, -1, Integer.MAX_VALUE})
  void threadsAreBounded(int threads) {
    assertThatThrownBy(() -> Engine.threads(threads))
        .isInstanceOf(ConfigurationException.class)
        .hasMessageContaining("at most " + Engine.mostThreads());
    assertThat(Engine.mostThreads()).isGreaterThanOrEqualTo(64);
  }
}

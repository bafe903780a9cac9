package org.bitdiffusion.cli;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.concurrent.Callable;
import java.util.concurrent.TimeUnit;
import java.util.stream.Stream;
import org.bytedeco.javacpp.Loader;
import picocli.CommandLine.Command;
import picocli.CommandLine.Model.CommandSpec;
import picocli.CommandLine.Option;
import picocli.CommandLine.Spec;

/**
 * Checks what can be wrong on a machine. Everything native runs in a child process, so that a crash
 * there is a finding and not the end of the report.
 */
@Command(
    name = "doctor",
    description = "Checks what can be wrong on this machine, and says what to do.")
final class DoctorCommand implements Callable<Integer> {

  @Spec private CommandSpec spec;

  @Option(names = "--json", description = "Reports as JSON.")
  private boolean json;

  /** How a check ended: as it should be, slower than need be, or wrong. */
  enum Status {
    OK,
    WARNING,
    WRONG
  }

  /**
   * What was looked at.
   *
   * @param found what is the case
   * @param advice what to do, or empty
   */
  record Finding(String check, Status status, String found, String advice) {}

  @Override
  public Integer call() {
    var findings = new ArrayList<Finding>();
    findings.add(java());
    findings.add(memory());
    findings.add(disk());
    findings.add(allocator());
    findings.add(blasThreads());
    findings.add(systemLibtorch());
    findings.addAll(nativeChecks());
    print(findings);
    return findings.stream().anyMatch(f -> f.status() == Status.WRONG) ? Main.FAILURE : 0;
  }

  private static Finding java() {
    var version = Runtime.version();
    return new Finding(
        "java",
        Status.OK,
        "%s, heap of at most %d MB".formatted(version, Runtime.getRuntime().maxMemory() >> 20),
        "");
  }

  private static Finding memory() {
    try (var lines = Files.lines(Path.of("/proc/meminfo"))) {
      var available =
          lines
              .filter(line -> line.startsWith("MemAvailable:"))
              .mapToLong(line -> Long.parseLong(line.replaceAll("\\D", "")) >> 10)
              .findFirst()
              .orElse(0);
      return available >= 4096
          ? new Finding("memory", Status.OK, available + " MB available", "")
          : new Finding(
              "memory",
              Status.WARNING,
              available + " MB available",
              "training wants about 4 GB: close other programs, or use a smaller batch");
    } catch (IOException e) {
      return new Finding("memory", Status.OK, "unknown on this system", "");
    }
  }

  private static Finding disk() {
    var here = Path.of("").toAbsolutePath();
    try {
      var free = Files.getFileStore(here).getUsableSpace() >> 20;
      return free >= 2048
          ? new Finding("disk", Status.OK, free + " MB free in " + here, "")
          : new Finding(
              "disk",
              free >= 200 ? Status.WARNING : Status.WRONG,
              free + " MB free in " + here,
              "checkpoints of the small presets take 30 to 150 MB, of cifar10 about 1,300 MB");
    } catch (IOException e) {
      return new Finding("disk", Status.WARNING, "free space is unknown: " + e.getMessage(), "");
    }
  }

  private static Finding allocator() {
    if (!System.getProperty("os.name").equals("Linux")) {
      return new Finding("allocator", Status.OK, "the system's own", "");
    }
    var tunables = System.getenv("GLIBC_TUNABLES");
    if (tunables != null && tunables.contains("glibc.malloc")) {
      return new Finding("allocator", Status.OK, "GLIBC_TUNABLES=" + tunables, "");
    }
    if (preloadsAllocator()) {
      return new Finding("allocator", Status.OK, "LD_PRELOAD=" + System.getenv("LD_PRELOAD"), "");
    }
    return new Finding(
        "allocator",
        Status.WARNING,
        "glibc's malloc as it comes: activations go back to the system at every step",
        "start through ./bitdiff, which sets GLIBC_TUNABLES: training is up to twice as fast");
  }

  private static boolean preloadsAllocator() {
    var preload = System.getenv("LD_PRELOAD");
    return preload != null
        && Stream.of("mimalloc", "jemalloc", "tcmalloc").anyMatch(preload::contains);
  }

  private static Finding blasThreads() {
    var threads = System.getenv("OPENBLAS_NUM_THREADS");
    return "1".equals(threads)
        ? new Finding("BLAS threads", Status.OK, "1", "")
        : new Finding(
            "BLAS threads",
            Status.WARNING,
            "OPENBLAS_NUM_THREADS is " + (threads == null ? "not set" : threads),
            "start through ./bitdiff, or set it to 1: OpenBLAS's threads fight the engine's");
  }

  /** A libtorch of the system is harmless if the engine's own comes first; its presence is told. */
  private static Finding systemLibtorch() {
    for (var folder : List.of("/usr/lib", "/usr/local/lib", "/usr/lib64", "/lib64")) {
      try (var files =
          Files.find(
              Path.of(folder),
              2,
              (p, a) -> p.getFileName().toString().startsWith("libtorch_cpu.so"))) {
        var found = files.findFirst();
        if (found.isPresent()) {
          return new Finding(
              "system libtorch",
              Status.OK,
              found.get()
                  + " is there; the engine unpacks all of its own first, so it is not taken",
              "");
        }
      } catch (IOException e) {
        // no such folder
      }
    }
    return new Finding("system libtorch", Status.OK, "none", "");
  }

  /** Runs {@link DoctorChecks} in a process of its own. */
  private static List<Finding> nativeChecks() {
    var command =
        List.of(
            Path.of(System.getProperty("java.home"), "bin", "java").toString(),
            "-cp",
            System.getProperty("java.class.path"),
            DoctorChecks.class.getName());
    var findings = new ArrayList<Finding>();
    try {
      var process = new ProcessBuilder(command).redirectErrorStream(true).start();
      var rest = new ArrayList<String>();
      try (var lines = process.inputReader()) {
        for (var line = lines.readLine(); line != null; line = lines.readLine()) {
          if (line.startsWith(DoctorChecks.MARK)) {
            findings.add(Json.parse(line.substring(DoctorChecks.MARK.length()), Finding.class));
          } else {
            rest.add(line);
          }
        }
      }
      if (!process.waitFor(60, TimeUnit.SECONDS)) {
        process.destroyForcibly();
      }
      if (process.exitValue() != 0) {
        findings.add(crashed(process.exitValue(), findings, rest));
      }
    } catch (IOException e) {
      findings.add(new Finding("engine", Status.WRONG, "no child process: " + e.getMessage(), ""));
    } catch (InterruptedException e) {
      Thread.currentThread().interrupt();
    }
    return findings;
  }

  private static Finding crashed(int exit, List<Finding> before, List<String> output) {
    var signal =
        switch (exit) {
          case 134 -> "aborted";
          case 136 -> "ended with a floating point exception";
          case 139 -> "ended with a segmentation fault";
          default -> "ended with exit code " + exit;
        };
    var after = before.isEmpty() ? "loading" : before.get(before.size() - 1).check();
    var last = output.stream().filter(line -> !line.isBlank()).findFirst().orElse("no output");
    return new Finding(
        "engine",
        Status.WRONG,
        "the checks %s after '%s': %s".formatted(signal, after, last),
        "remove the cache "
            + System.getProperty("user.home")
            + "/.javacpp and try again; if it stays, use --precision float32, and report it");
  }

  private void print(List<Finding> findings) {
    var out = spec.commandLine().getOut();
    var wrong = findings.stream().filter(f -> f.status() == Status.WRONG).count();
    if (json) {
      Map<String, Object> report = new LinkedHashMap<>();
      report.put("platform", Loader.getPlatform());
      report.put("wrong", wrong);
      report.put("findings", findings);
      out.println(Json.line(report));
      return;
    }
    for (var finding : findings) {
      out.printf("%-8s %-28s %s%n", finding.status(), finding.check(), finding.found());
      if (!finding.advice().isEmpty()) {
        out.printf("%-8s %-28s -> %s%n", "", "", finding.advice());
      }
    }
    out.println(wrong == 0 ? "nothing is wrong" : wrong + " things are wrong");
  }
}

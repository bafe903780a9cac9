package org.bitdiffusion.cli;

import java.io.IOException;
import java.io.UncheckedIOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.concurrent.Callable;
import java.util.stream.Stream;
import org.bitdiffusion.DataException;
import org.bitdiffusion.Version;
import org.bitdiffusion.runtime.NativeCode;
import org.bytedeco.javacpp.Loader;
import picocli.CommandLine;
import picocli.CommandLine.Command;
import picocli.CommandLine.Model.CommandSpec;
import picocli.CommandLine.Option;
import picocli.CommandLine.Spec;

/**
 * Checks what can be wrong on a machine. Everything native runs in child processes, so that a crash
 * there is a finding and not the end of the report.
 */
@Command(
    name = "doctor",
    description = "Checks what can be wrong on this machine, and says what to do. Takes a minute.",
    footer = {"", "Exit code 1 where a check fails; warnings cost speed only."})
final class DoctorCommand implements Callable<Integer> {
  /** Far longer than any check takes on a slow machine. */
  private static final Duration LIMIT = Duration.ofMinutes(15);

  @Spec private CommandSpec spec;

  @Option(names = "--json", description = "Reports as JSON.")
  private boolean json;

  private final List<Finding> findings = new ArrayList<>();

  @Override
  public Integer call() {
    add(java());
    add(memory());
    add(disk("disk, here", Path.of("").toAbsolutePath(), 2048));
    add(cache());
    add(blasThreads());
    add(systemLibtorch());
    for (var part : DoctorChecks.Part.values()) {
      var program = List.of(DoctorChecks.class.getName(), part.name());
      if (!CheckProcess.run(program, LIMIT, this::add) && part == DoctorChecks.Part.MACHINE) {
        break; // there is no engine to check further
      }
    }
    return report();
  }

  private void add(Finding finding) {
    findings.add(finding);
    if (!json) {
      var out = spec.commandLine().getOut();
      out.printf("%-4s  %-32s  %s%n", finding.status().word(), finding.name(), finding.found());
      if (!finding.advice().isEmpty()) {
        out.printf("%-4s  %-32s  -> %s%n", "", "", finding.advice());
      }
    }
  }

  private int report() {
    var out = spec.commandLine().getOut();
    var failed = findings.stream().filter(f -> f.status() == Finding.Status.FAIL).count();
    var warned = findings.stream().filter(f -> f.status() == Finding.Status.WARN).count();
    if (json) {
      var report = new LinkedHashMap<String, Object>();
      report.put("version", Version.version());
      report.put("platform", Loader.getPlatform());
      report.put("failed", failed);
      report.put("warnings", warned);
      report.put("checks", findings);
      out.println(Json.line(report));
    } else {
      out.printf(
          "%d checks: %s, %s%n",
          findings.size(),
          failed == 0 ? "nothing is wrong" : failed + " failed",
          warned == 0 ? "no warnings" : warned == 1 ? "1 warning" : warned + " warnings");
    }
    return failed == 0 ? 0 : CommandLine.ExitCode.SOFTWARE;
  }

  private static Finding java() {
    var runtime = Runtime.getRuntime();
    return Finding.ok(
        "java",
        "%s %s, %d processors, heap of at most %d MB"
            .formatted(
                System.getProperty("java.vm.name"),
                Runtime.version(),
                runtime.availableProcessors(),
                runtime.maxMemory() >> 20));
  }

  private static Finding memory() {
    var name = "memory";
    try {
      var available = availableMemory();
      return available >= 4096
          ? Finding.ok(name, available + " MB available")
          : Finding.warn(
              name,
              available + " MB available",
              "training wants about 4 GB: close other programs, or use a smaller training.batch_size");
    } catch (IOException e) {
      return Finding.ok(name, "unknown on this system");
    }
  }

  /** MB that this process could still take, of the machine and of its control group. */
  private static long availableMemory() throws IOException {
    var available = Long.MAX_VALUE;
    for (var line : Files.readAllLines(Path.of("/proc/meminfo"))) {
      if (line.startsWith("MemAvailable:")) {
        available = Long.parseLong(line.replaceAll("\\D", "")) >> 10;
      }
    }
    var limit = Path.of("/sys/fs/cgroup/memory.max");
    if (Files.exists(limit)) {
      var most = Files.readString(limit).strip();
      if (!most.equals("max")) {
        var used = Files.readString(Path.of("/sys/fs/cgroup/memory.current")).strip();
        available = Math.min(available, Long.parseLong(most) - Long.parseLong(used) >> 20);
      }
    }
    return available;
  }

  private static Finding disk(String name, Path folder, long enough) {
    try {
      var free = Files.getFileStore(folder).getUsableSpace() >> 20;
      var found = free + " MB free in " + folder;
      var advice = "checkpoints of the small presets take 30 to 150 MB, of cifar10 about 1,300 MB";
      if (!Files.isWritable(folder)) {
        return Finding.warn(name, folder + " is not writable", "name a folder that is, with --out");
      }
      return free >= enough
          ? Finding.ok(name, found)
          : free >= enough / 10
              ? Finding.warn(name, found, advice)
              : Finding.fail(name, found, advice);
    } catch (IOException e) {
      return Finding.warn(name, DataException.cannotRead(folder, e).getMessage(), "");
    }
  }

  /** The folder to which the engine's native libraries are unpacked. */
  private static Finding cache() {
    var name = "disk, native libraries";
    var advice =
        "set BITDIFF_JAVA_OPTS=-Dorg.bytedeco.javacpp.cachedir=FOLDER to one with 1 GB free";
    Path folder;
    try {
      folder = NativeCode.ENGINE.folder();
    } catch (DataException e) {
      return Finding.fail(name, e.getMessage(), advice);
    }
    try {
      var free = Files.getFileStore(folder).getUsableSpace() >> 20;
      var found = "%s, %d MB free".formatted(folder, free);
      try (var content = Files.list(folder)) {
        var unpacked = content.anyMatch(p -> p.getFileName().toString().startsWith("pytorch"));
        return !Files.isWritable(folder)
            ? Finding.fail(name, folder + " is not writable", advice)
            : unpacked || free > 1024 ? Finding.ok(name, found) : Finding.fail(name, found, advice);
      }
    } catch (IOException e) {
      return Finding.fail(name, DataException.cannotRead(folder, e).getMessage(), advice);
    }
  }

  private static Finding blasThreads() {
    var name = "BLAS threads";
    var threads = System.getenv("OPENBLAS_NUM_THREADS");
    return "1".equals(threads)
        ? Finding.ok(name, "OPENBLAS_NUM_THREADS is 1")
        : Finding.warn(
            name,
            "OPENBLAS_NUM_THREADS is " + (threads == null ? "not set" : threads),
            "set it to 1, or start through ./bitdiff: OpenBLAS's threads fight the engine's");
  }

  /** A libtorch of the system is harmless as long as the engine loads its own, checked later. */
  private static Finding systemLibtorch() {
    var name = "libtorch of the system";
    var path = System.getenv("LD_LIBRARY_PATH");
    var folders =
        Stream.concat(
            path == null ? Stream.of() : Stream.of(path.split(":")),
            Stream.of("/usr/lib", "/usr/local/lib", "/usr/lib64", "/lib64"));
    for (var folder : folders.filter(f -> !f.isEmpty()).map(Path::of).toList()) {
      try (var files =
          Files.find(
              folder, 2, (p, a) -> p.getFileName().toString().startsWith("libtorch_cpu.so"))) {
        var found = files.findFirst();
        if (found.isPresent()) {
          return Finding.ok(
              name, found.get() + ", which the engine must not take; 'native libraries' tells");
        }
      } catch (IOException | UncheckedIOException e) {
        // no such folder, or none that may be looked into
      }
    }
    return Finding.ok(name, "none");
  }
}

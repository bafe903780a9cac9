package org.bitdiffusion.cli;

import java.io.IOException;
import java.lang.management.ManagementFactory;
import java.nio.file.Path;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.Optional;
import java.util.concurrent.TimeUnit;
import java.util.function.Consumer;
import org.bitdiffusion.DataException;

/**
 * Runs checks in a process of its own. On some processors a convolution of the engine ends the
 * process; that is then a finding.
 */
final class CheckProcess {
  private CheckProcess() {}

  /**
   * Runs a program of checks in a process of its own; returns whether it came to its end.
   *
   * @param program its main class and arguments; it reports as {@link DoctorChecks} does
   * @param limit after which it is killed
   */
  static boolean run(List<String> program, Duration limit, Consumer<Finding> findings) {
    var name = "checks of the engine";
    try {
      var process = start(program);
      var watcher = killAfter(process, limit);
      String begun = name;
      var rest = new ArrayList<String>();
      try (var lines = process.inputReader()) {
        for (var line = lines.readLine(); line != null; line = lines.readLine()) {
          if (line.startsWith(DoctorChecks.FOUND)) {
            findings.accept(Json.parse(line.substring(DoctorChecks.FOUND.length()), Finding.class));
          } else if (line.startsWith(DoctorChecks.BEGUN)) {
            begun = line.substring(DoctorChecks.BEGUN.length());
          } else {
            rest.add(line);
          }
        }
      }
      var exit = process.waitFor();
      watcher.interrupt();
      if (exit != 0) {
        findings.accept(crashed(begun, exit, rest, limit));
      }
      return exit == 0;
    } catch (IOException e) {
      findings.accept(
          Finding.fail(name, "no child process: " + e.getMessage(), "free memory and try again"));
      return false;
    } catch (InterruptedException e) {
      Thread.currentThread().interrupt();
      return false;
    }
  }

  /** With this process's own class path and options; what a crash reports leaves no file. */
  private static Process start(List<String> program) throws IOException {
    var command = new ArrayList<String>();
    command.add(Path.of(System.getProperty("java.home"), "bin", "java").toString());
    command.addAll(ManagementFactory.getRuntimeMXBean().getInputArguments());
    command.addAll(
        List.of(
            "-XX:+ErrorFileToStdout",
            "-XX:-CreateCoredumpOnCrash",
            "-cp",
            System.getProperty("java.class.path")));
    command.addAll(program);
    return new ProcessBuilder(command).redirectErrorStream(true).start();
  }

  private static Thread killAfter(Process process, Duration limit) {
    var watcher =
        new Thread(
            () -> {
              try {
                if (!process.waitFor(limit.toSeconds(), TimeUnit.SECONDS)) {
                  process.destroyForcibly();
                }
              } catch (InterruptedException e) {
                // it ended
              }
            });
    watcher.setDaemon(true);
    watcher.start();
    return watcher;
  }

  private static Finding crashed(String check, int exit, List<String> output, Duration limit) {
    var crash = crash(output);
    var words = lastWords(output);
    var named = DataException.class.getName() + ": ";
    if (crash.isEmpty() && words.contains(named)) { // it says what to do
      return Finding.fail(check, words.substring(words.indexOf(named) + named.length()), "");
    }
    var how =
        crash.isPresent()
            ? crash.get()
            : exit == 128 + 9
                ? "did not end within %d minutes, or was killed".formatted(limit.toMinutes())
                : "ended with exit code %d: %s".formatted(exit, words);
    return Finding.fail(
        check,
        "the process of this check " + how,
        check.startsWith("native")
            ? "unset LD_PRELOAD and LD_LIBRARY_PATH if they are set; else remove the folder of the native"
                + " libraries (see 'disk' above), it is made again"
            : "train with another --precision, and report this with the output of 'bitdiff info'");
  }

  /** The exception that ended a process, or else the last line that it wrote. */
  private static String lastWords(List<String> output) {
    var lines = output.stream().filter(line -> !line.isBlank()).toList();
    return lines.stream()
        .filter(line -> line.startsWith("Exception in thread"))
        .findFirst()
        .orElse(lines.isEmpty() ? "it wrote nothing" : lines.get(lines.size() - 1));
  }

  /** What the JVM says of a signal that ended it, such as SIGFPE, and in which library. */
  private static Optional<String> crash(List<String> output) {
    String signal = null;
    for (var i = 0; i + 1 < output.size(); i++) {
      var line = comment(output.get(i));
      if (line.startsWith("SIG") || line.startsWith("EXCEPTION_")) {
        signal = line.split("[ (]")[0];
      } else if (signal != null && line.startsWith("Problematic frame:")) {
        var frame = comment(output.get(i + 1)).replaceFirst("^C *", "");
        return Optional.of("crashed with %s in %s".formatted(signal, frame));
      }
    }
    return Optional.empty();
  }

  /** The JVM puts each line of its report on a crash behind a #. */
  private static String comment(String line) {
    return line.replaceFirst("^# *", "");
  }
}

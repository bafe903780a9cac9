package org.bitdiffusion.cli;

import static org.assertj.core.api.Assertions.assertThat;

import java.io.File;
import java.io.IOException;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.stream.Stream;
import org.bitdiffusion.DataException;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.condition.EnabledOnOs;
import org.junit.jupiter.api.condition.OS;

class CheckProcessTest {
  /** A program of checks, of which one may not end well. */
  static final class Checks {
    private static final Finding FIRST = Finding.warn("first", "it is slow", "make it faster");

    public static void main(String[] args) throws IOException, InterruptedException {
      System.out.println(DoctorChecks.BEGUN + "first");
      System.out.println(DoctorChecks.FOUND + Json.line(FIRST));
      System.out.println(DoctorChecks.BEGUN + "second");
      switch (args[0]) {
        case "ends" -> {}
        case "lacks" -> throw new DataException("a library is missing; install it");
        case "throws" -> throw new IllegalStateException("the engine is upside down");
        case "hangs" -> Thread.sleep(600_000);
        default ->
            new ProcessBuilder("kill", "-" + args[0], Long.toString(ProcessHandle.current().pid()))
                .start()
                .waitFor();
      }
    }
  }

  private final List<Finding> findings = new ArrayList<>();

  private boolean run(String how, Duration limit) {
    return CheckProcess.run(List.of(Checks.class.getName(), how), limit, findings::add);
  }

  @Test
  void handsOnWhatTheProgramFound() {
    assertThat(run("ends", Duration.ofMinutes(1))).isTrue();
    assertThat(findings).containsExactly(Checks.FIRST);
  }

  @Test
  void theEngineOfTheseTestsIsSound() {
    var checks = List.of(DoctorChecks.class.getName(), DoctorChecks.Part.MACHINE.name());
    assertThat(CheckProcess.run(checks, Duration.ofMinutes(1), findings::add)).isTrue();
    assertThat(findings)
        .extracting(Finding::name)
        .containsExactly("native libraries", "threads", "allocator", "precision");
    assertThat(findings).extracting(Finding::status).doesNotContain(Finding.Status.FAIL);
  }

  @Test
  void whatIsMissingIsToldAsItIs() {
    assertThat(run("lacks", Duration.ofMinutes(1))).isFalse();
    assertThat(findings)
        .last()
        .isEqualTo(Finding.fail("second", "a library is missing; install it", ""));
  }

  @Test
  @EnabledOnOs({OS.LINUX, OS.MAC})
  void aFloatingPointExceptionFailsTheCheckThatWasBegun() {
    var before = reports();
    assertThat(run("FPE", Duration.ofMinutes(1))).isFalse();
    assertThat(findings).first().isEqualTo(Checks.FIRST);
    assertThat(findings)
        .last()
        .satisfies(
            finding -> {
              assertThat(finding.name()).isEqualTo("second");
              assertThat(finding.status()).isEqualTo(Finding.Status.FAIL);
              assertThat(finding.found()).contains("SIGFPE");
            });
    assertThat(reports()).as("left over").isEqualTo(before);
  }

  /** What the JVM, or the command, writes of a crash. */
  private static List<String> reports() {
    return Stream.of("", System.getProperty("java.io.tmpdir"))
        .flatMap(folder -> Stream.of(new File(folder).getAbsoluteFile().list()))
        .filter(name -> name.startsWith("hs_err_pid") || name.startsWith("bitdiff-doctor-"))
        .sorted()
        .toList();
  }

  @Test
  void anExceptionFailsTheCheckThatWasBegun() {
    assertThat(run("throws", Duration.ofMinutes(1))).isFalse();
    assertThat(findings).last().extracting(Finding::name).isEqualTo("second");
    assertThat(findings.get(1).found()).contains("the engine is upside down");
  }

  @Test
  @EnabledOnOs({OS.LINUX, OS.MAC})
  void aProgramThatHangsIsKilled() {
    assertThat(run("hangs", Duration.ofSeconds(3))).isFalse();
    assertThat(findings).last().extracting(Finding::status).isEqualTo(Finding.Status.FAIL);
    assertThat(findings.get(findings.size() - 1).found()).contains("killed");
  }
}

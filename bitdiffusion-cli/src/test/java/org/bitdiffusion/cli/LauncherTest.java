package org.bitdiffusion.cli;

import static org.assertj.core.api.Assertions.assertThat;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.attribute.FileTime;
import java.nio.file.attribute.PosixFilePermissions;
import java.time.Instant;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.condition.EnabledOnOs;
import org.junit.jupiter.api.condition.OS;
import org.junit.jupiter.api.io.TempDir;

/** The script {@code bitdiff} in a folder like the project's, with stand-ins for java and Maven. */
@EnabledOnOs({OS.LINUX, OS.MAC})
class LauncherTest {
  private static final String JAVA =
      """
      #!/bin/sh
      if [ "$1" = -version ]; then echo 'openjdk version "17.0.1" 2021-10-19' >&2; exit; fi
      echo "java $*"
      echo "OPENBLAS_NUM_THREADS=$OPENBLAS_NUM_THREADS"
      echo "GLIBC_TUNABLES=$GLIBC_TUNABLES"
      echo "LC_ALL=${LC_ALL:-}"
      exit 7
      """;
  private static final String MAVEN =
      """
      #!/bin/sh
      echo "mvn $*" >>calls
      mkdir -p bitdiffusion-cli/target/lib
      touch bitdiffusion-cli/target/lib/bitdiff.jar
      """;
  private static final String SLOW_MAVEN =
      """
      #!/bin/sh
      echo begins >>calls
      sleep 0.5
      echo ends >>calls
      mkdir -p bitdiffusion-cli/target/lib
      touch bitdiffusion-cli/target/lib/bitdiff.jar
      """;
  private static final String BROKEN_MAVEN =
      """
      #!/bin/sh
      echo '[INFO] compiling'
      echo '[ERROR] Main.java:[3,1] a brace is missing'
      exit 1
      """;

  @TempDir private Path folder;
  private Path root;
  private Path bin;
  private final Map<String, String> environment = new HashMap<>();

  private record Result(int exit, String out, String err) {}

  @BeforeEach
  void makeProject() throws IOException {
    // A blank in the path, as users have it.
    root = Files.createDirectory(folder.toRealPath().resolve("a project"));
    for (var module : new String[] {"bitdiffusion", "bitdiffusion-cli"}) {
      Files.createDirectories(root.resolve(module).resolve("src/main"));
      Files.createFile(root.resolve(module).resolve("pom.xml"));
    }
    Files.createFile(root.resolve("pom.xml"));
    script(root.resolve("bitdiff"), Files.readString(Path.of("..", "bitdiff")));
    bin = Files.createDirectory(folder.resolve("bin"));
    script(bin.resolve("java"), JAVA);
    script(bin.resolve("mvn"), MAVEN);
    environment.put("PATH", bin + ":/usr/bin:/bin");
  }

  private static void script(Path file, String text) throws IOException {
    Files.writeString(file, text);
    Files.setPosixFilePermissions(file, PosixFilePermissions.fromString("rwxr-xr-x"));
  }

  private Result launch(Path script, String... args) throws IOException, InterruptedException {
    var exit = start("", script, args).waitFor();
    return new Result(
        exit, Files.readString(folder.resolve("out")), Files.readString(folder.resolve("err")));
  }

  /** A launch that is not waited for, whose output is of no interest. */
  private Process start(String name) throws IOException {
    return start(name, root.resolve("bitdiff"));
  }

  private Process start(String name, Path script, String... args) throws IOException {
    var builder = new ProcessBuilder(script.toString());
    builder.command().addAll(List.of(args));
    builder.environment().clear();
    builder.environment().putAll(environment);
    return builder
        .directory(folder.toFile())
        .redirectOutput(folder.resolve(name + "out").toFile())
        .redirectError(folder.resolve(name + "err").toFile())
        .start();
  }

  private Result launch(String... args) throws IOException, InterruptedException {
    return launch(root.resolve("bitdiff"), args);
  }

  /** Whose turn it is to build. */
  private List<String> turn() throws IOException {
    try (var files = Files.list(root.resolve("bitdiffusion-cli/target/turn"))) {
      return files.map(file -> file.getFileName().toString()).toList();
    }
  }

  private long builds() throws IOException {
    var calls = root.resolve("calls");
    return Files.exists(calls) ? Files.readAllLines(calls).size() : 0;
  }

  @Test
  void buildsOnceAndRunsJavaWithTheArguments() throws Exception {
    var first = launch("data", "two words");
    assertThat(first.exit()).isEqualTo(7);
    assertThat(first.err()).startsWith("bitdiff: building").hasLineCount(1);
    assertThat(first.out()).contains("run-cpu/bitdiff.jar data two words\n");

    var second = launch("data");
    assertThat(second.err()).isEmpty();
    assertThat(builds()).isEqualTo(1);
    assertThat(turn()).containsExactly("free");
  }

  /** What the command says to paste begins as the user began. */
  @Test
  void tellsHowItWasCalled() throws Exception {
    assertThat(launch().out()).contains(" -Dbitdiff.command=%s/bitdiff -jar".formatted(root));
    environment.put("PATH", bin + ":/usr/bin:/bin:" + root);
    assertThat(launch().out()).contains(" -Dbitdiff.command=bitdiff -jar");
    Files.createSymbolicLink(folder.resolve("bitdiff"), root.resolve("bitdiff"));
    assertThat(launch(Path.of("./bitdiff")).out()).contains(" -Dbitdiff.command=./bitdiff -jar");
  }

  @Test
  void buildsAgainWhenASourceIsNewer() throws Exception {
    launch();
    var source = Files.createFile(root.resolve("bitdiffusion/src/main/New.java"));
    Files.setLastModifiedTime(source, FileTime.from(Instant.now().plusSeconds(5)));
    assertThat(launch().err()).contains("building, as sources have changed");
    assertThat(builds()).isEqualTo(2);
  }

  @Test
  void aProfileHasABuildOfItsOwn() throws Exception {
    launch();
    environment.put("BITDIFF_PROFILE", "cuda");
    assertThat(launch().out()).contains("run-cuda/bitdiff.jar");
    assertThat(Files.readString(root.resolve("calls"))).containsOnlyOnce("-P cuda");
    environment.put("BITDIFF_PROFILE", "gpu");
    assertThat(launch().err())
        .isEqualTo("bitdiff: BITDIFF_PROFILE is 'gpu'; it must be cpu or cuda\n");
    assertThat(builds()).isEqualTo(2);
  }

  @Test
  void worksThroughSymbolicLinks() throws Exception {
    var link = Files.createSymbolicLink(folder.resolve("link"), Path.of("a project", "bitdiff"));
    var second = Files.createSymbolicLink(bin.resolve("bitdiff"), link);
    assertThat(launch(second).exit()).isEqualTo(7);
    assertThat(builds()).isEqualTo(1);
  }

  @Test
  void setsTheEnvironmentUnlessTheUserHas() throws Exception {
    assertThat(launch().out()).contains("OPENBLAS_NUM_THREADS=1\n");
    if (OS.LINUX.isCurrentOs()) {
      assertThat(launch().out()).contains("GLIBC_TUNABLES=glibc.malloc.mmap_max=0:");
    }
    environment.put("OPENBLAS_NUM_THREADS", "2");
    environment.put("GLIBC_TUNABLES", "glibc.malloc.check=1");
    environment.put("BITDIFF_JAVA_OPTS", "-Xmx1g -Dx=y");
    assertThat(launch().out())
        .contains("OPENBLAS_NUM_THREADS=2\n")
        .contains("GLIBC_TUNABLES=glibc.malloc.check=1\n")
        .contains(" -Xmx1g -Dx=y -jar ");
  }

  /** Where the system has none of that name, file names are ASCII alone, and no others are read. */
  @Test
  @EnabledOnOs(OS.LINUX)
  void givesJavaALocaleWhereThereIsNone() throws Exception {
    assertThat(launch().out()).contains("LC_ALL=C.UTF-8\n");
    environment.put("LANG", "xx_XX.UTF-8");
    assertThat(launch().out()).contains("LC_ALL=C.UTF-8\n");
    environment.put("LC_ALL", "xx_XX.UTF-8");
    assertThat(launch().out()).contains("LC_ALL=C.UTF-8\n");
    environment.put("LC_ALL", "C.utf8"); // installed: it stays
    assertThat(launch().out()).contains("LC_ALL=C.utf8\n");
  }

  @Test
  void aFailedBuildShowsMavensErrorsAndIsTriedAgain() throws Exception {
    script(bin.resolve("mvn"), BROKEN_MAVEN);
    var failed = launch();
    assertThat(failed.exit()).isEqualTo(1);
    assertThat(failed.out()).isEmpty();
    assertThat(failed.err())
        .contains("a brace is missing")
        .doesNotContain("[INFO]")
        .contains("bitdiff: the build failed; Maven's output is in ");
    script(bin.resolve("mvn"), MAVEN);
    assertThat(launch().exit()).isEqualTo(7);
  }

  @Test
  void builtAtOnceItIsBuiltOnce() throws Exception {
    script(bin.resolve("mvn"), SLOW_MAVEN);
    var both = List.of(start("first"), start("second"));
    for (var process : both) {
      assertThat(process.waitFor()).isEqualTo(7);
    }
    assertThat(Files.readAllLines(root.resolve("calls"))).containsExactly("begins", "ends");
    assertThat(turn()).containsExactly("free");
  }

  /** The builds fail, so all who wait build in the end, and show it if two do at once. */
  @Test
  void oneOfManyTakesOverFromABuildThatWasKilled() throws Exception {
    script(bin.resolve("mvn"), SLOW_MAVEN + "exit 1\n");
    var ended = new ProcessBuilder("true").start();
    ended.waitFor();
    var turn = Files.createDirectories(root.resolve("bitdiffusion-cli/target/turn"));
    Files.createFile(turn.resolve(Long.toString(ended.pid())));

    var all = List.of(start("first"), start("second"), start("third"));
    for (var process : all) {
      assertThat(process.waitFor()).isEqualTo(1);
    }
    assertThat(Files.readAllLines(root.resolve("calls")))
        .containsExactly("begins", "ends", "begins", "ends", "begins", "ends");
    assertThat(turn()).containsExactly("free");
  }

  @Test
  void aBuildThatIsEndedGivesItsTurnBack() throws Exception {
    script(bin.resolve("mvn"), SLOW_MAVEN);
    var process = start("first");
    while (builds() == 0) {
      Thread.sleep(20);
    }
    assertThat(turn()).containsExactly(Long.toString(process.pid()));
    process.destroy();
    assertThat(process.waitFor()).isEqualTo(143);
    assertThat(turn()).containsExactly("free");
  }

  @Test
  void saysWhatIsMissing() throws Exception {
    script(bin.resolve("java"), JAVA.replace("17.0.1", "11.0.2"));
    assertThat(launch().err()).contains("is Java 11.0.2; install a JDK 17 or newer");
    environment.put("JAVA_HOME", "/nowhere");
    var noHome = launch();
    assertThat(noHome.exit()).isEqualTo(1);
    assertThat(noHome.err()).contains("JAVA_HOME is /nowhere");
    assertThat(builds()).isZero();
  }

  @Test
  void aNewerJavaDoesNotWarnOfTheEngine() throws Exception {
    assertThat(launch().out()).doesNotContain("native-access", "unsafe");
    var size = 0;
    for (var version : List.of("24.0.1", "25", "26-ea", "23.0.2", "17.0.9", "21.0.11")) {
      // Of another size each, as other ones are.
      script(bin.resolve("java"), JAVA.replace("17.0.1", version) + "# " + version.repeat(++size));
      for (var time = 0; time < 2; time++) { // asked, and remembered
        var options = assertThat(launch().out()).as(version);
        if (version.startsWith("24") || version.startsWith("25") || version.startsWith("26")) {
          options.contains(
              "--enable-native-access=ALL-UNNAMED --sun-misc-unsafe-memory-access=allow");
        } else {
          options.doesNotContain("native-access", "unsafe");
        }
      }
    }
  }

  @Test
  void anOlderJavaIsNoticedAfterTheBuild() throws Exception {
    launch();
    var old = Files.createDirectories(folder.resolve("jdk11/bin"));
    script(old.resolve("java"), JAVA.replace("17.0.1", "1.8.0_2"));
    environment.put("JAVA_HOME", old.getParent().toString());
    assertThat(launch().err()).contains("is Java 1.8.0_2; install a JDK 17 or newer");
  }
}

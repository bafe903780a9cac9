package org.bitdiffusion.io;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;
import static org.assertj.core.api.Assumptions.assumeThat;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.time.Instant;
import java.util.List;
import org.bitdiffusion.DataException;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

class TemporaryFolderTest {
  @TempDir private Path temporary;

  private Path left(ProcessMark process) throws IOException {
    var folder = temporary.resolve("bitdiffusion-font-" + process + "-1");
    Files.writeString(Files.createDirectories(folder.resolve("a")).resolve("b"), "left");
    return folder;
  }

  @Test
  void closingRemovesIt() throws IOException {
    Path path;
    try (var folder = TemporaryFolder.make(temporary, "word")) {
      path = folder.path();
      assertThat(path.getFileName().toString()).startsWith("bitdiffusion-word-");
      Files.writeString(Files.createDirectory(path.resolve("a")).resolve("b"), "x");
    }
    assertThat(path).doesNotExist();
  }

  @Test
  void thatItCannotBeMadeIsSaid() {
    var none = temporary.resolve("none");
    assertThatThrownBy(() -> TemporaryFolder.make(none, "word"))
        .isInstanceOf(DataException.class)
        .hasMessage(none + " cannot be written: it or its folder does not exist");
  }

  @Test
  void foldersThatWereLeftAreRemoved() throws IOException {
    var own = ProcessMark.own();
    var dead = left(new ProcessMark(999_999_999, 1, own.place()));
    var former = left(new ProcessMark(own.pid(), own.start() - 1, own.place()));
    var elsewhere = left(new ProcessMark(own.pid(), 1, "00000000"));
    var alive = left(own);
    try (var folder = TemporaryFolder.make(temporary, "word")) {
      assertThat(List.of(dead, former)).allMatch(Files::notExists);
      assertThat(List.of(elsewhere, alive)).allMatch(Files::exists);
      TemporaryFolder.sweep(folder.path(), Instant.now().plus(Duration.ofDays(40)));
      assertThat(elsewhere).doesNotExist();
      assertThat(List.of(alive, folder.path())).allMatch(Files::exists);
    }
  }

  @Test
  void oneOfAnotherUserStaysAndKeepsNoOther() throws IOException {
    assumeThat((int) Files.getAttribute(temporary, "unix:uid")).isZero();
    var place = ProcessMark.own().place();
    var theirs = left(new ProcessMark(999_999_999, 1, place));
    Files.setAttribute(theirs, "unix:uid", 65_534);
    var ours = left(new ProcessMark(999_999_998, 1, place));
    TemporaryFolder.make(temporary, "word").close();
    assertThat(theirs).exists();
    assertThat(ours).doesNotExist();
  }

  @Test
  void theEndOfTheProcessRemovesIt() throws Exception {
    var java = Path.of(System.getProperty("java.home"), "bin", "java").toString();
    var exit =
        new ProcessBuilder(
                java,
                "-Djava.io.tmpdir=" + temporary,
                "-cp",
                System.getProperty("java.class.path"),
                Program.class.getName())
            .start()
            .waitFor();
    assertThat(exit).isEqualTo(3);
    assertThat(temporary.resolve("made")).exists();
    assertThat(temporary.toFile().list()).containsExactly("made");
  }

  /** Ends without closing its folder. */
  static final class Program {
    private Program() {}

    public static void main(String[] args) throws IOException {
      var folder = TemporaryFolder.make("word").path();
      Files.writeString(folder.resolve("a"), "x");
      Files.writeString(folder.resolveSibling("made"), folder.toString());
      System.exit(3);
    }
  }
}

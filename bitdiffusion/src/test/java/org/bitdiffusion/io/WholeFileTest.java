package org.bitdiffusion.io;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;
import static org.assertj.core.api.Assumptions.assumeThat;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.attribute.PosixFilePermissions;
import java.time.Duration;
import java.time.Instant;
import java.util.List;
import org.bitdiffusion.DataException;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

class WholeFileTest {
  @TempDir private Path folder;
  private Path file;

  @BeforeEach
  void writeOld() throws Exception {
    file = Files.writeString(folder.resolve("x"), "old");
  }

  private void assertOnly(String content) {
    assertThat(file).hasContent(content);
    assertThat(folder.toFile().list()).containsExactly("x");
  }

  @Test
  void replacesWhatStoodThere() {
    WholeFile.write(
        file,
        out -> {
          out.write('n');
          assertThat(file).hasContent("old");
        });
    assertOnly("n");
  }

  @Test
  void makesTheFoldersAbove() {
    var deep = folder.resolve("a/b/y");
    WholeFile.write(deep, out -> out.write('n'));
    assertThat(deep).hasContent("n");
    assertThat(deep.getParent().toFile().list()).containsExactly("y");
  }

  @Test
  void whatFailsHalfWayLeavesWhatStoodThereAndNothingElse() {
    assertThatThrownBy(
            () ->
                WholeFile.write(
                    file,
                    out -> {
                      out.write('n');
                      throw new IOException("No space left on device");
                    }))
        .isInstanceOf(DataException.class)
        .hasMessage(file + " cannot be written: No space left on device");
    assertOnly("old");
  }

  @Test
  void soDoesWhatFailsForAnotherReason() {
    var failure = new IllegalStateException("a mistake in a program");
    assertThatThrownBy(
            () ->
                WholeFile.write(
                    file,
                    out -> {
                      out.write('n');
                      throw failure;
                    }))
        .isSameAs(failure);
    assertOnly("old");
  }

  @Test
  void isWrittenByAnInterruptedThreadToo() {
    Thread.currentThread().interrupt();
    WholeFile.write(file, out -> out.write('n'));
    assertThat(Thread.interrupted()).isTrue();
    assertOnly("n");
  }

  /** As two processes may: one begins and ends while the other is at it. The last one wins. */
  @Test
  void severalWritersDoNotMix() {
    WholeFile.write(
        file,
        out -> {
          out.write('a');
          WholeFile.write(file, other -> other.write('b'));
          assertThat(file).hasContent("b");
          out.write('a');
        });
    assertOnly("aa");
  }

  @Test
  void mayBeReadByWhomeverPlainNewFilesMay() throws Exception {
    assumeThat(Files.getFileStore(folder).supportsFileAttributeView("posix")).isTrue();
    var written = folder.resolve("written");
    WholeFile.write(written, out -> out.write(1));
    assertThat(PosixFilePermissions.toString(Files.getPosixFilePermissions(written)))
        .isEqualTo(PosixFilePermissions.toString(Files.getPosixFilePermissions(file)));
  }

  private Path unfinished(String process) throws IOException {
    var uuid = "01234567-89ab-cdef-0123-456789abcdef.unfinished";
    return Files.writeString(folder.resolve(".x.npz.data.npy." + process + uuid), "");
  }

  @Test
  void whatADeadProcessHasLeftUnfinishedIsSweptAtOnce() throws IOException {
    var own = ProcessMark.own();
    var dead = unfinished(new ProcessMark(999_999_999, 1, own.place()) + "-");
    var former = unfinished(new ProcessMark(own.pid(), own.start() - 1, own.place()) + "-");
    var alive = unfinished(own + "-");
    var elsewhere = unfinished(new ProcessMark(999_999_999, 1, "00000000") + "-");
    WholeFile.write(folder.resolve("new"), out -> out.write('n'));
    assertThat(List.of(dead, former)).allMatch(Files::notExists);
    assertThat(List.of(alive, elsewhere)).allMatch(Files::exists);
  }

  @Test
  void whatWasLeftByAProcessThatIsNotKnownIsSweptWhenItIsOld() throws IOException {
    var elsewhere = unfinished(new ProcessMark(999_999_999, 1, "00000000") + "-");
    var sameNumber = unfinished(new ProcessMark(ProcessMark.own().pid(), 1, "00000000") + "-");
    var earlier = List.of(unfinished(""), unfinished(ProcessMark.own().pid() + "-"));
    var alive = unfinished(ProcessMark.own() + "-");
    var others = Files.writeString(folder.resolve(".mine.unfinished"), "");
    WholeFile.sweep(file, Instant.now());
    assertThat(elsewhere).exists();
    assertThat(earlier).allMatch(Files::exists);
    WholeFile.sweep(file, Instant.now().plus(Duration.ofHours(2)));
    assertThat(List.of(elsewhere, sameNumber)).allMatch(Files::notExists);
    assertThat(earlier).allMatch(Files::notExists);
    assertThat(List.of(alive, others, file)).allMatch(Files::exists);
  }

  /** One that cannot be looked at does not keep the others. */
  @Test
  void whatIsOfAnotherUserStays() throws IOException {
    assumeThat((int) Files.getAttribute(folder, "unix:uid")).isZero();
    var dead = new ProcessMark(999_999_999, 1, ProcessMark.own().place());
    var theirs = unfinished(dead + "-");
    Files.setAttribute(theirs, "unix:uid", 65_534);
    var ours = unfinished(new ProcessMark(999_999_998, 1, dead.place()) + "-");
    WholeFile.sweep(file, Instant.now());
    assertThat(theirs).exists();
    assertThat(ours).doesNotExist();
  }
}

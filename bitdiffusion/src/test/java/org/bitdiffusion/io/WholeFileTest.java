package org.bitdiffusion.io;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;
import static org.assertj.core.api.Assumptions.assumeThat;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.attribute.FileTime;
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

  @Test
  void whatWasLeftUnfinishedIsSwept() throws IOException {
    var uuid = "-01234567-89ab-cdef-0123-456789abcdef.unfinished";
    var dead = folder.resolve(".x.npz.data.npy.999999999" + uuid);
    var former = folder.resolve(".x." + uuid.substring(1)); // as earlier versions named them
    var alive = folder.resolve(".x." + ProcessHandle.current().pid() + uuid);
    var young = folder.resolve(".y.999999999" + uuid);
    var others = folder.resolve(".mine.unfinished");
    for (var some : List.of(dead, former, alive, young, others)) {
      Files.writeString(some, "");
    }
    for (var old : List.of(dead, former, alive, others)) {
      Files.setLastModifiedTime(old, FileTime.fromMillis(0));
    }
    WholeFile.write(folder.resolve("new"), out -> out.write('n'));
    assertThat(List.of(dead, former)).allMatch(Files::notExists);
    assertThat(List.of(alive, young, others)).allMatch(Files::exists);
    WholeFile.sweep(folder, Instant.now().plus(Duration.ofHours(2)));
    assertThat(alive).exists();
    assertThat(young).doesNotExist();
  }
}

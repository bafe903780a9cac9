package org.bitdiffusion.cli;

import java.io.PrintWriter;
import java.io.StringWriter;
import java.nio.file.Path;
import java.util.stream.Stream;
import org.junit.jupiter.api.io.TempDir;

/** Runs the command within this process. What the last run printed is in {@code out} and err. */
abstract class CommandTest {
  @TempDir Path folder;

  final StringWriter out = new StringWriter();
  final StringWriter err = new StringWriter();

  /** Runs the command, and gives its exit code. */
  int run(Object... args) {
    out.getBuffer().setLength(0);
    err.getBuffer().setLength(0);
    var words = Stream.of(args).map(Object::toString).toArray(String[]::new);
    return Main.run(words, new PrintWriter(out, true), new PrintWriter(err, true));
  }

  /** Runs words separated by blanks, with FOLDER for the test's own folder. */
  int runLine(String line) {
    return run((Object[]) line.replace("FOLDER", folder.toString()).split(" "));
  }
}

package org.bitdiffusion.cli;

import java.io.PrintStream;

/** The standard error for what is logged to it line by line, see {@link Visible}. */
final class VisibleStream extends PrintStream {
  VisibleStream(PrintStream out) {
    super(out, true);
  }

  @Override
  public void println(String line) {
    super.println(Visible.of(line));
  }
}

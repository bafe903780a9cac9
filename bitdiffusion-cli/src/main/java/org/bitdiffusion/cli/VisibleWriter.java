package org.bitdiffusion.cli;

import java.io.PrintWriter;
import java.util.Arrays;
import java.util.Locale;

/**
 * A writer of reports and messages: what is put into a format, and what is a line, is made visible
 * ({@link Visible}). Text with escape sequences of our own goes by {@code print}.
 */
final class VisibleWriter extends PrintWriter {
  VisibleWriter(PrintWriter out) {
    super(out, true);
  }

  @Override
  public void println(String line) {
    super.println(Visible.of(line));
  }

  @Override
  public void println(Object lines) { // such as those of a stack trace
    super.print(Visible.lines(String.valueOf(lines)));
    super.println();
  }

  @Override
  public PrintWriter format(String format, Object... values) {
    return super.format(format, visible(values));
  }

  @Override
  public PrintWriter format(Locale locale, String format, Object... values) {
    return super.format(locale, format, visible(values));
  }

  private static Object[] visible(Object... values) {
    return Arrays.stream(values)
        .map(value -> value instanceof Number ? value : Visible.of(String.valueOf(value)))
        .toArray();
  }
}

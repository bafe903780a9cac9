package org.bitdiffusion.cli;

import java.util.regex.Pattern;

/**
 * Text for people to read, of names that come from files: a terminal would obey the escape
 * sequences in them, and line feeds would forge lines of ours. Both are shown for what they are.
 */
final class Visible {
  /** Controls, and what separates lines or turns the direction of writing. */
  private static final Pattern CONTROL =
      Pattern.compile("[\\p{Cc}\\u2028\\u2029\\u202a-\\u202e\\u2066-\\u2069]");

  private static final Pattern CONTROL_BUT_LINES =
      Pattern.compile("(?![\\n\\t])" + CONTROL.pattern());

  private Visible() {}

  /** On one line: an escape is {@code \x1b}, a line feed {@code \n}. */
  static String of(String text) {
    return shown(CONTROL, text);
  }

  /** Like {@link #of}, of a text that has lines. */
  static String lines(String text) {
    return shown(CONTROL_BUT_LINES, text);
  }

  private static String shown(Pattern hidden, String text) {
    return hidden.matcher(text).replaceAll(found -> "\\\\" + shown(found.group().charAt(0)));
  }

  private static String shown(char c) {
    return switch (c) {
      case '\n' -> "n";
      case '\r' -> "r";
      case '\t' -> "t";
      // those that JSON has as they are must be JSON after it
      default -> c < 0x20 ? "x%02x".formatted((int) c) : "u%04x".formatted((int) c);
    };
  }
}

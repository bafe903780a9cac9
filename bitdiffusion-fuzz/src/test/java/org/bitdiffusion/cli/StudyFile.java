package org.bitdiffusion.cli;

import java.nio.file.Path;

/** Lets the tests of damaged files into the package that reads studies. */
public final class StudyFile {
  private StudyFile() {}

  /** Reads a study as {@code bitdiff study} does. */
  public static void read(Path file) {
    Study.read(file, null);
  }
}

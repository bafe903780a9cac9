package org.bitdiffusion.fuzz;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;

/** One of the readers, as Jazzer calls it. */
public final class FuzzTarget {
  private static Target target;
  private static Path folder;

  private FuzzTarget() {}

  /**
   * Gets a target ready.
   *
   * @param args its name
   */
  public static void fuzzerInitialize(String[] args) throws IOException {
    target = Target.named(args[0]);
    folder = Files.createTempDirectory("bitdiff-fuzz-");
    target.readHonest(folder);
  }

  /** Complains of an input that is neither read nor refused. */
  public static void fuzzerTestOneInput(byte[] input) {
    target.accept(input, folder);
  }

  /**
   * Writes honest inputs to {@code DIR/NAME/}, and tells the names of all targets.
   *
   * @param args DIR
   */
  public static void main(String[] args) throws IOException {
    for (var each : Target.all()) {
      var seeds = Files.createDirectories(Path.of(args[0], each.name()));
      for (var i = 0; i < each.seeds().size(); i++) {
        Files.write(seeds.resolve("seed-" + i), each.seeds().get(i));
      }
      System.out.println(each.name());
    }
  }
}

package org.bitdiffusion.cli;

import java.nio.file.Path;
import org.bitdiffusion.run.Run;
import org.bitdiffusion.storage.Checkpoints;
import picocli.CommandLine.Option;

/** Which of a run's checkpoints is taken. */
final class CheckpointOption {
  @Option(
      names = "--checkpoint",
      paramLabel = "WHICH",
      defaultValue = Checkpoints.NEWEST,
      description =
          "newest, best (by what the training measured), or the number of a step (default"
              + " ${DEFAULT-VALUE}).")
  private String which;

  /** What the library calls it. */
  String which() {
    return which;
  }

  /** Its folder, or a complaint that names the option. */
  Path require(Run run) {
    return Flags.naming("--checkpoint", () -> run.folder().checkpoints().require(which));
  }
}

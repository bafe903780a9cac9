package org.bitdiffusion.cli;

import static java.nio.charset.StandardCharsets.UTF_8;

import java.nio.file.Path;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.Random;
import java.util.concurrent.Callable;
import org.bitdiffusion.ConfigurationException;
import org.bitdiffusion.config.RunConfig;
import org.bitdiffusion.data.DataSource;
import org.bitdiffusion.io.WholeFile;
import org.bitdiffusion.modality.table.TableRenderer;
import org.bitdiffusion.model.Samples;
import org.bitdiffusion.run.ConfigReader;
import org.bitdiffusion.run.Run;
import org.bitdiffusion.training.Trainer;
import picocli.CommandLine.Command;
import picocli.CommandLine.Model.CommandSpec;
import picocli.CommandLine.Option;
import picocli.CommandLine.Spec;

/**
 * Trains on a table for a given time, and then does with the run what a user would, by the commands
 * that a user would write.
 */
@Command(
    name = "table",
    description =
        "Trains on the rows of a table for some minutes, Adult if no other is named; then writes"
            + " synthetic rows, fills gaps, and reports how good they are.")
final class QuickstartTableCommand implements Callable<Integer> {
  /**
   * In so few minutes, more and smaller steps than the preset's learn more. Some rows are not
   * trained on: for gaps, and to compare with. There is no time to set frequencies right.
   */
  private static final Map<String, String> SHORT =
      Map.of(
          "training.held_out", "5%",
          "training.batch_size", "256",
          "training.learning_rate", "0.002",
          "training.calibration_samples", "0");

  private static final int ROWS = 2_000;

  private static final int ROWS_WITH_GAPS = 500;

  /** Of the fields of these rows. */
  private static final double GAPS = 0.2;

  /** Of training at its beginning, in which its speed is measured, at most. */
  private static final double MEASURED_SECONDS = 8;

  /**
   * What is done after the training takes about as long as so many steps of the preset's batch:
   * most of it is what rows are compared with.
   */
  private static final int OTHER_STEPS = 300;

  private static final String STEPS = "training.steps";

  @Spec private CommandSpec spec;

  @Option(
      names = "--data",
      paramLabel = "SOURCE[:PATH]",
      defaultValue = "adult",
      description = "A table, such as table:people.csv,target=paid (default ${DEFAULT-VALUE}).")
  private String data;

  @Option(
      names = "--out",
      paramLabel = "DIR",
      defaultValue = "runs/quickstart-table",
      description = "A new folder for the run and what is made with it (default ${DEFAULT-VALUE}).")
  private Path out;

  @Option(
      names = "--minutes",
      paramLabel = "M",
      description = "For everything (default 3, if there are no --steps).")
  private Double minutes;

  @Option(
      names = "--steps",
      paramLabel = "N",
      description = "Steps of training, however long they take.")
  private Long steps;

  @Option(
      names = "--set",
      paramLabel = "KEY=VALUE",
      description = "Changes another setting, such as network.width=256.")
  private Map<String, String> settings = new LinkedHashMap<>();

  @Override
  public Integer call() {
    Pace.requireRight(out, minutes, steps);
    var changes = new LinkedHashMap<>(settings);
    TrainCommand.put(changes, "--steps", STEPS, steps);
    TrainCommand.put(changes, "--data", "data", data);
    SHORT.forEach(changes::putIfAbsent);
    var config = ConfigReader.preset("table", changes);
    try (var source = Run.data(config)) {
      spec.commandLine()
          .getOut()
          .printf(
              Locale.ROOT,
              "trains on %,d rows of %d columns (%s) in %s%n",
              source.size(),
              source.schema().space().places(),
              source.name(),
              out);
      spec.commandLine().getOut().flush();
      train(config, source);
      writeGaps(source);
    }
    return use();
  }

  private void train(RunConfig config, DataSource source) {
    var err = spec.commandLine().getErr();
    if (steps != null || settings.containsKey(STEPS)) {
      train(Run.start(config, source, out, new TrainingProgress(err)));
      return;
    }
    var pace = new Pace(err, config.training(), MEASURED_SECONDS);
    try (var trainer = Run.start(config, source, out, pace)) {
      UntilStopped.train(trainer, () -> {});
    }
    if (!pace.hasStopped()) {
      return; // by the end of the process, or as all steps are done
    }
    var left = Pace.left(minutes) - OTHER_STEPS * pace.seconds();
    var changes = new LinkedHashMap<>(settings);
    changes.put(
        STEPS, Long.toString(Math.min(config.training().steps(), pace.steps(Pace.SAFE * left))));
    var run = Run.open(out);
    train(run.resume(run.config(changes), source, new TrainingProgress(err)));
  }

  private void train(Trainer begun) {
    try (var trainer = begun) {
      UntilStopped.train(trainer, () -> {});
    }
  }

  /** Held-out rows with fields missing. */
  private void writeGaps(DataSource source) {
    var run = Run.open(out);
    var rows = run.split(run.config().training().heldOut(), source).validation();
    var count = Math.min(ROWS_WITH_GAPS, rows.length);
    var space = source.schema().space();
    var symbols = new int[count * space.places()];
    var missing = new boolean[symbols.length];
    for (var row = 0; row < count; row++) {
      source.read(rows[row], symbols, row * space.places());
    }
    var random = new Random(0);
    for (var i = 0; i < missing.length; i++) {
      missing[i] = random.nextDouble() < GAPS;
    }
    try (var renderer = run.renderer()) {
      if (!(renderer instanceof TableRenderer table)) {
        throw new ConfigurationException("--data is " + data + ", which is no table");
      }
      var text = table.text(',', new Samples(space, symbols), missing).getBytes(UTF_8);
      WholeFile.write(gaps(), to -> to.write(text));
    }
  }

  private Path gaps() {
    return out.resolve("gaps.csv");
  }

  /** The commands that a user would write. */
  private int use() {
    var run = out.toString();
    var commands =
        List.of(
            List.of(
                "sample", "--run", run, "--n", ROWS + "", "--out", out.resolve("rows.csv") + ""),
            List.of(
                "fill", "--run", run, "--in", gaps() + "", "--out", out.resolve("filled.csv") + ""),
            List.of(
                "evaluate",
                "--run",
                run,
                "--held-out",
                Run.open(out).config().training().heldOut(),
                "--n",
                ROWS + "",
                "--report",
                out.resolve("report.html") + ""));
    var writer = spec.commandLine().getOut();
    for (var command : commands) {
      var shown = new ArrayList<>(List.of(spec.root().name()));
      shown.addAll(command);
      writer.println();
      writer.println(String.join(" ", shown));
      writer.flush();
      var code = spec.root().commandLine().execute(command.toArray(String[]::new));
      if (code != 0) {
        return code;
      }
    }
    return 0;
  }
}

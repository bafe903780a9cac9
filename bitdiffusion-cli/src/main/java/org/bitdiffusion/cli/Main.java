package org.bitdiffusion.cli;

import java.io.FileDescriptor;
import java.io.FileOutputStream;
import java.io.IOException;
import java.io.PrintStream;
import java.io.PrintWriter;
import java.io.UncheckedIOException;
import java.nio.file.FileSystemException;
import java.nio.file.InvalidPathException;
import java.util.Locale;
import java.util.concurrent.CancellationException;
import org.bitdiffusion.ConfigurationException;
import org.bitdiffusion.DataException;
import org.bitdiffusion.Version;
import org.bitdiffusion.training.DivergenceException;
import picocli.CommandLine;
import picocli.CommandLine.Command;
import picocli.CommandLine.IVersionProvider;
import picocli.CommandLine.Model.CommandSpec;
import picocli.CommandLine.Model.UsageMessageSpec;
import picocli.CommandLine.Option;
import picocli.CommandLine.ParameterException;
import picocli.CommandLine.ScopeType;
import picocli.CommandLine.Spec;
import picocli.CommandLine.UnmatchedArgumentException;

/**
 * The command {@code bitdiff}. What it has to report goes to the standard output; progress,
 * warnings and errors go to the standard error.
 */
@Command(
    name = "bitdiff",
    description = "Trains and samples generative models of discrete data by Bit Diffusion.",
    versionProvider = Main.Versions.class,
    synopsisSubcommandLabel = "COMMAND",
    subcommands = {
      QuickstartCommand.class,
      TrainCommand.class,
      SampleCommand.class,
      FillCommand.class,
      DataCommand.class,
      CaptionCommand.class,
      EvaluateCommand.class,
      TokenizerCommand.class,
      StudyCommand.class,
      FeaturesCommand.class,
      MetricsCommand.class,
      InfoCommand.class,
      DoctorCommand.class,
      BenchCommand.class
    },
    footer = {
      "",
      "Exit codes: 0 done; 1 a failure, such as of a file or of data; 2 wrong usage: an option, a",
      "setting, or a run, checkpoint or configuration that is none.",
      "'${ROOT-COMMAND-NAME} COMMAND --help' explains a command."
    })
public final class Main implements Runnable {
  @Spec private CommandSpec spec;

  @Option(
      names = {"-h", "--help"},
      usageHelp = true,
      scope = ScopeType.INHERIT,
      description = "Show this help and exit.")
  private boolean help;

  @Option(
      names = {"-V", "--version"},
      versionHelp = true,
      description = "Show the version and exit.")
  private boolean version;

  @Option(
      names = "--debug",
      scope = ScopeType.INHERIT,
      description = "Show the stack trace of a failure.")
  private boolean debug;

  /** Runs the command and ends the process with its exit code. */
  public static void main(String[] args) {
    Locale.setDefault(Locale.ROOT); // numbers are as English as the words
    System.setErr(new VisibleStream(System.err)); // for what the library logs
    var out = new PrintStream(new UntilClosed(new FileOutputStream(FileDescriptor.out)), true);
    System.exit(run(args, new PrintWriter(out, true), new PrintWriter(System.err, true)));
  }

  /** Runs the command; returns the exit code. */
  static int run(String[] args, PrintWriter out, PrintWriter err) {
    var visible = new VisibleWriter(err);
    var code = execute(args, new VisibleWriter(out), visible);
    if (out.checkError() && code == CommandLine.ExitCode.OK) {
      visible.println(
          "bitdiff: the standard output cannot be written, and what was said there is lost");
      return CommandLine.ExitCode.SOFTWARE;
    }
    return code;
  }

  /** How this command was called, as it can be pasted; the launcher knows. */
  private static String called() {
    var name = System.getProperty("bitdiff.command", "bitdiff");
    return name.matches("[\\w./~+-]+") ? name : "'" + name.replace("'", "'\\''") + "'";
  }

  private static int execute(String[] args, PrintWriter out, PrintWriter err) {
    var main = new Main();
    try {
      var command = new CommandLine(main);
      // Made when it is shown: it asks the library for all sources.
      command
          .getSubcommands()
          .get("data")
          .getHelpSectionMap()
          .put(
              UsageMessageSpec.SECTION_KEY_FOOTER,
              help -> help.createHeading(String.join("%n", DataCommand.sources()) + "%n"));
      return command
          .setCommandName(called())
          .setOut(out)
          .setErr(err)
          .setUsageHelpAutoWidth(true)
          .setParameterExceptionHandler(Main::wrongUsage)
          .setExecutionExceptionHandler(
              (e, failed, result) -> main.failed(e, err, Flags.of(result)))
          .execute(args);
    } catch (Error e) {
      // out of memory, no native libraries ...: picocli handles exceptions only
      return main.failed(e, err, Flags.NONE);
    }
  }

  @Override
  public void run() {
    throw new ParameterException(spec.commandLine(), "a command is missing");
  }

  /** One line that says what is wrong with the arguments, and where to look. */
  private static int wrongUsage(ParameterException e, String[] args) {
    var command = e.getCommandLine();
    command
        .getErr()
        .printf(
            "bitdiff: %s (see '%s --help')%n",
            e instanceof UnmatchedArgumentException unmatched
                ? unknown(unmatched)
                : lowerFirst(
                    e.getMessage()
                        .replaceFirst("^Error: ", "")
                        .replaceFirst("^Value for option option ", "Value for option ")
                        .replaceFirst("('[-+]?\\d+') is not an? (int|long)$", "$1 is too large")
                        .replaceFirst("is not an? (int|long)$", "is not a whole number")
                        .replaceFirst("is not an? (float|double)$", "is not a number")),
            command.getCommandSpec().qualifiedName());
    return CommandLine.ExitCode.USAGE;
  }

  private static String unknown(UnmatchedArgumentException e) {
    var argument = e.getUnmatched().get(0);
    var suggestions = e.getSuggestions();
    var kind =
        e.isUnknownOption()
            ? "there is no option '%s'"
            : e.getCommandLine().getSubcommands().isEmpty()
                ? "the argument '%s' is too many"
                : "there is no command '%s'";
    // picocli compares pairs of letters, by which "trian" is nearer to "metrics" than to "train";
    // but a slip is seldom in the first letter
    var nearest =
        suggestions.stream()
            .filter(
                suggestion ->
                    suggestion.startsWith(argument.substring(0, Math.min(1, argument.length()))))
            .findFirst()
            .or(() -> suggestions.stream().findFirst());
    return kind.formatted(argument)
        + nearest.map(suggestion -> "; did you mean " + suggestion + "?").orElse("");
  }

  private static String lowerFirst(String text) {
    return text.isEmpty()
        ? text
        : text.substring(0, 1).toLowerCase(Locale.ROOT) + text.substring(1);
  }

  /** One line that says what went wrong; the stack trace only with --debug. */
  private int failed(Throwable e, PrintWriter err, Flags flags) {
    err.println("bitdiff: " + flags.translated(message(e)));
    if (debug) {
      e.printStackTrace(err);
    }
    return e instanceof ConfigurationException || e instanceof InvalidPathException
        ? CommandLine.ExitCode.USAGE
        : CommandLine.ExitCode.SOFTWARE;
  }

  private static String message(Throwable e) {
    if (e instanceof ConfigurationException
        || e instanceof DataException
        || e instanceof DivergenceException
        || e instanceof CancellationException) {
      return e.getMessage();
    }
    if (e instanceof UncheckedIOException unchecked) {
      return message(unchecked.getCause());
    }
    if (e instanceof InvalidPathException path) {
      return "'%s' is no path of a file: %s".formatted(path.getInput(), path.getReason());
    }
    if (e instanceof FileSystemException failure && failure.getReason() == null) {
      // The message is but the path; what is wrong with it is in the class's name.
      return failure.getFile()
          + ": "
          + e.getClass()
              .getSimpleName()
              .replace("Exception", "")
              .replaceAll("(?<=[a-z])(?=[A-Z])", " ")
              .toLowerCase(Locale.ROOT);
    }
    if (e instanceof IOException) {
      return "input or output failed: " + e.getMessage();
    }
    var firstLine = e.toString().lines().findFirst().orElse("");
    if (e instanceof OutOfMemoryError) {
      return "Java's heap of %d MB is too small; start with BITDIFF_JAVA_OPTS=-Xmx%dg, or take less data"
          .formatted(
              Runtime.getRuntime().maxMemory() >> 20,
              Math.max(1, Runtime.getRuntime().maxMemory() >> 29));
    }
    if (firstLine.contains("can't allocate memory") || firstLine.contains("out of memory")) {
      return "the engine needs more memory than there is; take a smaller batch (--batch-size, or"
          + " training.batch_size with more training.parts): "
          + firstLine;
    }
    if (e instanceof UnsatisfiedLinkError
        || (e instanceof NoClassDefFoundError && firstLine.contains("bytedeco"))) {
      return "the engine's native libraries cannot be loaded, '%s doctor' says more: %s"
          .formatted(called(), firstLine);
    }
    return "internal error: " + firstLine + "; --debug shows where";
  }

  /** The version that the build wrote into a resource. */
  static final class Versions implements IVersionProvider {
    @Override
    public String[] getVersion() {
      return new String[] {"bitdiff " + Version.version()};
    }
  }
}

package org.bitdiffusion.cli;

import java.io.IOException;
import java.io.InputStream;
import java.io.PrintWriter;
import java.io.UncheckedIOException;
import java.util.Properties;
import java.util.concurrent.CancellationException;
import org.bitdiffusion.ConfigurationException;
import org.bitdiffusion.DataException;
import org.bitdiffusion.training.DivergenceException;
import picocli.CommandLine;
import picocli.CommandLine.Command;
import picocli.CommandLine.IVersionProvider;
import picocli.CommandLine.MissingParameterException;
import picocli.CommandLine.Model.CommandSpec;
import picocli.CommandLine.Option;
import picocli.CommandLine.ParameterException;
import picocli.CommandLine.ParseResult;
import picocli.CommandLine.ScopeType;
import picocli.CommandLine.Spec;
import picocli.CommandLine.UnmatchedArgumentException;

/** The command {@code bitdiff}. */
@Command(
    name = "bitdiff",
    description = "Trains and samples generative models of discrete data by Bit Diffusion.",
    versionProvider = Main.Version.class,
    synopsisSubcommandLabel = "COMMAND",
    subcommands = {
      QuickstartCommand.class,
      TrainCommand.class,
      SampleCommand.class,
      DataCommand.class,
      InfoCommand.class,
      DoctorCommand.class,
      BenchCommand.class
    },
    footer = {
      "",
      "Exit codes: 0 done, 1 a failure, 2 wrong usage.",
      "'bitdiff COMMAND --help' explains a command."
    })
public final class Main implements Runnable {
  /** Exit code of a failure that is not the usage's. */
  static final int FAILURE = 1;

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
    System.exit(run(args, new PrintWriter(System.out, true), new PrintWriter(System.err, true)));
  }

  /** Runs the command; returns the exit code. */
  static int run(String[] args, PrintWriter out, PrintWriter err) {
    var main = new Main();
    return new CommandLine(main)
        .setOut(out)
        .setErr(err)
        .setCaseInsensitiveEnumValuesAllowed(true)
        .setUsageHelpAutoWidth(true)
        .setParameterExceptionHandler(Main::wrongUsage)
        .setExecutionExceptionHandler(main::failed)
        .execute(args);
  }

  @Override
  public void run() {
    throw new ParameterException(spec.commandLine(), "a command is missing");
  }

  /** One line that says what is wrong with the arguments, and where to look. */
  private static int wrongUsage(ParameterException e, String[] args) {
    var command = e.getCommandLine();
    var message = e.getMessage();
    if (e instanceof UnmatchedArgumentException unmatched) {
      var suggestions = unmatched.getSuggestions();
      message =
          "unknown option or command '"
              + unmatched.getUnmatched().get(0)
              + "'"
              + (suggestions.isEmpty() ? "" : "; did you mean " + suggestions.get(0) + "?");
    } else if (e instanceof MissingParameterException) {
      message = lowerFirst(message);
    }
    command
        .getErr()
        .println(
            "bitdiff: "
                + message
                + " (see '"
                + command.getCommandSpec().qualifiedName()
                + " --help')");
    return CommandLine.ExitCode.USAGE;
  }

  private static String lowerFirst(String text) {
    return text.isEmpty() ? text : Character.toLowerCase(text.charAt(0)) + text.substring(1);
  }

  /** One line that says what went wrong; the stack trace only with --debug. */
  private int failed(Exception e, CommandLine command, ParseResult result) {
    var known =
        e instanceof ConfigurationException
            || e instanceof DataException
            || e instanceof DivergenceException
            || e instanceof CancellationException;
    var message =
        known
            ? e.getMessage()
            : e instanceof IOException || e instanceof UncheckedIOException
                ? "input or output failed: " + e.getMessage()
                : "internal error: "
                    + e.toString().lines().findFirst().orElse("")
                    + "; --debug shows where";
    command.getErr().println("bitdiff: " + message);
    if (debug) {
      e.printStackTrace(command.getErr());
    }
    return e instanceof ConfigurationException ? CommandLine.ExitCode.USAGE : FAILURE;
  }

  /** The version that the build wrote into a resource. */
  static final class Version implements IVersionProvider {
    @Override
    public String[] getVersion() {
      return new String[] {"bitdiff " + version()};
    }

    static String version() {
      try (InputStream in = Main.class.getResourceAsStream("version.properties")) {
        var properties = new Properties();
        properties.load(in);
        return properties.getProperty("version");
      } catch (IOException e) {
        throw new UncheckedIOException(e);
      }
    }
  }
}

package org.bitdiffusion.cli;

import java.util.LinkedHashMap;
import java.util.Map;
import java.util.function.Supplier;
import java.util.regex.MatchResult;
import java.util.regex.Matcher;
import java.util.regex.Pattern;
import java.util.stream.Collectors;
import java.util.stream.Stream;
import org.bitdiffusion.ConfigurationException;
import org.bitdiffusion.modality.Modality;
import picocli.CommandLine.Model.CommandSpec;
import picocli.CommandLine.ParseResult;

/**
 * The library's messages name settings, such as {@code sampling.td}, and options of evaluations,
 * such as {@code held_out}. Where the command has an option for one, this names the option.
 *
 * @param bySetting the options that were given in the place of a setting
 * @param byName the command's options for those of evaluations, given or not
 * @param takesSettings whether the command has {@code --set}
 */
record Flags(Map<String, String> bySetting, Map<String, String> byName, boolean takesSettings) {
  /** No option was given. */
  static final Flags NONE = new Flags(Map.of(), Map.of(), false);

  /** A setting with its value, as in "set diffusion.conditional=false". */
  private static final Pattern ASSIGNED =
      Pattern.compile(
          "(?:\\bset )?(?<![\\w.-]|--set )((?:modality|codec|diffusion|network|training|sampling)"
              + "(?:\\.[a-z0-9_]+)+)=([^\\s,;:)]*[^\\s,;:.)])");

  /** Where kinds that others have written come from. */
  private static final String ON_THE_CLASS_PATH = "of that name is on the class path";

  private static final Map<String, String> TRAINING =
      Map.of(
          "--steps", "training.steps",
          "--seed", "training.seed",
          "--precision", "training.precision",
          "--log-every", "training.log_every",
          "--checkpoint-every", "training.checkpoint_every",
          "--held-out", "training.held_out",
          "--from", "training.from.run",
          "--encoder-weights", "network.encoder.weights");

  private static final Map<String, String> SAMPLING =
      Map.ofEntries(
          Map.entry("--steps", "sampling.steps"),
          Map.entry("--sampler", "sampling.sampler"),
          Map.entry("--eta", "sampling.eta"),
          Map.entry("--td", "sampling.td"),
          Map.entry("--self-cond", "sampling.self_conditioning"),
          Map.entry("--momentum", "sampling.momentum"),
          Map.entry("--self-guidance", "sampling.self_guidance"),
          Map.entry("--schedule", "sampling.schedule"),
          Map.entry("--guidance", "sampling.guidance"),
          Map.entry("--churn", "sampling.churn"),
          Map.entry("--churn-noise", "sampling.churn_noise"),
          Map.entry("--word-temperature", "sampling.word_temperature"),
          Map.entry("--temperature", "sampling.temperature"),
          Map.entry("--top-k", "sampling.top_k"),
          Map.entry("--top-p", "sampling.top_p"));

  /** Those of a command, and which of them were given to it. */
  static Flags of(ParseResult result) {
    var last = result;
    while (last.hasSubcommand()) {
      last = last.subcommand();
    }
    var command = last.commandSpec();
    var given = new LinkedHashMap<String, String>();
    for (var option : settings(command).entrySet()) {
      if (last.hasMatchedOption(option.getKey())) {
        given.put(option.getValue(), option.getKey());
      }
    }
    return new Flags(given, evaluation(command), command.optionsMap().containsKey("--set"));
  }

  /** A command's name behind that of the whole, such as {@code bench captions}. */
  private static String name(CommandSpec command) {
    return command.parent() == null ? "" : (name(command.parent()) + " " + command.name()).strip();
  }

  /**
   * The settings that a command's options stand for: the same option is not the same everywhere.
   */
  private static Map<String, String> settings(CommandSpec command) {
    return switch (name(command)) {
      case "train", "quickstart", "quickstart table" -> TRAINING;
      case "sample", "fill", "evaluate", "caption", "bench captions" -> SAMPLING;
      default -> Map.of();
    };
  }

  private static Map<String, String> evaluation(CommandSpec command) {
    return switch (name(command)) {
      case "evaluate", "study" ->
          Stream.concat(Stream.of("n"), Modality.ALL.all().stream().flatMap(Flags::options))
              .distinct()
              .filter(name -> command.optionsMap().containsKey(option(name)))
              .collect(Collectors.toMap(name -> name, Flags::option));
      default -> Map.of();
    };
  }

  /** None of a kind that fails: what is told is another failure. */
  private static Stream<String> options(Modality kind) {
    try {
      return kind.evaluation().options().stream();
    } catch (RuntimeException | LinkageError e) {
      return Stream.of();
    }
  }

  private static String option(String name) {
    return "--" + name.replace('_', '-');
  }

  /** A message that names options where there are any, unless it does so already. */
  String translated(String message) {
    var translated =
        withOptionsAtTheBeginning(message)
            .replace(
                ON_THE_CLASS_PATH,
                ON_THE_CLASS_PATH
                    + " (jars in BITDIFF_CLASSPATH that name it in META-INF/services are)");
    if (takesSettings) {
      translated = ASSIGNED.matcher(translated).replaceAll(this::toPaste);
    }
    for (var flag : bySetting.entrySet()) {
      if (!Pattern.compile(flag.getValue() + "(?![\\w-])").matcher(message).find()) {
        var setting = Pattern.quote(flag.getKey());
        translated =
            translated.replaceFirst(
                "'" + setting + "'|(?<![\\w.-])" + setting + "(?![\\w]|\\.\\w)",
                flag.getValue() + " (" + flag.getKey() + ")");
      }
    }
    return translated;
  }

  /** How a setting is given in the command's line. */
  private String toPaste(MatchResult assigned) {
    var option = bySetting.get(assigned.group(1));
    return Matcher.quoteReplacement(
        option == null
            ? "--set %s=%s".formatted(assigned.group(1), assigned.group(2))
            : option + " " + assigned.group(2));
  }

  /**
   * Options of evaluations have names that are words as well. What a message begins with and says
   * something of is one, and so are those that it names along with it: "beams is 0 and
   * length_penalty 1", "reference needs inception or features".
   */
  private String withOptionsAtTheBeginning(String message) {
    if (byName.isEmpty()) {
      return message;
    }
    var name = "(" + String.join("|", byName.keySet()) + ")";
    if (!Pattern.compile("^" + name + "(: | (is|needs|and) )").matcher(message).find()) {
      return message;
    }
    return Pattern.compile("\\G((?: is \\S+)?(?: and | or | needs )|^)" + name + "(?![\\w.-])")
        .matcher(message)
        .replaceAll(found -> Matcher.quoteReplacement(found.group(1) + byName.get(found.group(2))));
  }

  /**
   * Asks the library for something that an option names, and names the option where it complains.
   */
  static <T> T naming(String option, Supplier<T> asked) {
    try {
      return asked.get();
    } catch (ConfigurationException e) {
      throw new ConfigurationException(option + ": " + e.getMessage(), e);
    }
  }
}

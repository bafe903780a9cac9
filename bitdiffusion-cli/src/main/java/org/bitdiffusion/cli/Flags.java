package org.bitdiffusion.cli;

import java.util.LinkedHashMap;
import java.util.Map;
import java.util.function.Supplier;
import java.util.regex.Pattern;
import org.bitdiffusion.ConfigurationException;
import picocli.CommandLine;
import picocli.CommandLine.ParseResult;

/**
 * The library's messages name settings, such as {@code sampling.td}. Where one was given by an
 * option of the command, this names the option.
 *
 * @param bySetting the options that were given
 */
record Flags(Map<String, String> bySetting) {
  /** No option was given. */
  static final Flags NONE = new Flags(Map.of());

  /** Options that stand for a setting, or for an option of an evaluation. */
  private static final Map<String, String> SETTINGS = new LinkedHashMap<>();

  static {
    SETTINGS.put("--steps", "sampling.steps");
    SETTINGS.put("--sampler", "sampling.sampler");
    SETTINGS.put("--eta", "sampling.eta");
    SETTINGS.put("--td", "sampling.td");
    SETTINGS.put("--self-cond", "sampling.self_conditioning");
    SETTINGS.put("--momentum", "sampling.momentum");
    SETTINGS.put("--self-guidance", "sampling.self_guidance");
    SETTINGS.put("--schedule", "sampling.schedule");
    SETTINGS.put("--guidance", "sampling.guidance");
    SETTINGS.put("--seed", "training.seed");
    SETTINGS.put("--log-every", "training.log_every");
    SETTINGS.put("--checkpoint-every", "training.checkpoint_every");
    SETTINGS.put("--precision", "training.precision");
    SETTINGS.put("--encoder-weights", "network.encoder.weights");
  }

  /** Those that were given to a command. */
  static Flags of(CommandLine command, ParseResult result) {
    var given = new LinkedHashMap<String, String>();
    var last = result;
    while (last.hasSubcommand()) {
      last = last.subcommand();
    }
    for (var option : SETTINGS.entrySet()) {
      var isTraining = last.commandSpec().name().equals("train");
      if (option.getKey().equals("--steps") && isTraining) {
        continue; // there it is another setting
      }
      if (last.hasMatchedOption(option.getKey())) {
        given.put(option.getValue(), option.getKey());
      }
    }
    if (last.commandSpec().name().equals("train") && last.hasMatchedOption("--steps")) {
      given.put("training.steps", "--steps");
    }
    if (last.commandSpec().name().equals("evaluate") && last.hasMatchedOption("--n")) {
      given.put("n", "--n");
    }
    return new Flags(given);
  }

  /** A message that names options where they were given, unless it does so already. */
  String translated(String message) {
    var translated = message;
    for (var flag : bySetting.entrySet()) {
      if (!Pattern.compile(flag.getValue() + "(?![\\w-])").matcher(message).find()) {
        var setting = Pattern.quote(flag.getKey());
        translated =
            translated.replaceFirst(
                "'" + setting + "'|(?<![\\w.-])" + setting + "(?![\\w]|\\.\\w)",
                flag.getValue() + (flag.getKey().contains(".") ? " (" + flag.getKey() + ")" : ""));
      }
    }
    return translated;
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

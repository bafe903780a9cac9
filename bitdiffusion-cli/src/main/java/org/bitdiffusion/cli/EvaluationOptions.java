package org.bitdiffusion.cli;

import java.nio.file.Path;
import java.util.LinkedHashMap;
import java.util.Map;
import java.util.stream.Collectors;
import org.bitdiffusion.ConfigurationException;
import org.bitdiffusion.modality.Modality;
import picocli.CommandLine.Model.CommandSpec;
import picocli.CommandLine.Option;

/** Options of evaluations, by the names that the library has, which says what goes together. */
final class EvaluationOptions {
  @Option(
      names = "--inception",
      paramLabel = "FILE",
      description =
          "The weights of FID's Inception-v3 as safetensors, for FID and the Inception Score; README"
              + " says how to get them.")
  private String inception;

  @Option(
      names = "--features",
      paramLabel = "FILE",
      description = "A classifier of 'features train', for a Frechet distance that is not FID.")
  private String classifier;

  @Option(
      names = "--features-precision",
      paramLabel = "P",
      description =
          "What features are computed in: float32, as FID is defined (default); bfloat16, which is"
              + " faster and moves distances by about a thousandth; or auto, what the machine can.")
  private String precision;

  @Option(
      names = "--reference",
      paramLabel = "FILE.npz",
      description =
          "Statistics of the real images' features (mu, sigma) by the same network, taken for the"
              + " Frechet distance instead of those of --data; if there is no such file, it is"
              + " written.")
  private Path reference;

  @Option(
      names = "--with",
      paramLabel = "NAME=VALUE",
      description = "An option of the kind of data, by its name in the library.")
  private Map<String, String> others = new LinkedHashMap<>();

  /** Those that are given. */
  Map<String, String> given() {
    var given = new LinkedHashMap<>(others);
    put(given, "inception", inception);
    put(given, "features", classifier);
    put(given, "features_precision", precision);
    put(given, "reference", reference);
    if (reference != null) {
      Target.requireFileOrNew("--reference", reference, ".npz");
    }
    return given;
  }

  /** What is asked, for people: of files only the names. */
  String asked() {
    var asked = new LinkedHashMap<>(others);
    put(asked, "inception", inception == null ? null : Path.of(inception).getFileName());
    put(asked, "features", classifier == null ? null : Path.of(classifier).getFileName());
    put(asked, "features_precision", precision);
    put(asked, "reference", reference == null ? null : reference.getFileName());
    return asked.entrySet().stream()
        .map(option -> option.getKey() + " " + option.getValue())
        .collect(Collectors.joining(", "));
  }

  /**
   * Complains of options that the evaluation of a kind of data does not have.
   *
   * @param options by the names that the library has
   * @param command that has an option for some of them
   */
  static void requireKnown(Modality modality, Map<String, String> options, CommandSpec command) {
    var known = modality.evaluation().options();
    for (var name : options.keySet()) {
      if (!known.contains(name)) {
        throw new ConfigurationException(
            "%s is not for runs of the kind %s; there are %s"
                .formatted(
                    option(name, command),
                    modality.name(),
                    known.isEmpty()
                        ? "no such options"
                        : known.stream()
                            .map(other -> option(other, command))
                            .collect(Collectors.joining(", "))));
      }
    }
  }

  private static String option(String name, CommandSpec command) {
    var option = "--" + name.replace('_', '-');
    return command.optionsMap().containsKey(option) ? option : "--with " + name;
  }

  /**
   * Adds an option's value, if it is given.
   *
   * @throws ConfigurationException if it is given by {@code --with} too
   */
  static void put(Map<String, String> given, String name, Object value) {
    if (value != null && given.put(name, value.toString()) != null) {
      throw new ConfigurationException(
          "--%s and --with %s are the same option; give one of them"
              .formatted(name.replace('_', '-'), name));
    }
  }
}

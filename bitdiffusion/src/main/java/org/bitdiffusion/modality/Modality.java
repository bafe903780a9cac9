package org.bitdiffusion.modality;

import java.nio.file.Path;
import java.util.List;
import java.util.Optional;
import org.bitdiffusion.ConfigurationException;
import org.bitdiffusion.Named;
import org.bitdiffusion.Registry;
import org.bitdiffusion.config.ModalityConfig;
import org.bitdiffusion.config.RunConfig;
import org.bitdiffusion.data.DataSource;
import org.bitdiffusion.data.DataSpec;
import org.bitdiffusion.data.Options;
import org.bitdiffusion.data.Schema;
import org.bitdiffusion.data.SourceKind;

/**
 * What an example is: a kind of data, with all that is known of it and of no other. Its settings'
 * defaults are in a file {@code defaults.yaml} beside its class, which {@code META-INF/services}
 * names.
 */
public interface Modality extends Named {
  /** All kinds on the class path. */
  Registry<Modality> ALL = Registry.load(Modality.class, "kind of data");

  /** The kind of a configuration. */
  static Modality of(RunConfig config) {
    return ALL.get("modality.kind", config.modality().kind());
  }

  /** The record of its settings. */
  Class<? extends ModalityConfig> settings();

  /**
   * The sources of {@code --data} that it brings. One that takes those of other kinds as well
   * overrides {@link #expected} and {@link #open}.
   */
  List<SourceKind> sources();

  /**
   * Complains of settings that contradict what this kind of data is, before any data is read.
   *
   * @throws ConfigurationException if there are some
   */
  default void requireFit(RunConfig config) {}

  /** What the data of a configuration will be, as far as it is known without having it. */
  default Schema expected(RunConfig config) {
    return plan(config).expected();
  }

  /**
   * Opens the data of a configuration.
   *
   * @param run the folder of a run that is continued, whose files (such as a vocabulary) are used;
   *     empty for a new one
   * @throws ConfigurationException if there is no such source or option
   * @throws org.bitdiffusion.DataException if its files are missing or damaged
   */
  default DataSource open(RunConfig config, Optional<Path> run) {
    return plan(config).open();
  }

  /**
   * A source as a training reads it: with the random changes that the settings ask for.
   *
   * @param source of this kind of data; the caller closes it, and not the result
   * @throws ConfigurationException if its examples cannot be changed so
   */
  default DataSource forTraining(DataSource source, ModalityConfig settings) {
    return source;
  }

  /**
   * How samples of a run are shown.
   *
   * @param config with its schema
   * @param run the folder of the run
   */
  Renderer renderer(RunConfig config, Path run);

  /** How examples of a source are shown without a run. */
  Renderer renderer(DataSource source);

  /** The ending of files that {@link #pack} writes; empty where there are none. */
  default Optional<String> packed() {
    return Optional.empty();
  }

  /**
   * Writes a source into one file that is read without delay, as a source of its own.
   *
   * @throws ConfigurationException if the source has what does not go into one
   * @throws org.bitdiffusion.DataException if an example cannot be read, or the file not written
   */
  default void pack(DataSource source, Path file) {
    throw new ConfigurationException("data of the kind " + name() + " is not packed");
  }

  /** What can be told of a run's quality. */
  Evaluation evaluation();

  /**
   * The source of a configuration, with its options checked; reads no file.
   *
   * @throws ConfigurationException if there is no such source or option, or it is of another kind
   */
  default SourceKind.Plan plan(RunConfig config) {
    var spec = DataSpec.parse(config.data());
    var own = source(sources(), spec);
    if (own.isEmpty()) {
      var other = ofSource(spec).modality(); // what there is not at all is said first
      throw new ConfigurationException(
          "data is %s, of modality.kind %s, but modality.kind is %s, whose sources are %s"
              .formatted(
                  config.data(),
                  other.name(),
                  name(),
                  String.join(", ", sources().stream().map(SourceKind::name).toList())));
    }
    return plan(own.get(), spec);
  }

  /**
   * Checks a source and its options; reads no file.
   *
   * @throws ConfigurationException if there is no such source or option
   */
  static SourceKind.Plan plan(DataSpec spec) {
    return plan(ofSource(spec).source(), spec);
  }

  private static SourceKind.Plan plan(SourceKind source, DataSpec spec) {
    var options = new Options(spec);
    var plan = source.plan(options);
    options.rejectOthers();
    return plan;
  }

  private static Optional<SourceKind> source(List<SourceKind> sources, DataSpec spec) {
    return sources.stream().filter(source -> source.name().equals(spec.source())).findFirst();
  }

  /** A source, and the kind of data that brings it. */
  record Found(Modality modality, SourceKind source) {}

  /**
   * The source that a line names: where kinds have sources of the same name, the first one's.
   *
   * @throws ConfigurationException if there is none
   */
  static Found ofSource(DataSpec spec) {
    for (var modality : ALL.all()) {
      var source = source(modality.sources(), spec);
      if (source.isPresent()) {
        return new Found(modality, source.get());
      }
    }
    var names =
        ALL.all().stream().flatMap(m -> m.sources().stream()).map(SourceKind::name).toList();
    throw Registry.unknown("data source", spec.source(), names);
  }
}

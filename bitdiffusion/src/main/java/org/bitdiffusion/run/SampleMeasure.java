package org.bitdiffusion.run;

import java.nio.file.Path;
import java.util.List;
import java.util.concurrent.CancellationException;
import java.util.function.BooleanSupplier;
import java.util.function.Function;
import org.bitdiffusion.ConfigurationException;
import org.bitdiffusion.DataException;
import org.bitdiffusion.config.ConfigYaml;
import org.bitdiffusion.config.RunConfig;
import org.bitdiffusion.data.DataSource;
import org.bitdiffusion.modality.Evaluation;
import org.bitdiffusion.modality.Modality;
import org.bitdiffusion.modality.Watch;
import org.bitdiffusion.model.Model;
import org.bitdiffusion.storage.RunFolder;
import org.bitdiffusion.training.Measure;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * A number of an evaluation, of samples that are drawn for it: of seed 0, as the run is configured.
 * They are not kept.
 */
final class SampleMeasure implements Measure {
  private static final Logger LOGGER = LoggerFactory.getLogger(SampleMeasure.class);

  private final String name;
  private final Evaluation.Comparison comparison;
  private final DataSource opened; // or null
  private final int examples;
  private final Path path;

  private SampleMeasure(
      String name, Evaluation.Comparison comparison, DataSource opened, int examples, Path path) {
    this.name = name;
    this.comparison = comparison;
    this.opened = opened;
    this.examples = examples;
    this.path = path;
  }

  /**
   * Opens what it compares with.
   *
   * @param source the run's data, all of it
   * @param path of the run
   * @param open opens the data of a configuration
   */
  static SampleMeasure of(
      RunConfig config, DataSource source, Path path, Function<RunConfig, DataSource> open) {
    var asked = config.training().measure();
    DataSource opened;
    try {
      opened = asked.data().isEmpty() ? null : open.apply(config.withData(asked.data()));
    } catch (ConfigurationException e) {
      throw new ConfigurationException("training.measure.data: " + e.getMessage(), e);
    }
    try {
      var compared = opened == null ? source : opened;
      var comparison = compare(config, compared);
      return new SampleMeasure(asked.name(), comparison, opened, compared.size(), path);
    } catch (RuntimeException | Error e) {
      if (opened != null) {
        opened.close();
      }
      throw e;
    }
  }

  private static Evaluation.Comparison compare(RunConfig config, DataSource source) {
    var asked = config.training().measure();
    var evaluation = Modality.of(config).evaluation();
    try {
      var comparison = evaluation.with(source, asked.samples(), asked.byName(), Watch.NOBODY);
      try {
        comparison.requireFit(config, config.sampling(), 0);
        var measured = comparison.measured(config);
        if (!measured.contains(asked.name())) {
          throw new ConfigurationException(
              "name is '%s', which is not measured here; there are %s, and perhaps more with measure.options"
                  .formatted(asked.name(), String.join(", ", measured)));
        }
        if (!comparison.ranks(asked.name())) {
          throw new ConfigurationException(
              "name is '%s', of which neither more nor less is better; take another"
                  .formatted(asked.name()));
        }
        return comparison;
      } catch (RuntimeException | Error e) {
        comparison.close();
        throw e;
      }
    } catch (ConfigurationException e) {
      throw new ConfigurationException("training.measure: " + e.getMessage(), e);
    }
  }

  /** Says what a person should know before the training. */
  private static final Watch SAYING =
      new Watch() {
        @Override
        public void say(String what) {
          LOGGER.warn("training.measure: {}", what);
        }
      };

  @Override
  public String name() {
    return name;
  }

  @Override
  public void look() {
    comparison.look(SAYING);
  }

  @Override
  public boolean higherIsBetter() {
    return comparison.higherIsBetter(name);
  }

  @Override
  public String way(Model model) {
    var config = model.config();
    var asked = config.training().measure();
    return "%d samples by %s in %s, beside %d examples of %s, with %s"
        .formatted(
            asked.samples(),
            ConfigYaml.section(config.sampling()),
            model.compute().precision(),
            examples,
            asked.data().isEmpty() ? config.data() : asked.data(),
            asked.options());
  }

  @Override
  public double of(Model model, BooleanSupplier stopped) {
    var config = model.config();
    var subject =
        new Evaluation.Subject(
            RunFolder.open(path),
            model,
            config.sampling(),
            0,
            config.training().partSize(),
            step -> !stopped.getAsBoolean());
    var untilStopped =
        new Watch() {
          @Override
          public void progress(String task, long done, long total, String detail) {
            if (stopped.getAsBoolean()) {
              throw new CancellationException("stopped");
            }
          }
        };
    if (comparison.measure(subject, List.of(name), untilStopped).get(name)
        instanceof Number value) {
      return value.doubleValue();
    }
    throw new DataException(name + " is not told of these samples");
  }

  @Override
  public void close() {
    comparison.close();
    if (opened != null) {
      opened.close();
    }
  }
}

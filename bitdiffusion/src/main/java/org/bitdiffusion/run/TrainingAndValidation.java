package org.bitdiffusion.run;

import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.Optional;
import java.util.function.Function;
import org.bitdiffusion.ConfigurationException;
import org.bitdiffusion.DataException;
import org.bitdiffusion.Seed;
import org.bitdiffusion.config.RunConfig;
import org.bitdiffusion.data.DataSource;
import org.bitdiffusion.data.Given;
import org.bitdiffusion.data.Part;
import org.bitdiffusion.data.Space;
import org.bitdiffusion.data.Split;
import org.bitdiffusion.io.TemporaryFolder;
import org.bitdiffusion.modality.Modality;
import org.bitdiffusion.training.HeldOutLoss;
import org.bitdiffusion.training.Measure;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * What a training reads, and what its checkpoints are measured by, as its configuration says. Owns
 * the measures until a trainer does.
 *
 * @param training examples that are learned from, with their random changes
 * @param measures the last of which says which checkpoint is the best
 */
record TrainingAndValidation(DataSource training, List<Measure> measures) implements AutoCloseable {
  /** Examples by which two sources are told apart. */
  private static final int COMPARED = 16;

  private static final Logger LOGGER = LoggerFactory.getLogger(TrainingAndValidation.class);

  /**
   * Opens what the configuration names besides the data.
   *
   * @param config with the data's schema
   * @param source the data, without random changes; the caller closes it after the measures
   * @param path the run's folder
   * @param isThere whether the folder has the files that the data is read with, such as a
   *     vocabulary
   * @throws ConfigurationException if something does not fit the data
   * @throws DataException if data cannot be read
   */
  static TrainingAndValidation of(RunConfig config, DataSource source, Path path, boolean isThere) {
    var modality = Modality.of(config);
    var measures = new ArrayList<Measure>();
    try {
      var training = modality.forTraining(source, config.modality());
      Function<RunConfig, DataSource> opened =
          other ->
              isThere
                  ? modality.open(other, Optional.of(path))
                  : withFilesOf(source, folder -> modality.open(other, Optional.of(folder)));
      var share = config.training().heldOutShare();
      if (share.isPresent()) {
        var split = split(config, source.size(), share.getAsDouble());
        measures.add(new HeldOutLoss(new Part(source, split.validation())));
        training = new Part(training, split.training());
      } else if (!config.training().heldOut().isEmpty()) {
        measures.add(heldOut(config, source, opened));
      }
      if (!config.training().measure().name().isEmpty()) {
        measures.add(SampleMeasure.of(config, source, path, opened));
      }
      return new TrainingAndValidation(training, List.copyOf(measures));
    } catch (RuntimeException | Error e) {
      measures.forEach(Measure::close);
      throw e;
    }
  }

  /** No more is held out than is measured, as what is neither would be of no use. */
  static Split split(RunConfig config, int size, double share) {
    var heldOut = (int) Math.max(1, Math.min(HeldOutLoss.MOST, Math.round(share * size)));
    if (heldOut >= size) {
      throw new ConfigurationException(
          "training.held_out is %s, which leaves none of the %d examples to train on"
              .formatted(config.training().heldOut(), size));
    }
    return Split.of(size, heldOut, Seed.of(config.training().seed(), RunConfig.HELD_OUT));
  }

  private static Measure heldOut(
      RunConfig config, DataSource source, Function<RunConfig, DataSource> opened) {
    DataSource heldOut;
    try {
      heldOut = opened.apply(config.withData(config.training().heldOut()));
    } catch (ConfigurationException e) {
      throw new ConfigurationException("training.held_out: " + e.getMessage(), e);
    }
    try {
      requireAlike(config, source, heldOut);
      if (isSame(source, heldOut)) {
        LOGGER.warn(
            "training.held_out is {}, which seems to be what is trained on: its loss will not show"
                + " over-fitting",
            config.training().heldOut());
      }
      return new HeldOutLoss(heldOut);
    } catch (RuntimeException | Error e) {
      heldOut.close();
      throw e;
    }
  }

  private static void requireAlike(RunConfig config, DataSource source, DataSource heldOut) {
    if (heldOut.size() < 1) {
      throw new DataException("training.held_out: %s holds nothing".formatted(heldOut.name()));
    }
    var schema = config.schema();
    var other = heldOut.schema();
    if (!other.space().equals(schema.space())) {
      throw new ConfigurationException(
          "training.held_out: examples of %s are %s, but those of %s are %s"
              .formatted(heldOut.name(), told(other.space()), source.name(), told(schema.space())));
    }
    if (!config.withSchema(other).condition().equals(config.condition())
        || other.end() != schema.end()
        || !other.details().equals(schema.details())) {
      throw new ConfigurationException(
          "training.held_out: %s has other classes, images, colours or the like than %s"
              .formatted(heldOut.name(), source.name()));
    }
  }

  private static String told(Space space) {
    return "of shape %s with %s values"
        .formatted(
            space.shape(),
            space.uniform() ? space.mostCategories() : "up to " + space.mostCategories());
  }

  /** Whether two sources hold the same, as far as some examples tell. */
  private static boolean isSame(DataSource one, DataSource other) {
    if (one.size() != other.size()) {
      return false;
    }
    var places = one.schema().space().places();
    var mine = new int[places];
    var theirs = new int[places];
    for (var i : Given.evenly(one, COMPARED, 0, Math.min(COMPARED, one.size()))) {
      one.read(i, mine, 0);
      other.read(i, theirs, 0);
      if (!Arrays.equals(mine, theirs)
          || !Arrays.equals(Given.of(one, i).pixels(), Given.of(other, i).pixels())) {
        return false;
      }
    }
    return true;
  }

  /** Lends a folder with the files that a run of this data will have. */
  private static <T> T withFilesOf(DataSource source, Function<Path, T> use) {
    try (var folder = TemporaryFolder.make("data")) {
      source.keep(folder.path());
      return use.apply(folder.path());
    }
  }

  @Override
  public void close() {
    measures.forEach(Measure::close);
  }
}

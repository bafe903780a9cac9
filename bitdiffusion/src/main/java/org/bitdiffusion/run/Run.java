package org.bitdiffusion.run;

import java.nio.file.Path;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.stream.IntStream;
import org.bitdiffusion.ConfigurationException;
import org.bitdiffusion.DataException;
import org.bitdiffusion.config.RunConfig;
import org.bitdiffusion.data.DataSource;
import org.bitdiffusion.data.Given;
import org.bitdiffusion.data.Part;
import org.bitdiffusion.data.Split;
import org.bitdiffusion.modality.Evaluation;
import org.bitdiffusion.modality.Modality;
import org.bitdiffusion.modality.Renderer;
import org.bitdiffusion.modality.Watch;
import org.bitdiffusion.model.DiffusionModel;
import org.bitdiffusion.model.Model;
import org.bitdiffusion.model.SampleRequest;
import org.bitdiffusion.runtime.Compute;
import org.bitdiffusion.runtime.Group;
import org.bitdiffusion.sampling.SamplerConfig;
import org.bitdiffusion.storage.Checkpoints;
import org.bitdiffusion.storage.RunFolder;
import org.bitdiffusion.training.DryRun;
import org.bitdiffusion.training.Measure;
import org.bitdiffusion.training.Trainer;

/**
 * A run that exists: its folder, what it was configured to be, and all that can be had from it. It
 * holds no native memory itself.
 *
 * @param folder of the run
 * @param config with the schema of its data
 * @param modality its kind of data
 */
public record Run(RunFolder folder, RunConfig config, Modality modality) {
  /** Samples, or examples, that are computed at a time unless another number is asked for. */
  public static final int BATCH = 64;

  /**
   * Opens a run.
   *
   * @throws ConfigurationException if the folder is none of a run, or of one whose kind of data or
   *     network is not on the class path
   */
  public static Run open(Path path) {
    var folder = RunFolder.open(path);
    var config = ConfigReader.file(folder.configuration(), Map.of());
    return new Run(folder, config, Modality.of(config));
  }

  /**
   * The data of a configuration, for a new run; the caller closes it.
   *
   * @throws ConfigurationException if there is no such source or option
   * @throws DataException if its files are missing or damaged
   */
  public static DataSource data(RunConfig config) {
    var modality = Modality.of(config);
    var from = config.training().from().run();
    if (!from.isEmpty() && RunFolder.isThere(Path.of(from))) {
      var run = Run.open(Path.of(from));
      if (run.config().modality().symbols().equals(config.modality().symbols())) {
        // The weights know the words of that run's vocabulary, by their numbers.
        return modality.open(config.withSchema(run.config().schema()), Optional.of(run.path()));
      }
    }
    return modality.open(config, Optional.empty());
  }

  /**
   * Begins a run, in the way that its configuration says: with random weights, or with those of the
   * run that {@code training.from} names, which are written as the checkpoint of step 0.
   *
   * @param source the data; the caller closes it after the trainer
   * @throws ConfigurationException if the folder is not empty, or the configuration does not fit
   *     the data, or the weights to begin with; nothing is written then
   */
  public static Trainer start(
      RunConfig config, DataSource source, Path path, Trainer.Listener listener) {
    return start(config, source, path, Compute.choose(config.training().precision()), listener);
  }

  /** Begins a run that computes in a given way. */
  public static Trainer start(
      RunConfig config, DataSource source, Path path, Compute compute, Trainer.Listener listener) {
    RunFolder.requireFree(path);
    var resolved = config.forData(source);
    var origin = origin(resolved, source);
    var opened = TrainingAndValidation.of(resolved, source, path, false);
    try {
      opened.measures().forEach(Measure::look);
      return Trainer.start(
          resolved,
          opened.training(),
          path,
          compute,
          Group.ALONE,
          origin.map(o -> o::load),
          opened.measures(),
          listener);
    } catch (RuntimeException | Error e) {
      opened.close();
      throw e;
    }
  }

  private static Optional<Origin> origin(RunConfig config, DataSource source) {
    var origin = Origin.of(config);
    origin.ifPresent(o -> requireSameSplit(o, config, source));
    return origin;
  }

  /**
   * What a training would take, from a few steps of it that are forgotten; writes nothing.
   *
   * @param source the data; the caller closes it
   * @param path of the run that would be begun
   * @param previews samples that are drawn at each checkpoint
   * @throws ConfigurationException as {@link #start} does
   */
  public static DryRun dryRun(RunConfig config, DataSource source, Path path, int previews) {
    RunFolder.requireFree(path);
    var resolved = config.forData(source);
    var origin = origin(resolved, source);
    try (var opened = TrainingAndValidation.of(resolved, source, path, false)) {
      return DryRun.of(
          resolved,
          opened.training(),
          Compute.choose(resolved.training().precision()),
          origin.map(o -> o::load),
          preview(resolved, source, previews));
    }
  }

  /** The folder. */
  public Path path() {
    return folder.path();
  }

  /**
   * The configuration with other settings.
   *
   * @param changes by key such as {@code training.steps}
   * @throws ConfigurationException if there is no such key or value
   */
  public RunConfig config(Map<String, String> changes) {
    return ConfigReader.file(folder.configuration(), changes);
  }

  /** The run's data, without the random changes of training; the caller closes it. */
  public DataSource data() {
    return data(config.data());
  }

  /**
   * How the training has divided the data: what was learned from, and what was held out.
   *
   * @param share of the data that is said to be held out, such as {@code 5%}
   * @param source the run's own data
   * @throws ConfigurationException if it held out another share, or nothing, or had other data
   */
  public Split split(String share, DataSource source) {
    var training = config.training();
    var heldOut = training.heldOutShare();
    if (heldOut.isEmpty() || !heldOut.equals(RunConfig.TrainingConfig.share(share))) {
      throw new ConfigurationException(
          "held_out is %s, but %s was trained on all %sof its data; name %sa source"
              .formatted(
                  share,
                  path(),
                  heldOut.isEmpty() ? "" : "but " + training.heldOut() + " ",
                  heldOut.isEmpty() ? "" : "that share, or "));
    }
    if (hasOtherSize(path(), source)) {
      throw new ConfigurationException(
          "held_out is %s, but what was held out is not known%s; name a source"
              .formatted(share, sizes(path(), source)));
    }
    return TrainingAndValidation.split(config, source.size(), heldOut.getAsDouble());
  }

  /** Other data, read as the run's own; the caller closes it. */
  public DataSource data(String source) {
    return modality.open(config.withData(source), Optional.of(path()));
  }

  /**
   * Continues the run after its newest checkpoint, or from the start where it has none.
   *
   * @param changed the run's configuration, of which training, sampling, data and random changes of
   *     the data may be others
   * @param source the data; the caller closes it after the trainer
   * @throws ConfigurationException if other settings changed, the data is not what the run was
   *     trained on, or another process trains it
   * @throws DataException if the checkpoint is damaged
   */
  public Trainer resume(RunConfig changed, DataSource source, Trainer.Listener listener) {
    if (!changed.codec().equals(config.codec())
        || !changed.diffusion().equals(config.diffusion())
        || !changed.network().equals(config.network())
        || !changed.modality().fixed().equals(config.modality().fixed())) {
      throw new ConfigurationException(
          "settings of codec, diffusion, network and modality cannot change in the middle of a run,"
              + " random changes of the data aside; "
              + folder.configuration()
              + " has those it began with");
    }
    var resolved = changed.forData(source);
    if (!resolved.schema().equals(config.schema())) {
      throw new ConfigurationException(
          "the data %s is not what %s was trained on: shape, categories, classes or the like differ"
              .formatted(source.name(), path()));
    }
    requireSameSplit(resolved, source);
    var isBegun = folder.checkpoints().newest().isPresent();
    if (isBegun && !changed.training().from().equals(config.training().from())) {
      throw new ConfigurationException(
          "training.from cannot change in the middle of a run, which goes on with its own weights;"
              + " begin a new one with those of "
              + changed.training().from().run());
    }
    var compute = Compute.choose(resolved.training().precision());
    var origin = isBegun ? Optional.<Origin>empty() : origin(resolved, source);
    var opened = TrainingAndValidation.of(resolved, source, path(), true);
    try {
      opened.measures().forEach(Measure::look);
      return Trainer.resume(
          resolved,
          opened.training(),
          folder,
          compute,
          Group.ALONE,
          origin.map(o -> o::load),
          opened.measures(),
          listener);
    } catch (RuntimeException | Error e) {
      opened.close();
      throw e;
    }
  }

  /** What is held out from one step on was trained on before. */
  private void requireSameSplit(RunConfig changed, DataSource source) {
    var share = changed.training().heldOutShare();
    if (share.isPresent() && (!drawsAlike(config, changed) || hasOtherSize(path(), source))) {
      throw new ConfigurationException(
          "training.held_out is %s: with another share, seed or data than before%s, a run would hold"
                  .formatted(changed.training().heldOut(), sizes(path(), source))
              + " out what it was trained on; name a source, or begin a new run");
    }
  }

  /**
   * What is held out must not be what the weights were trained on by the run that they are of.
   * Other data may be the same pictures in another place, which nobody can know here.
   */
  private static void requireSameSplit(Origin origin, RunConfig config, DataSource source) {
    var before = origin.config();
    var path = origin.run().path();
    if (config.training().heldOutShare().isPresent()
        && config.data().equals(before.data())
        && (!drawsAlike(before, config) || hasOtherSize(path, source))) {
      throw new ConfigurationException(
          ("training.held_out is %s, but %s held out %s of the same data, with the seed %d%s: its"
                  + " weights were trained on what would be held out; take the same share and seed,"
                  + " or name a source")
              .formatted(
                  config.training().heldOut(),
                  path,
                  before.training().heldOutShare().isPresent()
                      ? before.training().heldOut()
                      : "nothing",
                  before.training().seed(),
                  sizes(path, source)));
    }
  }

  /** Whether of the same number of examples the same ones are held out. */
  private static boolean drawsAlike(RunConfig one, RunConfig other) {
    return one.training().heldOutShare().equals(other.training().heldOutShare())
        && one.training().seed() == other.training().seed()
        && one.data().equals(other.data());
  }

  private static boolean hasOtherSize(Path run, DataSource source) {
    var before = Part.wholeSize(run);
    return before.isPresent() && before.getAsInt() != source.size();
  }

  private static String sizes(Path run, DataSource source) {
    return hasOtherSize(run, source)
        ? " (%,d examples then, %,d now)".formatted(Part.wholeSize(run).getAsInt(), source.size())
        : "";
  }

  /**
   * The newest checkpoint's model, with the moving average of its weights; the caller closes it.
   *
   * @param precision {@code auto}, {@code float32} or {@code bfloat16}
   * @throws DataException if there is no checkpoint, or a damaged one
   */
  public Model model(String precision) {
    return model(precision, Checkpoints.NEWEST);
  }

  /**
   * A checkpoint's model, with the moving average of its weights; the caller closes it.
   *
   * @param precision {@code auto}, {@code float32} or {@code bfloat16}
   * @param checkpoint {@code newest}, {@code best} (by what the run was measured by while it was
   *     trained), or the number of a step
   * @throws ConfigurationException if the checkpoint is called something else, or there is none of
   *     that name
   * @throws DataException if there is none at all, or a damaged one
   */
  public Model model(String precision, String checkpoint) {
    folder.checkpoints().require(checkpoint); // or it says so at once
    var model = Model.create(config, Compute.choose(precision));
    try {
      model.ensureRight();
      load(model, checkpoint);
      return model;
    } catch (RuntimeException | Error e) {
      model.close();
      throw e;
    }
  }

  /** A training may write others meanwhile, and remove the one that is being read. */
  private void load(Model model, String which) {
    for (var checkpoint = folder.checkpoints().require(which); ; ) {
      try {
        model.load(folder.checkpoints(), checkpoint);
        return;
      } catch (DataException e) {
        var other = folder.checkpoints().require(which);
        if (other.equals(checkpoint)) {
          throw e;
        }
        checkpoint = other;
      }
    }
  }

  /** How its samples are shown; the caller closes it. */
  public Renderer renderer() {
    return modality.renderer(config, path());
  }

  /**
   * The first samples of seed 0 as the run is configured.
   *
   * @throws ConfigurationException if each sample needs an image that it is conditioned on
   */
  public SampleRequest request(int count) {
    return SampleRequest.of(config.sampling(), 0, count, given(config.sampling(), count));
  }

  /**
   * What samples are conditioned on where nothing is asked for. Of a run with classes, they are of
   * no class in particular; or if that cannot be (guidance needs classes, and a run with {@code
   * diffusion.label_dropout: 0}, as the paper's, has learned of nothing else), of one class after
   * the other.
   *
   * @throws ConfigurationException if each sample needs an image that it is conditioned on
   */
  public Given given(SamplerConfig sampling, int count) {
    return given(config, sampling, count);
  }

  private static Given given(RunConfig config, SamplerConfig sampling, int count) {
    return config
        .condition()
        .match(
            () -> Given.NONE,
            labels ->
                sampling.guidance() == 0 && DiffusionModel.knowsAnyClass(config)
                    ? Given.label(Given.ANY_CLASS, count)
                    : Given.inTurn(
                        count, IntStream.range(0, labels.names().size()).asLongStream().toArray()),
            pixels -> {
              throw new ConfigurationException("samples of this run need an image each; give them");
            });
  }

  /**
   * A few samples to look at while a run is trained.
   *
   * @param config of the run, with its schema
   * @param source examples, whose images (if any) they are conditioned on, evenly from all
   */
  public static SampleRequest preview(RunConfig config, DataSource source, int count) {
    var sampling = config.sampling();
    var given =
        config.condition().pixels() > 0
            ? Given.of(source, Given.evenly(source, count, 0, count))
            : given(config, sampling, count);
    return SampleRequest.of(sampling, 0, count, given);
  }

  /** What is measured of the run unless said otherwise: its samples of seed 0. */
  public Evaluation.Subject subject(Model model) {
    return new Evaluation.Subject(folder, model, config.sampling(), 0, BATCH);
  }

  /**
   * Measures the run.
   *
   * @param model of it
   * @param source data to compare with
   * @param n samples, or examples that are asked about; 0 for the usual number
   * @return numbers and texts by name
   */
  public Map<String, Object> evaluate(Model model, DataSource source, int n) {
    try (var comparison = modality.evaluation().with(source, n, Map.of(), Watch.NOBODY)) {
      return comparison.measure(subject(model), List.of(), Watch.NOBODY);
    }
  }
}

package org.bitdiffusion.modality;

import java.util.List;
import java.util.Map;
import org.bitdiffusion.ConfigurationException;
import org.bitdiffusion.config.RunConfig;
import org.bitdiffusion.data.DataSource;
import org.bitdiffusion.data.Split;
import org.bitdiffusion.model.Model;
import org.bitdiffusion.sampling.Sampler;
import org.bitdiffusion.sampling.SamplerConfig;
import org.bitdiffusion.storage.RunFolder;

/** What can be told of the quality of runs of a kind of data. */
public interface Evaluation {
  /** Names of what else can be asked for, such as {@code held_out}. */
  List<String> options();

  /**
   * Gets ready to measure any number of runs against some data, which is looked at once: by {@link
   * Comparison#look}, or else when a run is measured.
   *
   * @param source what runs are compared with; the caller closes it
   * @param n samples that will be drawn of each run, or examples that will be asked about; 0 for
   *     the usual number
   * @param options by name, each one of {@link #options}
   * @throws ConfigurationException if an option is not possible
   * @throws org.bitdiffusion.DataException if data or a file of an option cannot be read
   */
  Comparison with(DataSource source, int n, Map<String, String> options, Watch watch);

  /**
   * Like {@link #with(DataSource, int, Map, Watch)}, of data of which a part was held out when the
   * run was trained: it stands for that of the option {@code held_out}.
   *
   * @param split of the source
   * @throws ConfigurationException also where nothing can be told of what was held out
   */
  default Comparison with(
      DataSource source, Split split, int n, Map<String, String> options, Watch watch) {
    throw new ConfigurationException("held_out is a share of the data; name a source");
  }

  /**
   * Which run is measured.
   *
   * @param folder of the run
   * @param model whose weights draw; the caller closes it
   * @param sampling how
   * @param seed of the samples
   * @param batch samples that are drawn at a time
   * @param listener is told of each step of drawing, and may say that it is to end
   */
  record Subject(
      RunFolder folder,
      Model model,
      SamplerConfig sampling,
      long seed,
      int batch,
      Sampler.Listener listener) {
    /** Whose samples nobody waits for. */
    public Subject(RunFolder folder, Model model, SamplerConfig sampling, long seed, int batch) {
      this(folder, model, sampling, seed, batch, Sampler.Listener.NONE);
    }
  }

  /** Data that runs are measured against. May own native memory: close it. */
  interface Comparison extends AutoCloseable {
    /** The names of what {@link #measure} tells as numbers of a run like this one. */
    List<String> measured(RunConfig run);

    /**
     * Whether of two runs the one with the larger number is better, as it is of scores, or the one
     * with the lesser, as of distances and losses.
     *
     * @param measure one of {@link #measured}
     */
    default boolean higherIsBetter(String measure) {
      return true;
    }

    /**
     * Whether one value of a measure is better than another at all: how far samples are from the
     * training data, say, tells of copies, and neither near nor far is good.
     *
     * @param measure one of {@link #measured}
     */
    default boolean ranks(String measure) {
      return true;
    }

    /**
     * Complains unless a run can be measured, which may be before it is trained.
     *
     * @param run its configuration, with its schema
     * @throws ConfigurationException if it cannot
     */
    void requireFit(RunConfig run, SamplerConfig sampling, long seed);

    /**
     * Looks at the data, which may take long, if that is not done yet: what is wrong with it is
     * found before a run is trained.
     *
     * @throws org.bitdiffusion.DataException if some of it cannot be read, or a file of an option
     */
    default void look(Watch watch) {}

    /**
     * Measures a run.
     *
     * @param only names of which nothing else need be told; empty for all there is
     * @return numbers and texts by name, in the order in which people want to read them. {@code
     *     NAME_of_data} is what the measure {@code NAME} is of as much data in the place of
     *     samples.
     * @throws java.util.concurrent.CancellationException if the subject's listener said to end
     */
    Map<String, Object> measure(Subject subject, List<String> only, Watch watch);

    @Override
    default void close() {}
  }

  /**
   * Complains of options that an evaluation does not have.
   *
   * @throws ConfigurationException if there are some
   */
  default void requireKnown(Map<String, String> options) {
    for (var option : options.keySet()) {
      if (!options().contains(option)) {
        throw new ConfigurationException(
            "%s cannot be asked for here; there are %s"
                .formatted(
                    option, options().isEmpty() ? "no options" : String.join(", ", options())));
      }
    }
  }
}

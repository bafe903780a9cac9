package org.bitdiffusion.cli;

import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.Locale;
import java.util.concurrent.Callable;
import org.bitdiffusion.ConfigurationException;
import org.bitdiffusion.data.ImageGrid;
import org.bitdiffusion.data.Npy;
import org.bitdiffusion.sampling.Sampler;
import org.bitdiffusion.sampling.SamplerConfig;
import org.bitdiffusion.training.Model;
import picocli.CommandLine.Command;
import picocli.CommandLine.Mixin;
import picocli.CommandLine.Model.CommandSpec;
import picocli.CommandLine.Option;
import picocli.CommandLine.Spec;

@Command(
    name = "sample",
    description = "Draws samples from the newest checkpoint of a run.",
    footer = {"", "Example: bitdiff sample --run runs/icons --n 64 --out icons.png --steps 50"})
final class SampleCommand implements Callable<Integer> {
  @Spec private CommandSpec spec;

  @Option(names = "--run", required = true, paramLabel = "RUN", description = "The run folder.")
  private Path run;

  @Option(
      names = "--n",
      paramLabel = "N",
      defaultValue = "64",
      description = "Number of samples (default ${DEFAULT-VALUE}).")
  private int n;

  @Option(
      names = "--out",
      required = true,
      paramLabel = "FILE.png|FILE.npy|DIR",
      description = "A grid, the symbols as integers [N, C, H, W], or a folder of images.")
  private Path out;

  @Mixin private SamplingOptions sampling;

  @Option(names = "--class", paramLabel = "C", description = "Name or number of a class.")
  private String label;

  @Option(
      names = "--seed",
      paramLabel = "K",
      defaultValue = "0",
      description = "Sample i depends on the seed and i alone (default ${DEFAULT-VALUE}).")
  private long seed;

  @Option(
      names = "--batch-size",
      paramLabel = "B",
      defaultValue = "64",
      description = "Samples drawn at a time (default ${DEFAULT-VALUE}).")
  private int batchSize;

  @Option(
      names = "--precision",
      paramLabel = "P",
      defaultValue = "auto",
      description = "auto, float32 or bfloat16.")
  private String precision;

  @Mixin private ThreadsOption threads;

  @Option(
      names = "--strip",
      paramLabel = "FILE.png",
      description = "The way of the first samples from noise to image.")
  private Path strip;

  @Option(
      names = "--histogram",
      paramLabel = "FILE.png",
      description = "The distribution of the analog bits before thresholding.")
  private Path histogram;

  @Override
  public Integer call() {
    if (n < 1 || batchSize < 1) {
      throw new ConfigurationException("--n and --batch-size must be at least 1");
    }
    threads.apply();
    try (var model = Model.load(run, precision)) {
      var config = sampling.over(model.config().sampling());
      var symbols = new int[symbols(model)];
      var analog = new ArrayList<float[]>();
      var frames = strip == null ? null : new Strip(model, config, Math.min(8, n));
      var started = System.nanoTime();
      try (var progress =
          new Progress("sampling", (long) n * config.steps(), 0, spec.commandLine().getErr())) {
        for (var first = 0; first < n; first += batchSize) {
          var from = first;
          var count = Math.min(batchSize, n - first);
          var samples =
              model.sample(
                  config,
                  seed,
                  first,
                  count,
                  label(model),
                  step -> {
                    progress.to(
                        (long) from * config.steps() + (long) (step.index() + 1) * count,
                        "step " + (step.index() + 1) + " of " + config.steps());
                    if (from == 0 && frames != null) {
                      frames.add(step);
                    }
                    return true;
                  });
          System.arraycopy(
              samples.symbols(),
              0,
              symbols,
              first * model.format().symbols(),
              samples.symbols().length);
          if (histogram != null) {
            analog.add(samples.analog());
          }
        }
      }
      write(model, symbols);
      if (frames != null) {
        frames.write(strip);
      }
      if (histogram != null) {
        Charts.analogBits(histogram, analog, model.config().codec().scale());
      }
      spec.commandLine()
          .getOut()
          .printf(
              Locale.ROOT,
              "%d samples in %.1f s are in %s%n",
              n,
              (System.nanoTime() - started) / 1e9,
              out);
    }
    return 0;
  }

  /** The number of symbols of all samples, which must fit an array. */
  private int symbols(Model model) {
    var all = (long) n * model.format().symbols();
    if (all > Integer.MAX_VALUE - 8) {
      throw new ConfigurationException(
          "--n is %d; one call can draw at most %d samples of this size"
              .formatted(n, Integer.MAX_VALUE / model.format().symbols()));
    }
    return (int) all;
  }

  private int label(Model model) {
    if (label == null) {
      return Model.ANY_CLASS;
    }
    var classes = model.config().example().classes();
    var byName = classes.indexOf(label);
    if (byName >= 0) {
      return byName;
    }
    try {
      var number = Integer.parseInt(label);
      if (number >= 0) {
        return number;
      }
    } catch (NumberFormatException e) {
      // reported below
    }
    throw new ConfigurationException(
        "--class '"
            + label
            + "' is none of the run's classes "
            + (classes.size() <= 20 ? String.join(", ", classes) : "0 to " + (classes.size() - 1)));
  }

  private void write(Model model, int[] symbols) {
    var format = model.format();
    var name = out.toString();
    if (name.endsWith(".png")) {
      ImageGrid.write(out, symbols, format);
    } else if (name.endsWith(".npy")) {
      var shape = new int[] {n, format.channels(), format.height(), format.width()};
      Npy.write(out, symbols, shape, format.categories());
    } else {
      ImageGrid.writeEach(out, symbols, format, 0);
    }
  }

  /** Frames of the first samples: a row each, from noise to image. */
  static final class Strip {
    private static final int FRAMES = 10;

    private final Model model;
    private final int steps;
    private final int count;
    private final List<int[]> frames = new ArrayList<>();

    Strip(Model model, SamplerConfig config, int count) {
      this.model = model;
      this.steps = config.steps();
      this.count = count;
    }

    /** Keeps what x_t and, last, the estimate would be as symbols. */
    void add(Sampler.Step step) {
      var frame = frames.size() * (steps - 1) / Math.max(1, FRAMES - 2);
      var last = step.index() == steps - 1;
      if (step.index() == Math.min(frame, steps - 1) && frames.size() < FRAMES - 1) {
        frames.add(model.symbols(step.xt()));
      }
      if (last) {
        frames.add(model.symbols(step.estimate()));
      }
    }

    void write(Path file) {
      var size = model.format().symbols();
      var grid = new int[count * frames.size() * size];
      for (var i = 0; i < count; i++) {
        for (var f = 0; f < frames.size(); f++) {
          System.arraycopy(frames.get(f), i * size, grid, (i * frames.size() + f) * size, size);
        }
      }
      ImageGrid.write(file, grid, model.format(), frames.size());
    }
  }
}

package org.bitdiffusion.cli;

import java.nio.file.Path;
import java.util.Locale;
import java.util.Map;
import java.util.Objects;
import java.util.concurrent.Callable;
import java.util.concurrent.CancellationException;
import java.util.stream.Stream;
import org.bitdiffusion.ConfigurationException;
import org.bitdiffusion.sampling.SamplerConfig;
import org.bitdiffusion.training.ImageModel;
import org.bitdiffusion.training.RunConfig;
import org.bitdiffusion.training.RunFolder;
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

  @Mixin private BatchSizeOption batching;

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

  private volatile boolean stopped;

  @Override
  public Integer call() {
    if (n < 1) {
      throw new ConfigurationException("--n is " + n + "; it must be at least 1");
    }
    batching.require();
    requireTargets();
    // All that can be wrong is found before weights are read, which takes a while.
    var folder = RunFolder.open(run);
    folder.requireNewest();
    var trained = folder.config(Map.of());
    var config = sampling.over(trained.sampling());
    var label = label(trained);
    ImageModel.requireFit(trained, config, label);
    ImageTarget.requireRoom(out, n, batching.size(), symbols(trained.example()));
    threads.apply();
    try (var model = ImageModel.load(run, precision)) {
      UntilStopped.run(() -> draw(model, config, label), () -> stopped = true);
    }
    return 0;
  }

  /** Draws and writes; where it is stopped before the end, what was drawn until then. */
  private void draw(ImageModel model, SamplerConfig config, int label) {
    var target = new ImageTarget(out, model.format(), n);
    var bits = new Histogram(model.config().codec().scale());
    var frames =
        strip == null ? null : new Strip(model, config, Math.min(8, Math.min(batching.size(), n)));
    var started = System.nanoTime();
    var done = 0;
    try (var progress =
        new Progress("sampling", (long) n * config.steps(), 0, spec.commandLine().getErr())) {
      while (done < n) {
        var first = done;
        var count = Math.min(batching.size(), n - first);
        var samples =
            model.sample(
                config,
                seed,
                first,
                count,
                label,
                step -> {
                  progress.to(
                      (long) first * config.steps() + (long) (step.index() + 1) * count,
                      "step " + (step.index() + 1) + " of " + config.steps());
                  if (first == 0 && frames != null) {
                    frames.add(step);
                  }
                  return !stopped;
                });
        target.add(samples.symbols());
        if (histogram != null) {
          bits.add(samples.analog());
        }
        done += count;
      }
    } catch (CancellationException e) {
      // who stops it wants what is there
    }
    if (done > 0) {
      target.finish();
      if (frames != null) {
        frames.write(strip);
      }
      if (histogram != null) {
        Charts.analogBits(histogram, bits.limit(), bits.counts());
      }
    }
    var result = spec.commandLine().getOut();
    if (done == 0) {
      result.println("stopped before the first samples were drawn; nothing is written");
      return;
    }
    result.printf(
        Locale.ROOT,
        "%s%d samples in %.1f s are in %s%n",
        done < n ? "stopped: " : "",
        done,
        (System.nanoTime() - started) / 1e9,
        out);
  }

  private void requireTargets() {
    ImageTarget.require("--out", out);
    if (strip != null) {
      Target.requireFile("--strip", strip, ".png");
    }
    if (histogram != null) {
      Target.requireFile("--histogram", histogram, ".png");
    }
    var files =
        Stream.of(out, strip, histogram)
            .filter(Objects::nonNull)
            .map(file -> file.toAbsolutePath().normalize())
            .toList();
    if (files.stream().distinct().count() < files.size()) {
      throw new ConfigurationException(
          "--out, --strip and --histogram name the same file; each needs its own");
    }
  }

  private static int symbols(RunConfig.ExampleConfig example) {
    return example.shape().stream().mapToInt(Integer::intValue).reduce(1, Math::multiplyExact);
  }

  /** The number of the class that is asked for by its name or number. */
  private int label(RunConfig trained) {
    if (label == null) {
      return ImageModel.ANY_CLASS;
    }
    if (!trained.diffusion().conditional()) {
      throw new ConfigurationException("the run was trained without classes; leave --class out");
    }
    var classes = trained.example().classes();
    var byName = classes.indexOf(label);
    if (byName >= 0) {
      return byName;
    }
    try {
      var number = Integer.parseInt(label);
      if (number >= 0 && number < classes.size()) {
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
}

package org.bitdiffusion.cli;

import java.nio.file.Path;
import java.util.Arrays;
import java.util.List;
import java.util.Locale;
import java.util.Objects;
import java.util.Optional;
import java.util.concurrent.Callable;
import java.util.concurrent.CancellationException;
import java.util.stream.Stream;
import org.bitdiffusion.ConfigurationException;
import org.bitdiffusion.data.Given;
import org.bitdiffusion.data.Space;
import org.bitdiffusion.modality.Renderer;
import org.bitdiffusion.modality.SampleFile;
import org.bitdiffusion.model.DiffusionModel;
import org.bitdiffusion.model.Model;
import org.bitdiffusion.model.SampleRequest;
import org.bitdiffusion.run.Run;
import org.bitdiffusion.runtime.Tensors;
import org.bitdiffusion.sampling.Sampler;
import org.bitdiffusion.sampling.SamplerConfig;
import picocli.CommandLine.Command;
import picocli.CommandLine.Mixin;
import picocli.CommandLine.Model.CommandSpec;
import picocli.CommandLine.Option;
import picocli.CommandLine.Spec;

@Command(
    name = "sample",
    description =
        "Draws samples from a checkpoint of a run, the newest unless said otherwise, or icons by the model that comes with"
            + " the command.",
    footer = {
      "",
      "Example: ${COMMAND-FULL-NAME} --out icons.png",
      "         ${COMMAND-FULL-NAME} --run runs/icons --n 64 --out icons.png --steps 50"
    })
final class SampleCommand implements Callable<Integer> {
  @Spec private CommandSpec spec;

  private static final String TARGETS = "--out, --strip or --histogram";

  @Option(
      names = "--run",
      paramLabel = "RUN",
      description = "The run folder; without it, the model of icons that comes with the command.")
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
      paramLabel = "FILE|DIR",
      description =
          "By its ending: all in one (.png of images, .txt and .jsonl of captions), .npy for the"
              + " symbols as integers [N, C, ...], or a folder with a file for each.")
  private Path out;

  @Mixin private CheckpointOption checkpoint;

  @Mixin private SamplingOptions sampling;

  @Option(
      names = {"--class", "--condition"},
      paramLabel = "C",
      description =
          "Name or number of a class, or several with commas between, which are drawn in turn; of"
              + " captioners the image file to describe.")
  private String condition;

  @Option(
      names = "--known",
      paramLabel = "FILE",
      description =
          "Symbols that are given: of images a PNG of their size, of which only what is transparent"
              + " is drawn.")
  private Path known;

  @Option(
      names = "--given",
      paramLabel = "COLUMN=VALUE,...",
      description =
          "Of tables: values that all rows have, such as sex=Female,age=30..39,race=White|Black;"
              + " lists have bars, ranges two dots.")
  private String wanted;

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
      completionCandidates = Names.Precisions.class,
      description = "${COMPLETION-CANDIDATES} (default ${DEFAULT-VALUE}).")
  private String precision;

  @Mixin private ThreadsOption threads;

  @Option(
      names = "--strip",
      paramLabel = "FILE",
      description = "The way of the first samples from noise to what they are.")
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
    // All that can be wrong is found before weights are read, which takes a while.
    requireTargets();
    if (run == null) {
      try (var icons = ShippedRun.icons()) {
        draw(icons.open());
      }
    } else {
      draw(Run.open(run));
    }
    return 0;
  }

  private void draw(Run opened) {
    checkpoint.require(opened);
    try (var renderer = opened.renderer()) {
      requireTargets(renderer);
      var request = request(opened, renderer);
      requireRoom(renderer, opened.config().schema().space());
      threads.apply();
      try (var model = opened.model(precision, checkpoint.which())) {
        UntilStopped.run(() -> draw(model, renderer, request), () -> stopped = true);
      }
    }
  }

  private SampleRequest request(Run opened, Renderer renderer) {
    var config = opened.config();
    sampling.requireFit(config.network().autoregressive());
    if (config.network().autoregressive()) {
      if (strip != null || histogram != null || known != null || wanted != null) {
        throw new ConfigurationException(
            "the run is autoregressive: it has no steps; leave --strip, --histogram, --known and"
                + " --given out");
      }
    }
    var how = sampling.over(config.sampling());
    var given =
        condition == null
            ? unconditioned(opened, how)
            : Flags.naming(conditionOption(), () -> renderer.given(condition, n));
    if (condition != null && config.condition().pixels() > 0) {
      for (var file : targets()) {
        Target.requireOther(TARGETS, file, Path.of(condition));
      }
    }
    if (!config.network().autoregressive()) {
      DiffusionModel.requireFit(config, how, given);
    }
    if (known != null && wanted != null) {
      throw new ConfigurationException("--known and --given both say what is given; leave one out");
    }
    if (wanted != null) {
      var all = Flags.naming("--given", () -> renderer.wanted(wanted));
      config.newDiffusion().codec().restriction(all.allowed()); // complains
      return new SampleRequest(how, seed, 0, n, given, all.known(), all.allowed());
    }
    var symbols = known == null ? null : Flags.naming("--known", () -> renderer.known(known));
    return new SampleRequest(how, seed, 0, n, given, Optional.ofNullable(symbols));
  }

  /** What samples are conditioned on if nothing is asked for. */
  private Given unconditioned(Run opened, SamplerConfig how) {
    if (opened.config().condition().pixels() > 0) {
      throw new ConfigurationException(
          "samples of this run need an image each; --condition names its file");
    }
    return opened.given(how, n);
  }

  /** The one of the two names of the option that was given. */
  private String conditionOption() {
    var args = spec.commandLine().getParseResult().originalArgs();
    return args.stream().anyMatch(arg -> arg.startsWith("--condition")) ? "--condition" : "--class";
  }

  /** Complains if there are more samples than one file takes, or one batch of them. */
  private void requireRoom(Renderer renderer, Space space) {
    Flags.naming(
        "--n",
        () -> {
          SampleFile.requireRoom(out, renderer, space, n);
          return null;
        });
    var most = (Integer.MAX_VALUE - 8) / space.places();
    if (Math.min(n, batching.size(space)) > most) {
      throw new ConfigurationException(
          "--batch-size is %d; of samples of this size it can be at most %d"
              .formatted(batching.size(space), most));
    }
  }

  /** Draws and writes; where it is stopped before the end, what was drawn until then. */
  private void draw(Model model, Renderer renderer, SampleRequest request) {
    var space = model.config().schema().space();
    var batch = batching.size(space);
    var target = new SampleFile(out, renderer, space, n);
    var bits = new Histogram(model.config().codec().scale());
    var steps = model instanceof DiffusionModel ? request.sampling().steps() : 1;
    var frames =
        model instanceof DiffusionModel diffusion && strip != null
            ? new Strip(diffusion, request.sampling(), Math.min(8, Math.min(batch, n)))
            : null;
    var started = System.nanoTime();
    var done = new int[1];
    var batches = (n + batch - 1L) / batch;
    try (var progress =
        new Progress("sampling, step", batches * steps, 0, spec.commandLine().getErr())) {
      Sampler.Listener listener =
          step -> {
            var before = (long) done[0] / batch * steps;
            progress.to(before + step.index() + 1, told(done[0]));
            if (done[0] == 0 && frames != null) {
              frames.add(step);
            }
            if (histogram != null && step.index() == steps - 1) {
              bits.add(Tensors.floats(step.estimate()));
            }
            return !stopped;
          };
      model.sampleAll(
          request,
          batch,
          listener,
          samples -> {
            target.add(samples);
            done[0] += samples.count();
            progress.to((done[0] + batch - 1L) / batch * steps, told(done[0]));
            if (stopped) {
              throw new CancellationException();
            }
          });
    } catch (CancellationException e) {
      // who stops it wants what is there
    }
    var result = spec.commandLine().getOut();
    if (done[0] == 0) {
      result.println("stopped before the first samples were drawn; nothing is written");
      return;
    }
    target.finish();
    result.printf(
        Locale.ROOT,
        "%s%d samples in %.1f s are in %s%s%n",
        done[0] < n ? "stopped: " : "",
        done[0],
        (System.nanoTime() - started) / 1e9,
        out,
        isInTurn(request) ? inTurn(model.config().condition().classes()) : "");
    if (frames != null) {
      frames.write(strip, renderer);
      result.println("their way from noise is in " + strip);
    }
    if (histogram != null) {
      Charts.analogBits(histogram, bits.limit(), bits.counts());
      result.println("the distribution of their analog bits is in " + histogram);
    }
  }

  /** Whether classes were drawn that nobody asked for by name. */
  private boolean isInTurn(SampleRequest request) {
    return condition == null && Arrays.stream(request.given().labels()).anyMatch(c -> c >= 0);
  }

  private static String inTurn(List<String> classes) {
    return classes.size() > 25
        ? ", of the classes 0 to %d in turn".formatted(classes.size() - 1)
        : ", of these classes in turn: " + String.join(", ", classes);
  }

  private String told(int done) {
    return "%d of %d samples".formatted(done, n);
  }

  private void requireTargets(Renderer renderer) {
    Target.requireSamples("--out", out, renderer);
    if (strip != null) {
      Target.requireFile("--strip", strip, renderer.endings().toArray(String[]::new));
    }
  }

  private void requireTargets() {
    if (histogram != null) {
      Target.requireFile("--histogram", histogram, ".png");
    }
    var files = targets();
    for (var file : files) {
      Target.requireOther(TARGETS, file, known);
    }
    if (files.stream().distinct().count() < files.size()) {
      throw new ConfigurationException(
          "--out, --strip and --histogram name the same file; each needs its own");
    }
  }

  private List<Path> targets() {
    return Stream.of(out, strip, histogram)
        .filter(Objects::nonNull)
        .map(file -> file.toAbsolutePath().normalize())
        .toList();
  }
}

package org.bitdiffusion.cli;

import java.io.PrintWriter;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.SplittableRandom;
import java.util.concurrent.Callable;
import java.util.function.BooleanSupplier;
import org.bitdiffusion.ConfigurationException;
import org.bitdiffusion.data.DataSource;
import org.bitdiffusion.data.Given;
import org.bitdiffusion.data.Schema;
import org.bitdiffusion.data.Space;
import org.bitdiffusion.io.TemporaryFolder;
import org.bitdiffusion.model.Model;
import org.bitdiffusion.model.SampleRequest;
import org.bitdiffusion.run.ConfigReader;
import org.bitdiffusion.run.Run;
import org.bitdiffusion.runtime.Compute;
import org.bitdiffusion.runtime.Engine;
import org.bitdiffusion.sampling.Sampler;
import org.bitdiffusion.sampling.SamplerConfig;
import org.bitdiffusion.storage.Metrics;
import org.bitdiffusion.training.Trainer;
import picocli.CommandLine.Command;
import picocli.CommandLine.Mixin;
import picocli.CommandLine.Model.CommandSpec;
import picocli.CommandLine.Option;
import picocli.CommandLine.ParameterException;
import picocli.CommandLine.Spec;

/** Measures speed. */
@Command(
    name = "bench",
    description = "Measures how fast this machine trains and samples.",
    synopsisSubcommandLabel = "COMMAND",
    subcommands = {BenchCommand.UNet.class, CaptionsBench.class})
final class BenchCommand implements Runnable {
  @Spec private CommandSpec spec;

  @Override
  public void run() {
    throw new ParameterException(
        spec.commandLine(),
        "what to measure is missing: %1$s unet, %1$s captions".formatted(spec.qualifiedName()));
  }

  @Command(
      name = "unet",
      description = {
        "A U-Net of 6.5 M parameters (width 64, multipliers 1,2,2, 2 blocks) on 32x32 images of 24"
            + " bits: whole training steps with self-conditioning, and steps of sampling. In the"
            + " fastest way that this machine has, and plainly (float32, NCHW)."
      })
  static final class UNet implements Callable<Integer> {
    private static final int WARM_UP = 3;

    @Spec private CommandSpec spec;

    @Option(
        names = "--steps",
        paramLabel = "N",
        defaultValue = "12",
        description = "Training steps that are measured (default ${DEFAULT-VALUE}).")
    private int steps;

    @Option(
        names = "--batch-size",
        paramLabel = "B",
        defaultValue = "32",
        description = "Images in a step (default ${DEFAULT-VALUE}).")
    private int batchSize;

    @Option(
        names = "--network",
        paramLabel = "KEY=VALUE",
        description = "Another network: a setting of it, such as width=128.")
    private Map<String, String> network = new LinkedHashMap<>();

    @Option(names = "--json", description = "Reports as JSON.")
    private boolean json;

    @Mixin private ThreadsOption threads;

    /** Images a second, and images times steps a second. */
    private record Speed(double train, double denoise) {}

    @Override
    public Integer call() {
      if (steps < 1) {
        throw new ConfigurationException("--steps is " + steps + "; it must be at least 1");
      }
      if (batchSize < 1 || batchSize > Noise.SIZE) {
        throw new ConfigurationException(
            "--batch-size is %d; it must be in 1 .. %d".formatted(batchSize, Noise.SIZE));
      }
      threads.apply();
      var fastest = Compute.choose("auto");
      var fast = measure(fastest);
      var plain = measure(Compute.PLAIN);
      print(fastest, fast, plain);
      return 0;
    }

    private Speed measure(Compute compute) {
      var settings =
          new LinkedHashMap<>(
              Map.of(
                  "network.width", "64",
                  "network.multipliers", "[1, 2, 2]",
                  "network.blocks", "2",
                  "diffusion.conditional", "false",
                  "training.batch_size", Integer.toString(batchSize),
                  "training.steps", Integer.toString(WARM_UP + steps),
                  "training.log_every", "1"));
      network.forEach((key, value) -> settings.put("network." + key, value));
      var config = ConfigReader.preset("cifar10-small", settings);
      try (var folder = TemporaryFolder.make("bench")) {
        var clock = new Clock(batchSize);
        var run = folder.path().resolve("run");
        try (var trainer = Run.start(config, new Noise(), run, compute, clock)) {
          trainer.run();
        }
        return new Speed(clock.images / clock.seconds, clock.denoise);
      }
    }

    /** Adds up the time of the steps after the warm-up, and then measures sampling. */
    private static final class Clock implements Trainer.Listener {
      private static final int SAMPLING_STEPS = 6;
      private final int batchSize;
      private double images;
      private double seconds;
      private double denoise;

      Clock(int batchSize) {
        this.batchSize = batchSize;
      }

      @Override
      public void onLog(Metrics metrics) {
        if (metrics.step() > WARM_UP) {
          images += batchSize;
          seconds += batchSize / metrics.examplesPerSecond();
        }
      }

      @Override
      public void onCheckpoint(long step, Model model, BooleanSupplier stopped) {
        var sampling = SamplerConfig.DEFAULT.withSteps(SAMPLING_STEPS);
        draw(model, sampling); // warms up
        var start = System.nanoTime();
        draw(model, sampling);
        denoise = batchSize * SAMPLING_STEPS / ((System.nanoTime() - start) / 1e9);
      }

      private void draw(Model model, SamplerConfig sampling) {
        var request = SampleRequest.of(sampling, 0, batchSize, Given.NONE);
        model.sample(request, Sampler.Listener.NONE);
      }
    }

    private void print(Compute compute, Speed fast, Speed plain) {
      PrintWriter out = spec.commandLine().getOut();
      var report = new LinkedHashMap<String, Object>();
      report.put("train_images_per_second", fast.train());
      report.put("denoise_images_per_second", fast.denoise());
      report.put("eager_train_images_per_second", plain.train());
      report.put("eager_denoise_images_per_second", plain.denoise());
      report.put("precision", compute.precision().toString());
      report.put("threads", Engine.threads());
      report.put("batch_size", batchSize);
      if (json) {
        out.println(Json.line(report));
        return;
      }
      out.printf(
          Locale.ROOT,
          "                      %10s %14s%n",
          report.get("precision"),
          "plain float32");
      out.printf(Locale.ROOT, "train, images/s       %10.2f %14.2f%n", fast.train(), plain.train());
      out.printf(
          Locale.ROOT, "denoise, images/s     %10.2f %14.2f%n", fast.denoise(), plain.denoise());
    }

    /** Random images of CIFAR-10's shape. */
    private static final class Noise implements DataSource {
      private static final int SIZE = 1024;
      private static final Schema SCHEMA = Schema.of(Space.of(List.of(3, 32, 32), 256));

      @Override
      public String name() {
        return "noise";
      }

      @Override
      public Schema schema() {
        return SCHEMA;
      }

      @Override
      public int size() {
        return SIZE;
      }

      @Override
      public void read(int index, int[] target, int offset) {
        var random = new SplittableRandom(index);
        for (var i = 0; i < SCHEMA.space().places(); i++) {
          target[offset + i] = random.nextInt(256);
        }
      }
    }
  }
}

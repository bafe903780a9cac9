package org.bitdiffusion.cli;

import java.io.IOException;
import java.util.LinkedHashMap;
import java.util.Locale;
import java.util.Map;
import java.util.Random;
import java.util.concurrent.Callable;
import org.bitdiffusion.ConfigurationException;
import org.bitdiffusion.config.RunConfig;
import org.bitdiffusion.data.Given;
import org.bitdiffusion.data.Schema;
import org.bitdiffusion.modality.Modality;
import org.bitdiffusion.model.AutoregressiveModel;
import org.bitdiffusion.model.DiffusionModel;
import org.bitdiffusion.model.Model;
import org.bitdiffusion.model.SampleRequest;
import org.bitdiffusion.run.ConfigReader;
import org.bitdiffusion.runtime.Compute;
import org.bitdiffusion.runtime.Engine;
import org.bitdiffusion.sampling.BeamSearch;
import org.bitdiffusion.sampling.Sampler;
import picocli.CommandLine.Command;
import picocli.CommandLine.Mixin;
import picocli.CommandLine.Model.CommandSpec;
import picocli.CommandLine.Option;
import picocli.CommandLine.Spec;

/** Both decoders of one size, side by side. */
@Command(
    name = "captions",
    description = {
      "The bit decoder against the autoregressive one, greedy and with its cache, of the same size"
          + " and with random weights: captions of 64 tokens, none of which ends earlier, for images"
          + " in batches of 32, the images' features included."
    })
final class CaptionsBench implements Callable<Integer> {
  private static final int BATCH = 32;
  private static final int LENGTH = 64;

  @Spec private CommandSpec spec;

  @Option(
      names = "--preset",
      paramLabel = "NAME",
      defaultValue = "scene-captions",
      description =
          "Sizes: scene-captions, emoji-captions or coco-captions (default ${DEFAULT-VALUE}).")
  private String preset;

  @Option(
      names = "--steps",
      paramLabel = "S",
      defaultValue = "10",
      description = "Of the bit decoder (default ${DEFAULT-VALUE}).")
  private int steps;

  @Option(
      names = "--batches",
      paramLabel = "N",
      defaultValue = "5",
      description = "That are measured of each, in turn (default ${DEFAULT-VALUE}).")
  private int batches;

  @Option(
      names = "--network",
      paramLabel = "KEY=VALUE",
      description = "Another size: a setting of the network, such as layers=6.")
  private Map<String, String> network = new LinkedHashMap<>();

  @Option(names = "--json", description = "Reports as JSON.")
  private boolean json;

  @Mixin private ThreadsOption threads;

  @Override
  public Integer call() throws IOException {
    if (steps < 1) {
      throw new ConfigurationException("--steps is " + steps + "; it must be at least 1");
    }
    if (batches < 1) {
      throw new ConfigurationException("--batches is " + batches + "; it must be at least 1");
    }
    var sizes = ConfigReader.preset(preset, Map.of());
    if (Modality.of(sizes).expected(sizes).condition().pixels() == 0) {
      throw new ConfigurationException("--preset " + preset + " makes no captions");
    }
    var bitsConfig = config("bits");
    var wordsConfig = config("autoregressive");
    threads.apply();
    var compute = Compute.choose("auto");
    try (var bits = (DiffusionModel) Model.create(bitsConfig, compute);
        var words = (AutoregressiveModel) Model.create(wordsConfig, compute)) {
      bits.ensureRight();
      var images = images(bitsConfig.schema().condition().pixels());
      var request = SampleRequest.of(bitsConfig.sampling(), 0, BATCH, images);
      var greedy = new BeamSearch(1, 0);
      var bitsTime = 0L;
      var wordsTime = 0L;
      for (var i = -1; i < batches; i++) { // the first of each warms up
        var start = System.nanoTime();
        bits.sample(request, Sampler.Listener.NONE);
        var middle = System.nanoTime();
        words.search(greedy, images, BATCH);
        if (i >= 0) {
          bitsTime += middle - start;
          wordsTime += System.nanoTime() - middle;
        }
      }
      print(compute, bits, batches * BATCH * 1e9 / bitsTime, batches * BATCH * 1e9 / wordsTime);
    }
    return 0;
  }

  private RunConfig config(String decoder) {
    var settings = new LinkedHashMap<String, String>();
    network.forEach((key, value) -> settings.put("network." + key, value));
    settings.put("network.decoder", decoder);
    settings.put("modality.length", Integer.toString(LENGTH));
    settings.put("sampling.steps", Integer.toString(steps));
    var config = ConfigReader.preset(preset, settings);
    var expected = Modality.of(config).expected(config);
    return config.withSchema(
        new Schema(expected.space(), expected.condition(), Schema.NO_END, Map.of()));
  }

  private static Given images(int bytes) {
    var images = new byte[BATCH * bytes];
    new Random(0).nextBytes(images);
    return Given.pixels(images);
  }

  private void print(Compute compute, Model bits, double bitsSpeed, double wordsSpeed)
      throws IOException {
    var report = new LinkedHashMap<String, Object>();
    report.put("bits_images_per_second", bitsSpeed);
    report.put("greedy_images_per_second", wordsSpeed);
    report.put("ratio", bitsSpeed / wordsSpeed);
    report.put("steps", steps);
    report.put("parameters", bits.network().parameters().count());
    report.put("precision", compute.precision().toString());
    report.put("threads", Engine.threads());
    var out = spec.commandLine().getOut();
    if (json) {
      out.println(Json.line(report));
      return;
    }
    out.printf(Locale.ROOT, "bits, %d steps, images/s   %8.2f%n", steps, bitsSpeed);
    out.printf(Locale.ROOT, "greedy, cached, images/s  %8.2f%n", wordsSpeed);
  }
}

package org.bitdiffusion.cli;

import static java.nio.charset.StandardCharsets.UTF_8;

import java.nio.file.Files;
import java.nio.file.NoSuchFileException;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Locale;
import java.util.Optional;
import java.util.concurrent.Callable;
import org.bitdiffusion.ConfigurationException;
import org.bitdiffusion.DataException;
import org.bitdiffusion.modality.Renderer;
import org.bitdiffusion.model.AutoregressiveModel;
import org.bitdiffusion.model.DiffusionModel;
import org.bitdiffusion.model.Model;
import org.bitdiffusion.model.SampleRequest;
import org.bitdiffusion.model.Samples;
import org.bitdiffusion.run.Run;
import org.bitdiffusion.sampling.SamplerConfig;
import picocli.CommandLine.Command;
import picocli.CommandLine.Mixin;
import picocli.CommandLine.Model.CommandSpec;
import picocli.CommandLine.Option;
import picocli.CommandLine.Parameters;
import picocli.CommandLine.Spec;

/** Describes image files. */
@Command(name = "caption", description = "Describes images in words.")
final class CaptionCommand implements Callable<Integer> {
  /** Captions that are made at a time. */
  private static final int BATCH = 64;

  private static final String TEXT = ".txt";

  @Spec private CommandSpec spec;

  @Mixin private DrawingOptions drawing;

  @Parameters(paramLabel = "IMAGE", arity = "1..*", description = "PNG, JPEG, GIF or BMP files.")
  private List<Path> images;

  @Option(
      names = "--n",
      paramLabel = "N",
      defaultValue = "1",
      description = "Captions of each image (default ${DEFAULT-VALUE}).")
  private int n;

  @Option(names = "--trace", description = "Shows the (first) caption after each sampling step.")
  private boolean trace;

  @Option(names = "--json", description = "Reports as JSON, a line for each image.")
  private boolean json;

  @Mixin private ThreadsOption threads;

  @Override
  public Integer call() {
    if (n < 1) {
      throw new ConfigurationException("--n is " + n + "; it must be at least 1");
    }
    threads.apply();
    var opened = Run.open(drawing.run());
    drawing.requireFit(opened.config());
    var how = drawing.sampling().over(opened.config().sampling());
    requireFit(opened, how);
    try (var renderer = opened.renderer();
        var model = opened.model(drawing.precision(), drawing.checkpoint().which())) {
      if (!renderer.endings().contains(TEXT)) {
        throw describesNothing(opened);
      }
      for (var image : images) { // before the work begins
        if (!Files.exists(image)) {
          throw DataException.cannotRead(image, new NoSuchFileException(image.toString()));
        }
      }
      for (var image : images) {
        describe(image, model, renderer, how);
      }
    }
    return 0;
  }

  private void requireFit(Run opened, SamplerConfig how) {
    if (opened.config().condition().pixels() == 0) {
      throw describesNothing(opened);
    }
    if (opened.config().network().autoregressive()) {
      if (trace) {
        throw new ConfigurationException(
            "the run's decoder is autoregressive: it has no steps to trace; leave --trace out");
      }
      if (n > 1 && how.nextSymbol().isGreedy()) {
        throw new ConfigurationException(
            "the run's decoder is autoregressive and has one likeliest caption for an image; leave"
                + " --n out, or let it draw with --temperature 1");
      }
      drawing.search().search(); // complains
      return;
    }
    if (how.guidance() != 0) {
      throw new ConfigurationException("--guidance is for classes of images; leave it out");
    }
  }

  private ConfigurationException describesNothing(Run opened) {
    return new ConfigurationException(
        "%s describes no images: its data is of the kind %s; use 'sample'"
            .formatted(drawing.run(), opened.modality().name()));
  }

  private void describe(Path image, Model model, Renderer renderer, SamplerConfig how) {
    var steps = new ArrayList<String>();
    var captions = new ArrayList<String>();
    var given = renderer.given(image.toString(), n);
    if (model instanceof AutoregressiveModel words && how.nextSymbol().isGreedy()) {
      captions.addAll(texts(renderer, words.search(drawing.search().search(), given, 1)));
    } else {
      model.sampleAll(
          new SampleRequest(how, drawing.seed(), 0, n, given, Optional.empty()),
          BATCH,
          step -> {
            if (trace && captions.isEmpty() && model instanceof DiffusionModel bits) {
              var space = model.config().schema().space();
              var estimate = new Samples(space, bits.symbols(step.estimate()));
              steps.add(texts(renderer, estimate).get(0));
            }
            return true;
          },
          samples -> captions.addAll(texts(renderer, samples)));
    }
    print(image, captions, steps);
  }

  private static List<String> texts(Renderer renderer, Samples samples) {
    var lines = new String(renderer.render(TEXT, samples, 1), UTF_8);
    return List.of(lines.split("\n", -1)).subList(0, samples.count()); // also empty ones
  }

  private void print(Path image, List<String> captions, List<String> steps) {
    var out = spec.commandLine().getOut();
    if (json) {
      var report = new LinkedHashMap<String, Object>();
      report.put("image", image.toString());
      report.put("captions", captions);
      if (trace) {
        report.put("steps", steps);
      }
      out.println(Json.line(report));
      return;
    }
    for (var i = 0; i < steps.size(); i++) {
      out.printf(Locale.ROOT, "%4d  %s%n", i + 1, steps.get(i));
    }
    for (var caption : captions) {
      out.println(images.size() == 1 ? caption : image + ": " + caption);
    }
  }
}

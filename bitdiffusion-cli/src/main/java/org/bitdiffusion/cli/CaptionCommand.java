package org.bitdiffusion.cli;

import java.nio.file.Files;
import java.nio.file.NoSuchFileException;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Locale;
import java.util.concurrent.Callable;
import org.bitdiffusion.ConfigurationException;
import org.bitdiffusion.DataException;
import org.bitdiffusion.data.ImageFiles;
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

  @Spec private CommandSpec spec;

  @Mixin private CaptioningOptions captioning;

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
    var out = spec.commandLine().getOut();
    try (var captioner = captioning.open()) {
      if (!captioner.model().hasSteps() && (trace || n > 1)) {
        throw new ConfigurationException(
            "the run's decoder is autoregressive: it has no steps to trace and one caption for an"
                + " image; leave --trace and --n out");
      }
      for (var image : images) { // before the work begins
        if (!Files.exists(image)) {
          throw DataException.cannotRead(image, new NoSuchFileException(image.toString()));
        }
      }
      for (var image : images) {
        var rgb = ImageFiles.square(image, captioner.model().side());
        var steps = new ArrayList<String>();
        var captions = new ArrayList<String>();
        while (captions.size() < n) {
          var first = captions.size();
          var copies = copies(rgb, Math.min(BATCH, n - first));
          captions.addAll(
              captioner.describe(
                  copies,
                  first,
                  step -> {
                    if (trace && first == 0) {
                      steps.add(captioner.texts(captioner.model().symbols(step.estimate())).get(0));
                    }
                    return true;
                  }));
        }
        if (json) {
          var report = new LinkedHashMap<String, Object>();
          report.put("image", image.toString());
          report.put("captions", captions);
          if (trace) {
            report.put("steps", steps);
          }
          out.println(Json.line(report));
          continue;
        }
        for (var i = 0; i < steps.size(); i++) {
          out.printf(Locale.ROOT, "%4d  %s%n", i + 1, steps.get(i));
        }
        for (var caption : captions) {
          out.println(images.size() == 1 ? caption : image + ": " + caption);
        }
      }
    }
    return 0;
  }

  private static byte[] copies(byte[] image, int count) {
    var copies = new byte[count * image.length];
    for (var i = 0; i < count; i++) {
      System.arraycopy(image, 0, copies, i * image.length, image.length);
    }
    return copies;
  }
}

package org.bitdiffusion.cli;

import java.nio.file.Path;
import java.util.LinkedHashMap;
import java.util.Locale;
import java.util.concurrent.Callable;
import java.util.stream.IntStream;
import org.bitdiffusion.ConfigurationException;
import org.bitdiffusion.data.DataSpec;
import org.bitdiffusion.modality.image.ClassifierFeatures;
import org.bitdiffusion.modality.image.ClassifierTraining;
import org.bitdiffusion.modality.image.ImageBatch;
import org.bitdiffusion.modality.image.ImageFeatures;
import org.bitdiffusion.modality.image.ImageSource;
import org.bitdiffusion.modality.image.ImageSources;
import org.bitdiffusion.runtime.Compute;
import picocli.CommandLine.Command;
import picocli.CommandLine.Mixin;
import picocli.CommandLine.Model.CommandSpec;
import picocli.CommandLine.Option;
import picocli.CommandLine.ParameterException;
import picocli.CommandLine.Spec;

@Command(
    name = "features",
    description = "Learns features to compare images by, where FID's network is not at hand.",
    synopsisSubcommandLabel = "COMMAND",
    subcommands = FeaturesCommand.Train.class)
final class FeaturesCommand implements Runnable {
  @Spec private CommandSpec spec;

  @Override
  public void run() {
    throw new ParameterException(
        spec.commandLine(), "what to do is missing: %s train".formatted(spec.qualifiedName()));
  }

  @Command(
      name = "train",
      description =
          "Trains a small classifier on images with classes. The Frechet distance of its features,"
              + " which 'evaluate --features FILE' reports, compares with others of the same file"
              + " and is not FID.")
  static final class Train implements Callable<Integer> {
    private static final int BATCH = 100; // of the test

    @Spec private CommandSpec spec;

    @Option(
        names = "--data",
        required = true,
        paramLabel = "SOURCE[:PATH][,key=value...]",
        description = "Images with classes, such as cifar10:FOLDER.")
    private String data;

    @Option(
        names = "--test",
        paramLabel = "SOURCE[:PATH][,key=value...]",
        description = "Other images, of which the share of right classes is told.")
    private String test;

    @Option(
        names = "--out",
        required = true,
        paramLabel = "FILE.safetensors",
        description = "The classifier; one that is there is replaced.")
    private Path out;

    @Option(
        names = "--steps",
        paramLabel = "N",
        description = "Updates of 64 images each (default: 1500).")
    private Integer steps;

    @Option(
        names = "--seed",
        paramLabel = "K",
        defaultValue = "0",
        description = "Of weights and order (default ${DEFAULT-VALUE}).")
    private long seed;

    @Option(
        names = "--precision",
        paramLabel = "P",
        defaultValue = "auto",
        completionCandidates = Names.Precisions.class,
        description = "${COMPLETION-CANDIDATES} (default ${DEFAULT-VALUE}).")
    private String precision;

    @Option(names = "--json", description = "Reports as JSON.")
    private boolean json;

    @Mixin private ThreadsOption threads;

    @Override
    public Integer call() {
      if (steps != null && steps < 1) {
        throw new ConfigurationException("--steps is " + steps + "; it must be at least 1");
      }
      Target.requireFile("--out", out, ".safetensors");
      Target.requireOutside("--out", out, DataSpec.parse(data));
      if (test != null) {
        Target.requireOutside("--out", out, DataSpec.parse(test));
      }
      threads.apply();
      var standard = ClassifierTraining.DEFAULT;
      var training =
          new ClassifierTraining(
              steps == null ? standard.steps() : steps,
              standard.batchSize(),
              standard.learningRate(),
              seed);
      try (var source = ImageSources.open(DataSpec.parse(data));
          var others = test == null ? null : opened(source);
          var progress =
              new Progress("training", training.steps(), 0, spec.commandLine().getErr());
          var network =
              training.train(
                  source,
                  Compute.choose(precision),
                  (step, loss) ->
                      progress.to(step, String.format(Locale.ROOT, "loss %.4f", loss)))) {
        ClassifierFeatures.save(out, network, source);
        var report = new LinkedHashMap<String, Object>();
        report.put("classes", source.classes().size());
        if (others != null) {
          try (var features = ClassifierFeatures.load(out, precision)) {
            report.put("test_accuracy", accuracy(features, others));
          }
        }
        report.put("out", out.toString());
        var writer = spec.commandLine().getOut();
        if (json) {
          writer.println(Json.line(report));
        } else {
          report.forEach((name, value) -> writer.printf("%-16s%s%n", name, value));
        }
      }
      return 0;
    }

    private ImageSource opened(ImageSource training) {
      var others = ImageSources.open(DataSpec.parse(test));
      if (!others.format().equals(training.format())
          || !others.classes().equals(training.classes())) {
        others.close();
        throw new ConfigurationException(
            "--test %s has images or classes of another kind than --data %s"
                .formatted(others.name(), training.name()));
      }
      return others;
    }

    private static double accuracy(ImageFeatures features, ImageSource source) {
      var right = 0;
      for (var first = 0; first < source.size(); first += BATCH) {
        var images = ImageBatch.read(source, first, Math.min(BATCH, source.size() - first));
        var labels =
            IntStream.range(first, first + images.count()).mapToLong(source::label).toArray();
        right += features.of(images).agreeing(labels);
      }
      return (double) right / source.size();
    }
  }
}

package org.bitdiffusion.cli;

import static java.nio.charset.StandardCharsets.UTF_8;

import java.nio.file.Path;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.concurrent.Callable;
import org.bitdiffusion.ConfigurationException;
import org.bitdiffusion.data.DataSources;
import org.bitdiffusion.data.DataSpec;
import org.bitdiffusion.data.WholeFile;
import org.bitdiffusion.evaluation.ImageEvaluation;
import org.bitdiffusion.metrics.CaptionScores;
import org.bitdiffusion.metrics.CaptionTokenizer;
import org.bitdiffusion.metrics.ScoredCaption;
import org.bitdiffusion.sampling.Sampler;
import org.bitdiffusion.text.CaptionData;
import org.bitdiffusion.training.ImageModel;
import org.bitdiffusion.training.RunFolder;
import picocli.CommandLine.Command;
import picocli.CommandLine.Mixin;
import picocli.CommandLine.Model.CommandSpec;
import picocli.CommandLine.Option;
import picocli.CommandLine.Spec;

/** Measures how good a run is: its captions of images, or its images. */
@Command(
    name = "evaluate",
    description = {
      "Measures how good a run is: its captions of images, or its images.",
      "Of a run of captions: describes the images of a data source and scores the captions against"
          + " theirs.",
      "Of a run of images: draws samples and compares them with the data. The samples are kept in"
          + " the run folder, so that an evaluation that was cut off goes on."
    })
final class EvaluateCommand implements Callable<Integer> {
  private static final int SAMPLES = 1000;

  @Spec private CommandSpec spec;

  @Mixin private CaptioningOptions captioning;

  @Option(
      names = "--data",
      required = true,
      paramLabel = "SOURCE[:PATH][,key=value...]",
      description = "Images with captions, such as scenes,split=test, or the images trained on.")
  private String data;

  @Option(
      names = "--n",
      paramLabel = "N",
      description =
          "Images to describe, evenly from all of the source (default: all of them); or samples to"
              + " draw (default: 1000).")
  private Integer n;

  @Mixin private BatchSizeOption batching;

  @Option(
      names = "--captions",
      paramLabel = "FILE.jsonl",
      description = "Also writes the captions: a line of id and text for each image.")
  private Path captionFile;

  @Option(
      names = "--held-out",
      paramLabel = "SOURCE[:PATH][,key=value...]",
      description = "Of a run of images: images that it was not trained on, to tell copies.")
  private String heldOut;

  @Mixin private FeaturesOptions comparing;

  @Option(names = "--json", description = "Reports as JSON.")
  private boolean json;

  @Mixin private ThreadsOption threads;

  /** A line of the file of captions, as {@code metrics captions} reads them. */
  private record Line(int id, String text) {}

  @Override
  public Integer call() {
    batching.require();
    if (n != null && n < 1) {
      throw new ConfigurationException("--n is " + n + "; it must be at least 1");
    }
    if (captionFile != null) {
      Target.requireFile("--captions", captionFile, ".jsonl");
    }
    var isOfImages = RunFolder.open(captioning.run()).config(Map.of()).captions() == null;
    requireFit(isOfImages);
    threads.apply();
    if (isOfImages) {
      evaluateImages();
    } else {
      evaluateCaptions();
    }
    return 0;
  }

  private void requireFit(boolean isOfImages) {
    if (isOfImages && (captionFile != null || captioning.hasSearch())) {
      throw new ConfigurationException(
          "--captions, --beams and --length-penalty are for runs of captions; this one makes"
              + " images");
    }
    if (!isOfImages && (heldOut != null || comparing.isGiven())) {
      throw new ConfigurationException(
          "--held-out, --inception, --features and --reference are for runs of images; this one makes"
              + " captions");
    }
    comparing.requireOne();
  }

  private void evaluateImages() {
    var samples = n == null ? SAMPLES : n;
    try (var model = ImageModel.load(captioning.run(), captioning.precision());
        var training = DataSources.open(DataSpec.parse(data));
        var others = heldOut == null ? null : DataSources.open(DataSpec.parse(heldOut));
        var features = comparing.open()) {
      var sampling = captioning.sampling().over(model.config().sampling());
      var err = spec.commandLine().getErr();
      var evaluation =
          new ImageEvaluation(
              captioning.run(), model, sampling, captioning.seed(), samples, batching.size());
      evaluation.requireTraining(training);
      if (others != null) {
        evaluation.requireSame(others);
      }
      ImageEvaluation.requireFit(model.config(), sampling, captioning.seed(), samples, training);
      var real = comparing.real(training, features, samples, err);
      Map<String, Object> measured;
      try (var progress = new Progress("samples", samples, 0, err)) {
        measured = evaluation.measure(real, done -> progress.to(done, ""));
      }
      if (evaluation.found() > 0) {
        err.printf("%,d of the %,d samples were there already%n", evaluation.found(), samples);
      }
      err.println("looks for the nearest training images");
      var report = new LinkedHashMap<String, Object>(evaluation.nearest(training, others));
      report.putAll(measured);
      err.println("the samples are kept in " + evaluation.folder());
      var out = spec.commandLine().getOut();
      if (json) {
        out.println(Json.line(report));
      } else {
        report.forEach((name, value) -> out.printf("%-32s%s%n", name, text(value)));
      }
    }
  }

  private static String text(Object value) {
    return value instanceof Double number
        ? String.format(Locale.ROOT, "%.5g", number)
        : String.valueOf(value);
  }

  private void evaluateCaptions() {
    var lines = new StringBuilder();
    var scored = new ArrayList<ScoredCaption>();
    var seconds = 0.0;
    var judged = 0;
    var trueCaptions = 0;
    try (var captioner = captioning.open();
        var images = DataSources.open(DataSpec.parse(data))) {
      var pairs =
          new CaptionData(
              images, captioner.tokenizer(), captioner.model().config().captions().length());
      pairs.requireSide(captioner.model().side());
      var size = 3 * captioner.model().side() * captioner.model().side();
      var all = images.size();
      var count = n == null ? all : Math.min(n, all);
      try (var progress = new Progress("describing", count, 0, spec.commandLine().getErr())) {
        for (var first = 0; first < count; first += batching.size()) {
          var batch = new int[Math.min(batching.size(), count - first)];
          var rgb = new byte[batch.length * size];
          for (var i = 0; i < batch.length; i++) {
            batch[i] = (int) ((long) (first + i) * all / count);
            pairs.readCondition(batch[i], rgb, i * size);
          }
          var start = System.nanoTime();
          var captions = captioner.describe(rgb, first, Sampler.Listener.NONE);
          seconds += (System.nanoTime() - start) / 1e9;
          for (var i = 0; i < batch.length; i++) {
            lines.append(Json.line(new Line(batch[i], captions.get(i)))).append('\n');
            scored.add(scored(captions.get(i), images.captions(batch[i])));
            var truth = images.isTrue(batch[i], captions.get(i));
            judged += truth.isPresent() ? 1 : 0;
            trueCaptions += truth.orElse(false) ? 1 : 0;
          }
          progress.to(first + batch.length, captions.get(0));
        }
      }
      if (captionFile != null) {
        WholeFile.write(captionFile, out -> out.write(lines.toString().getBytes(UTF_8)));
      }
      var more = new LinkedHashMap<String, Number>();
      if (judged > 0) {
        more.put("true_captions", (double) trueCaptions / judged);
      }
      more.put("captions_per_second", count / seconds);
      MetricsCommand.report(CaptionScores.of(scored), more, json, spec.commandLine().getOut());
    }
  }

  private static ScoredCaption scored(String caption, List<String> references) {
    return new ScoredCaption(
        CaptionTokenizer.tokens(caption),
        references.stream().map(CaptionTokenizer::tokens).toList());
  }
}

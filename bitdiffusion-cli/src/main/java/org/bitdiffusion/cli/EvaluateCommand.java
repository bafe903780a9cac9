package org.bitdiffusion.cli;

import static java.nio.charset.StandardCharsets.UTF_8;

import java.nio.file.Path;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.concurrent.Callable;
import org.bitdiffusion.ConfigurationException;
import org.bitdiffusion.data.DataSources;
import org.bitdiffusion.data.DataSpec;
import org.bitdiffusion.data.Scenes;
import org.bitdiffusion.data.WholeFile;
import org.bitdiffusion.metrics.CaptionScores;
import org.bitdiffusion.metrics.CaptionTokenizer;
import org.bitdiffusion.metrics.ScoredCaption;
import org.bitdiffusion.sampling.Sampler;
import org.bitdiffusion.text.CaptionData;
import picocli.CommandLine.Command;
import picocli.CommandLine.Mixin;
import picocli.CommandLine.Model.CommandSpec;
import picocli.CommandLine.Option;
import picocli.CommandLine.Spec;

/** Scores a run's captions of images against those of the data. */
@Command(
    name = "evaluate",
    description = "Describes the images of a data source and scores the captions.")
final class EvaluateCommand implements Callable<Integer> {
  @Spec private CommandSpec spec;

  @Mixin private CaptioningOptions captioning;

  @Option(
      names = "--data",
      required = true,
      paramLabel = "SOURCE[:PATH][,key=value...]",
      description = "Images with captions, such as scenes,split=test.")
  private String data;

  @Option(
      names = "--n",
      paramLabel = "N",
      description = "Images to describe, evenly from all of the source (default: all of them).")
  private Integer n;

  @Option(
      names = "--batch-size",
      paramLabel = "B",
      defaultValue = "32",
      description = "Images described at once (default ${DEFAULT-VALUE}).")
  private int batchSize;

  @Option(
      names = "--captions",
      paramLabel = "FILE.jsonl",
      description = "Also writes the captions: a line of id and text for each image.")
  private Path captionFile;

  @Option(names = "--json", description = "Reports as JSON.")
  private boolean json;

  @Mixin private ThreadsOption threads;

  /** A line of the file of captions, as {@code metrics captions} reads them. */
  private record Line(int id, String text) {}

  @Override
  public Integer call() {
    if (batchSize < 1) {
      throw new ConfigurationException("--batch-size is " + batchSize + "; it must be at least 1");
    }
    if (n != null && n < 1) {
      throw new ConfigurationException("--n is " + n + "; it must be at least 1");
    }
    if (captionFile != null) {
      Target.requireFile("--captions", captionFile, ".jsonl");
    }
    threads.apply();
    var lines = new StringBuilder();
    var scored = new ArrayList<ScoredCaption>();
    var seconds = 0.0;
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
        for (var first = 0; first < count; first += batchSize) {
          var batch = new int[Math.min(batchSize, count - first)];
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
            if (images instanceof Scenes scenes && scenes.isTrue(batch[i], captions.get(i))) {
              trueCaptions++;
            }
          }
          progress.to(first + batch.length, captions.get(0));
        }
      }
      if (captionFile != null) {
        WholeFile.write(captionFile, out -> out.write(lines.toString().getBytes(UTF_8)));
      }
      var more = new LinkedHashMap<String, Number>();
      if (images instanceof Scenes) {
        more.put("true_captions", (double) trueCaptions / count);
      }
      more.put("captions_per_second", count / seconds);
      MetricsCommand.report(CaptionScores.of(scored), more, json, spec.commandLine().getOut());
    }
    return 0;
  }

  private static ScoredCaption scored(String caption, List<String> references) {
    return new ScoredCaption(
        CaptionTokenizer.tokens(caption),
        references.stream().map(CaptionTokenizer::tokens).toList());
  }
}

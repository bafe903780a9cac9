package org.bitdiffusion.cli;

import java.io.PrintWriter;
import java.nio.file.Path;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.concurrent.Callable;
import java.util.function.Function;
import java.util.stream.Stream;
import org.bitdiffusion.DataException;
import org.bitdiffusion.metrics.CaptionFile;
import org.bitdiffusion.metrics.CaptionScores;
import org.bitdiffusion.metrics.CaptionTokenizer;
import org.bitdiffusion.modality.image.FeatureStatistics;
import picocli.CommandLine.Command;
import picocli.CommandLine.Model.CommandSpec;
import picocli.CommandLine.Option;
import picocli.CommandLine.ParameterException;
import picocli.CommandLine.Parameters;
import picocli.CommandLine.Spec;

/** Measures how good generated data is. */
@Command(
    name = "metrics",
    description = "Measures how good generated data is, from files that anything may have made.",
    synopsisSubcommandLabel = "COMMAND",
    subcommands = {MetricsCommand.Captions.class, MetricsCommand.Frechet.class, FidCommand.class})
final class MetricsCommand implements Runnable {
  @Spec private CommandSpec spec;

  @Override
  public void run() {
    throw new ParameterException(
        spec.commandLine(),
        "what to measure is missing: %s captions, frechet or fid".formatted(spec.qualifiedName()));
  }

  @Command(
      name = "captions",
      description = {
        "Scores captions of images against references, as the COCO caption evaluation does:"
            + " BLEU-1 to 4, CIDEr (its variant CIDEr-D) and ROUGE-L, after its tokenization. Also"
            + " distinct-1 and -2 (different words and pairs among all of the candidates), and exact"
            + " match (candidates that equal one of their references)."
      },
      footer = {
        "",
        "A file is one of, told by its content:",
        "  COCO's results      [{\"image_id\": 42, \"caption\": \"a dog\"}, ...]",
        "  COCO's annotations  {\"annotations\": [{\"image_id\": 42, \"caption\": \"a dog\"}, ...]}",
        "  JSON Lines          {\"id\": 42, \"text\": \"a dog\"} on each line",
        "Candidates have one caption for each id, references one or more. Both must be of the same"
            + " ids, as in COCO's evaluation; otherwise nothing is scored (exit code 1)."
      })
  static final class Captions implements Callable<Integer> {
    @Spec private CommandSpec spec;

    @Option(
        names = "--candidates",
        required = true,
        paramLabel = "FILE",
        description = "The captions to be scored.")
    private Path candidates;

    @Option(
        names = "--references",
        required = true,
        paramLabel = "FILE",
        description = "What people said of the same images.")
    private Path references;

    @Option(
        names = "--pretokenized",
        description =
            "The captions are tokens already, separated by blanks: they are compared as they are.")
    private boolean pretokenized;

    @Option(names = "--json", description = "Reports as JSON.")
    private boolean json;

    @Override
    public Integer call() {
      Function<String, List<String>> tokenizer =
          pretokenized ? Captions::words : CaptionTokenizer::tokens;
      var scores =
          CaptionScores.of(
              CaptionFile.read(candidates).scoredBy(CaptionFile.read(references), tokenizer));
      report(scores, json, spec.commandLine().getOut());
      return 0;
    }

    private static List<String> words(String text) {
      return Stream.of(text.split("\\s+")).filter(word -> !word.isEmpty()).toList();
    }
  }

  @Command(
      name = "frechet",
      description = {
        "The Frechet distance of two sets of images from the mean and covariance of their features,"
            + " as pytorch-fid and EDM write them: the arrays mu and sigma of an npz file. It is FID"
            + " if the features are those of FID's Inception-v3."
      })
  static final class Frechet implements Callable<Integer> {
    @Spec private CommandSpec spec;

    @Parameters(index = "0", paramLabel = "FILE.npz", description = "A file of statistics.")
    private Path one;

    @Parameters(index = "1", paramLabel = "FILE.npz", description = "Another.")
    private Path other;

    @Option(names = "--json", description = "Reports as JSON.")
    private boolean json;

    @Override
    public Integer call() {
      var first = FeatureStatistics.read(one);
      var second = FeatureStatistics.read(other);
      if (first.features() != second.features()) {
        throw new DataException(
            "%s has statistics of %d features, but %s of %d; both must come from the same network"
                .formatted(one, first.features(), other, second.features()));
      }
      FeatureStatistics.requireSameWeights(one, other);
      var distance = first.frechetDistance(second);
      var features = first.features() + " values, as the files have them";
      var out = spec.commandLine().getOut();
      if (json) {
        var report = new LinkedHashMap<String, Object>();
        report.put("frechet_distance", distance);
        report.put("features", features);
        out.println(Json.line(report));
      } else {
        out.printf("frechet distance %.6g of %s%n", distance, features);
      }
      return 0;
    }
  }

  private static void report(CaptionScores scores, boolean json, PrintWriter out) {
    var report = new LinkedHashMap<String, Number>();
    report.putAll(scores.byName());
    report.put("images", scores.images());
    if (json) {
      out.println(Json.line(report));
      return;
    }
    report.forEach(
        (name, value) -> {
          if (value instanceof Integer) {
            out.printf("%-20s%,7d%n", name, value.intValue());
          } else {
            out.printf("%-20s%7.4f%n", name, value.doubleValue());
          }
        });
  }
}

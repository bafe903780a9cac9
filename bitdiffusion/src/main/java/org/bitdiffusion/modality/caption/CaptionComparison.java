package org.bitdiffusion.modality.caption;

import static java.nio.charset.StandardCharsets.UTF_8;

import com.fasterxml.jackson.databind.ObjectMapper;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import org.bitdiffusion.ConfigurationException;
import org.bitdiffusion.config.RunConfig;
import org.bitdiffusion.data.Condition;
import org.bitdiffusion.data.Given;
import org.bitdiffusion.io.WholeFile;
import org.bitdiffusion.metrics.CaptionScores;
import org.bitdiffusion.metrics.CaptionTokenizer;
import org.bitdiffusion.metrics.ScoredCaption;
import org.bitdiffusion.modality.Evaluation;
import org.bitdiffusion.modality.Watch;
import org.bitdiffusion.modality.image.ImageSource;
import org.bitdiffusion.model.AutoregressiveModel;
import org.bitdiffusion.model.SampleRequest;
import org.bitdiffusion.model.Samples;
import org.bitdiffusion.sampling.BeamSearch;
import org.bitdiffusion.sampling.SamplerConfig;

/**
 * Describes images that people have described. It tells the {@link CaptionScores}, where the source
 * knows it the share of {@code true_captions}, {@code captions_per_second} and the number of {@code
 * images}.
 */
final class CaptionComparison implements Evaluation.Comparison {
  private final ImageSource images;
  private final int count;
  private final Optional<BeamSearch> search;
  private final Optional<Path> file;

  /**
   * @param count of the images, evenly from all, are described
   * @param search of an autoregressive decoder
   * @param file to which the captions are written
   */
  CaptionComparison(
      ImageSource images, int count, Optional<BeamSearch> search, Optional<Path> file) {
    this.images = images;
    this.count = count;
    this.search = search;
    this.file = file;
  }

  @Override
  public List<String> measured(RunConfig run) {
    var names = new ArrayList<>(CaptionScores.NAMES);
    if (images.isTrue(0, "").isPresent()) {
      names.add("true_captions");
    }
    return names;
  }

  @Override
  public void requireFit(RunConfig run, SamplerConfig sampling, long seed) {
    var format = images.format();
    if (run.schema().condition() instanceof Condition.Pixels pixels
        && (pixels.width() != format.width() || pixels.height() != format.height())) {
      throw new ConfigurationException(
          "%s: images are %dx%d, but the run describes those of %dx%d"
              .formatted(
                  images.name(), format.width(), format.height(), pixels.width(), pixels.height()));
    }
    for (var i = 0; i < count; i++) {
      if (images.captions(at(i)).isEmpty()) {
        throw new ConfigurationException(
            "%s: image %d has no caption to compare with".formatted(images.name(), at(i)));
      }
    }
    if (search.isPresent() && !run.network().autoregressive()) {
      throw new ConfigurationException(
          "beams and length_penalty are for autoregressive decoders; this run makes all tokens at"
              + " once");
    }
    if (search.isPresent() && !sampling.nextSymbol().isGreedy()) {
      throw new ConfigurationException(
          "beams and length_penalty search, and sampling.temperature %s draws; take 0"
              .formatted(sampling.temperature()));
    }
    if (sampling.guidance() != 0 && !run.network().autoregressive()) {
      throw new ConfigurationException(
          "sampling.guidance is %s, but captions are made without; use 0"
              .formatted(sampling.guidance()));
    }
  }

  private int at(int i) {
    return (int) ((long) i * images.size() / count);
  }

  @Override
  public Map<String, Object> measure(Evaluation.Subject subject, List<String> only, Watch watch) {
    var run = subject.model().config();
    requireFit(run, subject.sampling(), subject.seed());
    var json = new ObjectMapper();
    var lines = new StringBuilder();
    var scored = new ArrayList<ScoredCaption>();
    var seconds = 0.0;
    var judged = 0;
    var right = 0;
    var length = run.schema().space().places();
    var size = 3 * images.format().height() * images.format().width();
    try (var tokenizer = RunTokenizer.open(run, subject.folder().path())) {
      for (var first = 0; first < count; first += subject.batch()) {
        var some = Math.min(subject.batch(), count - first);
        var pixels = new byte[some * size];
        for (var i = 0; i < some; i++) {
          images.readRgb(at(first + i), pixels, i * size);
        }
        var start = System.nanoTime();
        var captions = describe(subject, Given.pixels(pixels), first, some);
        seconds += (System.nanoTime() - start) / 1e9;
        var text = "";
        for (var i = 0; i < some; i++) {
          var image = at(first + i);
          text = tokenizer.decode(captions.symbols(), i * length, length);
          lines.append(json.createObjectNode().put("id", image).put("text", text)).append('\n');
          scored.add(scored(text, images.captions(image)));
          var truth = images.isTrue(image, text);
          judged += truth.isPresent() ? 1 : 0;
          right += truth.orElse(false) ? 1 : 0;
        }
        watch.progress("describing", first + some, count, text);
      }
    }
    file.ifPresent(to -> WholeFile.write(to, out -> out.write(lines.toString().getBytes(UTF_8))));
    var scores = CaptionScores.of(scored);
    var report = new LinkedHashMap<String, Object>(scores.byName());
    if (judged > 0) {
      report.put("true_captions", (double) right / judged);
    }
    report.put("captions_per_second", count / seconds);
    report.put("images", scores.images());
    return report;
  }

  private Samples describe(Evaluation.Subject subject, Given given, int first, int some) {
    if (search.isPresent() && subject.model() instanceof AutoregressiveModel model) {
      return model.search(search.get(), given, some);
    }
    var request =
        new SampleRequest(subject.sampling(), subject.seed(), first, some, given, Optional.empty());
    return subject.model().sample(request, subject.listener());
  }

  private static ScoredCaption scored(String caption, List<String> references) {
    return new ScoredCaption(
        CaptionTokenizer.tokens(caption),
        references.stream().map(CaptionTokenizer::tokens).toList());
  }
}

package org.bitdiffusion.cli;

import java.nio.file.Path;
import java.util.List;
import org.bitdiffusion.ConfigurationException;
import org.bitdiffusion.sampling.Sampler;
import org.bitdiffusion.text.BeamSearch;
import org.bitdiffusion.text.Tokenizer;
import org.bitdiffusion.training.CaptionModel;
import picocli.CommandLine.Mixin;
import picocli.CommandLine.Option;

/** Options that change how captions are made, and the captions that they make. */
final class CaptioningOptions {
  @Option(
      names = "--run",
      required = true,
      paramLabel = "RUN",
      description = "The run folder of a training.")
  private Path run;

  @Mixin private SamplingOptions sampling;

  @Option(
      names = "--beams",
      paramLabel = "N",
      description = "Of an autoregressive decoder: captions kept while searching; 1 is greedy.")
  private Integer beams;

  @Option(
      names = "--length-penalty",
      paramLabel = "A",
      description = "Captions of n tokens are compared by log p / n^A (default 0).")
  private Double lengthPenalty;

  @Option(
      names = "--seed",
      paramLabel = "K",
      defaultValue = "0",
      description = "Seed of all noise (default ${DEFAULT-VALUE}).")
  private long seed;

  @Option(
      names = "--precision",
      paramLabel = "P",
      defaultValue = "auto",
      description = "auto, float32 or bfloat16 (default ${DEFAULT-VALUE}).")
  private String precision;

  Path run() {
    return run;
  }

  SamplingOptions sampling() {
    return sampling;
  }

  long seed() {
    return seed;
  }

  /** Whether an option of the search is given. */
  boolean hasSearch() {
    return beams != null || lengthPenalty != null;
  }

  String precision() {
    return precision;
  }

  /** Opens the run. */
  Captioner open() {
    if (beams != null && beams < 1) {
      throw new ConfigurationException("--beams is " + beams + "; it must be at least 1");
    }
    if (lengthPenalty != null && !(lengthPenalty >= 0 && Double.isFinite(lengthPenalty))) {
      throw new ConfigurationException(
          "--length-penalty is " + lengthPenalty + "; it must be at least 0");
    }
    var model = CaptionModel.load(run, precision);
    try {
      requireFit(model);
      return new Captioner(model, CaptionModel.tokenizer(run));
    } catch (RuntimeException e) {
      model.close();
      throw e;
    }
  }

  private void requireFit(CaptionModel model) {
    if (model.hasSteps() && hasSearch()) {
      throw new ConfigurationException(
          "--beams and --length-penalty are for autoregressive decoders; this run makes all tokens"
              + " at once");
    }
    if (!model.hasSteps() && sampling.isGiven()) {
      throw new ConfigurationException(
          "the run's decoder is autoregressive: it has no sampling steps; leave --steps and the"
              + " like out");
    }
    if (sampling.over(model.config().sampling()).guidance() != 0) {
      throw new ConfigurationException("--guidance is for classes of images; leave it out");
    }
  }

  /** Describes images with an opened run. */
  final class Captioner implements AutoCloseable {
    private final CaptionModel model;
    private final Tokenizer tokenizer;

    Captioner(CaptionModel model, Tokenizer tokenizer) {
      this.model = model;
      this.tokenizer = tokenizer;
    }

    Tokenizer tokenizer() {
      return tokenizer;
    }

    CaptionModel model() {
      return model;
    }

    /**
     * One caption of each image.
     *
     * @param rgb [N, 3, S, S], unsigned
     * @param first number of the first caption among those of the seed
     * @param listener sees the steps of a decoder that has steps
     */
    List<String> describe(byte[] rgb, long first, Sampler.Listener listener) {
      if (model.hasSteps()) {
        var config = sampling.over(model.config().sampling());
        return texts(model.sample(config, seed, first, rgb, listener));
      }
      var search =
          new BeamSearch(beams == null ? 1 : beams, lengthPenalty == null ? 0 : lengthPenalty);
      return model.search(search, rgb).stream()
          .map(tokens -> tokenizer.decode(tokens, 0, tokens.length))
          .toList();
    }

    /** The captions that rows of tokens [N, L] stand for. */
    List<String> texts(int[] tokens) {
      return model.texts(tokenizer, tokens);
    }

    @Override
    public void close() {
      tokenizer.close();
      model.close();
    }
  }
}

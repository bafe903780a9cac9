package org.bitdiffusion.modality.caption;

import java.nio.file.Path;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import org.bitdiffusion.ConfigurationException;
import org.bitdiffusion.config.ModalityConfig;
import org.bitdiffusion.config.RunConfig;
import org.bitdiffusion.data.Condition;
import org.bitdiffusion.data.DataSource;
import org.bitdiffusion.data.DataSpec;
import org.bitdiffusion.data.Schema;
import org.bitdiffusion.data.SourceKind;
import org.bitdiffusion.data.Space;
import org.bitdiffusion.modality.Evaluation;
import org.bitdiffusion.modality.Modality;
import org.bitdiffusion.modality.Renderer;
import org.bitdiffusion.modality.image.Fit;
import org.bitdiffusion.modality.image.ImageSources;
import org.bitdiffusion.text.Tokenizer;

/** Captions [1, L] of tokens, each of an image, which it is conditioned on. */
public final class CaptionModality implements Modality {
  @Override
  public String name() {
    return CaptionSettings.KIND;
  }

  @Override
  public Class<? extends ModalityConfig> settings() {
    return CaptionSettings.class;
  }

  /** None of its own: it takes images that have captions. */
  @Override
  public List<SourceKind> sources() {
    return List.of();
  }

  @Override
  public void requireFit(RunConfig config) {
    if (config.sampling().guidance() != 0) {
      throw new ConfigurationException(
          "sampling.guidance is %s, but captions are made without; use 0"
              .formatted(config.sampling().guidance()));
    }
  }

  @Override
  public Schema expected(RunConfig config) {
    var settings = (CaptionSettings) config.modality();
    var images = Modality.plan(DataSpec.parse(config.data())).expected().space().shape();
    return new Schema(
        Space.of(List.of(1, settings.length()), settings.vocabulary()),
        new Condition.Pixels(3, images.get(1), images.get(2)),
        0,
        Map.of());
  }

  @Override
  public DataSource open(RunConfig config, Optional<Path> run) {
    var settings = (CaptionSettings) config.modality();
    var data = DataSpec.parse(config.data());
    var images =
        ImageSources.open(
            run.isPresent() ? ImageSources.fitted(data, Fit.of(config.schema())) : data);
    Tokenizer tokenizer = null;
    try {
      tokenizer =
          run.isPresent()
              ? RunTokenizer.open(config, run.get())
              : Tokenizer.of(
                  settings.tokenizer(), CaptionData.captions(images), settings.vocabulary());
      return new CaptionData(images, tokenizer, settings.length());
    } catch (RuntimeException | Error e) {
      images.close();
      if (tokenizer != null) {
        tokenizer.close();
      }
      throw e;
    }
  }

  @Override
  public DataSource forTraining(DataSource source, ModalityConfig settings) {
    var jitter = new Jitter(((CaptionSettings) settings).jitter());
    if (jitter.equals(Jitter.NONE)) {
      return source;
    }
    if (!(source instanceof CaptionData captions)) {
      throw new ConfigurationException(
          "modality.jitter changes the images of captions, and %s is another kind of source; use 0"
              .formatted(source.name()));
    }
    return captions.jittered(jitter);
  }

  @Override
  public Renderer renderer(RunConfig config, Path run) {
    return new CaptionRenderer(RunTokenizer.open(config, run), config.schema(), true);
  }

  @Override
  public Renderer renderer(DataSource source) {
    if (!(source instanceof CaptionData captions)) {
      throw new ConfigurationException(source.name() + " holds no captions");
    }
    return new CaptionRenderer(captions.tokenizer(), source.schema(), false);
  }

  @Override
  public Evaluation evaluation() {
    return new CaptionEvaluation();
  }
}

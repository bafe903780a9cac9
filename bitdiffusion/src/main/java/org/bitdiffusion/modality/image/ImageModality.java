package org.bitdiffusion.modality.image;

import java.nio.file.Path;
import java.util.List;
import java.util.Optional;
import org.bitdiffusion.ConfigurationException;
import org.bitdiffusion.config.ModalityConfig;
import org.bitdiffusion.config.RunConfig;
import org.bitdiffusion.data.DataSource;
import org.bitdiffusion.data.SourceKind;
import org.bitdiffusion.modality.Evaluation;
import org.bitdiffusion.modality.Modality;
import org.bitdiffusion.modality.Renderer;

/** Images [C, H, W] of one format, with classes or without. */
public final class ImageModality implements Modality {
  @Override
  public String name() {
    return ImageSettings.KIND;
  }

  @Override
  public Class<? extends ModalityConfig> settings() {
    return ImageSettings.class;
  }

  @Override
  public List<SourceKind> sources() {
    return ImageSources.ALL;
  }

  @Override
  public DataSource forTraining(DataSource source, ModalityConfig settings) {
    if (!((ImageSettings) settings).flip()) {
      return source;
    }
    var shape = source.schema().space().shape();
    if (shape.size() != 3 || source.schema().condition().pixels() > 0) {
      throw new ConfigurationException(
          "modality.flip mirrors images [C, H, W] that come alone, and the examples of %s are of"
                  .formatted(source.name())
              + " shape %s%s; set it to false"
                  .formatted(shape, shape.size() == 3 ? " and come with another image" : ""));
    }
    return new Flipped(source);
  }

  @Override
  public Renderer renderer(RunConfig config, Path run) {
    return new ImageRenderer(ImageFormat.of(config.schema()), config.condition());
  }

  @Override
  public Renderer renderer(DataSource source) {
    return new ImageRenderer(ImageFormat.of(source.schema()), source.schema().condition());
  }

  @Override
  public Optional<String> packed() {
    return Optional.of(PackedImages.ENDING);
  }

  @Override
  public void pack(DataSource source, Path file) {
    if (!(source instanceof ImageSource images)) {
      throw new ConfigurationException(source.name() + " is no source of images that are packed");
    }
    if (images.size() > 0 && images.isTrue(0, "").isPresent()) {
      throw new ConfigurationException(
          ("%s: packed, it could not tell any more which captions are true of an image; use it as it"
                  + " is, which needs no files")
              .formatted(source.name()));
    }
    PackedImages.write(file, images);
  }

  @Override
  public Evaluation evaluation() {
    return new ImageEvaluation();
  }
}

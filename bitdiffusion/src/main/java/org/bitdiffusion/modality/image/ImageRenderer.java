package org.bitdiffusion.modality.image;

import java.nio.file.Path;
import java.util.List;
import org.bitdiffusion.ConfigurationException;
import org.bitdiffusion.DataException;
import org.bitdiffusion.data.Condition;
import org.bitdiffusion.data.Given;
import org.bitdiffusion.modality.Renderer;
import org.bitdiffusion.model.Samples;
import org.bitdiffusion.sampling.Known;

/**
 * Images as PNG: a grid of many, or one in its own size.
 *
 * @param condition classes that can be asked for by name
 */
public record ImageRenderer(ImageFormat format, Condition condition) implements Renderer {
  @Override
  public List<String> endings() {
    return List.of(".png");
  }

  @Override
  public String mediaType(String ending) {
    return "image/png";
  }

  @Override
  public byte[] render(String ending, Samples samples, int columns) {
    return columns == ANY_COLUMNS
        ? ImageGrid.png(samples.symbols(), format)
        : ImageGrid.png(samples.symbols(), format, columns);
  }

  @Override
  public byte[] renderOne(Samples one) {
    return ImageGrid.one(one.symbols(), format);
  }

  @Override
  public Given given(String text, int count) {
    if (condition.classes().isEmpty()) {
      throw new ConfigurationException("the run was trained without classes; ask for none");
    }
    return Given.ofClasses(condition.classes(), text, count);
  }

  /** A PNG of the images' size: what is transparent is to be drawn, all else is given. */
  @Override
  public Known known(Path file) {
    var partial = ImageFiles.partial(file);
    var image = partial.image();
    if (image.width() != format.width() || image.height() != format.height()) {
      throw new DataException(
          "%s is %dx%d, but the run's images are %dx%d"
              .formatted(file, image.width(), image.height(), format.width(), format.height()));
    }
    var plane = format.height() * format.width();
    var mask = new boolean[format.symbols()];
    for (var i = 0; i < mask.length; i++) {
      mask[i] = !partial.transparent()[i % plane];
    }
    return new Known(mask, format.nearest(image.rgb()), 1);
  }
}

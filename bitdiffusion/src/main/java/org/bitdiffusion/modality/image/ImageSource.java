package org.bitdiffusion.modality.image;

import java.util.List;
import java.util.Optional;
import org.bitdiffusion.data.DataSource;
import org.bitdiffusion.data.Schema;

/** A data source of images, which also knows how its symbols are painted. */
public interface ImageSource extends DataSource {
  /** Size, colours and K of all images. */
  ImageFormat format();

  /** Names of the classes by label; empty where the source has no labels. */
  default List<String> classes() {
    return List.of();
  }

  /** Texts that each describe an image, such as an icon's name; empty where there are none. */
  default List<String> captions(int index) {
    return List.of();
  }

  /**
   * Whether a caption is true of an image, also one that is none of its {@link #captions}; empty
   * where the source cannot tell.
   */
  default Optional<Boolean> isTrue(int index, String caption) {
    return Optional.empty();
  }

  /** How pictures of any shape became these squares; those that always were are as cropped. */
  default Fit fit() {
    return Fit.CROP;
  }

  /** Writes an image as bytes of red, green and blue [3, H, W], whole. */
  default void readRgb(int index, byte[] target, int offset) {
    var symbols = new int[format().symbols()];
    read(index, symbols, 0);
    format().rgb(symbols, 0, target, offset);
  }

  @Override
  default Schema schema() {
    return format().schema(classes());
  }
}

package org.bitdiffusion.data;

import java.util.List;
import java.util.Optional;

/** A data source of images, which also knows how its symbols are painted. */
public interface ImageSource extends DataSource {
  /** Size, colours and K of all images. */
  ImageFormat format();

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

  @Override
  default int[] shape() {
    return new int[] {format().channels(), format().height(), format().width()};
  }

  @Override
  default int categories() {
    return format().categories();
  }
}

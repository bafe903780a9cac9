package org.bitdiffusion.modality.image;

import java.nio.file.Path;
import java.util.List;
import java.util.Optional;

/** Images of another source, seen in another way; closed with it. */
interface ImageView extends ImageSource {
  ImageSource source();

  /** The index in the source of an image. */
  default int original(int index) {
    return index;
  }

  @Override
  default String name() {
    return source().name();
  }

  @Override
  default ImageFormat format() {
    return source().format();
  }

  @Override
  default List<String> classes() {
    return source().classes();
  }

  @Override
  default int label(int index) {
    return source().label(original(index));
  }

  @Override
  default List<String> captions(int index) {
    return source().captions(original(index));
  }

  @Override
  default Fit fit() {
    return source().fit();
  }

  @Override
  default Optional<Boolean> isTrue(int index, String caption) {
    return source().isTrue(original(index), caption);
  }

  @Override
  default void read(int index, int[] target, int offset) {
    source().read(original(index), target, offset);
  }

  @Override
  default boolean reads(Path file) {
    return source().reads(file);
  }

  @Override
  default void close() {
    source().close();
  }
}

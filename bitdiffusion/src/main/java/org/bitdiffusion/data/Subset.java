package org.bitdiffusion.data;

import java.util.List;
import java.util.Optional;

/** {@code size} images of a source, evenly spread over it. */
record Subset(ImageSource source, int size) implements ImageSource {
  private int original(int index) {
    return (int) ((long) index * source.size() / size);
  }

  @Override
  public String name() {
    return source.name() + ", " + size + " of them";
  }

  @Override
  public ImageFormat format() {
    return source.format();
  }

  @Override
  public List<String> classes() {
    return source.classes();
  }

  @Override
  public int label(int index) {
    return source.label(original(index));
  }

  @Override
  public List<String> captions(int index) {
    return source.captions(original(index));
  }

  @Override
  public Optional<Boolean> isTrue(int index, String caption) {
    return source.isTrue(original(index), caption);
  }

  @Override
  public void read(int index, int[] target, int offset) {
    source.read(original(index), target, offset);
  }

  @Override
  public void close() {
    source.close();
  }
}

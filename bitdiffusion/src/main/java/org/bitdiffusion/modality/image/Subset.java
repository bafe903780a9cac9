package org.bitdiffusion.modality.image;

/** {@code size} images of a source, evenly spread over it. */
record Subset(ImageSource source, int size) implements ImageView {
  @Override
  public int original(int index) {
    return (int) ((long) index * source.size() / size);
  }

  @Override
  public String name() {
    return source.name() + ", " + size + " of them";
  }
}

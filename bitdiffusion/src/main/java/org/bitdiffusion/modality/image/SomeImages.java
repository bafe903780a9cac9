package org.bitdiffusion.modality.image;

/**
 * Some images of a source, which is closed by whoever opened it.
 *
 * @param indexes of the images in it
 */
@SuppressWarnings("ArrayRecordComponent") // for reading, not for comparing
record SomeImages(ImageSource source, int... indexes) implements ImageView {
  @Override
  public int original(int index) {
    return indexes[index];
  }

  @Override
  public int size() {
    return indexes.length;
  }

  @Override
  public String name() {
    return "%,d of %s".formatted(indexes.length, source.name());
  }

  @Override
  public void close() {}
}

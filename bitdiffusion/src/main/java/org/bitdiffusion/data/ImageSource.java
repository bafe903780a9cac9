package org.bitdiffusion.data;

/** A data source of images, which also knows how its symbols are painted. */
public interface ImageSource extends DataSource {
  ImageFormat format();

  @Override
  default int[] shape() {
    return new int[] {format().channels(), format().height(), format().width()};
  }

  @Override
  default int categories() {
    return format().categories();
  }
}

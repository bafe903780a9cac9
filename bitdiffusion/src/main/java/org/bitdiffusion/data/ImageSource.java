package org.bitdiffusion.data;

/** A data source of images, which also knows how its symbols are painted. */
public interface ImageSource extends DataSource {
  /** Size, colours and K of all images. */
  ImageFormat format();

  /** A few words that describe an image, such as an icon's name; empty where there are none. */
  default String caption(int index) {
    return "";
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

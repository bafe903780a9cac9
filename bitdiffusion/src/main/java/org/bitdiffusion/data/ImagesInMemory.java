package org.bitdiffusion.data;

import java.util.Arrays;
import java.util.List;

/** Images whose symbols lie in memory, a byte each. */
final class ImagesInMemory implements ImageSource {
  private final String name;
  private final ImageFormat format;
  private final byte[][] images;
  private final int[] labels;
  private final List<String> classes;

  /**
   * @param images symbols of each image as unsigned bytes, [C, H, W]
   * @param labels of each image, or null where there are none
   */
  ImagesInMemory(
      String name, ImageFormat format, byte[][] images, int[] labels, List<String> classes) {
    this.name = name;
    this.format = format;
    this.images = images;
    this.labels = labels;
    this.classes = List.copyOf(classes);
  }

  /** These images with only so many grey levels or shades a channel: K becomes {@code levels}. */
  ImagesInMemory quantized(int levels) {
    var k = format.categories();
    var less = new byte[images.length][];
    for (var i = 0; i < images.length; i++) {
      less[i] = new byte[images[i].length];
      for (var j = 0; j < less[i].length; j++) {
        less[i][j] = (byte) Math.round((images[i][j] & 255) * (levels - 1f) / (k - 1));
      }
    }
    var format =
        new ImageFormat(
            this.format.channels(), this.format.height(), this.format.width(), levels, List.of());
    return new ImagesInMemory(name + ", " + levels + " levels", format, less, labels, classes);
  }

  /**
   * These images at another size: averaged over areas where smaller, in the middle of black where
   * larger.
   */
  ImagesInMemory resized(int size) {
    if (size == format.height() && size == format.width()) {
      return this;
    }
    var smaller = size < Math.max(format.height(), format.width());
    var resized =
        Arrays.stream(images)
            .parallel()
            .map(image -> smaller ? averaged(image, size) : centred(image, size))
            .toArray(byte[][]::new);
    var format =
        new ImageFormat(
            this.format.channels(), size, size, this.format.categories(), this.format.palette());
    return new ImagesInMemory(
        "%s at %dx%d".formatted(name, size, size), format, resized, labels, classes);
  }

  private byte[] averaged(byte[] image, int size) {
    var plane = format.height() * format.width();
    var result = new byte[format.channels() * size * size];
    for (var c = 0; c < format.channels(); c++) {
      var values = new float[plane];
      for (var i = 0; i < plane; i++) {
        values[i] = image[c * plane + i] & 255;
      }
      var small = Area.average(values, format.height(), format.width(), size, size);
      for (var i = 0; i < small.length; i++) {
        result[c * small.length + i] = (byte) Math.round(small[i]);
      }
    }
    return result;
  }

  private byte[] centred(byte[] image, int size) {
    var height = format.height();
    var width = format.width();
    var result = new byte[format.channels() * size * size];
    for (var c = 0; c < format.channels(); c++) {
      for (var y = 0; y < height; y++) {
        System.arraycopy(
            image,
            (c * height + y) * width,
            result,
            (c * size + y + (size - height) / 2) * size + (size - width) / 2,
            width);
      }
    }
    return result;
  }

  @Override
  public String name() {
    return name;
  }

  @Override
  public ImageFormat format() {
    return format;
  }

  @Override
  public int size() {
    return images.length;
  }

  @Override
  public List<String> classes() {
    return classes;
  }

  @Override
  public int label(int index) {
    return labels == null ? -1 : labels[index];
  }

  @Override
  public void read(int index, int[] target, int offset) {
    for (var symbol : images[index]) {
      target[offset++] = symbol & 255;
    }
  }
}

package org.bitdiffusion.modality.image;

import java.util.Arrays;
import java.util.List;
import java.util.function.UnaryOperator;

/**
 * Images whose symbols lie in memory, a byte each.
 *
 * @param images symbols of each image as unsigned bytes, [C, H, W]
 * @param labels of each image; empty where there are none
 * @param captions of each image; empty where there are none at all
 */
@SuppressWarnings("ArrayRecordComponent") // never compared
record ImagesInMemory(
    String name,
    ImageFormat format,
    byte[][] images,
    int[] labels,
    List<String> classes,
    List<List<String>> captions)
    implements ImageSource {

  ImagesInMemory {
    classes = List.copyOf(classes);
    captions = List.copyOf(captions);
  }

  /**
   * These images as squares of another size, or themselves if size is 0. Images that are no squares
   * get black borders first; then larger sizes get more of it, smaller ones are averages over
   * areas.
   */
  ImagesInMemory resized(int size) {
    var height = format.height();
    var width = format.width();
    if (size == 0 || (size == height && size == width)) {
      return this;
    }
    var side = Math.max(height, width);
    UnaryOperator<byte[]> resize =
        size >= side
            ? image -> centred(image, height, width, size)
            : image -> averaged(centred(image, height, width, side), side, size);
    return new ImagesInMemory(
        "%s at %dx%d".formatted(name, size, size),
        new ImageFormat(format.channels(), size, size, format.categories(), format.palette()),
        Arrays.stream(images).parallel().map(resize).toArray(byte[][]::new),
        labels,
        classes,
        captions);
  }

  /** Each image's rows are its columns. */
  ImagesInMemory transposed() {
    var height = format.height();
    var width = format.width();
    return new ImagesInMemory(
        name + ", transposed",
        new ImageFormat(format.channels(), width, height, format.categories(), format.palette()),
        Arrays.stream(images)
            .parallel()
            .map(image -> transposed(image, height, width))
            .toArray(byte[][]::new),
        labels,
        classes,
        captions);
  }

  private byte[] transposed(byte[] image, int height, int width) {
    var result = new byte[image.length];
    for (var i = 0; i < image.length; i++) {
      var inPlane = i % (height * width);
      result[i - inPlane + inPlane % width * height + inPlane / width] = image[i];
    }
    return result;
  }

  private byte[] centred(byte[] image, int height, int width, int side) {
    var result = new byte[format.channels() * side * side];
    for (var row = 0; row < format.channels() * height; row++) {
      var y = row / height * side + (side - height) / 2 + row % height;
      System.arraycopy(image, row * width, result, y * side + (side - width) / 2, width);
    }
    return result;
  }

  private byte[] averaged(byte[] image, int side, int size) {
    var result = new byte[format.channels() * size * size];
    var row = new double[side];
    for (var c = 0; c < format.channels(); c++) {
      var area = new Area(side, side, size, size);
      for (var y = 0; y < side; y++) {
        for (var x = 0; x < side; x++) {
          row[x] = image[(c * side + y) * side + x] & 255;
        }
        area.add(row);
      }
      var means = area.means();
      for (var i = 0; i < means.length; i++) {
        result[c * means.length + i] = (byte) Math.round(means[i]);
      }
    }
    return result;
  }

  /** These images with only so many grey levels or shades a channel: K becomes {@code levels}. */
  ImagesInMemory quantized(int levels) {
    if (levels == format.categories()) {
      return this;
    }
    return new ImagesInMemory(
        "%s, %d levels".formatted(name, levels),
        new ImageFormat(format.channels(), format.height(), format.width(), levels, List.of()),
        Arrays.stream(images)
            .parallel()
            .map(image -> quantized(image, levels))
            .toArray(byte[][]::new),
        labels,
        classes,
        captions);
  }

  private byte[] quantized(byte[] image, int levels) {
    var result = new byte[image.length];
    for (var i = 0; i < image.length; i++) {
      result[i] = (byte) Math.round((image[i] & 255) * (levels - 1.0) / (format.categories() - 1));
    }
    return result;
  }

  @Override
  public int size() {
    return images.length;
  }

  @Override
  public int label(int index) {
    return labels.length == 0 ? -1 : labels[index];
  }

  @Override
  public List<String> captions(int index) {
    return captions.isEmpty() ? List.of() : captions.get(index);
  }

  @Override
  public void read(int index, int[] target, int offset) {
    for (var symbol : images[index]) {
      target[offset++] = symbol & 255;
    }
  }
}

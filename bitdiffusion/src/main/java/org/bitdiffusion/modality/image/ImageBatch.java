package org.bitdiffusion.modality.image;

/**
 * Some images of one format.
 *
 * @param symbols row-major [B, C, H, W], 0 .. K-1; not copied
 */
@SuppressWarnings("ArrayRecordComponent") // for reading, not for comparing
public record ImageBatch(int[] symbols, ImageFormat format) {
  /**
   * Images first .. first + count - 1 of a source.
   *
   * @throws org.bitdiffusion.DataException if one of them cannot be read
   */
  public static ImageBatch read(ImageSource source, int first, int count) {
    return evenly(source, source.size(), first, count);
  }

  /**
   * Images first .. first + count - 1 of {@code some} images that lie evenly in a source.
   *
   * @throws org.bitdiffusion.DataException if one of them cannot be read
   */
  public static ImageBatch evenly(ImageSource source, int some, int first, int count) {
    var format = source.format();
    var symbols = new int[count * format.symbols()];
    for (var i = 0; i < count; i++) {
      var image = (int) ((long) (first + i) * source.size() / some);
      source.read(image, symbols, i * format.symbols());
    }
    return new ImageBatch(symbols, format);
  }

  /** B, the number of images. */
  public int count() {
    return symbols.length / format.symbols();
  }

  /** Their colours, unsigned bytes [B, 3, H, W]. */
  public byte[] rgb() {
    return format.rgb(symbols);
  }
}

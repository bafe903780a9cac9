package org.bitdiffusion.evaluation;

import org.bitdiffusion.data.ImageFormat;
import org.bitdiffusion.data.ImageSource;
import org.bitdiffusion.metrics.ImageFeatures;

/**
 * Some images.
 *
 * @param symbols row-major [B, C, H, W]
 */
@SuppressWarnings("ArrayRecordComponent") // for reading, not for comparing
public record ImageBatch(int[] symbols, ImageFormat format) {
  /** Images first .. first + count - 1 of a source. */
  public static ImageBatch read(ImageSource source, int first, int count) {
    return evenly(source, source.size(), first, count);
  }

  /** Images first .. first + count - 1 of some that are taken evenly from a source. */
  public static ImageBatch evenly(ImageSource source, int some, int first, int count) {
    var format = source.format();
    var symbols = new int[count * format.symbols()];
    for (var i = 0; i < count; i++) {
      var image = (int) ((long) (first + i) * source.size() / some);
      source.read(image, symbols, i * format.symbols());
    }
    return new ImageBatch(symbols, format);
  }

  public int count() {
    return symbols.length / format.symbols();
  }

  /** Their colours, unsigned bytes [B, 3, H, W]. */
  public byte[] rgb() {
    return format.rgb(symbols);
  }

  /** What a network sees in them. */
  public ImageFeatures.Batch features(ImageFeatures features) {
    return features.of(rgb(), format.height(), format.width());
  }
}

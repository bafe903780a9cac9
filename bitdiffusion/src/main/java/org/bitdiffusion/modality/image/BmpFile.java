package org.bitdiffusion.modality.image;

import java.awt.image.BufferedImage;
import java.awt.image.IndexColorModel;
import java.io.IOException;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;

/** BMP. */
final class BmpFile {
  private static final int HEADER = 14; // where the second header begins
  private static final int COMPRESSION = 30;
  private static final int JPEG = 4;
  private static final int PNG = 5;

  private BmpFile() {}

  static Encoded open(byte[] file) throws IOException {
    requirePixels(ByteBuffer.wrap(file).order(ByteOrder.LITTLE_ENDIAN));
    var reader = new JdkReader("bmp", file, 0, file.length);
    return Encoded.of(reader, Orientation.AS_STORED, BmpFile::decode);
  }

  /** Another format inside, which is for printers, would be decoded with no regard to its size. */
  private static void requirePixels(ByteBuffer file) throws BadPicture {
    if (file.limit() >= COMPRESSION + Integer.BYTES && file.getInt(HEADER) >= 40) {
      var compression = file.getInt(COMPRESSION);
      if (compression == JPEG || compression == PNG) {
        throw new BadPicture("holds a JPEG or PNG inside of a BMP; save it as one");
      }
    }
  }

  private static Pixels decode(JdkReader reader) throws IOException {
    var image = reader.image();
    return new Pixels(image.getRaster(), colours(image));
  }

  private static Pixels.Colours colours(BufferedImage image) {
    if (image.getColorModel() instanceof IndexColorModel model) {
      var palette = new int[model.getMapSize()];
      model.getRGBs(palette);
      return Pixels.palette(palette);
    }
    var bands = image.getRaster().getNumBands();
    var most = image.getRaster().getSampleModel().getSampleSize();
    for (var band = 0; band < bands; band++) {
      most[band] = (1 << most[band]) - 1;
    }
    var colours = Math.min(bands, 3); // 1 where a palette is of all greys
    return (samples, argb) -> {
      for (var i = 0; i < argb.length; i++) {
        var at = bands * i;
        argb[i] =
            Pixels.argb(
                bands > 3 ? samples[at + 3] * 255 / most[3] : 255,
                samples[at] * 255 / most[0],
                samples[at + 1 % colours] * 255 / most[1 % colours],
                samples[at + 2 % colours] * 255 / most[2 % colours]);
      }
    };
  }
}

package org.bitdiffusion.modality.image;

import java.awt.image.BufferedImage;
import java.awt.image.IndexColorModel;
import java.io.IOException;

/** BMP. */
final class BmpFile {
  private BmpFile() {}

  static Encoded open(byte[] file) throws IOException {
    var reader = new JdkReader("bmp", file, 0, file.length);
    return Encoded.of(reader, Orientation.AS_STORED, BmpFile::decode);
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

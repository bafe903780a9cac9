package org.bitdiffusion.modality.image;

import java.awt.image.BufferedImage;
import java.awt.image.Raster;
import java.io.ByteArrayInputStream;
import java.io.Closeable;
import java.io.IOException;
import java.util.ArrayList;
import java.util.List;
import java.util.regex.Pattern;
import javax.imageio.ImageIO;
import javax.imageio.ImageReader;
import javax.imageio.stream.ImageInputStream;
import javax.imageio.stream.MemoryCacheImageInputStream;

/** Java's reader of a format, which goes on where data is missing or wrong, and this does not. */
final class JdkReader implements Closeable {
  /** Warnings of what is missing or wrong. Most others are harmless. */
  private static final Pattern DAMAGE =
      Pattern.compile(
          "truncated|premature|corrupt jpeg data(?!.*extraneous bytes)|out-of-sequence"
              + "|invalid sos|inconsistent progression",
          Pattern.CASE_INSENSITIVE);

  private final ImageInputStream in;
  private final ImageReader reader;
  private final List<String> warnings = new ArrayList<>();

  /**
   * @param format as ImageIO names it
   * @param begin of the file among the bytes
   * @param length of the file; there may be more bytes
   */
  JdkReader(String format, byte[] bytes, int begin, int length) {
    in = new MemoryCacheImageInputStream(new ByteArrayInputStream(bytes, begin, length));
    reader = ImageIO.getImageReadersByFormatName(format).next();
    reader.addIIOReadWarningListener((source, warning) -> warnings.add(warning));
    reader.setInput(in, true, true);
  }

  int width() throws IOException {
    return reader.getWidth(0);
  }

  int height() throws IOException {
    return reader.getHeight(0);
  }

  /** With the samples as stored. */
  BufferedImage image() throws IOException {
    var image = reader.read(0);
    requireWhole();
    return image;
  }

  /** The samples as stored, of a format that has other colours than Java's images. */
  Raster raster() throws IOException {
    var raster = reader.readRaster(0, null);
    requireWhole();
    return raster;
  }

  private void requireWhole() throws BadPicture {
    for (var warning : warnings) {
      if (DAMAGE.matcher(warning).find()) {
        throw BadPicture.damaged(warning);
      }
    }
  }

  @Override
  public void close() throws IOException {
    reader.dispose();
    in.close();
  }
}

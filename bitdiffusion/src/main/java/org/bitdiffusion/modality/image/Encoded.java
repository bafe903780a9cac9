package org.bitdiffusion.modality.image;

import java.io.Closeable;
import java.io.IOException;

/**
 * An image file of which no more than its header was looked at.
 *
 * @param width as stored, of the image that will be decoded
 * @param height likewise
 * @param orientation that the file notes
 */
record Encoded(JdkReader reader, int width, int height, Orientation orientation, Decoding decoding)
    implements Closeable {
  /** Decodes the image of a reader. */
  interface Decoding {
    Pixels decode(JdkReader reader) throws IOException;
  }

  /** An image of the size that its reader tells. */
  static Encoded of(JdkReader reader, Orientation orientation, Decoding decoding)
      throws IOException {
    try {
      return new Encoded(reader, reader.width(), reader.height(), orientation, decoding);
    } catch (IOException | RuntimeException e) {
      reader.close();
      throw e;
    }
  }

  @Override
  public void close() throws IOException {
    reader.close();
  }
}

package org.bitdiffusion.modality.image;

import java.awt.image.IndexColorModel;
import java.io.EOFException;
import java.io.IOException;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.util.Arrays;

/**
 * The first frame of a GIF, on a screen of its size. Java's reader is given what that frame needs:
 * it joins a comment's blocks one by one, which of many takes long.
 */
final class GifFile {
  private static final int HEADER = 13; // with the screen
  private static final int DESCRIPTOR = 10; // of an image
  private static final int CONTROL = 8; // an extension of one block of four bytes

  private GifFile() {}

  /**
   * A frame's place on the screen.
   *
   * @param clear the index that is seen where the frame is not: the transparent one, or 0
   */
  private record Frame(int left, int top, int screenWidth, int screenHeight, int clear) {
    /**
     * A frame that reaches beyond the screen makes it larger.
     *
     * @param file that begins with the screen
     * @param image where the frame's descriptor is
     * @param control where that of its transparency is, or -1
     */
    static Frame of(ByteBuffer file, int image, int control) {
      var left = number(file, image + 1);
      var top = number(file, image + 3);
      var transparent = control >= 0 && (file.get(control + 3) & 1) != 0;
      return new Frame(
          left,
          top,
          Math.max(number(file, 6), left + number(file, image + 5)),
          Math.max(number(file, 8), top + number(file, image + 7)),
          transparent ? file.get(control + 6) & 255 : 0);
    }

    private static int number(ByteBuffer file, int at) {
      return file.getShort(at) & 0xffff;
    }
  }

  static Encoded open(byte[] bytes) throws IOException {
    var file = ByteBuffer.wrap(bytes).order(ByteOrder.LITTLE_ENDIAN);
    skip(file, HEADER);
    skip(file, palette(file.get(10)));
    var kept = file.position();
    var control = -1;
    while (next(file) == '!') {
      var begin = file.position();
      skip(file, 2); // and its label
      skipBlocks(file);
      if (file.get(begin + 1) == (byte) 0xf9 && file.position() == begin + CONTROL) {
        control = begin;
      }
    }
    if (next(file) != ',') {
      throw BadPicture.damaged("it holds no image");
    }
    var image = file.position();
    skip(file, DESCRIPTOR);
    var frame = Frame.of(file, image, control);
    // What is kept is moved to the end of what is not.
    var begin = image;
    if (control >= 0) {
      begin -= CONTROL;
      System.arraycopy(bytes, control, bytes, begin, CONTROL);
    }
    begin -= kept;
    System.arraycopy(bytes, 0, bytes, begin, kept);
    var reader = new JdkReader("gif", bytes, begin, bytes.length - begin);
    return new Encoded(
        reader,
        frame.screenWidth(),
        frame.screenHeight(),
        Orientation.AS_STORED,
        opened -> decode(opened, frame));
  }

  private static int palette(byte flags) {
    return flags < 0 ? 3 * (2 << (flags & 7)) : 0;
  }

  /** The byte that follows. */
  private static int next(ByteBuffer file) throws EOFException {
    require(file, 1);
    return file.get(file.position());
  }

  private static void skip(ByteBuffer file, int bytes) throws EOFException {
    require(file, bytes);
    file.position(file.position() + bytes);
  }

  /** Up to an empty one. */
  private static void skipBlocks(ByteBuffer file) throws EOFException {
    int length;
    do {
      length = next(file) & 255;
      skip(file, 1 + length);
    } while (length > 0);
  }

  private static void require(ByteBuffer file, int bytes) throws EOFException {
    if (file.remaining() < bytes) {
      throw new EOFException();
    }
  }

  private static Pixels decode(JdkReader reader, Frame frame) throws IOException {
    var image = reader.image();
    var model = (IndexColorModel) image.getColorModel();
    var palette = new int[model.getMapSize()];
    model.getRGBs(palette);
    var indices = image.getRaster();
    if (indices.getWidth() < frame.screenWidth() || indices.getHeight() < frame.screenHeight()) {
      var screen =
          indices.createCompatibleWritableRaster(frame.screenWidth(), frame.screenHeight());
      var row = new int[frame.screenWidth()];
      Arrays.fill(row, frame.clear());
      for (var y = 0; y < frame.screenHeight(); y++) {
        screen.setPixels(0, y, row.length, 1, row);
      }
      screen.setRect(frame.left(), frame.top(), indices);
      indices = screen;
    }
    return new Pixels(indices, Pixels.palette(palette));
  }
}

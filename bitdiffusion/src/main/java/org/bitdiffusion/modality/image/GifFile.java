package org.bitdiffusion.modality.image;

import java.awt.image.IndexColorModel;
import java.io.IOException;
import java.util.Arrays;
import javax.imageio.metadata.IIOMetadata;
import org.w3c.dom.Element;

/** The first frame of a GIF, on a screen of its size. */
final class GifFile {
  private GifFile() {}

  /**
   * A frame's place on the screen.
   *
   * @param clear the index that is seen where the frame is not: the transparent one, or 0
   */
  private record Frame(int left, int top, int screenWidth, int screenHeight, int clear) {
    /** A frame that reaches beyond the screen makes it larger. */
    static Frame of(JdkReader reader) throws IOException {
      var screen = element(reader.stream(), "LogicalScreenDescriptor");
      var frame = element(reader.frame(), "ImageDescriptor");
      var control = element(reader.frame(), "GraphicControlExtension");
      var left = number(frame, "imageLeftPosition");
      var top = number(frame, "imageTopPosition");
      var transparent =
          control != null && Boolean.parseBoolean(control.getAttribute("transparentColorFlag"));
      return new Frame(
          left,
          top,
          Math.max(number(screen, "logicalScreenWidth"), left + number(frame, "imageWidth")),
          Math.max(number(screen, "logicalScreenHeight"), top + number(frame, "imageHeight")),
          transparent ? number(control, "transparentColorIndex") : 0);
    }

    private static Element element(IIOMetadata metadata, String name) {
      var root = (Element) metadata.getAsTree(metadata.getNativeMetadataFormatName());
      return (Element) root.getElementsByTagName(name).item(0);
    }

    private static int number(Element element, String name) {
      return Integer.parseInt(element.getAttribute(name));
    }
  }

  static Encoded open(byte[] file) throws IOException {
    var reader = new JdkReader("gif", file, file.length, true);
    try {
      var frame = Frame.of(reader);
      return new Encoded(
          reader,
          frame.screenWidth(),
          frame.screenHeight(),
          Orientation.AS_STORED,
          opened -> decode(opened, frame));
    } catch (IOException | RuntimeException e) {
      reader.close();
      throw e;
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

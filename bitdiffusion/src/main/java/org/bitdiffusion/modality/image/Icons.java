package org.bitdiffusion.modality.image;

import java.awt.Color;
import java.awt.RenderingHints;
import java.awt.Shape;
import java.awt.geom.AffineTransform;
import java.awt.geom.Rectangle2D;
import java.awt.image.BufferedImage;
import java.awt.image.DataBufferByte;
import java.io.IOException;
import java.nio.ByteBuffer;
import java.util.Collections;
import java.util.List;
import java.util.SortedMap;
import java.util.TreeMap;
import java.util.stream.Collectors;
import org.apache.fontbox.ttf.TTFParser;
import org.apache.pdfbox.io.RandomAccessReadBuffer;
import org.bitdiffusion.ConfigurationException;
import org.kordamp.ikonli.materialdesign2.MaterialDesignAIkonHandler;

/**
 * About 5,800 icons (Material Design Icons, from the Ikonli pack) as grey images, white on black:
 * the data that is always at hand. Their outlines are read from the pack's font and filled with
 * antialiasing, without the system's fonts, which a machine without a screen may lack; then they
 * are rounded to the levels of grey asked for.
 *
 * <p>An image shows the whole box that the icons were drawn in, on a grid of 24 x 24 cells with
 * mostly one or two of them left free at the edges: at multiples of 24 pixels, the icons' edges
 * fall between pixels. A caption is the icon's name in words, such as {@code account alert}.
 */
final class Icons {
  private Icons() {}

  /**
   * Icons of size x size pixels in so many levels of grey; 2 levels make one bit a pixel.
   *
   * @param smallest 0 for all icons, without classes; else only those of families that have as many
   *     icons, which are the classes. A family is what has the same first word in its name, such as
   *     {@code battery}.
   */
  static ImageSource open(int size, int levels, int smallest) {
    var outlines = outlines();
    var families = List.<String>of();
    if (smallest > 0) {
      var sizes =
          outlines.keySet().stream()
              .collect(Collectors.groupingBy(Icons::family, TreeMap::new, Collectors.counting()));
      var largest = Collections.max(sizes.values());
      if (largest < smallest) {
        throw new ConfigurationException(
            "data icons: families is %d, but the largest family has %d icons"
                .formatted(smallest, largest));
      }
      sizes.values().removeIf(count -> count < smallest);
      outlines.keySet().removeIf(name -> !sizes.containsKey(family(name)));
      families = List.copyOf(sizes.keySet());
    }
    var bytes = (long) outlines.size() * size * size;
    if (bytes > Runtime.getRuntime().maxMemory() / 2) {
      throw new ConfigurationException(
          "data icons: size is %d, and the %,d icons of it need %,d MB, more than half of Java's memory; use a smaller one, or raise -Xmx"
              .formatted(size, outlines.size(), bytes >> 20));
    }
    var labels =
        smallest == 0
            ? new int[0]
            : outlines.keySet().stream().map(Icons::family).mapToInt(families::indexOf).toArray();
    return new ImagesInMemory(
        "icons %dx%d, %d levels".formatted(size, size, levels),
        new ImageFormat(1, size, size, levels, List.of()),
        outlines.values().parallelStream()
            .map(outline -> paint(outline, size, levels))
            .toArray(byte[][]::new),
        labels,
        families,
        outlines.keySet().stream().map(name -> List.of(name.replace('-', ' '))).toList());
  }

  private static String family(String name) {
    return name.split("-", 2)[0];
  }

  /** The outlines by the icons' names, in a box from (0, 0), at its top left, to (1, 1). */
  static SortedMap<String, Shape> outlines() {
    try (var stream = new MaterialDesignAIkonHandler().getFontResourceAsStream();
        var buffer = new RandomAccessReadBuffer(withoutCharacters(stream.readAllBytes()));
        var font = new TTFParser(true).parse(buffer)) {
      var scale = 1.0 / font.getUnitsPerEm();
      var box = new AffineTransform();
      box.scale(scale, -scale);
      box.translate(0, -font.getHorizontalHeader().getAscender());
      var names = font.getPostScript().getGlyphNames();
      var outlines = new TreeMap<String, Shape>();
      for (var i = 0; i < names.length; i++) {
        var glyph = font.getGlyph().getGlyph(i);
        var outline = glyph == null ? null : box.createTransformedShape(glyph.getPath());
        if (outline != null && !names[i].isEmpty() && fits(outline.getBounds2D())) {
          outlines.put(names[i], outline);
        }
      }
      return outlines;
    } catch (IOException e) {
      throw new IllegalStateException("the icon font of the class path cannot be read", e);
    }
  }

  /** Neither empty nor (as one faulty icon is) far larger than its box. */
  private static boolean fits(Rectangle2D bounds) {
    return !bounds.isEmpty() && new Rectangle2D.Double(-0.05, -0.05, 1.1, 1.1).contains(bounds);
  }

  /**
   * The font, but its table of characters renamed so that FontBox takes it for an unknown one.
   * Icons are found by name, so it is not needed, and FontBox would warn of empty parts of it.
   */
  private static byte[] withoutCharacters(byte[] font) {
    var directory = ByteBuffer.wrap(font);
    for (var i = 0; i < directory.getShort(4); i++) {
      var tag = 12 + 16 * i;
      if (directory.getInt(tag) == 0x636d6170) { // cmap
        directory.putInt(tag, 0x2d2d2d2d);
      }
    }
    return font;
  }

  /** An icon, [size, size], each pixel in 0 .. levels - 1 by how much of it is covered. */
  static byte[] paint(Shape outline, int size, int levels) {
    var image = new BufferedImage(size, size, BufferedImage.TYPE_BYTE_GRAY);
    var graphics = image.createGraphics();
    graphics.setRenderingHint(RenderingHints.KEY_ANTIALIASING, RenderingHints.VALUE_ANTIALIAS_ON);
    graphics.setRenderingHint(RenderingHints.KEY_STROKE_CONTROL, RenderingHints.VALUE_STROKE_PURE);
    graphics.setColor(Color.WHITE);
    graphics.scale(size, size);
    graphics.fill(outline);
    graphics.dispose();
    var grey = ((DataBufferByte) image.getRaster().getDataBuffer()).getData();
    var symbols = new byte[grey.length];
    for (var i = 0; i < grey.length; i++) {
      symbols[i] = (byte) Math.round((grey[i] & 255) * (levels - 1) / 255f);
    }
    return symbols;
  }
}

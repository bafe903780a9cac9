package org.bitdiffusion.data;

import java.awt.Color;
import java.awt.RenderingHints;
import java.awt.Shape;
import java.awt.geom.AffineTransform;
import java.awt.image.BufferedImage;
import java.awt.image.DataBufferByte;
import java.io.IOException;
import java.util.ArrayList;
import java.util.Comparator;
import java.util.List;
import java.util.ServiceLoader;
import java.util.logging.Level;
import java.util.logging.Logger;
import org.apache.fontbox.ttf.TTFParser;
import org.apache.pdfbox.io.RandomAccessReadBuffer;
import org.kordamp.ikonli.Ikon;
import org.kordamp.ikonli.IkonProvider;
import org.kordamp.ikonli.materialdesign2.MaterialDesignA;
import org.kordamp.ikonli.materialdesign2.MaterialDesignAIkonHandler;

/**
 * About 5,900 icons (Material Design Icons, from the Ikonli pack) as grey images, white on black:
 * the data that is always at hand. Their outlines are read from the pack's font and filled without
 * the system's fonts, which a machine without a screen may lack.
 */
final class Icons {
  /** Keeps the loggers from being collected, and with them their levels. */
  private static final Logger FONT_LOGGER = Logger.getLogger("org.apache.fontbox");

  private Icons() {}

  /** Icons of size x size pixels in so many levels of grey; 2 levels make one bit a pixel. */
  static ImageSource open(int size, int levels) {
    FONT_LOGGER.setLevel(Level.SEVERE); // the font has empty cmap tables, which is harmless
    var icons = icons();
    var images = new ArrayList<byte[]>();
    try (var stream = new MaterialDesignAIkonHandler().getFontResourceAsStream();
        var buffer = new RandomAccessReadBuffer(stream);
        var font = new TTFParser(true).parse(buffer)) {
      var lookup = font.getUnicodeCmapLookup();
      var glyphs = font.getGlyph();
      for (var icon : icons) {
        var glyph = glyphs.getGlyph(lookup.getGlyphId(icon.getCode()));
        if (glyph != null && !glyph.getPath().getBounds().isEmpty()) {
          images.add(paint(glyph.getPath(), font.getUnitsPerEm(), size, levels));
        }
      }
    } catch (IOException e) {
      throw new IllegalStateException("the icon font of the class path cannot be read", e);
    }
    return new ImagesInMemory(
        "icons %dx%d, %d levels".formatted(size, size, levels),
        new ImageFormat(1, size, size, levels, List.of()),
        images.toArray(byte[][]::new),
        null,
        List.of());
  }

  /** All icons of the pack by name. */
  private static List<Ikon> icons() {
    var icons = new ArrayList<Ikon>();
    var pack = MaterialDesignA.class.getPackageName();
    for (IkonProvider<?> provider : ServiceLoader.load(IkonProvider.class)) {
      if (provider.getIkon().getPackageName().equals(pack)) {
        icons.addAll(List.of(provider.getIkon().getEnumConstants()));
      }
    }
    icons.sort(Comparator.comparing(Ikon::getDescription));
    return icons;
  }

  private static byte[] paint(Shape outline, int unitsPerEm, int size, int levels) {
    var image = new BufferedImage(size, size, BufferedImage.TYPE_BYTE_GRAY);
    var graphics = image.createGraphics();
    graphics.setRenderingHint(RenderingHints.KEY_ANTIALIASING, RenderingHints.VALUE_ANTIALIAS_ON);
    graphics.setRenderingHint(RenderingHints.KEY_STROKE_CONTROL, RenderingHints.VALUE_STROKE_PURE);
    graphics.setColor(Color.WHITE);
    // The font's em box, upwards from its descent, to the image, downwards.
    var bounds = outline.getBounds2D();
    var scale = (double) size / unitsPerEm;
    var transform = new AffineTransform();
    transform.translate(size / 2.0, size / 2.0);
    transform.scale(scale, -scale);
    transform.translate(-bounds.getCenterX(), -bounds.getCenterY());
    graphics.fill(transform.createTransformedShape(outline));
    graphics.dispose();
    var grey = ((DataBufferByte) image.getRaster().getDataBuffer()).getData();
    var symbols = new byte[grey.length];
    for (var i = 0; i < grey.length; i++) {
      symbols[i] = (byte) Math.round((grey[i] & 255) * (levels - 1) / 255f);
    }
    return symbols;
  }
}

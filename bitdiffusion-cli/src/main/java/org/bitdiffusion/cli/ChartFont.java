package org.bitdiffusion.cli;

import java.awt.Font;
import java.awt.FontFormatException;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import org.bitdiffusion.DataException;
import org.bitdiffusion.io.TemporaryFolder;

/**
 * The font of charts. Java takes fonts from the system, and fails with an {@link Error} where it
 * has none, or no fontconfig to find them, as is usual in small containers. So Java's logical fonts
 * are mapped to a font that comes with the program (Liberation Sans, in PDFBox's jar), which also
 * makes charts look the same everywhere.
 */
final class ChartFont {
  private static final String RESOURCE =
      "/org/apache/pdfbox/resources/ttf/LiberationSans-Regular.ttf";

  private static Font font;

  private ChartFont() {}

  /**
   * The font in a size in points.
   *
   * @throws DataException if there is no room for the font among temporary files
   * @throws Error of some kind if this Java cannot paint text at all
   */
  static synchronized Font of(float size) {
    if (font == null) {
      font = load(Path.of(System.getProperty("java.io.tmpdir")));
    }
    return font.deriveFont(size);
  }

  /** The font, through files in a folder: Java maps fonts by a file only. */
  static Font load(Path temporary) {
    try {
      return Font.createFont(Font.TRUETYPE_FONT, unpack(temporary).toFile());
    } catch (FontFormatException e) {
      throw new DataException(RESOURCE + " is damaged", e);
    } catch (IOException e) {
      throw DataException.cannotWrite(temporary, e);
    }
  }

  private static Path unpack(Path temporary) throws IOException {
    var folder = TemporaryFolder.make(temporary, "font").path(); // until this process ends
    var file = folder.resolve("LiberationSans-Regular.ttf");
    try (var in = ChartFont.class.getResourceAsStream(RESOURCE)) {
      Files.copy(in, file);
    }
    if (System.getProperty("sun.awt.fontconfig") == null) {
      var map = Files.writeString(folder.resolve("fontconfig.properties"), map(file));
      System.setProperty("sun.awt.fontconfig", map.toString());
    }
    return file;
  }

  /** A font configuration file of Java in which all fonts are the same. */
  private static String map(Path font) {
    var lines = new StringBuilder("version=1\nsequence.allfonts=latin-1\n");
    lines.append("filename.Liberation_Sans=").append(font).append('\n');
    for (var family : List.of("serif", "sansserif", "monospaced", "dialog", "dialoginput")) {
      for (var style : List.of("plain", "bold", "italic", "bolditalic")) {
        lines.append("%s.%s.latin-1=Liberation Sans\n".formatted(family, style));
      }
    }
    return lines.toString();
  }
}

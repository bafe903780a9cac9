package org.bitdiffusion.cli;

import java.awt.Font;
import java.awt.FontFormatException;
import java.io.IOException;
import java.nio.file.DirectoryIteratorException;
import java.nio.file.Files;
import java.nio.file.LinkOption;
import java.nio.file.Path;
import java.time.Duration;
import java.time.Instant;
import java.util.List;
import java.util.regex.Pattern;
import org.bitdiffusion.DataException;

/**
 * The font of charts. Java takes fonts from the system, and fails with an {@link Error} where it
 * has none, or no fontconfig to find them, as is usual in small containers. So Java's logical fonts
 * are mapped to a font that comes with the program (Liberation Sans, in PDFBox's jar), which also
 * makes charts look the same everywhere.
 */
final class ChartFont {
  private static final String RESOURCE =
      "/org/apache/pdfbox/resources/ttf/LiberationSans-Regular.ttf";

  private static final String FOLDER = "bitdiff-font-";
  private static final String FILE = "LiberationSans-Regular.ttf";
  private static final String MAP = "fontconfig.properties";

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
    sweep(temporary);
    var folder = Files.createTempDirectory(temporary, FOLDER + ProcessHandle.current().pid() + "-");
    var file = folder.resolve(FILE);
    var map = folder.resolve(MAP);
    // in reverse order, so the folder goes last
    folder.toFile().deleteOnExit();
    file.toFile().deleteOnExit();
    map.toFile().deleteOnExit();
    try (var in = ChartFont.class.getResourceAsStream(RESOURCE)) {
      Files.copy(in, file);
    }
    if (System.getProperty("sun.awt.fontconfig") == null) {
      Files.writeString(map, map(file));
      System.setProperty("sun.awt.fontconfig", map.toString());
    }
    return file;
  }

  /** Removes the folders of processes that were killed, and are no more for a day. */
  static void sweep(Path temporary) {
    try (var folders = Files.newDirectoryStream(temporary, FOLDER + "*")) {
      for (var folder : folders) {
        var pid = Pattern.compile("(\\d{1,18})-\\d+").matcher(lastPart(folder));
        var old = Instant.now().minus(Duration.ofDays(1));
        if (Files.isDirectory(folder, LinkOption.NOFOLLOW_LINKS)
            && Files.getLastModifiedTime(folder).toInstant().isBefore(old)
            && !(pid.matches() && ProcessHandle.of(Long.parseLong(pid.group(1))).isPresent())) {
          for (var name : List.of(FILE, MAP)) {
            Files.deleteIfExists(folder.resolve(name));
          }
          Files.delete(folder);
        }
      }
    } catch (IOException | DirectoryIteratorException e) {
      // those of other users stay
    }
  }

  private static String lastPart(Path folder) {
    return folder.getFileName().toString().substring(FOLDER.length());
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

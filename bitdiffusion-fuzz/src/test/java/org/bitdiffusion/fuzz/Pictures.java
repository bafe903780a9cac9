package org.bitdiffusion.fuzz;

import static java.awt.image.BufferedImage.TYPE_BYTE_GRAY;
import static java.awt.image.BufferedImage.TYPE_BYTE_INDEXED;
import static java.awt.image.BufferedImage.TYPE_INT_ARGB;
import static java.awt.image.BufferedImage.TYPE_INT_RGB;

import java.awt.image.BufferedImage;
import java.io.ByteArrayOutputStream;
import java.io.IOException;
import java.io.UncheckedIOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import java.util.stream.IntStream;
import javax.imageio.IIOImage;
import javax.imageio.ImageIO;
import javax.imageio.ImageWriteParam;
import org.bitdiffusion.data.Condition;
import org.bitdiffusion.io.Png;
import org.bitdiffusion.modality.image.ImageFiles;
import org.bitdiffusion.modality.image.ImageFormat;
import org.bitdiffusion.modality.image.ImageRenderer;

/** Images, which are known by what they begin with. */
final class Pictures {
  /** An image of a few bytes may be of many pixels; those that are too many are refused. */
  private static final long MEMORY = 4L << 30;

  private static final int SIDE = 12;

  static final List<Target> TARGETS =
      List.of(
          of("png", "png", TYPE_INT_RGB, TYPE_INT_ARGB, TYPE_BYTE_GRAY, TYPE_BYTE_INDEXED),
          of("gif", "gif", TYPE_BYTE_INDEXED, TYPE_BYTE_GRAY),
          of("bmp", "bmp", TYPE_INT_RGB, TYPE_BYTE_INDEXED, TYPE_BYTE_GRAY),
          new Target(
              "jpeg",
              MEMORY,
              List.of(
                  jpeg(false, TYPE_INT_RGB), jpeg(true, TYPE_INT_RGB), jpeg(false, TYPE_BYTE_GRAY)),
              Pictures::read),
          new Target("known", MEMORY, List.of(bytes("png", TYPE_INT_ARGB)), Pictures::known));

  private Pictures() {}

  private static Target of(String name, String format, int... types) {
    var seeds = IntStream.of(types).mapToObj(type -> bytes(format, type)).toList();
    return new Target(name, MEMORY, seeds, Pictures::read);
  }

  private static BufferedImage picture(int type) {
    var picture = new BufferedImage(SIDE, SIDE, type);
    for (var y = 0; y < SIDE; y++) {
      for (var x = 0; x < SIDE; x++) {
        picture.setRGB(x, y, ((x < y ? 0xff : 0) << 24) | (20 * x << 16) | (20 * y << 8) | (x * y));
      }
    }
    return picture;
  }

  static byte[] bytes(String format, int type) {
    var out = new ByteArrayOutputStream();
    try {
      ImageIO.write(picture(type), format, out);
    } catch (IOException e) {
      throw new UncheckedIOException(e);
    }
    return out.toByteArray();
  }

  private static byte[] jpeg(boolean progressive, int type) {
    var writer = ImageIO.getImageWritersByFormatName("jpeg").next();
    var settings = writer.getDefaultWriteParam();
    settings.setProgressiveMode(
        progressive ? ImageWriteParam.MODE_DEFAULT : ImageWriteParam.MODE_DISABLED);
    var bytes = new ByteArrayOutputStream();
    try (var out = ImageIO.createImageOutputStream(bytes)) {
      writer.setOutput(out);
      writer.write(null, new IIOImage(picture(type), null, null), settings);
    } catch (IOException e) {
      throw new UncheckedIOException(e);
    } finally {
      writer.dispose();
    }
    return bytes.toByteArray();
  }

  private static void read(byte[] input, Path folder) throws IOException {
    var file = Files.write(folder.resolve("a"), input);
    var whole = ImageFiles.whole(file);
    if (whole.height() <= 64 && whole.width() <= 64) {
      Files.write(file, Png.of(picture(whole)));
      Arrays.requireSame(
          java.util.Arrays.equals(ImageFiles.whole(file).rgb(), whole.rgb()), "picture");
      Files.write(file, input);
    }
    ImageFiles.square(file, 4);
  }

  private static BufferedImage picture(ImageFiles.Rgb image) {
    var picture = new BufferedImage(image.width(), image.height(), TYPE_INT_RGB);
    var plane = image.width() * image.height();
    var rgb = image.rgb();
    for (var i = 0; i < plane; i++) {
      picture.setRGB(
          i % image.width(),
          i / image.width(),
          ((rgb[i] & 255) << 16) | ((rgb[plane + i] & 255) << 8) | (rgb[2 * plane + i] & 255));
    }
    return picture;
  }

  private static void known(byte[] input, Path folder) throws IOException {
    var format = new ImageFormat(3, SIDE, SIDE, 256, List.of());
    new ImageRenderer(format, new Condition.None())
        .known(Files.write(folder.resolve("a.png"), input));
  }
}

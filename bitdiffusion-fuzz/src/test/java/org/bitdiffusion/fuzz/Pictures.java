package org.bitdiffusion.fuzz;

import static java.awt.image.BufferedImage.TYPE_BYTE_GRAY;
import static java.awt.image.BufferedImage.TYPE_BYTE_INDEXED;
import static java.awt.image.BufferedImage.TYPE_INT_ARGB;
import static java.awt.image.BufferedImage.TYPE_INT_RGB;

import java.awt.image.BufferedImage;
import java.io.ByteArrayOutputStream;
import java.io.IOException;
import java.io.UncheckedIOException;
import java.net.URISyntaxException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.function.ToLongFunction;
import java.util.stream.IntStream;
import javax.imageio.ImageIO;
import org.bitdiffusion.data.Condition;
import org.bitdiffusion.io.Png;
import org.bitdiffusion.modality.image.ImageFiles;
import org.bitdiffusion.modality.image.ImageFormat;
import org.bitdiffusion.modality.image.ImageRenderer;

/** Images, which are known by what they begin with. */
final class Pictures {
  /** An image of a few bytes may be of many pixels, each of which is read twice. */
  private static final int PIXEL = 32;

  private static final int SIDE = 12;

  static final List<Target> TARGETS =
      List.of(
          of(
              "png",
              seeds(".png", TYPE_INT_RGB, TYPE_INT_ARGB, TYPE_BYTE_GRAY, TYPE_BYTE_INDEXED),
              Pictures::pngPixels),
          of("gif", seeds(".gif", TYPE_BYTE_INDEXED, TYPE_BYTE_GRAY), Pictures::gifPixels),
          of(
              "bmp",
              seeds(".bmp", TYPE_INT_RGB, TYPE_BYTE_INDEXED, TYPE_BYTE_GRAY),
              input -> {
                var bytes = number(input, 14, 4, false) == 12 ? 2 : 4;
                return Math.abs(
                    (long) number(input, 18, bytes, false)
                        * number(input, 18 + bytes, bytes, false));
              }),
          of("jpeg", seeds(".jpg", TYPE_INT_RGB, TYPE_BYTE_GRAY), Pictures::jpegPixels),
          new Target(
              "known",
              input -> memory(pngPixels(input)),
              List.of(bytes("png", TYPE_INT_ARGB)),
              Pictures::known));

  private Pictures() {}

  private static Target of(String name, List<byte[]> seeds, ToLongFunction<byte[]> pixels) {
    return new Target(name, input -> memory(pixels.applyAsLong(input)), seeds, Pictures::read);
  }

  private static long memory(long pixels) {
    // A side below 0 is refused, as are more pixels than there is memory for.
    return Target.USUAL_MEMORY + PIXEL * Math.max(0, Math.min(pixels, Integer.MAX_VALUE));
  }

  private static long pngPixels(byte[] input) {
    return (long) number(input, 16, 4, true) * number(input, 20, 4, true);
  }

  /** The pictures of all kinds that the library is tested with, and some that Java writes. */
  private static List<byte[]> seeds(String ending, int... types) {
    var format = ending.substring(1);
    var seeds = new ArrayList<byte[]>();
    IntStream.of(types).forEach(type -> seeds.add(bytes(format, type)));
    var folder = Pictures.class.getResource("/org/bitdiffusion/pictures");
    try (var files = Files.list(Path.of(folder.toURI()))) {
      for (var file : files.filter(f -> f.toString().endsWith(ending)).sorted().toList()) {
        seeds.add(Files.readAllBytes(file));
      }
    } catch (IOException e) {
      throw new UncheckedIOException(e);
    } catch (URISyntaxException e) {
      throw new IllegalStateException(e);
    }
    return seeds;
  }

  /** A number of an input, 0 where that ends before. */
  private static int number(byte[] input, int at, int bytes, boolean bigEndian) {
    var number = 0;
    for (var i = 0; i < bytes && at + bytes <= input.length; i++) {
      number = number << 8 | input[at + (bigEndian ? i : bytes - 1 - i)] & 255;
    }
    return number;
  }

  /** Of the frame with the most pixels. */
  private static long jpegPixels(byte[] input) {
    var most = 0L;
    for (var i = 0; i + 1 < input.length; i++) {
      if (input[i] == (byte) 0xff && (input[i + 1] & 0xf0) == 0xc0) {
        most = Math.max(most, (long) number(input, i + 5, 2, true) * number(input, i + 7, 2, true));
      }
    }
    return most;
  }

  /** Of the screen, and of the first frame on it. */
  private static long gifPixels(byte[] input) {
    var flags = number(input, 10, 1, false);
    var at = 13 + (flags >= 0x80 ? 3 * (2 << (flags & 7)) : 0);
    while (number(input, at, 1, false) == '!') {
      at += 2;
      while (number(input, at, 1, false) > 0) {
        at += 1 + number(input, at, 1, false);
      }
      at++;
    }
    var width = number(input, at + 1, 2, false) + number(input, at + 5, 2, false);
    var height = number(input, at + 3, 2, false) + number(input, at + 7, 2, false);
    return (long) Math.max(width, number(input, 6, 2, false))
        * Math.max(height, number(input, 8, 2, false));
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

  private static void read(byte[] input, Path folder) throws IOException {
    var file = Files.write(folder.resolve("a"), input);
    var whole = ImageFiles.whole(file);
    if (whole.height() <= 64 && whole.width() <= 64) {
      Files.write(file, Png.of(picture(whole)));
      Arrays.requireSame(
          java.util.Arrays.equals(ImageFiles.whole(file).rgb(), whole.rgb()), "picture");
      Files.write(file, input);
    }
    ImageFiles.square(file, 2);
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

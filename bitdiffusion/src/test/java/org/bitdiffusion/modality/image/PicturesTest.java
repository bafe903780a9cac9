package org.bitdiffusion.modality.image;

import static java.nio.charset.StandardCharsets.UTF_8;
import static org.assertj.core.api.Assertions.assertThat;

import java.awt.image.BufferedImage;
import java.io.IOException;
import java.net.URISyntaxException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.HexFormat;
import java.util.List;
import java.util.stream.Stream;
import javax.imageio.ImageIO;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.MethodSource;
import org.junit.jupiter.params.provider.ValueSource;

/** Small pictures of all kinds beside what Pillow reads of them; make-pictures.py made both. */
class PicturesTest {
  @TempDir private Path folder;

  private static Path pictures() throws URISyntaxException {
    return Path.of(PicturesTest.class.getResource("/org/bitdiffusion/pictures").toURI());
  }

  /** What Pillow reads of a picture: R, G and B of one pixel after the other. */
  private record Expected(String file, String kind, int width, int height, byte[] pixels) {
    static Expected of(String line) {
      var parts = line.split(",");
      return new Expected(
          parts[0],
          parts[1],
          Integer.parseInt(parts[2]),
          Integer.parseInt(parts[3]),
          HexFormat.of().parseHex(parts[4]));
    }

    /** The greatest difference of a level. */
    int difference(ImageFiles.Rgb image) {
      assertThat(List.of(image.width(), image.height())).isEqualTo(List.of(width, height));
      var plane = width * height;
      var most = 0;
      for (var i = 0; i < plane; i++) {
        for (var c = 0; c < 3; c++) {
          var actual = image.rgb()[c * plane + i] & 255;
          most = Math.max(most, Math.abs(actual - (pixels[3 * i + c] & 255)));
        }
      }
      return most;
    }

    @Override
    public String toString() {
      return file + " " + kind;
    }
  }

  /** But for 16 bits of grey, which Pillow cuts off at 255: a file of data would be all white. */
  static Stream<Expected> expected() throws IOException, URISyntaxException {
    return Files.readAllLines(pictures().resolve("pillow.csv"), UTF_8).stream()
        .skip(1)
        .map(Expected::of)
        .filter(expected -> !expected.toString().equals("grey-16.png upright"));
  }

  @ParameterizedTest
  @MethodSource("expected")
  void picturesAreReadAsPillowReadsThem(Expected expected) throws Exception {
    var file = pictures().resolve(expected.file());
    var stored = expected.kind().equals("stored");
    assertThat(
            expected.difference(stored ? ImageFiles.whole(file) : ImageFiles.partial(file).image()))
        .isZero();
  }

  /**
   * The middle of 9x6 pixels: of three columns too many, one is cut off at the upright image's left
   * or top.
   */
  @ParameterizedTest
  @ValueSource(ints = {1, 2, 3, 4, 5, 6, 7, 8})
  void squaresAreOfTheUprightPicture(int orientation) throws Exception {
    var file = pictures().resolve("orientation-" + orientation + ".jpg");
    var upright = ImageFiles.partial(file).image();
    var image = new BufferedImage(upright.width(), upright.height(), BufferedImage.TYPE_INT_RGB);
    var plane = upright.width() * upright.height();
    for (var i = 0; i < plane; i++) {
      var rgb = 0;
      for (var c = 0; c < 3; c++) {
        rgb = rgb << 8 | upright.rgb()[c * plane + i] & 255;
      }
      image.setRGB(i % upright.width(), i / upright.width(), rgb);
    }
    var png = folder.resolve("upright.png");
    ImageIO.write(image, "png", png.toFile());
    for (var size : new int[] {1, 4, 6}) {
      assertThat(ImageFiles.square(file, size)).isEqualTo(ImageFiles.square(png, size));
      assertThat(ImageFiles.square(file, size, Fit.PAD))
          .isEqualTo(ImageFiles.square(png, size, Fit.PAD));
    }
  }

  /** The upper 8 bits, not what Pillow's convert("RGB") makes of it. */
  @Test
  void sixteenBitsOfGreyKeepTheirUpperEight() throws Exception {
    var file = pictures().resolve("grey-16.png");
    var data = ImageFiles.partial(file).image();
    assertThat(data.rgb())
        .hasSize(3 * 48)
        .startsWith(14437 >> 8, 38438 >> 8, 29827 >> 8, 55029 >> 8);
    assertThat(ImageFiles.whole(file).rgb()).containsOnly((byte) 255);
  }
}

package org.bitdiffusion.modality.image;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import java.awt.image.BufferedImage;
import java.io.ByteArrayInputStream;
import java.io.IOException;
import java.util.List;
import java.util.Map;
import java.util.Random;
import javax.imageio.ImageIO;
import org.junit.jupiter.api.Test;

class ImageGridTest {
  private static final ImageFormat RGB = new ImageFormat(3, 30, 40, 256, List.of());

  private static BufferedImage read(byte[] png) throws IOException {
    return ImageIO.read(new ByteArrayInputStream(png));
  }

  private static int pixel(BufferedImage image, int x, int y) {
    return image.getRGB(x, y) & 0xffffff;
  }

  @Test
  void imagesStandInRowsWithGapsOfTwoPixels() throws Exception {
    var symbols = new Random(1).ints(5L * RGB.symbols(), 0, 256).toArray();
    var grid = read(ImageGrid.png(symbols, RGB));
    assertThat(grid.getWidth()).isEqualTo(3 * 42 + 2);
    assertThat(grid.getHeight()).isEqualTo(2 * 32 + 2);
    for (var i = 0; i < 5; i++) {
      for (var y = 0; y < 30; y++) {
        for (var x = 0; x < 40; x++) {
          assertThat(pixel(grid, 2 + i % 3 * 42 + x, 2 + i / 3 * 32 + y))
              .isEqualTo(RGB.rgb(symbols, i * RGB.symbols(), y, x));
        }
      }
    }
    assertThat(pixel(grid, 0, 0)).isEqualTo(0x808080);
    assertThat(pixel(grid, 43, 20)).isEqualTo(0x808080);
    assertThat(pixel(grid, 100, 50)).isEqualTo(0x808080); // no sixth image
  }

  @Test
  void smallImagesAreEnlargedByWholeNumbers() throws Exception {
    var format = new ImageFormat(1, 2, 2, 4, List.of(0x112233, 0x445566, 0x778899, 0xaabbcc));
    var grid = read(ImageGrid.png(new int[] {0, 1, 2, 3, 3, 3, 3, 3}, format, 2));
    assertThat(grid.getWidth()).isEqualTo(2 * 66 + 2);
    assertThat(grid.getHeight()).isEqualTo(66 + 2);
    for (var y = 0; y < 64; y++) {
      for (var x = 0; x < 64; x++) {
        assertThat(pixel(grid, 2 + x, 2 + y)).isEqualTo(format.palette().get(y / 32 * 2 + x / 32));
        assertThat(pixel(grid, 68 + x, 2 + y)).isEqualTo(0xaabbcc);
      }
    }
  }

  @Test
  void greyLevelsGoFromBlackToWhite() {
    var format = new ImageFormat(1, 1, 3, 3, List.of());
    assertThat(format.rgb(new int[] {0, 1, 2}, 0, 0, 0)).isZero();
    assertThat(format.rgb(new int[] {0, 1, 2}, 0, 0, 1)).isEqualTo(0x808080);
    assertThat(format.rgb(new int[] {0, 1, 2}, 0, 0, 2)).isEqualTo(0xffffff);
  }

  @Test
  void oneImageHasItsOwnSize() throws Exception {
    var symbols = new Random(2).ints(RGB.symbols(), 0, 256).toArray();
    var image = read(ImageGrid.one(symbols, RGB));
    assertThat(image.getWidth()).isEqualTo(40);
    assertThat(image.getHeight()).isEqualTo(30);
    for (var y = 0; y < 30; y++) {
      for (var x = 0; x < 40; x++) {
        assertThat(pixel(image, x, y)).isEqualTo(RGB.rgb(symbols, 0, y, x));
      }
    }
  }

  @Test
  void symbolsOutOfRangeAreAProgrammersError() {
    var format = new ImageFormat(1, 1, 2, 3, List.of());
    var messages =
        Map.of(
            new int[] {},
            "0 symbols are no images of 2",
            new int[] {0},
            "1 symbols are no images of 2",
            new int[] {0, 3},
            "a symbol is 3, not in 0 to 2",
            new int[] {-1, 0},
            "a symbol is -1, not in 0 to 2");
    messages.forEach(
        (symbols, message) -> {
          assertThatThrownBy(() -> ImageGrid.png(symbols, format))
              .isInstanceOf(IllegalArgumentException.class)
              .hasMessage(message);
          assertThatThrownBy(() -> ImageGrid.one(symbols, format))
              .isInstanceOf(IllegalArgumentException.class)
              .hasMessage(message);
        });
  }
}

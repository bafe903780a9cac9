package org.bitdiffusion.data;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import java.awt.image.BufferedImage;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import java.util.Map;
import java.util.Random;
import javax.imageio.ImageIO;
import org.bitdiffusion.DataException;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

class ImageGridTest {
  private static final ImageFormat RGB = new ImageFormat(3, 30, 40, 256, List.of());

  @TempDir private Path folder;

  private static int pixel(BufferedImage image, int x, int y) {
    return image.getRGB(x, y) & 0xffffff;
  }

  @Test
  void imagesStandInRowsWithGapsOfTwoPixels() throws Exception {
    var symbols = new Random(1).ints(5L * RGB.symbols(), 0, 256).toArray();
    var file = folder.resolve("new/grid.png");
    ImageGrid.write(file, symbols, RGB);
    var grid = ImageIO.read(file.toFile());
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
    assertThat(file.getParent().toFile().list()).containsExactly("grid.png");
  }

  @Test
  void smallImagesAreEnlargedByWholeNumbers() throws Exception {
    var format = new ImageFormat(1, 2, 2, 4, List.of(0x112233, 0x445566, 0x778899, 0xaabbcc));
    var file = folder.resolve("grid.png");
    ImageGrid.write(file, new int[] {0, 1, 2, 3, 3, 3, 3, 3}, format, 2);
    var grid = ImageIO.read(file.toFile());
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
  void writesEachImageInItsOwnSize() throws Exception {
    var symbols = new Random(2).ints(3L * RGB.symbols(), 0, 256).toArray();
    ImageGrid.writeEach(folder.resolve("samples"), symbols, RGB, 10);
    assertThat(folder.resolve("samples").toFile().list())
        .containsExactlyInAnyOrder("000010.png", "000011.png", "000012.png");
    var second = ImageIO.read(folder.resolve("samples/000011.png").toFile());
    assertThat(second.getWidth()).isEqualTo(40);
    assertThat(second.getHeight()).isEqualTo(30);
    assertThat(pixel(second, 39, 29)).isEqualTo(RGB.rgb(symbols, RGB.symbols(), 29, 39));
    // A folder of them is a data source that gives the same symbols again.
    var format = new ImageFormat(3, 8, 8, 256, List.of());
    var square = new Random(3).ints(format.symbols(), 0, 256).toArray();
    ImageGrid.writeEach(folder.resolve("square"), square, format, 0);
    try (var source = DataSourcesTest.open("images:" + folder.resolve("square") + ",size=8")) {
      assertThat(DataSourcesTest.read(source, 0)).isEqualTo(square);
    }
  }

  @Test
  void symbolsOutOfRangeAreAProgrammersError() {
    var file = folder.resolve("x.png");
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
        (symbols, message) ->
            assertThatThrownBy(() -> ImageGrid.write(file, symbols, format))
                .isInstanceOf(IllegalArgumentException.class)
                .hasMessage(message));
    assertThat(file).doesNotExist();
  }

  @Test
  void namesAFileThatCannotBeWritten() throws Exception {
    var format = new ImageFormat(1, 1, 1, 2, List.of());
    var inTheWay = Files.createFile(folder.resolve("file"));
    var below = inTheWay.resolve("x.png");
    assertThatThrownBy(() -> ImageGrid.write(below, new int[1], format))
        .isInstanceOf(DataException.class)
        .hasMessage(below + " cannot be written: " + inTheWay + " is in the way");
    assertThatThrownBy(() -> ImageGrid.writeEach(inTheWay, new int[1], format, 0))
        .isInstanceOf(DataException.class)
        .hasMessage(
            inTheWay.resolve("000000.png") + " cannot be written: " + inTheWay + " is in the way");
    assertThatThrownBy(() -> Npy.write(below, new int[1], new int[] {1}, 2))
        .isInstanceOf(DataException.class)
        .hasMessage(below + " cannot be written: " + inTheWay + " is in the way");
    assertThatThrownBy(() -> ImageGrid.write(folder, new int[1], format))
        .isInstanceOf(DataException.class)
        .hasMessage(folder + " cannot be written: it is a folder");
    assertThat(folder.toFile().list()).containsExactly("file");
  }
}

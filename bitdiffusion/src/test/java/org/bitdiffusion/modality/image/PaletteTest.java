package org.bitdiffusion.modality.image;

import static org.assertj.core.api.Assertions.assertThat;

import java.util.ArrayList;
import java.util.Collections;
import java.util.Random;
import java.util.stream.IntStream;
import java.util.stream.LongStream;
import org.junit.jupiter.api.Test;

class PaletteTest {
  /** Bytes of R, G and B [3, 1, W] of pixels 0xRRGGBB. */
  private static byte[] image(int... colors) {
    var rgb = new byte[3 * colors.length];
    for (var i = 0; i < colors.length; i++) {
      rgb[i] = (byte) (colors[i] >> 16);
      rgb[colors.length + i] = (byte) (colors[i] >> 8);
      rgb[2 * colors.length + i] = (byte) colors[i];
    }
    return rgb;
  }

  private static Palette palette(int size, byte[]... images) {
    var builder = new Palette.Builder();
    for (var image : images) {
      builder.add(image);
    }
    return builder.build(size);
  }

  @Test
  void asManyColoursAsAskedForAreKeptExactly() {
    var image = image(0xff0000, 0x000001, 0x000002, 0xff0000, 0xffffff);
    var palette = palette(4, image);
    assertThat(palette.colors()).containsExactly(0x000001, 0x000002, 0xff0000, 0xffffff);
    assertThat(palette.symbols(image)).containsExactly(2, 0, 1, 2, 3);
  }

  @Test
  void everyOf256ColoursIsReproduced() {
    var colors = new Random(3).ints(256, 0, 1 << 24).distinct().toArray();
    var palette = palette(256, image(colors));
    var symbols = palette.symbols(image(colors));
    for (var i = 0; i < colors.length; i++) {
      assertThat(palette.colors().get(symbols[i] & 255)).isEqualTo(colors[i]);
    }
  }

  @Test
  void coloursTooManyAreBlackAndNotUsed() {
    var image = image(0x808080, 0xffffff, 0x808080);
    var palette = palette(4, image);
    assertThat(palette.colors()).containsExactly(0, 0, 0x808080, 0xffffff);
    assertThat(palette.symbols(image)).containsExactly(2, 3, 2);
  }

  /** 256 greys lie in 32 cells of 8 neighbours; all 64 colours asked for are used all the same. */
  @Test
  void closeColoursAreToldApart() {
    var greys = IntStream.range(0, 256).map(grey -> grey * 0x010101).toArray();
    var palette = palette(64, image(greys));
    assertThat(palette.colors()).hasSize(64).doesNotHaveDuplicates();
    for (var grey : greys) {
      assertThat(palette.colors())
          .anySatisfy(color -> assertThat((color & 255) - (grey & 255)).isBetween(-4, 4));
    }
  }

  /** The best two colours for three groups of equal size: the means of {0, 16} and of {240}. */
  @Test
  void fewerColoursAreMeansOfGroups() {
    var image = image(0x000000, 0x100000, 0xf00000, 0x000000, 0x100000, 0xf00000);
    var palette = palette(2, image);
    assertThat(palette.colors()).containsExactly(0x080000, 0xf00000);
    assertThat(palette.symbols(image)).containsExactly(0, 0, 1, 0, 0, 1);
  }

  /** Median cut alone gives 8 and the mean of 32 and 240; then 32 is nearer to 8. */
  @Test
  void roundsOfKMeansMoveColoursToWhereTheyServe() {
    var palette = palette(2, image(0x000000, 0x100000, 0x200000, 0xf00000));
    assertThat(palette.colors()).containsExactly(0x100000, 0xf00000);
  }

  @Test
  void theOrderOfImagesDoesNotMatter() {
    var random = new Random(7);
    var images = new ArrayList<byte[]>();
    for (var i = 0; i < 30; i++) {
      images.add(image(random.ints(64, 0, 1 << 24).toArray()));
    }
    var one = palette(16, images.toArray(byte[][]::new));
    Collections.shuffle(images, random);
    assertThat(palette(16, images.toArray(byte[][]::new))).isEqualTo(one);
    assertThat(one.colors()).hasSize(16).doesNotHaveDuplicates();
  }

  /** As a folder of images is counted: by all processors, in whatever order. */
  @Test
  void severalThreadsCountAsOneDoes() {
    var images =
        LongStream.range(0, 200)
            .mapToObj(seed -> image(new Random(seed).ints(300, 0, 1 << 24).toArray()))
            .toList();
    var expected = palette(32, images.toArray(byte[][]::new));
    for (var attempt = 0; attempt < 5; attempt++) {
      var builder = new Palette.Builder();
      images.parallelStream().forEach(builder::add);
      assertThat(builder.build(32)).isEqualTo(expected);
    }
  }

  @Test
  void everyPixelGetsTheNearestColour() {
    var random = new Random(8);
    var image = image(random.ints(500, 0, 1 << 24).toArray());
    var palette = palette(8, image);
    var symbols = palette.symbols(image);
    for (var i = 0; i < 500; i++) {
      var chosen = distance(image, i, palette.colors().get(symbols[i]));
      for (var color : palette.colors()) {
        assertThat(chosen).isLessThanOrEqualTo(distance(image, i, color));
      }
    }
  }

  private static int distance(byte[] rgb, int i, int color) {
    var plane = rgb.length / 3;
    var red = (rgb[i] & 255) - (color >> 16);
    var green = (rgb[plane + i] & 255) - (color >> 8 & 255);
    var blue = (rgb[2 * plane + i] & 255) - (color & 255);
    return red * red + green * green + blue * blue;
  }
}

package org.bitdiffusion.modality.image;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;
import static org.assertj.core.api.Assertions.within;

import java.util.Arrays;
import java.util.Random;
import net.jqwik.api.Example;
import net.jqwik.api.ForAll;
import net.jqwik.api.Property;
import net.jqwik.api.constraints.IntRange;

class AreaTest {
  private static double[] average(double[][] rows, int newHeight, int newWidth) {
    var area = new Area(rows.length, rows[0].length, newHeight, newWidth);
    Arrays.stream(rows).forEach(area::add);
    return area.means();
  }

  @Example
  void byHand() {
    // 5 pixels to 2: 1, 1 and a half of the middle one.
    assertThat(average(new double[][] {{10, 20, 30, 40, 50}}, 1, 2)).containsExactly(18, 42);
    // 5 to 3: each new pixel is 5/3 wide.
    assertThat(average(new double[][] {{0, 15, 30, 45, 60}}, 1, 3)).containsExactly(6, 30, 54);
    assertThat(average(new double[][] {{1, 2}, {3, 4}, {5, 6}, {7, 8}}, 2, 1))
        .containsExactly(2.5, 6.5);
    assertThat(average(new double[][] {{1, 2}, {3, 4}}, 2, 2)).containsExactly(1, 2, 3, 4);
  }

  /** Every old pixel cut in newHeight x newWidth equal parts, every new one the mean of its. */
  @Property(tries = 200)
  void isTheMeanOverFinePieces(
      @ForAll @IntRange(min = 1, max = 13) int height,
      @ForAll @IntRange(min = 1, max = 13) int width,
      @ForAll @IntRange(min = 1, max = 13) int newHeight,
      @ForAll @IntRange(min = 1, max = 13) int newWidth,
      @ForAll long seed) {
    newHeight = Math.min(height, newHeight);
    newWidth = Math.min(width, newWidth);
    var random = new Random(seed);
    var rows = new double[height][width];
    for (var row : rows) {
      Arrays.setAll(row, x -> random.nextInt(256));
    }
    var means = average(rows, newHeight, newWidth);
    for (var y = 0; y < newHeight; y++) {
      for (var x = 0; x < newWidth; x++) {
        var sum = 0L;
        for (var fineY = y * height; fineY < (y + 1) * height; fineY++) {
          for (var fineX = x * width; fineX < (x + 1) * width; fineX++) {
            sum += (long) rows[fineY / newHeight][fineX / newWidth];
          }
        }
        assertThat(means[y * newWidth + x]).isEqualTo((double) sum / (height * width));
      }
    }
    assertThat(Arrays.stream(means).average().orElseThrow())
        .isCloseTo(
            Arrays.stream(rows).flatMapToDouble(Arrays::stream).average().orElseThrow(),
            within(1e-9));
  }

  /** Four new pixels of 3/4 of an old one: the second has 1/4 of the first and 1/2 of the next. */
  @Example
  void enlargesByTheSameRule() {
    assertThat(average(new double[][] {{0, 90, 180}}, 1, 4)).containsExactly(0, 60, 120, 180);
    assertThat(average(new double[][] {{0, 90, 180}}, 2, 6))
        .containsExactly(0, 0, 90, 90, 180, 180, 0, 0, 90, 90, 180, 180);
    assertThat(average(new double[][] {{10}, {20}}, 3, 1)).containsExactly(10, 15, 20);
    assertThat(average(new double[][] {{1, 2, 3, 6}}, 2, 2)).containsExactly(1.5, 4.5, 1.5, 4.5);
  }

  @Example
  void allRowsAreNeeded() {
    assertThatThrownBy(() -> new Area(4, 4, 4, 0))
        .isInstanceOf(IllegalArgumentException.class)
        .hasMessage("4 pixels cannot be averaged to 0");
    var unfinished = new Area(2, 1, 1, 1);
    unfinished.add(new double[1]);
    assertThatThrownBy(unfinished::means)
        .isInstanceOf(IllegalStateException.class)
        .hasMessage("only 1 of 2 rows");
  }
}

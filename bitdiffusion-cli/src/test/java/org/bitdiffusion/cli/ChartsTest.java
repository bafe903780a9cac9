package org.bitdiffusion.cli;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.within;

import java.awt.image.BufferedImage;
import java.io.IOException;
import java.nio.file.Path;
import java.util.List;
import java.util.Map;
import java.util.stream.IntStream;
import javax.imageio.ImageIO;
import org.bitdiffusion.storage.Metrics;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

class ChartsTest {
  @TempDir private Path folder;

  @Test
  void aFallingLossIsALineFromTheUpperLeftToTheLowerRight() throws IOException {
    var history =
        IntStream.rangeClosed(1, 200)
            .mapToObj(i -> logged(10L * i, Math.pow(10, -i / 100.0)))
            .toList();
    var file = folder.resolve("loss.png");

    Charts.loss(file, history);

    var image = ImageIO.read(file.toFile());
    assertThat(image.getWidth()).isEqualTo(900);
    // On a logarithmic axis, an exponential is a straight line.
    var left = darkBlueHeight(image, 300);
    var middle = darkBlueHeight(image, 500);
    var right = darkBlueHeight(image, 700);
    assertThat(left).isLessThan(middle);
    assertThat(middle).isLessThan(right);
    assertThat(middle - left).isCloseTo(right - middle, within(3.0));
    assertThat(folder)
        .isDirectoryContaining(file::equals)
        .isDirectoryNotContaining(f -> !f.equals(file));
  }

  @Test
  void aLossOfZeroIsDrawnOnALinearAxis() throws IOException {
    var file = folder.resolve("loss.png");
    Charts.loss(file, List.of(logged(1, 1), logged(2, 0), logged(3, 0)));
    var image = ImageIO.read(file.toFile());
    // It falls in a straight line from step 1 to 2, and stays at the bottom until step 3.
    var first = darkBlueHeight(image, 400);
    var second = darkBlueHeight(image, 470);
    var third = darkBlueHeight(image, 540);
    assertThat(second - first).isBetween(60.0, 160.0).isCloseTo(third - second, within(3.0));
    assertThat(darkBlueHeight(image, 640)).isEqualTo(darkBlueHeight(image, 740)).isGreaterThan(400);
  }

  /** Its rise beside a falling loss is what the chart is looked at for. */
  @Test
  void theHeldOutLossIsALineOfItsOwn() throws IOException {
    var file = folder.resolve("loss.png");
    var history =
        IntStream.rangeClosed(0, 4)
            .mapToObj(i -> logged(i, 1 - 0.2 * i).with(Map.of("held_out_loss", 0.2 + 0.2 * i)))
            .toList();
    Charts.loss(file, history);
    var image = ImageIO.read(file.toFile());
    assertThat(orangeHeight(image, 300)).isGreaterThan(orangeHeight(image, 500) + 20);
    assertThat(orangeHeight(image, 500)).isGreaterThan(orangeHeight(image, 700) + 20);
    Charts.loss(file, List.of(logged(1, 1), logged(2, 0.5)));
    assertThat(orangeHeight(ImageIO.read(file.toFile()), 500)).isNaN();
  }

  /** As after the first checkpoint. */
  @Test
  void singlePointsAreSeen() throws IOException {
    var file = folder.resolve("loss.png");
    Charts.loss(file, List.of(logged(1, 0.5).with(Map.of("held_out_loss", 0.4))));
    var image = ImageIO.read(file.toFile());
    assertThat(IntStream.range(840, 880).boxed()).anyMatch(x -> orangeHeight(image, x) > 0);
    assertThat(highestDarkBlue(image, 840, 880)).isLessThan(100);
  }

  /** Where over-fitting shows, at the right end above, nothing lies over it. */
  @Test
  void theLegendHidesNoRise() throws IOException {
    var file = folder.resolve("loss.png");
    var history =
        IntStream.rangeClosed(1, 50)
            .mapToObj(i -> logged(i, 1 - 0.01 * i).with(Map.of("held_out_loss", 0.5 + 0.008 * i)))
            .toList();
    Charts.loss(file, history);
    var image = ImageIO.read(file.toFile());
    // in most of the columns, as some have its colour only mixed with white
    assertThat(IntStream.range(770, 850).filter(x -> orangeHeight(image, x) < 200).count())
        .isGreaterThan(50);
  }

  private static double orangeHeight(BufferedImage image, int x) {
    return IntStream.range(60, image.getHeight() - 60)
        .filter(y -> (image.getRGB(x, y) & 0xffffff) == 0xc05a1c)
        .average()
        .orElse(Double.NaN);
  }

  @Test
  void nothingLoggedIsNoChart() {
    Charts.loss(folder.resolve("loss.png"), List.of());
    assertThat(folder.resolve("loss.png")).doesNotExist();
  }

  private static Metrics logged(long step, double loss) {
    return new Metrics(step, loss, 0, 0, 0, 0, Map.of());
  }

  @Test
  void analogBitsNearBothEndsMakeTwoPeaks() throws IOException {
    var counts = new long[80];
    counts[0] = 9_000;
    counts[40] = 10; // 1/900 of a peak
    counts[79] = 9_000;
    var file = folder.resolve("bits.png");
    Charts.analogBits(file, 1, counts);
    var image = ImageIO.read(file.toFile());
    var peak = highestDarkBlue(image, 0, 200);
    var floor = highestDarkBlue(image, 300, 400);
    var middle = highestDarkBlue(image, 400, 600);
    assertThat(highestDarkBlue(image, 700, 900)).isEqualTo(peak);
    // log(900) of the way from a peak down to the least share, 1e-6
    var way = Math.log(900) / Math.log(9_000 / 18_010.0 / 1e-6);
    assertThat((double) middle).isCloseTo(peak + (floor - peak) * way, within(2.0));
    assertThat(floor - peak).isGreaterThan(300);
  }

  /** The mean height, from the top, of the smoothed line's pixels in a column. */
  private static double darkBlueHeight(BufferedImage image, int x) {
    return IntStream.range(50, image.getHeight() - 60)
        .filter(y -> isDarkBlue(image.getRGB(x, y)))
        .average()
        .orElseThrow(() -> new AssertionError("no line at x = " + x));
  }

  private static boolean isDarkBlue(int rgb) {
    return (rgb & 255) > 90 && (rgb & 255) < 150 && (rgb >> 16 & 255) < 70;
  }

  /** How far from the top the line's highest pixel is, among some columns. */
  private static int highestDarkBlue(BufferedImage image, int left, int right) {
    return IntStream.range(50, image.getHeight() - 60)
        .filter(y -> IntStream.range(left, right).anyMatch(x -> isDarkBlue(image.getRGB(x, y))))
        .findFirst()
        .orElseThrow();
  }
}

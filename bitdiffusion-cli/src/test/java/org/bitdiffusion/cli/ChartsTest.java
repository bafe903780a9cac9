package org.bitdiffusion.cli;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.within;

import java.awt.image.BufferedImage;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import java.util.SplittableRandom;
import java.util.stream.IntStream;
import javax.imageio.ImageIO;
import org.bitdiffusion.training.Trainer;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

class ChartsTest {
  @TempDir private Path folder;

  @Test
  void aFallingLossIsALineFromTheUpperLeftToTheLowerRight() throws IOException {
    var history =
        IntStream.rangeClosed(1, 200)
            .mapToObj(i -> logged(10 * i, Math.pow(10, -i / 100.0)))
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
    assertThat(Files.list(folder)).containsExactly(file);
  }

  @Test
  void aLossOfZeroIsDrawnOnALinearAxis() throws IOException {
    var file = folder.resolve("loss.png");
    Charts.loss(file, List.of(logged(1, 1), logged(2, 0), logged(3, 0)));
    assertThat(ImageIO.read(file.toFile())).isNotNull();
  }

  @Test
  void nothingLoggedIsNoChart() {
    Charts.loss(folder.resolve("loss.png"), List.of());
    assertThat(folder.resolve("loss.png")).doesNotExist();
  }

  private static Trainer.Metrics logged(long step, double loss) {
    return new Trainer.Metrics(step, loss, 0, 0, 0, 0);
  }

  @Test
  void analogBitsNearBothEndsMakeTwoPeaks() throws IOException {
    var random = new SplittableRandom(1);
    var values = new float[20_000];
    for (var i = 0; i < values.length; i++) {
      values[i] = (float) ((i % 2 == 0 ? -1 : 1) * (1 - 0.02 * random.nextDouble()));
    }
    var file = folder.resolve("bits.png");
    Charts.analogBits(file, List.of(values), 1);
    assertThat(ImageIO.read(file.toFile()).getHeight()).isEqualTo(500);
  }

  /** The mean height, from the top, of the smoothed line's pixels in a column. */
  private static double darkBlueHeight(BufferedImage image, int x) {
    return IntStream.range(50, image.getHeight() - 60)
        .filter(
            y -> {
              var rgb = image.getRGB(x, y);
              return (rgb & 255) > 90 && (rgb & 255) < 150 && (rgb >> 16 & 255) < 70;
            })
        .average()
        .orElseThrow(() -> new AssertionError("no line at x = " + x));
  }
}

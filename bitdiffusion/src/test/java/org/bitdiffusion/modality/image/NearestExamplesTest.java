package org.bitdiffusion.modality.image;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.within;

import java.util.Arrays;
import java.util.List;
import java.util.Random;
import java.util.stream.IntStream;
import org.bitdiffusion.modality.Watch;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

class NearestExamplesTest {
  /** Random colour images of 3x2, more than are compared at once. */
  private record Colours(int size) implements ImageSource {
    @Override
    public String name() {
      return "colours";
    }

    @Override
    public ImageFormat format() {
      return new ImageFormat(3, 3, 2, 256, List.of());
    }

    @Override
    public void read(int index, int[] target, int offset) {
      var random = new Random(index);
      for (var i = 0; i < 18; i++) {
        target[offset + i] = random.nextInt(256);
      }
    }
  }

  @Test
  void areThoseOfALoopOverAll() {
    var training = new Colours(2100);
    var images = new byte[4 * 18];
    new Random(-1).nextBytes(images);
    var copy = new int[18];
    training.read(2050, copy, 0);
    for (var i = 0; i < 18; i++) {
      images[3 * 18 + i] = (byte) copy[i];
    }

    var nearest = NearestExamples.of(images, training, false, Watch.NOBODY);

    assertThat(nearest).hasSize(4);
    for (var i = 0; i < 4; i++) {
      var distances = new double[2100];
      for (var index = 0; index < 2100; index++) {
        training.read(index, copy, 0);
        for (var j = 0; j < 18; j++) {
          distances[index] += Math.pow(((images[i * 18 + j] & 255) - copy[j]) / 255.0, 2) / 18;
        }
      }
      Arrays.sort(distances);
      assertThat(nearest.get(i).first()).isCloseTo(Math.sqrt(distances[0]), within(1e-12));
      assertThat(nearest.get(i).second()).isCloseTo(Math.sqrt(distances[1]), within(1e-12));
    }
    assertThat(nearest.get(3).first()).isZero(); // a copy
    assertThat(nearest.get(3).ratio()).isZero();
  }

  /** Grey images of one row. */
  private record Grey(int[]... images) implements ImageSource {
    @Override
    public String name() {
      return "grey";
    }

    @Override
    public int size() {
      return images.length;
    }

    @Override
    public ImageFormat format() {
      return new ImageFormat(1, 1, images[0].length, 256, List.of());
    }

    @Override
    public void read(int index, int[] target, int offset) {
      System.arraycopy(images[index], 0, target, offset, images[index].length);
    }
  }

  private static NearestExamples nearest(Grey training, boolean mirrored, int... image) {
    return nearest(training, mirrored, new Grey(image)).get(0);
  }

  private static List<NearestExamples> nearest(Grey training, boolean mirrored, Grey images) {
    return NearestExamples.of(
        ImageBatch.read(images, 0, images.size()).rgb(), training, mirrored, Watch.NOBODY);
  }

  /** All pixels of an image are this far away, and so is the image. */
  private static void assertFar(NearestExamples nearest, int first, int second) {
    assertThat(nearest.first() * 255).isCloseTo(first, within(1e-12));
    assertThat(nearest.second() * 255).isCloseTo(second, within(1e-12));
  }

  @Test
  void equalTrainingImagesCountOnce() {
    var twice = new Grey(new int[] {10, 10}, new int[] {50, 50}, new int[] {10, 10});
    assertFar(nearest(twice, false, 12, 12), 2, 38);
    assertFar(nearest(twice, false, 10, 10), 0, 40);

    // Also in different blocks, and where all of a block are known.
    var images = new int[2500][];
    Arrays.setAll(images, i -> i == 2300 ? new int[] {90, 90} : new int[] {10, 10});
    assertFar(nearest(new Grey(images), false, 13, 13), 3, 77);
  }

  @Test
  void twoAsNearImagesHaveTheRatioOne() {
    var training = new Grey(new int[] {10, 10}, new int[] {20, 20});
    assertThat(nearest(training, false, 15, 15).ratio()).isEqualTo(1);
  }

  @Test
  void ofEqualTrainingImagesThereIsNoSecond() {
    var training = new Grey(new int[] {10, 10}, new int[] {10, 10});
    var nearest = nearest(training, false, 15, 15);
    assertThat(nearest.first()).isCloseTo(5 / 255.0, within(1e-12));
    assertThat(nearest.second()).isInfinite();
  }

  /** Its mirror image is no second example, and a mirrored copy is a copy. */
  @Test
  void whereImagesAreMirroredBothAreOne() {
    var training = new Grey(new int[] {0, 40}, new int[] {40, 0}, new int[] {100, 100});
    var image = new int[] {2, 42};
    assertThat(nearest(training, true, image).first()).isCloseTo(2 / 255.0, within(1e-12));
    assertThat(nearest(training, true, image).second())
        .isCloseTo(Math.sqrt((98 * 98 + 58 * 58) / 2.0) / 255, within(1e-12));
    assertThat(nearest(training, false, image).second())
        .isCloseTo(Math.sqrt((38 * 38 + 42 * 42) / 2.0) / 255, within(1e-12));
    assertThat(nearest(new Grey(new int[] {0, 40}, new int[] {9, 9}), true, 40, 0).first())
        .isZero();
  }

  /** Images of 512 normal values, a deviation of which is 30 levels of grey. */
  private static Grey normal(int count, double deviation, long seed) {
    var random = new Random(seed);
    var images = new int[count][512];
    for (var image : images) {
      Arrays.setAll(image, i -> grey(random.nextGaussian() * deviation));
    }
    return new Grey(images);
  }

  private static int grey(double value) {
    return (int) Math.max(0, Math.min(255, Math.round(127.5 + 30 * value)));
  }

  private static double shareOfLow(Grey samples, Grey heldOut, Grey training) {
    return NearestExamples.shareOfLow(
        nearest(training, false, samples).stream().mapToDouble(NearestExamples::ratio).toArray(),
        nearest(training, false, heldOut).stream().mapToDouble(NearestExamples::ratio).toArray());
  }

  /**
   * The distance to the nearest falls with the deviation: the share of samples that are nearer than
   * 95% of held-out ones is 0.90 at 0.90. None of them is a copy.
   */
  @ParameterizedTest
  @ValueSource(doubles = {1, 0.98, 0.95, 0.90})
  void palerSamplesAreNoCopies(double deviation) {
    var training = normal(1000, 1, 1);
    var heldOut = normal(500, 1, 2);
    assertThat(shareOfLow(normal(500, deviation, 3), heldOut, training)).isBetween(0.02, 0.12);
  }

  @ParameterizedTest
  @ValueSource(doubles = {1, 0.90})
  void aFifthOfCopiesShows(double deviation) {
    var training = normal(1000, 1, 1);
    var heldOut = normal(500, 1, 2);
    var random = new Random(4);
    var samples = normal(500, deviation, 3);
    for (var i = 0; i < 100; i++) {
      var original = training.images()[7 * i];
      Arrays.setAll(
          samples.images()[i], j -> grey((original[j] - 127.5) / 30 + 0.1 * random.nextGaussian()));
    }
    assertThat(shareOfLow(samples, heldOut, training)).isBetween(0.2, 0.32);
  }

  /** By hand: of 39 held-out ratios the lowest 5% of 40 places are two. */
  @Test
  void lowIsTheLowestTwentiethOfTheHeldOut() {
    var heldOut = IntStream.rangeClosed(1, 39).mapToDouble(i -> i / 100.0).toArray();
    assertThat(NearestExamples.shareOfLow(new double[] {0, 0.005}, heldOut)).isEqualTo(1);
    assertThat(NearestExamples.shareOfLow(new double[] {0.015, 0.5}, heldOut)).isEqualTo(0.5);
    assertThat(NearestExamples.shareOfLow(new double[] {0.025, 0.5}, heldOut)).isZero();
    // A sample at the lowest is the first or the second, at the next the second or the third.
    assertThat(NearestExamples.shareOfLow(new double[] {0.01}, heldOut)).isEqualTo(1);
    assertThat(NearestExamples.shareOfLow(new double[] {0.02}, heldOut)).isEqualTo(0.5);
  }

  @Test
  void equalRatiosAreLowAsOftenAsAmongTheHeldOut() {
    // Held-out images that are copies themselves, all or 9 of 99.
    assertThat(NearestExamples.shareOfLow(new double[3], new double[99]))
        .isCloseTo(0.05, within(1e-12));
    var some = new double[99];
    Arrays.fill(some, 9, 99, 0.8);
    assertThat(NearestExamples.shareOfLow(new double[3], some)).isCloseTo(0.5, within(1e-12));
  }

  /** Each of 20 ratios in turn is the sample, and the others are held out. */
  @Test
  void isATwentiethOnAverageWhereSamplesAreAsTheHeldOut() {
    for (var levels : new int[] {1, 2, 5, 1000}) {
      var random = new Random(levels);
      var ratios = random.doubles(20).map(r -> Math.floor(r * levels) / levels).toArray();
      var mean =
          IntStream.range(0, 20)
              .mapToDouble(
                  i -> {
                    var others = IntStream.range(0, 20).filter(j -> j != i);
                    return NearestExamples.shareOfLow(
                        new double[] {ratios[i]}, others.mapToDouble(j -> ratios[j]).toArray());
                  })
              .average()
              .orElseThrow();
      assertThat(mean).as("%d levels", levels).isCloseTo(0.05, within(1e-12));
    }
  }
}

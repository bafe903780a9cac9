package org.bitdiffusion.modality.image;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.within;

import java.util.List;
import java.util.Random;
import org.junit.jupiter.api.Test;

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
  void isThatOfALoopOverAll() {
    var training = new Colours(2100);
    var images = new byte[4 * 18];
    new Random(-1).nextBytes(images);
    var copy = new int[18];
    training.read(2050, copy, 0);
    for (var i = 0; i < 18; i++) {
      images[3 * 18 + i] = (byte) copy[i];
    }

    var distances = NearestExamples.distances(images, training);

    assertThat(distances).hasSize(4);
    for (var i = 0; i < 3; i++) {
      var least = Double.POSITIVE_INFINITY;
      for (var index = 0; index < 2100; index++) {
        training.read(index, copy, 0);
        var sum = 0.0;
        for (var j = 0; j < 18; j++) {
          sum += Math.pow(((images[i * 18 + j] & 255) - copy[j]) / 255.0, 2);
        }
        least = Math.min(least, Math.sqrt(sum / 18));
      }
      assertThat(distances[i]).isCloseTo(least, within(1e-9));
    }
    assertThat(distances[3]).isCloseTo(0, within(1e-7)); // a copy
  }
}

package org.bitdiffusion.metrics;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;
import static org.assertj.core.api.Assertions.within;

import java.util.Random;
import org.bitdiffusion.DataException;
import org.junit.jupiter.api.Test;

class ManifoldScoresTest {
  private static float[] normal(int seed, int rows, int features, double shift) {
    var random = new Random(seed);
    var values = new float[rows * features];
    for (var i = 0; i < values.length; i++) {
      values[i] = (float) (shift + random.nextGaussian());
    }
    return values;
  }

  /** On a line, so that all can be seen: real images at 0 .. 9, samples near some of them. */
  @Test
  void aCaseByHand() {
    var real = new float[10];
    for (var i = 0; i < 10; i++) {
      real[i] = i;
    }
    var samples = new float[] {4.5f, 4.6f, 4.4f, 4.7f, 4.3f, 100};
    var scores = ManifoldScores.of(real, samples, 1);
    assertThat(scores.precision()).isCloseTo(5 / 6.0, within(1e-12)); // all but 100
    // Balls of the samples reach to their third neighbours: all around 4.5 but that of 100, which
    // reaches to 4.5 and beyond, as far as 4.5 only: 100 - 4.5 = 95.5.
    // 4.5: 0.2; 4.6: 0.2; 4.4: 0.2; 4.7: 0.3; 4.3: 0.3; 100: 95.5, from 4.5 on.
    assertThat(scores.recall()).isCloseTo(5 / 10.0, within(1e-12)); // 5 to 9
    // Radii to the fifth neighbour: of 0 5, of 1 4, of 2 to 7 3, of 8 4, of 9 5.
    // 4.5 lies in those of 0 (5), 1 (4), 2, 3, 4, 5, 6, 7 (3), 8 (4), 9 (5): all 10; 4.6: 0 to 9,
    // too;
    // also 4.4, 4.7, 4.3; 100 in none.
    assertThat(scores.density()).isCloseTo(5 * 10 / 6.0 / 5, within(1e-12));
    assertThat(scores.coverage()).isEqualTo(1);
  }

  @Test
  void theSameDistributionScoresHighAndOneFarAwayNothing() {
    var real = normal(1, 700, 4, 0);
    var alike = ManifoldScores.of(real, normal(2, 700, 4, 0), 4);
    assertThat(alike.precision()).isBetween(0.7, 1.0);
    assertThat(alike.recall()).isBetween(0.7, 1.0);
    assertThat(alike.density()).isCloseTo(1, within(0.1)); // its expectation is 1
    assertThat(alike.coverage()).isCloseTo(1 - Math.pow(2, -5), within(0.03)); // and 1 - 2^-k

    assertThat(ManifoldScores.of(real, normal(2, 700, 4, 50), 4))
        .isEqualTo(new ManifoldScores(0, 0, 0, 0));
  }

  /** Samples of a part of what is real look real, but do not cover it. */
  @Test
  void fewModesHavePrecisionWithoutRecall() {
    var real = normal(1, 600, 2, 0);
    for (var i = 0; i < 600; i += 2) {
      real[2 * i] += 100; // another mode
    }
    var samples = normal(2, 600, 2, 0);
    var scores = ManifoldScores.of(real, samples, 2);
    assertThat(scores.precision()).isGreaterThan(0.9);
    assertThat(scores.recall()).isCloseTo(0.5, within(0.06));
    assertThat(scores.coverage()).isCloseTo(0.5, within(0.06));
  }

  @Test
  void needsSixImages() {
    assertThatThrownBy(() -> ManifoldScores.of(normal(1, 5, 2, 0), normal(1, 9, 2, 0), 2))
        .isInstanceOf(DataException.class)
        .hasMessage(
            "precision, recall, density and coverage need 6 images at least, and there are 5");
  }
}

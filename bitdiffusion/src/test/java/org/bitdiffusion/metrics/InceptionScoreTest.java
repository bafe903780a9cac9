package org.bitdiffusion.metrics;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;
import static org.assertj.core.api.Assertions.within;

import org.bitdiffusion.DataException;
import org.junit.jupiter.api.Test;

class InceptionScoreTest {
  private static InceptionScore score(int parts, float[]... images) {
    var builder = new InceptionScore.Builder(images.length, images[0].length, parts);
    for (var image : images) {
      builder.add(image);
    }
    return builder.build();
  }

  @Test
  void clearImagesOfAllClassesScoreTheNumberOfClasses() {
    var score = score(1, new float[] {1, 0, 0}, new float[] {0, 1, 0}, new float[] {0, 0, 1});
    assertThat(score.mean()).isCloseTo(3, within(1e-12));
    assertThat(score.deviation()).isZero();
  }

  @Test
  void imagesOfOneClassAndUnclearOnesScoreOne() {
    assertThat(score(1, new float[] {1, 0}, new float[] {1, 0}).mean()).isCloseTo(1, within(1e-12));
    assertThat(score(1, new float[] {.5f, .5f}, new float[] {.5f, .5f}).mean())
        .isCloseTo(1, within(1e-12));
  }

  /** KL((3/4, 1/4) | (1/2, 1/2)) = log 2 - H(3/4) of both images. */
  @Test
  void aCaseByHandInPartsOfTheImagesInOrder() {
    var divergence = Math.log(2) + 0.75 * Math.log(0.75) + 0.25 * Math.log(0.25);
    var first = new float[] {0.75f, 0.25f};
    var second = new float[] {0.25f, 0.75f};
    assertThat(score(1, first, second).mean()).isCloseTo(Math.exp(divergence), within(1e-12));

    var score = score(2, first, second, first, first);
    assertThat(score.mean()).isCloseTo((Math.exp(divergence) + 1) / 2, within(1e-12));
    assertThat(score.deviation()).isCloseTo((Math.exp(divergence) - 1) / 2, within(1e-9));
  }

  @Test
  void needsAsManyImagesAsWereSaid() {
    assertThatThrownBy(() -> score(1, new float[] {Float.NaN, 1}))
        .isInstanceOf(DataException.class)
        .hasMessageContaining("a probability of NaN");
    assertThatThrownBy(() -> new InceptionScore.Builder(3, 2, 10))
        .isInstanceOf(IllegalArgumentException.class);
    var builder = new InceptionScore.Builder(2, 2, 1);
    builder.add(new float[] {1, 0});
    assertThatThrownBy(builder::build).isInstanceOf(IllegalStateException.class);
  }
}

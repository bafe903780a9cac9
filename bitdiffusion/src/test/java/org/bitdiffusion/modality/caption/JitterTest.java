package org.bitdiffusion.modality.caption;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;
import static org.assertj.core.api.Assertions.within;

import java.util.Arrays;
import java.util.stream.LongStream;
import org.bitdiffusion.ConfigurationException;
import org.junit.jupiter.api.Test;

class JitterTest {
  private static final int SIDE = 32;
  private static final int PLANE = SIDE * SIDE;

  private static byte[] image(java.util.function.IntBinaryOperator value) {
    var rgb = new byte[3 * PLANE];
    for (var i = 0; i < rgb.length; i++) {
      rgb[i] = (byte) value.applyAsInt(i % SIDE, i / SIDE % SIDE);
    }
    return rgb;
  }

  private static int at(byte[] rgb, int channel, int x, int y) {
    return rgb[channel * PLANE + y * SIDE + x] & 255;
  }

  @Test
  void changesNothingAtStrengthZero() {
    var rgb = image((x, y) -> 7 * x + y);
    var changed = rgb.clone();
    Jitter.NONE.apply(changed, 0, SIDE, SIDE, 5);
    assertThat(changed).isEqualTo(rgb);
  }

  @Test
  void dependsOnTheSeedAloneAndStaysWithinTheImage() {
    var rgb = image((x, y) -> 7 * x + y);
    var one = Arrays.copyOf(rgb, rgb.length + 2);
    var same = Arrays.copyOf(rgb, rgb.length + 2);
    var other = Arrays.copyOf(rgb, rgb.length + 2);
    new Jitter(0.3).apply(one, 0, SIDE, SIDE, 5);
    new Jitter(0.3).apply(same, 0, SIDE, SIDE, 5);
    new Jitter(0.3).apply(other, 0, SIDE, SIDE, 6);
    assertThat(one).isEqualTo(same).isNotEqualTo(other);
    assertThat(one[rgb.length]).isZero();
    assertThat(one[rgb.length + 1]).isZero();
  }

  /**
   * A plane a + b x + c y is still one when it is zoomed, turned and moved, as bilinear values of a
   * plane are exact: its slope says by how much.
   */
  @Test
  void aPlaneStaysAPlaneWhoseSlopeIsWithinTheStatedFactors() {
    var strength = 0.2;
    for (var seed = 0; seed < 50; seed++) {
      var rgb = image((x, y) -> 128 + 2 * (x - SIDE / 2));
      new Jitter(strength).apply(rgb, 0, SIDE, SIDE, seed);
      for (var channel = 0; channel < 3; channel++) {
        // Over the middle, where no edge is in reach: 6 pixels, each rounded by 1/2 at most.
        var c = channel;
        var acrossX = (at(rgb, c, 19, 16) - at(rgb, c, 13, 16)) / 6.0;
        var acrossY = (at(rgb, c, 16, 19) - at(rgb, c, 16, 13)) / 6.0;
        var rounding = 1 / 6.0;
        var slope = Math.hypot(acrossX, acrossY);
        assertThat(slope)
            .isBetween(2 * Math.exp(-2 * strength) - 0.25, 2 * Math.exp(2 * strength) + 0.25);
        assertThat(Math.abs(Math.atan2(acrossY, acrossX)))
            .isLessThanOrEqualTo(strength / 2 + rounding / slope * 1.5);
        for (var y = 13; y <= 19; y++) {
          for (var x = 13; x <= 19; x++) {
            assertThat((double) at(rgb, c, x, y))
                .isCloseTo(
                    at(rgb, c, 16, 16) + acrossX * (x - 16) + acrossY * (y - 16), within(2.5));
          }
        }
      }
    }
  }

  /** Of a steep plane, whose direction is known to 0.03: angles to both sides, up to s / 2. */
  @Test
  void turnsToBothSides() {
    var angles =
        LongStream.range(0, 200)
            .mapToDouble(
                seed -> {
                  var rgb = image((x, y) -> 128 + 8 * (x - SIDE / 2));
                  new Jitter(0.2).apply(rgb, 0, SIDE, SIDE, seed);
                  return Math.atan2(
                      at(rgb, 0, 16, 19) - at(rgb, 0, 16, 13),
                      at(rgb, 0, 19, 16) - at(rgb, 0, 13, 16));
                })
            .toArray();
    assertSpread(angles, 0.1, 0.03);
  }

  /** The middle of a square, which zooming and turning leave where it is: up to s / 4 of 32. */
  @Test
  void movesInAllDirections() {
    for (var axis = 0; axis < 2; axis++) {
      var down = axis == 1;
      var places =
          LongStream.range(0, 200)
              .mapToDouble(
                  seed -> {
                    var rgb = image((x, y) -> x >= 12 && x < 20 && y >= 12 && y < 20 ? 180 : 80);
                    new Jitter(0.2).apply(rgb, 0, SIDE, SIDE, seed);
                    var sum = 0.0;
                    var moment = 0.0;
                    for (var i = 0; i < PLANE; i++) {
                      var above = (rgb[i] & 255) - at(rgb, 0, 0, 0);
                      sum += above;
                      moment += above * (down ? i / SIDE : i % SIDE);
                    }
                    return moment / sum - (SIDE - 1) / 2.0;
                  })
              .toArray();
      assertSpread(places, 1.6, 0.1);
    }
  }

  /** Values reach four fifths of {@code most} on both sides of 0, and no farther than it. */
  private static void assertSpread(double[] values, double most, double error) {
    assertThat(Arrays.stream(values).max().orElseThrow()).isBetween(0.8 * most, most + error);
    assertThat(Arrays.stream(values).min().orElseThrow()).isBetween(-most - error, -0.8 * most);
    assertThat(Arrays.stream(values).average().orElseThrow()).isBetween(-0.2 * most, 0.2 * most);
  }

  @Test
  void zoomsInAndOut() {
    var zooms = LongStream.range(0, 200).mapToDouble(seed -> mass(seed)).toArray();
    assertThat(Arrays.stream(zooms).filter(m -> m > 64).count()).isBetween(60L, 140L);
    assertThat(Arrays.stream(zooms).min().orElseThrow()).isLessThan(50);
    assertThat(Arrays.stream(zooms).max().orElseThrow()).isGreaterThan(80);
  }

  /** How many pixels a square of 8x8 covers afterwards, whatever its colours become. */
  private static double mass(long seed) {
    var rgb = image((x, y) -> x >= 12 && x < 20 && y >= 12 && y < 20 ? 180 : 80);
    new Jitter(0.2).apply(rgb, 0, SIDE, SIDE, seed);
    var background = at(rgb, 0, 0, 0);
    var most = 0;
    var sum = 0;
    for (var i = 0; i < PLANE; i++) {
      var above = (rgb[i] & 255) - background;
      most = Math.max(most, above);
      sum += above;
    }
    return (double) sum / most;
  }

  @Test
  void aUniformImageStaysUniform() {
    var rgb = image((x, y) -> 200);
    new Jitter(0.5).apply(rgb, 0, SIDE, SIDE, 9);
    for (var channel = 0; channel < 3; channel++) {
      var plane = Arrays.copyOfRange(rgb, channel * PLANE, (channel + 1) * PLANE);
      assertThat(plane).containsOnly(plane[0]);
    }
    assertThat(rgb[0]).isNotEqualTo(rgb[PLANE]); // each colour is changed on its own
  }

  @Test
  void refusesAnImpossibleStrength() {
    assertThatThrownBy(() -> new Jitter(1.5))
        .isInstanceOf(ConfigurationException.class)
        .hasMessage("modality.jitter is 1.5; it must be in [0, 1]");
    assertThatThrownBy(() -> new Jitter(Double.NaN)).isInstanceOf(ConfigurationException.class);
  }
}

package org.bitdiffusion.modality.caption;

import java.util.SplittableRandom;
import org.bitdiffusion.ConfigurationException;

/**
 * Changes images at random without changing what they show, so that a network that sees few images
 * does not learn them by heart: zoomed, turned, moved, and each of red, green and blue with a
 * contrast and a brightness of its own. Where an image ends, its outermost pixels go on.
 *
 * @param strength s, in [0, 1]; 0 changes nothing. Lengths change by factors from exp(-s) to
 *     exp(s), angles by up to s / 2 (radians), places by up to s / 4 of the side; differences of
 *     colours by factors from exp(-s) to exp(s), brightness by up to 64 s of 255.
 */
public record Jitter(double strength) {
  /** Changes nothing. */
  public static final Jitter NONE = new Jitter(0);

  public Jitter {
    if (!(strength >= 0 && strength <= 1)) {
      throw new ConfigurationException("modality.jitter is " + strength + "; it must be in [0, 1]");
    }
  }

  /**
   * Changes an image.
   *
   * @param rgb unsigned, [3, H, W] from the offset on
   * @param seed which decides how; the same for the same seed
   */
  public void apply(byte[] rgb, int offset, int height, int width, long seed) {
    if (strength == 0) {
      return;
    }
    var random = new SplittableRandom(seed);
    var zoom = Math.exp(symmetric(random, strength));
    var angle = symmetric(random, strength / 2);
    var moveX = symmetric(random, width * strength / 4);
    var moveY = symmetric(random, height * strength / 4);
    var cos = Math.cos(angle) / zoom;
    var sin = Math.sin(angle) / zoom;
    var plane = height * width;
    var before = new byte[plane];
    for (var channel = 0; channel < 3; channel++) {
      var contrast = Math.exp(symmetric(random, strength));
      var brightness = symmetric(random, 64 * strength);
      var start = offset + channel * plane;
      System.arraycopy(rgb, start, before, 0, plane);
      for (var y = 0; y < height; y++) {
        for (var x = 0; x < width; x++) {
          // Where the pixel comes from, as seen from the middle of the image.
          var right = x - (width - 1) / 2.0 - moveX;
          var down = y - (height - 1) / 2.0 - moveY;
          var fromX = (width - 1) / 2.0 + cos * right + sin * down;
          var fromY = (height - 1) / 2.0 - sin * right + cos * down;
          var value = interpolate(before, height, width, fromX, fromY);
          var changed = Math.round(127.5 + contrast * (value - 127.5) + brightness);
          rgb[start + y * width + x] = (byte) Math.max(0, Math.min(255, changed));
        }
      }
    }
  }

  private static double symmetric(SplittableRandom random, double most) {
    return most * (2 * random.nextDouble() - 1);
  }

  /** The value between four pixels, bilinear; outside, that of the nearest edge. */
  private static double interpolate(byte[] image, int height, int width, double x, double y) {
    x = Math.max(0, Math.min(width - 1, x));
    y = Math.max(0, Math.min(height - 1, y));
    var left = (int) x;
    var top = (int) y;
    var right = Math.min(left + 1, width - 1);
    var bottom = Math.min(top + 1, height - 1);
    var upper = mix(image[top * width + left], image[top * width + right], x - left);
    var lower = mix(image[bottom * width + left], image[bottom * width + right], x - left);
    return upper + (lower - upper) * (y - top);
  }

  private static double mix(byte a, byte b, double share) {
    return (a & 255) + ((b & 255) - (a & 255)) * share;
  }
}

package org.bitdiffusion.modality.image;

import static org.assertj.core.api.Assertions.assertThat;

import java.util.List;
import org.junit.jupiter.api.Test;

class FlippedTest {
  private static final int[] ROWS = {1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12};
  private static final int[] MIRRORED = {3, 2, 1, 6, 5, 4, 9, 8, 7, 12, 11, 10};

  /** One image of four rows. */
  private static Flipped flipped() {
    var image = new byte[12];
    for (var i = 0; i < image.length; i++) {
      image[i] = (byte) ROWS[i];
    }
    return new Flipped(
        new ImagesInMemory(
            "one",
            new ImageFormat(1, 4, 3, 256, List.of()),
            new byte[][] {image},
            new int[0],
            List.of(),
            List.of()));
  }

  @Test
  void aboutHalfOfTheDrawsMirrorEachRowOfTheImageThatIsRead() {
    var mirrored = 0;
    for (var draw = 0; draw < 400; draw++) {
      var target = new int[36];
      flipped().read(0, draw, target, 12);
      var read = new int[12];
      System.arraycopy(target, 12, read, 0, 12);
      assertThat(read).isIn(ROWS, MIRRORED);
      mirrored += read[0] == 3 ? 1 : 0;
      assertThat(target).startsWith(new int[12]).endsWith(new int[12]); // the neighbours
    }
    assertThat(mirrored).isBetween(160, 240); // four deviations
  }

  @Test
  void whatIsReadWithoutADrawIsAsItIs() {
    var target = new int[12];
    flipped().read(0, target, 0);
    assertThat(target).isEqualTo(ROWS);
  }
}

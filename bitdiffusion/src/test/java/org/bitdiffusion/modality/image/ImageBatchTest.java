package org.bitdiffusion.modality.image;

import static org.assertj.core.api.Assertions.assertThat;

import org.bitdiffusion.data.DataSpec;
import org.junit.jupiter.api.Test;

class ImageBatchTest {
  @Test
  void imagesAreTakenEvenlyFromASource() {
    try (var icons = ImageSources.open(DataSpec.parse("icons,size=8,subset=40"))) {
      var size = icons.format().symbols();
      var some = ImageBatch.evenly(icons, 4, 1, 2); // of the images 0, 10, 20, 30
      assertThat(some.count()).isEqualTo(2);
      var expected = new int[2 * size];
      icons.read(10, expected, 0);
      icons.read(20, expected, size);
      assertThat(some.symbols()).isEqualTo(expected);
      assertThat(some.rgb()).hasSize(2 * 3 * size);
    }
  }
}

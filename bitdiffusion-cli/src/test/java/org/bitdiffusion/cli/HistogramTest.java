package org.bitdiffusion.cli;

import static org.assertj.core.api.Assertions.assertThat;

import java.util.Arrays;
import org.junit.jupiter.api.Test;

class HistogramTest {
  @Test
  void countsValuesByBin() {
    var histogram = new Histogram(0.5); // 80 bins of 1/80
    histogram.add(new float[] {-0.5f, -0.4999f, -0.001f, 0.001f, 0.4999f});
    histogram.add(new float[] {0.5f, 0.6f, -0.7f, 0.0126f});

    var expected = new long[80];
    expected[0] = 3; // -0.7 too
    expected[39] = 1;
    expected[40] = 1;
    expected[41] = 1; // from 1/80 on
    expected[79] = 3; // 0.5 and 0.6 too
    assertThat(histogram.counts()).isEqualTo(expected);
    assertThat(Arrays.stream(histogram.counts()).sum()).isEqualTo(9);
  }
}

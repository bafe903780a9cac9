package org.bitdiffusion.modality.image;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;
import static org.assertj.core.api.Assertions.within;

import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.ObjectMapper;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.Map;
import java.util.Random;
import java.util.stream.Stream;
import java.util.zip.ZipEntry;
import java.util.zip.ZipOutputStream;
import org.assertj.core.data.Percentage;
import org.bitdiffusion.DataException;
import org.bitdiffusion.io.NpyTest;
import org.bitdiffusion.io.Npz;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

class FeatureStatisticsTest {
  private static final Percentage TOLERANCE = Percentage.withPercentage(1e-4); // 1e-6

  @TempDir private Path folder;

  private static FeatureStatistics statistics(JsonNode node) {
    var mean = new ArrayList<Double>();
    node.path("mean").forEach(value -> mean.add(value.doubleValue()));
    var covariance = new ArrayList<Double>();
    node.path("cov").forEach(row -> row.forEach(value -> covariance.add(value.doubleValue())));
    return new FeatureStatistics(
        mean.stream().mapToDouble(x -> x).toArray(),
        covariance.stream().mapToDouble(x -> x).toArray());
  }

  @Test
  void theDistanceIsThatOfTheFixtureAlsoWithoutFullRank() throws IOException {
    var fixture =
        new ObjectMapper()
            .readTree(getClass().getResource("/org/bitdiffusion/frechet-distance.json"));
    var a = statistics(fixture.path("a"));
    var b = statistics(fixture.path("b"));
    var few = statistics(fixture.path("a_first20")); // 20 examples of 32 features
    assertThat(a.frechetDistance(b))
        .isCloseTo(fixture.path("distance_a_b").doubleValue(), TOLERANCE);
    assertThat(b.frechetDistance(a))
        .isCloseTo(fixture.path("distance_a_b").doubleValue(), TOLERANCE);
    assertThat(few.frechetDistance(b))
        .isCloseTo(fixture.path("distance_a_first20_b").doubleValue(), TOLERANCE);
    for (var same : new FeatureStatistics[] {a, b, few}) {
      assertThat(same.frechetDistance(same)).isCloseTo(0, within(1e-12 * trace(same)));
    }
  }

  private static double trace(FeatureStatistics statistics) {
    var trace = 0.0;
    for (var i = 0; i < statistics.features(); i++) {
      trace += statistics.covariance()[i * (statistics.features() + 1)];
    }
    return trace;
  }

  /** Of independent features, it is the sum of (m1 - m2)^2 + (s1 - s2)^2. */
  @Test
  void theDistanceOfIndependentFeaturesIsKnown() {
    var a = new FeatureStatistics(new double[] {1, -2, 0}, diagonal(4, 9, 0));
    var b = new FeatureStatistics(new double[] {0, 0, 3}, diagonal(1, 25, 0));
    assertThat(a.frechetDistance(b)).isCloseTo(1 + 4 + 9 + 1 + 4, within(1e-12));
  }

  private static double[] diagonal(double... values) {
    var matrix = new double[values.length * values.length];
    for (var i = 0; i < values.length; i++) {
      matrix[i * (values.length + 1)] = values[i];
    }
    return matrix;
  }

  @Test
  void batchesOfAnySizeGiveWhatTwoPassesGive() {
    var size = 5;
    var rows = 1000;
    var random = new Random(1);
    var features = new float[rows * size];
    for (var i = 0; i < features.length; i++) {
      // Far from 0 compared with its spread, and correlated with its neighbour.
      features[i] =
          (float) (1000 + random.nextGaussian() + (i % size > 0 ? features[i - 1] - 1000 : 0));
    }
    var builder = new FeatureStatistics.Builder(size);
    var begin = 0;
    for (var count : new int[] {1, 0, 2, 497, 1, 499}) {
      builder.add(Arrays.copyOfRange(features, begin * size, (begin + count) * size));
      begin += count;
    }
    assertThat(builder.count()).isEqualTo(rows);
    var statistics = builder.build();
    for (var i = 0; i < size; i++) {
      assertThat(statistics.mean()[i]).isCloseTo(mean(features, size, i), within(1e-9));
      for (var j = 0; j < size; j++) {
        var sum = 0.0;
        for (var row = 0; row < rows; row++) {
          sum +=
              (features[row * size + i] - mean(features, size, i))
                  * (features[row * size + j] - mean(features, size, j));
        }
        assertThat(statistics.covariance()[i * size + j]).isCloseTo(sum / (rows - 1), within(1e-9));
      }
    }
  }

  private static double mean(float[] features, int size, int column) {
    var sum = 0.0;
    for (var i = column; i < features.length; i += size) {
      sum += features[i];
    }
    return sum / (features.length / size);
  }

  @Test
  void readsWhatItWrites() {
    var file = folder.resolve("statistics.npz");
    var statistics =
        new FeatureStatistics(new double[] {1, -2.5}, new double[] {1, 0.1, 0.1, 1e-300});
    statistics.write(file);
    var read = FeatureStatistics.read(file);
    assertThat(read.mean()).isEqualTo(statistics.mean());
    assertThat(read.covariance()).isEqualTo(statistics.covariance());
  }

  @ParameterizedTest
  @CsvSource(
      delimiter = '|',
      value = {
        "1, 0, 0, NaN|statistics of features hold a value that is no finite number",
        "1, 0, 0.5, 1|sigma is no covariance: it is not symmetric at 1, 0",
        "1, 0, 0, -1|sigma is no covariance: the variance of feature 1 is below 0",
      })
  void refusesWhatIsNoCovariance(String sigma, String message) {
    var file = folder.resolve("statistics.npz");
    var covariance = Stream.of(sigma.split(", ")).mapToDouble(Double::parseDouble).toArray();
    new FeatureStatistics(new double[2], covariance).write(file);
    assertThatThrownBy(() -> FeatureStatistics.read(file))
        .isInstanceOf(DataException.class)
        .hasMessage(file + ": " + message);
  }

  @Test
  void statisticsOfMoreFeaturesThanAnyNetworkHasAreRefused() throws IOException {
    var file = folder.resolve("x.npz");
    try (var zip = new ZipOutputStream(Files.newOutputStream(file))) {
      zip.putNextEntry(new ZipEntry("mu.npy"));
      zip.write(NpyTest.npy("<f4", "(5000,)", new byte[20_000]));
      zip.putNextEntry(new ZipEntry("sigma.npy"));
      zip.write(NpyTest.npy("<f4", "(5000, 5000)", new byte[1000]));
    }
    assertThatThrownBy(() -> FeatureStatistics.read(file))
        .isInstanceOf(DataException.class)
        .hasMessageStartingWith(file + ": sigma has the shape [5000, 5000], of more values");
  }

  @Test
  void saysWhatIsWrongWithStatistics() throws IOException {
    var two = new FeatureStatistics(new double[2], new double[4]);
    var three = new FeatureStatistics(new double[3], new double[9]);
    assertThatThrownBy(() -> two.frechetDistance(three))
        .isInstanceOf(IllegalArgumentException.class);
    assertThatThrownBy(
            () ->
                two.frechetDistance(
                    new FeatureStatistics(new double[] {0, Double.NaN}, new double[4])))
        .hasMessage("statistics of features hold a value that is no finite number");
    var builder = new FeatureStatistics.Builder(2);
    builder.add(new float[] {1, 2});
    assertThatThrownBy(builder::build)
        .isInstanceOf(DataException.class)
        .hasMessage("a covariance needs 2 images at least, and there are 1");

    var file = folder.resolve("x.npz");
    assertThatThrownBy(() -> FeatureStatistics.read(file))
        .isInstanceOf(DataException.class)
        .hasMessage(file + " cannot be read: it or its folder does not exist");
    Files.writeString(file, "no archive");
    assertThatThrownBy(() -> FeatureStatistics.read(file))
        .isInstanceOf(DataException.class)
        .hasMessageContaining(file + " is no npz archive, or damaged");
    Npz.write(file, Map.of("mu", new Npz.Doubles(new int[] {2}, new double[2])));
    assertThatThrownBy(() -> FeatureStatistics.read(file))
        .hasMessage(file + " has no array 'sigma'");
    Npz.write(
        file,
        Map.of(
            "mu", new Npz.Doubles(new int[] {2}, new double[2]),
            "sigma", new Npz.Doubles(new int[] {3, 3}, new double[9])));
    assertThatThrownBy(() -> FeatureStatistics.read(file))
        .hasMessage(file + ": mu has the shape [2] and sigma [3, 3]; they must be [D] and [D, D]");
  }
}

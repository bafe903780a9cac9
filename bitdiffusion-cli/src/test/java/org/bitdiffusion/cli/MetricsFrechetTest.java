package org.bitdiffusion.cli;

import static org.assertj.core.api.Assertions.assertThat;

import com.fasterxml.jackson.databind.ObjectMapper;
import java.io.IOException;
import java.nio.file.Path;
import java.util.stream.Stream;
import org.bitdiffusion.modality.image.FeatureStatistics;
import org.junit.jupiter.api.Test;

class MetricsFrechetTest extends CommandTest {
  private Path file(String name, double[] mean, double... covariance) {
    var file = folder.resolve(name);
    new FeatureStatistics(mean, covariance).write(file);
    return file;
  }

  private int frechet(Object... args) {
    return run(Stream.concat(Stream.of("metrics", "frechet"), Stream.of(args)).toArray());
  }

  @Test
  void reportsTheDistanceAndWhoseFeaturesItIsOf() throws IOException {
    var a = file("a.npz", new double[] {1, 2}, 4, 0, 0, 9);
    var b = file("b.npz", new double[] {1, 0}, 1, 0, 0, 9);
    assertThat(frechet(a, b, "--json")).as(err.toString()).isZero();
    var report = new ObjectMapper().readTree(out.toString());
    assertThat(report.path("frechet_distance").doubleValue()).isEqualTo(5); // 2^2 + (2 - 1)^2
    assertThat(report.path("features").textValue()).isEqualTo("2 values, as the files have them");

    assertThat(frechet(a, b)).isZero();
    assertThat(out).hasToString("frechet distance 5.00000 of 2 values, as the files have them\n");
  }

  @Test
  void comparesTwoFilesAndNoMore() {
    var a = file("a.npz", new double[] {1, 2}, 4, 0, 0, 9);
    assertThat(frechet(a, a, a)).isEqualTo(2);
    assertThat(frechet(a)).isEqualTo(2);
    assertThat(err.toString()).contains("FILE.npz").doesNotContain("index");
  }

  /** Symmetric, with variances above 0, but an eigenvalue of -1. */
  @Test
  void refusesWhatIsNoCovariance() {
    var a = file("a.npz", new double[] {1, 2}, 4, 0, 0, 9);
    var b = file("b.npz", new double[] {1, 0}, 1, 2, 2, 1);
    assertThat(frechet(a, b)).isEqualTo(1);
    assertThat(err.toString()).contains("hold a sigma that is no covariance", "eigenvalue -1");
  }

  @Test
  void namesTheFilesThatDoNotFit() {
    var a = file("a.npz", new double[] {1, 2}, 4, 0, 0, 9);
    var b = file("b.npz", new double[] {1}, 1);
    assertThat(frechet(a, b)).isEqualTo(1);
    assertThat(err)
        .hasToString(
            "bitdiff: %s has statistics of 2 features, but %s of 1; both must come from the same network\n"
                .formatted(a, b));
  }
}

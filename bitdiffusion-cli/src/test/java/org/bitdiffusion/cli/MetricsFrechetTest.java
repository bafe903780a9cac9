package org.bitdiffusion.cli;

import static org.assertj.core.api.Assertions.assertThat;

import com.fasterxml.jackson.databind.ObjectMapper;
import java.io.IOException;
import java.io.PrintWriter;
import java.io.StringWriter;
import java.nio.file.Path;
import org.bitdiffusion.metrics.FeatureStatistics;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

class MetricsFrechetTest {
  @TempDir private Path folder;

  private final StringWriter out = new StringWriter();
  private final StringWriter err = new StringWriter();

  private Path file(String name, double[] mean, double... covariance) {
    var file = folder.resolve(name);
    new FeatureStatistics(mean, covariance).write(file);
    return file;
  }

  private int run(Object... args) {
    var words = new String[args.length + 2];
    words[0] = "metrics";
    words[1] = "frechet";
    for (var i = 0; i < args.length; i++) {
      words[i + 2] = args[i].toString();
    }
    return Main.run(words, new PrintWriter(out, true), new PrintWriter(err, true));
  }

  @Test
  void reportsTheDistanceAndWhoseFeaturesItIsOf() throws IOException {
    var a = file("a.npz", new double[] {1, 2}, 4, 0, 0, 9);
    var b = file("b.npz", new double[] {1, 0}, 1, 0, 0, 9);
    assertThat(run(a, b, "--json")).as(err.toString()).isZero();
    var report = new ObjectMapper().readTree(out.toString());
    assertThat(report.path("frechet_distance").doubleValue()).isEqualTo(5); // 2^2 + (2 - 1)^2
    assertThat(report.path("features").textValue()).isEqualTo("2 values, as the files have them");

    out.getBuffer().setLength(0);
    assertThat(run(a, b)).isZero();
    assertThat(out).hasToString("frechet distance 5.00000 of 2 values, as the files have them\n");
  }

  @Test
  void namesTheFilesThatDoNotFit() {
    var a = file("a.npz", new double[] {1, 2}, 4, 0, 0, 9);
    var b = file("b.npz", new double[] {1}, 1);
    assertThat(run(a, b)).isEqualTo(1);
    assertThat(err)
        .hasToString(
            "bitdiff: %s has statistics of 2 features, but %s of 1; both must come from the same network\n"
                .formatted(a, b));
  }
}

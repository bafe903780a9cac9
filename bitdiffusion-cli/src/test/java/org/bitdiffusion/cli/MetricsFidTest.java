package org.bitdiffusion.cli;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.within;

import com.fasterxml.jackson.databind.ObjectMapper;
import java.awt.image.BufferedImage;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Map;
import java.util.Random;
import java.util.stream.Stream;
import javax.imageio.ImageIO;
import org.bitdiffusion.io.Npy;
import org.bitdiffusion.modality.image.FeatureStatistics;
import org.bitdiffusion.modality.image.InceptionFeatures;
import org.bitdiffusion.modality.image.InceptionV3;
import org.bitdiffusion.runtime.Compute;
import org.bitdiffusion.runtime.Safetensors;
import org.bytedeco.pytorch.global.torch;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/** With random weights, as the public ones are not part of the project. */
class MetricsFidTest extends CommandTest {
  @TempDir private static Path shared;

  private static Path weights() {
    return shared.resolve("inception.safetensors");
  }

  @BeforeAll
  static void writeRandomWeights() throws IOException {
    Compute.choose("float32").newDevice().close(); // loads the engine
    torch.manual_seed(1);
    try (var network = new InceptionV3(Compute.PLAIN)) {
      Safetensors.write(weights(), network.parameters().byName());
    }
  }

  private Path images(String name, int seed, int... sides) throws IOException {
    var place = Files.createDirectories(folder.resolve(name));
    var random = new Random(seed);
    for (var i = 0; i < sides.length; i++) {
      var image = new BufferedImage(sides[i], sides[i], BufferedImage.TYPE_INT_RGB);
      for (var y = 0; y < sides[i]; y++) {
        for (var x = 0; x < sides[i]; x++) {
          image.setRGB(x, y, random.nextInt(1 << 24));
        }
      }
      ImageIO.write(image, "png", place.resolve(i + ".png").toFile());
    }
    return place;
  }

  private int fid(Object... args) {
    return run(Stream.concat(Stream.of("metrics", "fid"), Stream.of(args)).toArray());
  }

  @Test
  void measuresFoldersOfImagesOfAnySizeAndStatistics() throws IOException {
    var a = images("a", 1, 8, 8, 12);
    var b = images("b", 2, 8, 8);
    var saved = folder.resolve("a.npz");
    assertThat(fid(a, b, "--inception", weights(), "--save", saved, "--json"))
        .as(err.toString())
        .isZero();
    var report = new ObjectMapper().readTree(out.toString());
    assertThat(report.path("images").toString()).isEqualTo("[3,2]");
    assertThat(err.toString())
        .contains(
            "warning: %s holds 3 images, too few for 2,048 features: their covariance has not full"
                    .formatted(a)
                + " rank below 2,049, and the distance is far too high");

    // By hand: each image on its own, in the order of names.
    assertClose(FeatureStatistics.read(saved), statistics(new int[] {8, 8, 12}, 1));

    // The other way round, one image at a time, and of a file.
    var other = folder.resolve("b.npz");
    assertThat(
            fid(b, saved, "--inception", weights(), "--save", other, "--json", "--batch-size", 1))
        .isZero();
    assertClose(FeatureStatistics.read(other), statistics(new int[] {8, 8}, 2));
    var fid = report.path("fid").doubleValue();
    assertThat(new ObjectMapper().readTree(out.toString()).path("fid").doubleValue())
        .isCloseTo(fid, within(1e-4 * fid));
    var a0 = FeatureStatistics.read(saved);
    var b0 = FeatureStatistics.read(other);
    var between = 0.0;
    for (var i = 0; i < InceptionV3.FEATURES; i++) {
      between += Math.pow(a0.mean()[i] - b0.mean()[i], 2);
    }
    assertThat(fid).isGreaterThanOrEqualTo(between); // the rest is a distance of covariances
  }

  /** Of two folders that hold four images each at least; of a set and itself it is below 0. */
  @Test
  void kidStandsBesideFid() throws IOException {
    var a = images("a", 1, 8, 8, 8, 8, 8);
    var b = images("b", 2, 8, 8, 8, 8);
    assertThat(fid(a, b, "--inception", weights(), "--json")).as(err.toString()).isZero();
    var report = new ObjectMapper().readTree(out.toString());
    assertThat(report.path("kid").isNumber()).isTrue();
    assertThat(report.path("kid_standard_error").asDouble()).isPositive();
    assertThat(report.path("kid_subsets").asInt()).isEqualTo(100);
    assertThat(report.path("images_of_each_subset").toString()).isEqualTo("[2,2]");
    assertThat(fid(a, a, "--inception", weights())).isZero();
    assertThat(out.toString()).contains("KID ").contains("by 100 subsets of 2 images");
    var few = images("few", 2, 8, 8, 8);
    assertThat(fid(a, few, "--inception", weights(), "--json")).isZero();
    assertThat(out.toString()).doesNotContain("kid");
  }

  private static void assertClose(FeatureStatistics actual, FeatureStatistics expected) {
    assertClose(actual.mean(), expected.mean());
    assertClose(actual.covariance(), expected.covariance());
  }

  private static void assertClose(double[] actual, double[] expected) {
    assertThat(actual).hasSameSizeAs(expected);
    var largest = 0.0;
    var most = 0.0;
    for (var i = 0; i < actual.length; i++) {
      largest = Math.max(largest, Math.abs(expected[i]));
      most = Math.max(most, Math.abs(actual[i] - expected[i]));
    }
    assertThat(most).isLessThan(1e-4 * largest);
  }

  @Test
  void evaluatesARun() throws IOException {
    images("data", 1, 8, 8, 8, 8);
    var line =
        "train --preset icons --data images:FOLDER/data,size=8 --out FOLDER/run --steps 1"
            + " --set network.width=8 --set network.multipliers=[1] --set network.blocks=1"
            + " --set network.attention=[] --set training.batch_size=2 --set sampling.steps=1";
    assertThat(runLine(line)).as(err.toString()).isZero();
    var evaluate = "evaluate --json --run FOLDER/run --n 3 --data images:FOLDER/data,size=8";
    assertThat(runLine(evaluate + " --inception " + weights())).as(err.toString()).isZero();
    var report = new ObjectMapper().readTree(out.toString());
    assertThat(report.path("features").asText()).isEqualTo("FID's Inception-v3");
    assertThat(report.has("frechet_distance")).isFalse();
    // Each part of the score is one image, which is as all of its part are.
    assertThat(report.path("inception_score").asDouble()).isCloseTo(1, within(1e-6));
    assertThat(report.path("images_of_each_inception_score").asInt()).isEqualTo(1);

    Path kept;
    try (var files = Files.walk(folder.resolve("run/evaluations"))) {
      kept = files.filter(file -> file.toString().endsWith(".npy")).findAny().orElseThrow();
    }
    var samples = Npy.read(kept).values();
    var builder = new FeatureStatistics.Builder(InceptionV3.FEATURES);
    try (var features = InceptionFeatures.load(weights(), "float32")) {
      var rgb = new byte[samples.length];
      for (var i = 0; i < rgb.length; i++) {
        rgb[i] = (byte) samples[i];
      }
      builder.add(features.of(rgb, 8, 8).features());
    }
    var fid = builder.build().frechetDistance(statistics(new int[] {8, 8, 8, 8}, 1));
    assertThat(report.path("fid").asDouble()).isCloseTo(fid, within(1e-4 * fid));
  }

  private static FeatureStatistics statistics(int[] sides, int seed) {
    var random = new Random(seed);
    var builder = new FeatureStatistics.Builder(InceptionV3.FEATURES);
    try (var features = InceptionFeatures.load(weights(), "float32")) {
      for (var side : sides) {
        var rgb = new byte[3 * side * side];
        for (var i = 0; i < side * side; i++) {
          var color = random.nextInt(1 << 24);
          for (var c = 0; c < 3; c++) {
            rgb[c * side * side + i] = (byte) (color >> (16 - 8 * c));
          }
        }
        builder.add(features.of(rgb, side, side).features());
      }
    }
    return builder.build();
  }

  @Test
  void saysWhatIsWrong() throws IOException {
    var a = images("a", 1, 8, 8);
    var one = images("one", 1, 8);
    var missing = folder.resolve("none.safetensors");
    assertThat(fid(a, a, "--inception", missing)).isEqualTo(1);
    assertThat(err.toString()).contains(missing + " does not exist", "FID's Inception-v3");
    var foreign = folder.resolve("foreign.safetensors");
    Safetensors.write(foreign, Map.of());
    assertThat(fid(a, a, "--inception", foreign)).isEqualTo(1);
    assertThat(err.toString()).contains(foreign + " has no tensor 'Conv2d_1a_3x3.conv.weight'");
    assertThat(fid(a, one, "--inception", weights())).isEqualTo(1);
    assertThat(err.toString())
        .contains(one + " holds 1 images; a covariance needs 2 at least")
        .doesNotContain("looking"); // at the other ones, before
    var small = folder.resolve("small.npz");
    new FeatureStatistics(new double[2], new double[4]).write(small);
    assertThat(fid(a, small, "--inception", weights())).isEqualTo(1);
    assertThat(err.toString())
        .contains(small + " has statistics of 2 features; those of FID's Inception-v3 are 2048");
  }
}

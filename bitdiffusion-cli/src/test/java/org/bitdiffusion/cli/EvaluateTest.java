package org.bitdiffusion.cli;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.within;

import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.ObjectMapper;
import com.fasterxml.jackson.databind.node.ObjectNode;
import java.awt.Color;
import java.awt.image.BufferedImage;
import java.io.IOException;
import java.nio.ByteBuffer;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.Random;
import java.util.zip.CRC32;
import javax.imageio.ImageIO;
import org.bitdiffusion.Seed;
import org.bitdiffusion.config.RunConfig;
import org.bitdiffusion.data.DataSpec;
import org.bitdiffusion.data.Split;
import org.bitdiffusion.io.Npy;
import org.bitdiffusion.metrics.SymbolStatistics;
import org.bitdiffusion.modality.image.FeatureStatistics;
import org.bitdiffusion.modality.image.ImageSources;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;

class EvaluateTest extends CommandTest {
  @BeforeEach
  void train() {
    var line =
        "train --preset icons --data icons,size=8 --out FOLDER/run --steps 2"
            + " --set network.width=8 --set network.multipliers=[1] --set network.blocks=1"
            + " --set network.attention=[] --set training.batch_size=4 --set sampling.steps=3";
    assertThat(runLine(line)).as(err.toString()).isZero();
  }

  private static boolean isOfSamples(Path file) {
    return file.toString().endsWith(".npy");
  }

  private JsonNode evaluate(String options) throws IOException {
    assertThat(runLine("evaluate --run FOLDER/run --data icons,size=8 --json " + options))
        .as(err.toString())
        .isZero();
    return new ObjectMapper().readTree(out.toString());
  }

  @Test
  void comparesWithWhatTheRunWasTrainedOnUnlessToldOtherwise() throws IOException {
    var told = evaluate("--n 20");
    assertThat(runLine("evaluate --run FOLDER/run --n 20 --json")).as(err.toString()).isZero();
    var untold = new ObjectMapper().readTree(out.toString());
    assertThat(untold.path("nearest_distance")).isEqualTo(told.path("nearest_distance"));
    assertThat(untold.path("compared_with")).isEqualTo(told.path("compared_with"));
  }

  @Test
  void comparesSamplesWithTheDataAndKeepsThem() throws IOException {
    var report = evaluate("--n 130 --batch-size 40 --held-out icons,size=8");
    assertThat(report.fieldNames())
        .toIterable()
        .containsExactly(
            "nearest_distance",
            "least_nearest_distance",
            "nearest_ratio",
            "nearest_distance_of_held_out",
            "least_nearest_distance_of_held_out",
            "nearest_ratio_of_held_out",
            "share_of_low_ratios",
            "compared_with",
            "symbol_total_variation",
            "pair_total_variation",
            "symbol_total_variation_of_data",
            "pair_total_variation_of_data",
            "samples",
            "seed",
            "network_evaluations_per_sample",
            "samples_per_second");
    assertThat(report.path("samples").asInt()).isEqualTo(130);
    // The preset samples with self-guidance, two passes a step.
    assertThat(report.path("network_evaluations_per_sample").asInt()).isEqualTo(6);
    assertThat(report.path("nearest_distance").asDouble()).isPositive();
    assertThat(report.path("nearest_distance_of_held_out").asDouble()).isZero(); // the same images
    assertThat(report.path("compared_with").asText()).startsWith("icons 8x8");

    // The symbols' distance from the samples that were kept, and these are those of 'sample'.
    var kept = folder.resolve("run/evaluations");
    List<Path> files;
    try (var list = Files.walk(kept)) {
      files = list.filter(Files::isRegularFile).sorted().toList();
    }
    assertThat(files)
        .extracting(file -> file.getFileName().toString().replaceFirst("-crc-[0-9a-f]{8}", ""))
        .containsExactly(
            "samples-0000000-0000064.npy",
            "samples-0000064-0000128.npy",
            "samples-0000128-0000130.npy",
            "settings.yaml");
    assertThat(runLine("sample --run FOLDER/run --n 130 --batch-size 40 --out FOLDER/s.npy"))
        .isZero();
    var samples = Npy.read(folder.resolve("s.npy")).values();
    try (var icons = ImageSources.open(DataSpec.parse("icons,size=8"))) {
      var ofSamples = new SymbolStatistics(1, 8, 8, icons.format().categories());
      ofSamples.add(samples);
      var ofIcons = new SymbolStatistics(1, 8, 8, icons.format().categories());
      var icon = new int[64];
      for (var i = 0; i < icons.size(); i++) {
        icons.read(i, icon, 0);
        ofIcons.add(icon);
      }
      assertThat(report.path("symbol_total_variation").asDouble())
          .isEqualTo(ofSamples.symbolDistance(ofIcons));
      assertThat(report.path("pair_total_variation").asDouble())
          .isEqualTo(ofSamples.pairDistance(ofIcons));
    }

    // Cut off: what is there is not drawn again.
    Files.delete(files.get(1));
    var times = Files.getLastModifiedTime(files.get(0));
    var again = evaluate("--n 130");
    assertThat(again.path("pair_total_variation")).isEqualTo(report.path("pair_total_variation"));
    assertThat(files.get(1)).exists();
    assertThat(Files.getLastModifiedTime(files.get(0))).isEqualTo(times);
    assertThat(evaluate("--n 130 --batch-size 500").has("samples_per_second")).isFalse();
    // Other settings are other samples; these two seeds have the same Long.hashCode.
    assertThat(evaluate("--n 5 --seed=-1").has("samples_per_second")).isTrue();
    assertThat(evaluate("--n 5 --seed 1").has("samples_per_second")).isTrue();
    assertThat(evaluate("--n 5 --steps 2").has("samples_per_second")).isTrue();
  }

  /** The same step of a run that was trained anew has other samples. */
  @Test
  void samplesAreThoseOfTheWeights() throws IOException {
    var before = evaluate("--n 4").path("pair_total_variation");
    Files.move(folder.resolve("run/checkpoints/step-00000002"), folder.resolve("away"));
    assertThat(runLine("train --resume --out FOLDER/run --set training.learning_rate=0.1"))
        .as(err.toString())
        .isZero();
    var report = evaluate("--n 4");
    assertThat(report.has("samples_per_second")).isTrue();
    assertThat(report.path("pair_total_variation")).isNotEqualTo(before);
  }

  /** A fifth of the samples is exchanged for images of the data: the median does not show it. */
  @Test
  void aFewCopiesShow() throws IOException {
    var random = new Random(1);
    Files.createDirectories(folder.resolve("noise"));
    for (var i = 0; i < 20; i++) {
      var image = new BufferedImage(8, 8, BufferedImage.TYPE_INT_RGB);
      for (var pixel = 0; pixel < 64; pixel++) {
        image.setRGB(pixel % 8, pixel / 8, random.nextBoolean() ? 0xffffff : 0);
      }
      ImageIO.write(image, "png", folder.resolve("noise/" + i + ".png").toFile());
    }
    var evaluate = "--n 20 --held-out images:FOLDER/noise,size=8,color=grey,levels=2";
    assertThat(evaluate(evaluate).path("least_nearest_distance").asDouble()).isPositive();
    Path first;
    try (var files = Files.walk(folder.resolve("run/evaluations"))) {
      first =
          files
              .filter(file -> file.getFileName().toString().startsWith("samples-0000000-0000020-"))
              .findAny()
              .get();
    }
    var copies = Npy.read(first).values();
    try (var icons = ImageSources.open(DataSpec.parse("icons,size=8"))) {
      for (var i = 0; i < 4; i++) {
        icons.read(100 * i, copies, i * 64);
      }
    }
    exchange(first, copies, new int[] {20, 1, 8, 8}, 2);
    var report = evaluate(evaluate);
    assertThat(report.path("nearest_distance").asDouble()).isPositive();
    assertThat(report.path("least_nearest_distance").asDouble()).isZero();
    assertThat(report.path("least_nearest_distance_of_held_out").asDouble()).isPositive();
    assertThat(report.path("nearest_ratio").asDouble()).isBetween(0.5, 1.0);
    assertThat(report.path("share_of_low_ratios").asDouble()).isGreaterThanOrEqualTo(0.2);

    // Of fewer images a twentieth is less than one, and of equal ones none is the second nearest.
    assertThat(evaluate(evaluate + ",subset=18").has("share_of_low_ratios")).isFalse();
    assertThat(err.toString())
        .contains("share_of_low_ratios is not told: it needs 19 held-out images, and there are 18");
    var black = new BufferedImage(8, 8, BufferedImage.TYPE_INT_RGB);
    for (var i = 0; i < 3; i++) {
      Files.createDirectories(folder.resolve("equal"));
      ImageIO.write(black, "png", folder.resolve("equal/" + i + ".png").toFile());
    }
    var data = "images:FOLDER/equal,size=8,color=grey,levels=2";
    assertThat(runLine("evaluate --run FOLDER/run --json " + evaluate + " --data " + data))
        .as(err.toString())
        .isZero();
    var equal = new ObjectMapper().readTree(out.toString());
    assertThat(equal.has("nearest_distance_of_held_out")).isTrue();
    assertThat(equal.has("nearest_ratio")).isFalse();
    assertThat(equal.has("share_of_low_ratios")).isFalse();
    assertThat(err.toString())
        .contains("share_of_low_ratios is not told: no two training images differ");
  }

  /** Puts other samples in the place of kept ones, whose file has their checksum in its name. */
  private static Path exchange(Path kept, int[] symbols, int[] shape, int categories)
      throws IOException {
    var bytes = ByteBuffer.allocate(4 * symbols.length);
    bytes.asIntBuffer().put(symbols);
    var checksum = new CRC32();
    checksum.update(bytes.array());
    var name =
        kept.getFileName()
            .toString()
            .replaceFirst("-crc-.{8}", "-crc-%08x".formatted(checksum.getValue()));
    Files.delete(kept);
    var other = kept.resolveSibling(name);
    Npy.write(other, symbols, shape, categories);
    return other;
  }

  private void paint(String name, int count, Color color) throws IOException {
    paint(name, count, color, 8);
  }

  private void paint(String name, int count, Color color, int side) throws IOException {
    var random = new Random(name.hashCode());
    for (var i = 0; i < count; i++) {
      var image = new BufferedImage(side, side, BufferedImage.TYPE_INT_RGB);
      var graphics = image.createGraphics();
      graphics.setColor(color);
      graphics.fillRect(random.nextInt(5), random.nextInt(5), 4, 4);
      var file = folder.resolve(name + "/" + i + ".png");
      Files.createDirectories(file.getParent());
      ImageIO.write(image, "png", file.toFile());
    }
  }

  /** A classifier of red and blue squares, and the distance of its features. */
  @Test
  void learnsFeaturesAndComparesByThem() throws IOException {
    for (var set : List.of("train", "test")) {
      paint(set + "/red", 20, Color.RED);
      paint(set + "/blue", 20, Color.BLUE);
    }
    assertThat(
            runLine(
                "features train --data images:FOLDER/train,size=8 --test images:FOLDER/test,size=8"
                    + " --steps 20 --out FOLDER/f.safetensors --json"))
        .as(err.toString())
        .isZero();
    var trained = new ObjectMapper().readTree(out.toString());
    assertThat(trained.path("classes").asInt()).isEqualTo(2);
    assertThat(trained.path("test_accuracy").asDouble()).isEqualTo(1);

    assertThat(
            runLine(
                "features train --data images:FOLDER/train,size=8 --test images:FOLDER/test/red,size=8"
                    + " --steps 1 --out FOLDER/g.safetensors"))
        .isEqualTo(2);
    assertThat(err.toString()).contains("has images or classes of another kind than --data");
    assertThat(folder.resolve("g.safetensors")).doesNotExist();

    var report = evaluate("--n 8 --features FOLDER/f.safetensors");
    assertThat(report.path("frechet_distance").asDouble()).isPositive();
    assertThat(report.path("kernel_distance").isNumber()).isTrue();
    assertThat(report.path("kernel_distance_standard_error").asDouble()).isPositive();
    assertThat(report.has("fid")).isFalse();
    assertThat(err.toString())
        .contains("warning: the set of samples holds 8 images, too few for 128 features");
    assertThat(report.path("features").asText())
        .isEqualTo("small classifier f.safetensors, not FID");
    for (var name : List.of("precision", "recall", "coverage")) {
      assertThat(report.path(name).asDouble()).as(name).isBetween(0.0, 1.0);
    }
    assertThat(report.path("density").isNumber()).isTrue();

    assertThat(report.path("images_of_these_four").asInt()).isEqualTo(8); // of each set
    assertThat(
            runLine(
                "evaluate --run FOLDER/run --data icons,size=8 --n 1 --features"
                    + " FOLDER/f.safetensors"))
        .isEqualTo(2);
    assertThat(err.toString()).contains("needs 2 samples at least");

    assertThat(
            runLine(
                "evaluate --run FOLDER/run --data icons,size=8 --n 8 --features-precision bfloat16"))
        .isEqualTo(2);
    assertThat(err.toString()).contains("--features-precision needs --inception or --features");
    assertThat(
            runLine(
                "evaluate --run FOLDER/run --data icons,size=8 --with features=FOLDER/f.safetensors"
                    + " --features FOLDER/f.safetensors"))
        .isEqualTo(2);
    assertThat(err.toString()).contains("--features and --with features are the same option");

    // Statistics of the data are written, and taken from then on.
    var reference = " --reference FOLDER/r.npz";
    ((ObjectNode) report).remove("samples_per_second"); // none are drawn again
    assertThat(evaluate("--n 8 --features FOLDER/f.safetensors" + reference)).isEqualTo(report);
    assertThat(err.toString())
        .contains("the statistics of the images are written to ", "r.npz")
        .contains("8 of the 8 samples were there already");
    assertThat(evaluate("--n 8 --features FOLDER/f.safetensors" + reference)).isEqualTo(report);
    assertThat(err.toString()).contains("the distance is to the statistics in ", "r.npz");
    assertThat(
            runLine(
                "features train --data images:FOLDER/train,size=8 --steps 1"
                    + " --out FOLDER/other.safetensors"))
        .isZero();
    assertThat(
            runLine(
                "evaluate --run FOLDER/run --data icons,size=8 --n 8"
                    + " --features FOLDER/other.safetensors"
                    + reference))
        .isEqualTo(1);
    assertThat(err.toString())
        .contains(
            "r.npz has statistics of the features of other weights than those of small classifier"
                + " other.safetensors");
    assertThat(
            runLine(
                "evaluate --run FOLDER/run --data icons,size=8 --n 8"
                    + " --features FOLDER/other.safetensors --reference FOLDER/o.npz"))
        .isZero();
    assertThat(runLine("metrics frechet FOLDER/r.npz FOLDER/o.npz")).isEqualTo(1);
    assertThat(err.toString()).contains("have statistics of the features of different weights");
    assertThat(runLine("metrics frechet FOLDER/r.npz FOLDER/r.npz")).isZero();
    var statistics = FeatureStatistics.read(folder.resolve("r.npz"));
    statistics.mean()[0] += 1;
    statistics.write(folder.resolve("r.npz"));
    assertThat(
            evaluate("--n 8 --features FOLDER/f.safetensors" + reference).path("frechet_distance"))
        .isNotEqualTo(report.path("frechet_distance"));
    new FeatureStatistics(new double[2], new double[4]).write(folder.resolve("r.npz"));
    assertThat(
            runLine(
                "evaluate --run FOLDER/run --data icons,size=8 --features FOLDER/f.safetensors"
                    + reference))
        .isEqualTo(1);
    assertThat(err.toString())
        .contains("r.npz has statistics of 2 features; those of small classifier f.saf", "are 128");
    assertThat(runLine("evaluate --run FOLDER/run --data icons,size=8 --reference FOLDER/r.npz"))
        .isEqualTo(2);
    assertThat(err.toString()).contains("--reference needs --inception or --features");

    assertThat(
            runLine(
                "evaluate --run FOLDER/run --data icons,size=8 --features FOLDER/f --inception"
                    + " FOLDER/i"))
        .isEqualTo(2);
    assertThat(err.toString()).contains("--inception and --features exclude each other");
    Files.writeString(folder.resolve("g.safetensors"), "nothing");
    assertThat(
            runLine(
                "evaluate --run FOLDER/run --data icons,size=8 --features FOLDER/g.safetensors"))
        .isEqualTo(1);
    assertThat(err.toString()).contains("g.safetensors is damaged");
    assertThat(runLine("features train --data icons,size=8 --out FOLDER/f.safetensors"))
        .isEqualTo(1);
    assertThat(err.toString()).contains("has no classes to tell apart");
    assertThat(runLine("features train --data icons --out FOLDER/f.bin")).isEqualTo(2);
    assertThat(err.toString()).contains("--out is", "it must end in .safetensors");
  }

  /** A network that has only ever seen one size of images says nothing of others. */
  @Test
  void aClassifierIsOfOneSizeOfImages() throws IOException {
    paint("train/red", 4, Color.RED, 9);
    paint("train/blue", 4, Color.BLUE, 9);
    assertThat(
            runLine(
                "features train --data images:FOLDER/train,size=9 --steps 1"
                    + " --out FOLDER/f.safetensors"))
        .as(err.toString())
        .isZero();
    assertThat(
            runLine(
                "evaluate --run FOLDER/run --data icons,size=8 --n 8 --features"
                    + " FOLDER/f.safetensors"))
        .isEqualTo(1);
    assertThat(err.toString())
        .contains(
            "the small classifier f.safetensors, not FID, was trained on images of 9x9; of those of"
                + " 8x8 its features mean nothing");
  }

  /** All samples are one and the same image of the data: precise, but few of it are recalled. */
  @Test
  void precisionIsOfTheSamplesAndRecallOfTheData() throws IOException {
    paint("train/red", 20, Color.RED);
    paint("train/blue", 20, Color.BLUE);
    assertThat(
            runLine(
                "features train --data images:FOLDER/train,size=8 --steps 20"
                    + " --out FOLDER/f.safetensors"))
        .isZero();
    evaluate("--n 32");
    Path kept;
    try (var files = Files.walk(folder.resolve("run/evaluations"))) {
      kept = files.filter(EvaluateTest::isOfSamples).findAny().get();
    }
    var copies = new int[32 * 64];
    try (var icons = ImageSources.open(DataSpec.parse("icons,size=8"))) {
      for (var i = 0; i < 32; i++) {
        icons.read(0, copies, i * 64);
      }
    }
    exchange(kept, copies, new int[] {32, 1, 8, 8}, 2);
    var report = evaluate("--n 32 --features FOLDER/f.safetensors");
    assertThat(report.path("precision").asDouble()).isEqualTo(1);
    assertThat(report.path("recall").asDouble()).isLessThan(0.5);
    assertThat(report.path("coverage").asDouble()).isLessThan(0.5);
  }

  /** The samples are exchanged for squares of a known colour. */
  @Test
  void countsTheSamplesOfTheirClass() throws IOException {
    paint("train/blue", 6, Color.BLUE);
    paint("train/red", 18, Color.RED);
    var data = "images:FOLDER/train,size=8";
    assertThat(runLine("features train --data " + data + " --steps 20 --out FOLDER/f.safetensors"))
        .isZero();
    assertThat(
            runLine(
                "train --preset icons --out FOLDER/classes --steps 1 --set network.width=8 --set"
                    + " network.multipliers=[1] --set network.blocks=1 --set network.attention=[]"
                    + " --set training.batch_size=4 --set diffusion.conditional=true"
                    + " --set sampling.steps=1 --data "
                    + data))
        .as(err.toString())
        .isZero();
    var evaluate =
        "evaluate --json --steps 1 --n 70 --run FOLDER/classes --features FOLDER/f.safetensors"
            + " --data ";
    assertThat(runLine(evaluate + data)).as(err.toString()).isZero();
    var kept = folder.resolve("classes/evaluations");
    List<Path> files;
    try (var list = Files.walk(kept)) {
      files = new ArrayList<>(list.filter(EvaluateTest::isOfSamples).sorted().toList());
    }
    assertThat(files).hasSize(2);
    // Where all are red, those are right of which red was asked for; where all are blue, the rest.
    var squares = new int[2][3 * 64];
    try (var images = ImageSources.open(DataSpec.parse("images:" + folder + "/train,size=8"))) {
      assertThat(images.classes()).containsExactly("blue", "red");
      images.read(0, squares[0], 0);
      images.read(images.size() - 1, squares[1], 0);
    }
    var accuracies = new double[2];
    for (var label = 0; label < 2; label++) {
      for (var f = 0; f < files.size(); f++) {
        var file = files.get(f);
        var shape = Npy.read(file).shape();
        var samples = new int[shape[0] * squares[label].length];
        for (var i = 0; i < samples.length; i++) {
          samples[i] = squares[label][i % squares[label].length];
        }
        files.set(f, exchange(file, samples, shape, 256));
      }
      assertThat(runLine(evaluate + data)).isZero();
      accuracies[label] =
          new ObjectMapper().readTree(out.toString()).path("class_accuracy").asDouble();
    }
    assertThat(accuracies[1]).isBetween(0.55, 0.95); // 3/4 of the images, and of 70 draws
    assertThat(accuracies[0] + accuracies[1]).isCloseTo(1, within(1e-12));

    paint("more/apple", 1, Color.BLUE);
    paint("more/red", 1, Color.RED);
    assertThat(runLine(evaluate + "images:FOLDER/more,size=8")).isEqualTo(2);
    assertThat(err.toString())
        .contains("has the classes [apple, red], but the run was trained with [blue, red]");

    // Of other data, other classes are asked for: these samples are none of theirs.
    paint("other/blue", 6, Color.BLUE);
    paint("other/red", 1, Color.RED);
    assertThat(runLine(evaluate + "images:FOLDER/other,size=8")).isZero();
    var other = new ObjectMapper().readTree(out.toString());
    assertThat(other.has("samples_per_second")).isTrue();
    try (var list = Files.walk(kept)) {
      assertThat(list.filter(EvaluateTest::isOfSamples)).hasSize(4);
    }
  }

  /** A run that was trained on mirrored images too copies where it draws one. */
  @Test
  void mirroredImagesAreCopiesWhereTheRunWasTrainedOnThem() throws IOException {
    paint("train/red", 8, Color.RED);
    for (var i = 0; i < 8; i++) {
      var image = ImageIO.read(folder.resolve("train/red/" + i + ".png").toFile());
      var mirrored = new BufferedImage(8, 8, BufferedImage.TYPE_INT_RGB);
      mirrored.createGraphics().drawImage(image, 8, 0, -8, 8, null);
      var file = folder.resolve("mirrored/" + i + ".png");
      Files.createDirectories(file.getParent());
      ImageIO.write(mirrored, "png", file.toFile());
    }
    for (var flip : List.of(true, false)) {
      assertThat(
              runLine(
                  "train --preset icons --steps 1 --set network.width=8 --set"
                      + " network.multipliers=[1] --set network.blocks=1 --set"
                      + " network.attention=[] --set training.batch_size=4 --set"
                      + " sampling.steps=1 --data"
                      + " images:FOLDER/train,size=8 --out FOLDER/flip-"
                      + flip
                      + " --set modality.flip="
                      + flip))
          .as(err.toString())
          .isZero();
      assertThat(
              runLine(
                  "evaluate --n 2 --steps 1 --json --data images:FOLDER/train,size=8 --held-out"
                      + " images:FOLDER/mirrored,size=8 --run FOLDER/flip-"
                      + flip))
          .as(err.toString())
          .isZero();
      var distance =
          new ObjectMapper()
              .readTree(out.toString())
              .path("nearest_distance_of_held_out")
              .asDouble();
      assertThat(distance == 0).as("%s: %s", flip, distance).isEqualTo(flip);
    }
  }

  /** The same examples as in training, which has learned from the others. */
  @Test
  void aShareIsWhatTheTrainingHeldOut() throws IOException {
    paint("all", 8, Color.RED);
    var train =
        "train --preset icons --steps 1 --set network.width=8 --set network.multipliers=[1]"
            + " --set network.blocks=1 --set network.attention=[] --set training.batch_size=2"
            + " --set sampling.steps=1 --seed 3 --data images:FOLDER/all,size=8 --out FOLDER/";
    assertThat(runLine(train + "part --held-out 25%")).as(err.toString()).isZero();
    var split = Split.of(8, 2, Seed.of(3, RunConfig.HELD_OUT));
    for (var i = 0; i < 8; i++) {
      var index = i;
      var isLeftOut = Arrays.stream(split.validation()).anyMatch(out -> out == index);
      var copy = folder.resolve((isLeftOut ? "left-out/" : "learned/") + i + ".png");
      Files.createDirectories(copy.getParent());
      Files.copy(folder.resolve("all/" + i + ".png"), copy);
    }
    var evaluate = "evaluate --run FOLDER/part --n 3 --json ";
    assertThat(runLine(evaluate + "--held-out 0.25")).as(err.toString()).isZero();
    var byShare = (ObjectNode) new ObjectMapper().readTree(out.toString());
    assertThat(byShare.path("compared_with").asText()).startsWith("6 of images in ");
    var apart = "--data images:FOLDER/learned,size=8 --held-out images:FOLDER/left-out,size=8";
    assertThat(runLine(evaluate + apart)).as(err.toString()).isZero();
    var bySources = (ObjectNode) new ObjectMapper().readTree(out.toString());
    for (var name : List.of("nearest_distance", "nearest_distance_of_held_out")) {
      assertThat(byShare.path(name).asDouble())
          .as(name)
          .isPositive()
          .isEqualTo(bySources.path(name).asDouble());
    }

    assertThat(runLine(evaluate + "--held-out 50%")).isEqualTo(2);
    assertThat(err.toString()).contains("--held-out is 50%", "was trained on all but 25% of its");
    assertThat(runLine("evaluate --run FOLDER/run --held-out 5%")).isEqualTo(2);
    assertThat(err.toString())
        .contains("--held-out is 5%", "was trained on all of its data; name a source");
    assertThat(runLine(evaluate + "--data icons,size=8 --held-out 25%")).isEqualTo(2);
    assertThat(err.toString()).contains("leave --data out, or name a source");
    paint("all", 9, Color.RED);
    assertThat(runLine(evaluate + "--held-out 25%")).isEqualTo(2);
    assertThat(err.toString()).contains("is not known (8 examples then, 9 now)");
  }

  @Test
  void saysWhatIsWrong() {
    var evaluate = "evaluate --run FOLDER/run --data icons,size=8 ";
    assertThat(runLine("evaluate --run FOLDER/run --data icons,size=16 --n 2")).isEqualTo(2);
    assertThat(err.toString())
        .contains(
            "images are 16x16 of 1 channels and 2 categories, but the run's are 8x8 of 1 channels and 2"
                + " categories; it was trained on icons,size=8");
    assertThat(runLine(evaluate + "--n 0")).isEqualTo(2);
    assertThat(runLine(evaluate + "--n 2 --beams 2")).isEqualTo(2);
    assertThat(err.toString())
        .contains("--beams is not for runs of the kind image; there are --held-out, --inception");
    assertThat(runLine(evaluate + "--n 2 --guidance 2")).isEqualTo(2);
    assertThat(err.toString())
        .contains("it needs a run that knows classes (diffusion.conditional)")
        .doesNotContain("looking"); // at all the data, before
    assertThat(runLine(evaluate + "--n 2 --inception FOLDER/none.safetensors")).isEqualTo(1);
    assertThat(err.toString()).contains("none.safetensors does not exist");
  }
}

package org.bitdiffusion.training;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;
import static org.assertj.core.api.Assertions.within;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.Map;
import java.util.Random;
import java.util.concurrent.CancellationException;
import java.util.function.BooleanSupplier;
import org.bitdiffusion.ConfigurationException;
import org.bitdiffusion.codec.CodeWords;
import org.bitdiffusion.config.RunConfig;
import org.bitdiffusion.data.DataSource;
import org.bitdiffusion.data.Given;
import org.bitdiffusion.diffusion.Objective;
import org.bitdiffusion.model.DiffusionModel;
import org.bitdiffusion.model.Model;
import org.bitdiffusion.model.SampleRequest;
import org.bitdiffusion.nn.DenoisingNetwork;
import org.bitdiffusion.run.Configs;
import org.bitdiffusion.run.Run;
import org.bitdiffusion.runtime.Compute;
import org.bitdiffusion.runtime.Noise;
import org.bitdiffusion.runtime.OneThread;
import org.bitdiffusion.runtime.Safetensors;
import org.bitdiffusion.runtime.Tensors;
import org.bitdiffusion.storage.RunFolder;
import org.bytedeco.javacpp.PointerScope;
import org.bytedeco.pytorch.NoGradGuard;
import org.bytedeco.pytorch.Tensor;
import org.bytedeco.pytorch.global.torch;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.extension.ExtendWith;
import org.junit.jupiter.api.io.TempDir;

/** A network that knows nothing but wrong biases is a law in closed form. */
@ExtendWith(OneThread.class)
class CalibrationTest {
  private static final int ROWS = 2000;

  @TempDir private Path folder;
  private DataSource table;

  /** A kind of four, of which one is rare, a yes or no that follows it, and a number. */
  @BeforeEach
  void open() throws IOException {
    var random = new Random(0);
    var rows = new StringBuilder("kind,paid,size\n");
    for (var i = 0; i < ROWS; i++) {
      var kind = i % 100 == 0 ? 3 : i % 10 < 5 ? 0 : i % 10 < 8 ? 1 : 2;
      var paid = random.nextDouble() < 0.2 + 0.2 * kind;
      var size = 10 * kind + 4 * random.nextGaussian();
      rows.append("%s,%s,%.1f\n".formatted("abcd".charAt(kind), paid ? "yes" : "no", size));
    }
    var file = Files.writeString(folder.resolve("rows.csv"), rows);
    table = Run.data(config("data=table:" + file));
  }

  @AfterEach
  void close() {
    table.close();
  }

  private static RunConfig config(String... changes) {
    var settings =
        Map.of(
            "network.width", "16",
            "network.blocks", "1",
            "training.precision", "float32",
            "training.batch_size", "1000",
            "training.steps", "1",
            "training.calibration_samples", "40000",
            "sampling.word_temperature", "1",
            "sampling.steps", "10");
    return Configs.of("table", settings, changes);
  }

  private DiffusionModel model(String... changes) {
    return (DiffusionModel) Model.create(config(changes).forData(table), Compute.choose("float32"));
  }

  private static Tensor biases(Model model) {
    return ((DenoisingNetwork) model.network()).outputBiases().orElseThrow();
  }

  private static CodeWords words(DiffusionModel model) {
    return ((Objective.CodeWordPosterior) model.diffusion().objective()).words();
  }

  /**
   * As many times as is expected of chance, that the drawn shares are off: chi squared over its
   * degrees.
   */
  private static double chiSquared(DiffusionModel model, long seed) {
    var count = 20_000;
    var request = SampleRequest.of(model.config().sampling(), seed, count, Given.NONE);
    var samples = model.sampleAll(request, 1000);
    var chiSquared = 0.0;
    var degrees = 0;
    try (var scope = new PointerScope();
        var noise = new Noise.OfBatch(seed, model.compute().newDevice())) {
      var symbols = Tensor.create(samples.symbols(), Tensors.shape(count, samples.space().shape()));
      var codes = Tensors.floats(model.diffusion().codec().encode(symbols, noise));
      for (var margin : words(model).margins()) {
        var drawn = new double[margin.shares().length];
        for (var i = 0; i < count; i++) {
          drawn[margin.of(codes, i * (codes.length / count))]++;
        }
        for (var set = 0; set < drawn.length; set++) {
          var expected = count * margin.shares()[set];
          chiSquared += Math.pow(drawn[set] - expected, 2) / expected;
        }
        degrees += drawn.length - 1;
      }
    }
    return chiSquared / degrees;
  }

  /** Columns are independent of each other here, each as frequent as the data times exp(bias). */
  @Test
  void wrongBiasesAreUnlearned() {
    try (var model = model();
        var noGrad = new NoGradGuard()) {
      assertThat(chiSquared(model, 1)).as("nothing is wrong at first").isBetween(0.5, 1.6);
      try (var scope = new PointerScope()) {
        var biases = biases(model);
        var wrong = new float[Math.toIntExact(biases.numel())];
        var random = new Random(7);
        for (var i = 0; i < wrong.length; i++) {
          wrong[i] = (float) (0.4 * random.nextGaussian());
        }
        // Of several bits before cells nothing would undo a bias: cells say it all.
        for (var margin : words(model).margins()) {
          for (var bit = 0; margin.bits() > 1 && bit < margin.bits(); bit++) {
            wrong[margin.firstBit() + bit] = 0;
          }
        }
        biases.add_(Tensor.create(wrong, wrong.length));
      }
      assertThat(chiSquared(model, 2)).isGreaterThan(50);
      Calibration.of(model).orElseThrow().run(drawn -> true);
      assertThat(chiSquared(model, 3)).isBetween(0.5, 2.5);
    }
  }

  @Test
  void marginsAreTheDataAndAddUp() {
    try (var model = model()) {
      var margins = words(model).margins();
      assertThat(margins).hasSize(3);
      assertThat(margins.get(0).shares()).hasSize(4);
      assertThat(margins.get(1).shares()).hasSize(2);
      assertThat(margins.get(2).shares().length).isBetween(16, 32);
      for (var margin : margins) {
        assertThat(Arrays.stream(margin.shares()).sum()).isCloseTo(1, within(1e-9));
      }
      var paid = 0;
      var symbols = new int[3];
      for (var i = 0; i < ROWS; i++) {
        table.read(i, symbols, 0);
        paid += symbols[1];
      }
      assertThat(margins.get(1).shares()[1]).isCloseTo(paid / (double) ROWS, within(1e-9));
      assertThat(margins.get(0).shares()).contains(new double[] {0.01}, within(1e-9));
    }
  }

  @Test
  void whoSaysNoEndsIt() {
    try (var model = model();
        var noGrad = new NoGradGuard()) {
      var told = new ArrayList<Integer>();
      assertThatThrownBy(
              () ->
                  Calibration.of(model)
                      .orElseThrow()
                      .run(
                          drawn -> {
                            told.add(drawn);
                            return drawn < 6000;
                          }))
          .isInstanceOf(CancellationException.class);
      assertThat(told).first().isEqualTo(0);
      assertThat(told).last().isEqualTo(6000);
    }
  }

  /** The moving average alone is moved, and written with the last step. */
  @Test
  void theLastCheckpointIsCalibrated() throws IOException {
    var run = folder.resolve("run");
    var drawn = new ArrayList<Integer>();
    try (var trainer =
        Run.start(
            config(
                "data=table:" + folder.resolve("rows.csv"),
                "training.steps=2",
                "training.checkpoint_every=1"),
            table,
            run,
            new Trainer.Listener() {
              @Override
              public void onCalibration(int samples, int of) {
                drawn.add(samples);
              }

              @Override
              public void onCheckpoint(long step, Model model, BooleanSupplier stopped) {
                assertThat(drawn.isEmpty()).isEqualTo(step == 1);
              }
            })) {
      trainer.run();
    }
    assertThat(drawn).last().isEqualTo(39_000);
    assertThat(RunFolder.open(run).checkpoints().newest()).isPresent();
    assertThat(largestBias(run, "model")).isLessThan(1e-3f);
    assertThat(largestBias(run, "ema")).isGreaterThan(0.005f);
  }

  private static float largestBias(Path run, String weights) {
    var file =
        RunFolder.open(run).checkpoints().newest().orElseThrow().resolve(weights + ".safetensors");
    try (var scope = new PointerScope()) {
      var biases = torch.zeros(Safetensors.shape(file, "output.bias"));
      Safetensors.readSome(file, Map.of("output.bias", biases));
      return biases.abs().max().item_float();
    }
  }

  /**
   * Columns that a network has learned to depend on each other: kind, and size, which tells it.
   * What is moved in one moves the other.
   */
  @Test
  void trainedNetworksAreSetRight() throws IOException {
    var chiSquared = new double[2];
    var same = new double[2];
    for (var calibrated = 0; calibrated < 2; calibrated++) {
      var run = folder.resolve("run" + calibrated);
      try (var trainer =
          Run.start(
              config(
                  "data=table:" + folder.resolve("rows.csv"),
                  "network.width=32",
                  "training.steps=150",
                  "training.warmup_steps=10",
                  "training.learning_rate=0.02",
                  "training.ema_decay=0.9",
                  "training.calibration_samples=" + 80_000 * calibrated),
              table,
              run,
              new Trainer.Listener() {})) {
        trainer.run();
      }
      try (var model = (DiffusionModel) Run.open(run).model("float32", "newest");
          var noGrad = new NoGradGuard()) {
        chiSquared[calibrated] = chiSquared(model, 5);
        same[calibrated] = agreement(model);
      }
    }
    assertThat(chiSquared[1]).isLessThan(2.5).isLessThan(chiSquared[0] / 1.5);
    assertThat(same[1]).isCloseTo(same[0], within(0.02));
  }

  /** How often the kinds a and c have a size on their side of 10. */
  private double agreement(DiffusionModel model) {
    var samples =
        model.sampleAll(SampleRequest.of(model.config().sampling(), 9, 5000, Given.NONE), 1000);
    var symbols = samples.symbols();
    var size = samples.space().categories(2) / 2;
    var same = 0;
    var all = 0;
    for (var i = 0; i < samples.count(); i++) {
      var kind = symbols[3 * i];
      if (kind == 0 || kind == 2) {
        all++;
        same += (kind == 0) == (symbols[3 * i + 2] < size) ? 1 : 0;
      }
    }
    return same / (double) all;
  }

  @Test
  void whatItDoesNotGoWithIsNamed() {
    assertThatThrownBy(() -> config("diffusion.word_cells=0"))
        .isInstanceOf(ConfigurationException.class)
        .hasMessageContaining(
            "training.calibration_samples is 40000; it goes with diffusion.word_cells above 0");
    assertThatThrownBy(() -> config("training.calibration_samples=10"))
        .isInstanceOf(ConfigurationException.class)
        .hasMessageContaining(
            "training.calibration_samples is 10; it must be 0, or at least 10000");
  }
}

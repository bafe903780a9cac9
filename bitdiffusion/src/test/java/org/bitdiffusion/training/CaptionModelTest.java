package org.bitdiffusion.training;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;
import static org.assertj.core.api.Assertions.within;

import java.io.IOException;
import java.nio.FloatBuffer;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.Comparator;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.SplittableRandom;
import java.util.function.BooleanSupplier;
import org.bitdiffusion.ConfigurationException;
import org.bitdiffusion.DataException;
import org.bitdiffusion.data.ImageFormat;
import org.bitdiffusion.data.ImageSource;
import org.bitdiffusion.data.Jitter;
import org.bitdiffusion.nn.CaptionNetwork;
import org.bitdiffusion.nn.Safetensors;
import org.bitdiffusion.runtime.Compute;
import org.bitdiffusion.runtime.Engine;
import org.bitdiffusion.sampling.Sampler;
import org.bitdiffusion.sampling.SamplerConfig;
import org.bitdiffusion.text.BeamSearch;
import org.bitdiffusion.text.CaptionData;
import org.bitdiffusion.text.Tokenizer;
import org.bytedeco.javacpp.PointerScope;
import org.bytedeco.pytorch.NoGradGuard;
import org.bytedeco.pytorch.Scalar;
import org.bytedeco.pytorch.Tensor;
import org.bytedeco.pytorch.global.torch;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

class CaptionModelTest {
  private static final int PAIRS = 20;
  private static final int SIDE = 8;

  @TempDir private Path folder;

  private int threads;

  @BeforeAll
  static void loadEngine() {
    Engine.load();
  }

  @BeforeEach
  void useOneThread() { // the network is too small for more
    threads = Engine.threads();
    Engine.threads(1);
  }

  @AfterEach
  void useAllThreads() {
    Engine.threads(threads);
  }

  /** Random images, each with a caption of its own. */
  private record Pairs(int captionsEach) implements ImageSource {
    @Override
    public String name() {
      return "pairs";
    }

    @Override
    public ImageFormat format() {
      return new ImageFormat(3, SIDE, SIDE, 256, List.of());
    }

    @Override
    public int size() {
      return PAIRS;
    }

    @Override
    public List<String> captions(int index) {
      var random = new SplittableRandom(index);
      var captions = new ArrayList<String>();
      for (var i = 0; i < captionsEach; i++) {
        var words = new ArrayList<String>();
        for (var length = 1 + random.nextInt(5); length > 0; length--) {
          words.add("abcdefghij".substring(random.nextInt(10)).substring(0, 1));
        }
        captions.add(String.join(" ", words));
      }
      return captions;
    }

    @Override
    public void read(int index, int[] target, int offset) {
      var random = new SplittableRandom(100 + index);
      for (var i = 0; i < 3 * SIDE * SIDE; i++) {
        target[offset + i] = random.nextInt(256);
      }
    }
  }

  private static RunConfig config(String decoder, String... changes) {
    var settings =
        new HashMap<>(
            Map.of(
                "network.decoder", decoder,
                "network.width", "48",
                "network.layers", "2",
                "network.heads", "4",
                "network.encoder.image_size", "8",
                "network.encoder.patch", "4",
                "network.encoder.width", "32",
                "network.encoder.layers", "1",
                "captions.length", "7"));
    settings.put("training.steps", "250");
    settings.put("training.batch_size", "20");
    settings.put("training.learning_rate", "0.004");
    settings.put("training.warmup_steps", "20");
    settings.put("training.ema_decay", "0.9");
    settings.put("training.checkpoint_every", "1000");
    settings.put("training.precision", "float32");
    for (var change : changes) {
      var at = change.indexOf('=');
      settings.put(change.substring(0, at), change.substring(at + 1));
    }
    return ConfigReader.preset("scene-captions", settings);
  }

  private Path train(RunConfig config, int captionsEach) {
    var run = folder.resolve(((org.bitdiffusion.nn.CaptionerConfig) config.network()).decoder());
    if (Files.exists(run)) {
      run = folder.resolve("another");
    }
    var images = new Pairs(captionsEach);
    try (var tokenizer = Tokenizer.of("words", CaptionData.captions(images), 100);
        var data = new CaptionData(images, tokenizer, config.captions().length());
        var trainer = Trainer.start(config, data, run, new Trainer.Listener() {})) {
      trainer.run();
    }
    return run;
  }

  @Test
  void imagesAreJitteredInTrainingAloneAndCaptionsNever() {
    var source = new Pairs(1);
    try (var tokenizer = Tokenizer.of("words", CaptionData.captions(source), 100);
        var data = new CaptionData(source, tokenizer, 7, new Jitter(0.5))) {
      var size = 3 * SIDE * SIDE;
      var asTheyAre = new byte[size];
      var drawn = new byte[size];
      var same = new byte[size];
      var other = new byte[size];
      data.readCondition(3, asTheyAre, 0);
      data.readCondition(3, 7, drawn, 0);
      data.readCondition(3, 7, same, 0);
      data.readCondition(3, 8, other, 0);
      assertThat(asTheyAre).isEqualTo(Arrays.copyOfRange(images(), 3 * size, 4 * size));
      assertThat(drawn).isEqualTo(same).isNotEqualTo(asTheyAre).isNotEqualTo(other);
      var tokens = new int[7];
      var again = new int[7];
      data.read(3, 7, tokens, 0);
      data.read(3, 8, again, 0);
      assertThat(tokens).isEqualTo(again);
    }
  }

  private static byte[] images() {
    var source = new Pairs(1);
    var size = 3 * SIDE * SIDE;
    var values = new int[PAIRS * size];
    for (var i = 0; i < PAIRS; i++) {
      source.read(i, values, i * size);
    }
    var rgb = new byte[values.length];
    for (var i = 0; i < rgb.length; i++) {
      rgb[i] = (byte) values[i];
    }
    return rgb;
  }

  private static List<String> expected() {
    var captions = new ArrayList<String>();
    for (var i = 0; i < PAIRS; i++) {
      captions.addAll(new Pairs(1).captions(i));
    }
    return captions;
  }

  @Test
  void bitsLearnPairsByHeart() {
    var run = train(config("bits"), 1);
    try (var model = CaptionModel.load(run, "float32");
        var tokenizer = CaptionModel.tokenizer(run)) {
      var sampling = new SamplerConfig(10, "ddim", 0, "previous", 0, 0, "", 0);
      var steps = new ArrayList<Integer>();
      var tokens =
          model.sample(
              sampling,
              1,
              0,
              images(),
              step -> {
                steps.add(model.symbols(step.estimate()).length);
                return true;
              });
      assertThat(model.texts(tokenizer, tokens)).isEqualTo(expected());
      assertThat(steps).hasSize(10).containsOnly(PAIRS * 7);
      assertThatThrownBy(() -> model.search(new BeamSearch(1, 0), images()))
          .isInstanceOf(ConfigurationException.class)
          .hasMessageContaining("all tokens at once");
    }
    assertThatThrownBy(() -> ImageModel.load(run, "float32"))
        .isInstanceOf(ConfigurationException.class)
        .hasMessageContaining("no run of images");
  }

  @Test
  void autoregressiveDecodersLearnPairsByHeart() {
    var run = train(config("autoregressive"), 1);
    try (var model = CaptionModel.load(run, "float32");
        var tokenizer = CaptionModel.tokenizer(run)) {
      for (var beams = 1; beams <= 3; beams++) {
        var found =
            model.search(new BeamSearch(beams, 0), images()).stream()
                .map(tokens -> tokenizer.decode(tokens, 0, tokens.length))
                .toList();
        assertThat(found).as("%d beams", beams).isEqualTo(expected());
      }
      var sampling = new SamplerConfig(10, "ddim", 0, "previous", 0, 0, "", 0);
      assertThatThrownBy(() -> model.sample(sampling, 1, 0, images(), Sampler.Listener.NONE))
          .isInstanceOf(ConfigurationException.class)
          .hasMessageContaining("autoregressive");
    }
  }

  private static Map<String, Tensor> weights(CaptionModel model) {
    return model.network().parameters().byName();
  }

  @Test
  void aPretrainedEncoderStaysFrozenWhileTheDecoderLearns() {
    var briefly = "training.steps=2";
    var first = train(config("autoregressive", briefly), 1);
    var file = first.resolve("checkpoints/step-00000002/ema.safetensors");
    var pretrained = "network.encoder.weights=" + file;
    var frozen = train(config("bits", briefly, pretrained, "network.encoder.frozen=true"), 1);
    var resumed = ConfigReader.file(frozen.resolve("config.yaml"), Map.of("training.steps", "3"));
    var images = new Pairs(1);
    try (var tokenizer = CaptionModel.tokenizer(frozen);
        var data = new CaptionData(images, tokenizer, 7);
        var trainer =
            Trainer.resume(resumed, data, RunFolder.open(frozen), new Trainer.Listener() {})) {
      trainer.run();
    }
    try (var before = CaptionModel.load(first, "float32");
        var after = CaptionModel.load(frozen, "float32");
        var initial = Model.create(resumed, Compute.PLAIN)) {
      assertSameEncoder(before, after);
      initial
          .network()
          .parameters()
          .byName()
          .forEach(
              (name, weight) -> {
                var isFrozen = name.startsWith("encoder.");
                var moved = !weights(after).get(name).equal(weight);
                assertThat(moved || isFrozen).as(name + " is trained").isTrue();
              });
    }
  }

  @Test
  void aRunWithoutACheckpointBeginsAgainWithItsPretrainedEncoder() throws IOException {
    var first = train(config("autoregressive", "training.steps=1"), 1);
    var pretrained =
        "network.encoder.weights=" + first.resolve("checkpoints/step-00000001/ema.safetensors");
    var config = config("bits", "training.steps=1", pretrained, "network.encoder.frozen=true");
    var run = train(config, 1);
    try (var files = Files.walk(run.resolve("checkpoints/step-00000001"))) {
      for (var file : files.sorted(Comparator.reverseOrder()).toList()) {
        Files.delete(file);
      }
    }
    var folderOfRun = RunFolder.open(run);
    try (var data = new CaptionData(new Pairs(1), CaptionModel.tokenizer(run), 7);
        var trainer =
            Trainer.resume(
                folderOfRun.config(Map.of()), data, folderOfRun, new Trainer.Listener() {})) {
      trainer.run();
    }
    try (var before = CaptionModel.load(first, "float32");
        var after = CaptionModel.load(run, "float32")) {
      assertSameEncoder(before, after);
    }
  }

  private static void assertSameEncoder(CaptionModel before, CaptionModel after) {
    var encoder = ((CaptionNetwork) before.network()).encoder("encoder.");
    assertThat(encoder).hasSize(4 + 12 + 2).containsKey("encoder.blocks.0.attn.qkv.weight");
    encoder.forEach(
        (name, weight) -> assertThat(weights(after).get(name).equal(weight)).as(name).isTrue());
  }

  @Test
  void weightsOfAnotherEncoderAreNamed() throws IOException {
    var file = folder.resolve("published.safetensors");
    try (var scope = new PointerScope()) {
      Safetensors.write(file, Map.of("conv1.weight", torch.zeros(64, 3, 7, 7)));
    }
    var pretrained = "network.encoder.weights=" + file;
    assertThatThrownBy(() -> train(config("bits", pretrained), 1))
        .isInstanceOf(DataException.class)
        .hasMessage(
            file
                + " has a tensor 'conv1.weight', which the network lacks (the settings"
                + " network.encoder make a vit)");
    var first = train(config("autoregressive", "training.steps=1"), 1);
    var ema = first.resolve("checkpoints/step-00000001/ema.safetensors");
    assertThatThrownBy(
            () ->
                train(
                    config("bits", "network.encoder.weights=" + ema, "network.encoder.patch=2"), 1))
        .isInstanceOf(DataException.class)
        .hasMessageContaining("tensor 'encoder.pos_embed' is F32 [1, 5, 32], but the network has")
        .hasMessageContaining("[1, 17, 32]");
    assertThatThrownBy(() -> train(config("bits", "network.encoder.weights=missing.st"), 1))
        .hasMessageContaining("missing.st does not exist");
    assertThat(folder.resolve("bits")).doesNotExist();
  }

  /** What is learned, and the running statistics, are in the checkpoint. */
  @Test
  void aResNetIsTrainedSavedAndLoaded() {
    var config =
        config(
            "bits",
            "network.encoder.kind=resnet50",
            "network.encoder.pixels=imagenet",
            "training.batch_size=4",
            "training.steps=2");
    var run = folder.resolve("bits");
    var images = images();
    var features = new ArrayList<float[]>();
    var source = new Pairs(1);
    try (var data =
            new CaptionData(source, Tokenizer.of("words", CaptionData.captions(source), 100), 7);
        var trainer =
            Trainer.start(
                config,
                data,
                run,
                new Trainer.Listener() {
                  @Override
                  public void onCheckpoint(long step, Model model, BooleanSupplier stopped) {
                    features.add(features(model, images, PAIRS));
                  }
                })) {
      trainer.run();
    }
    try (var model = CaptionModel.load(run, "float32")) {
      assertThat(weights(model).get("encoder.layer4.2.bn3.running_mean").abs().max().item_float())
          .isGreaterThan(0);
      var loaded = features(model, images, PAIRS);
      assertThat(features).hasSize(1);
      assertThat(loaded).containsExactly(features.get(0), within(1e-5f));
      // By the running statistics, so that other images do not matter.
      var alone = features(model, Arrays.copyOf(images, 3 * SIDE * SIDE), 1);
      assertThat(alone).containsExactly(Arrays.copyOf(loaded, alone.length), within(1e-4f));
    }
  }

  private static float[] features(Model model, byte[] rgb, int count) {
    try (var scope = new PointerScope();
        var noGrad = new NoGradGuard()) {
      var memory =
          ((CaptionNetwork) model.network())
              .memory(
                  Tensor.create(rgb, false, count, 3, SIDE, SIDE)
                      .to(torch.ScalarType.Float)
                      .div(new Scalar(255)))
              .to(torch.ScalarType.Float)
              .contiguous();
      var values = new float[(int) memory.numel()];
      memory.<FloatBuffer>createBuffer().get(values);
      return values;
    }
  }

  /** Of each image one of its captions, whichever the noise chooses. */
  @ParameterizedTest
  @CsvSource({"0, 60", "3, 85"})
  void bitsLearnSeveralCaptionsOfAnImage(double td, int least) {
    var run = train(config("bits", "training.steps=500"), 2);
    try (var model = CaptionModel.load(run, "float32");
        var tokenizer = CaptionModel.tokenizer(run)) {
      var sampling = new SamplerConfig(10, "ddim", td, "previous", 0, 0, "", 0);
      var found = new ArrayList<List<String>>();
      for (var seed = 0; seed < 5; seed++) {
        var tokens = model.sample(sampling, seed, 0, images(), Sampler.Listener.NONE);
        found.add(model.texts(tokenizer, tokens));
      }
      var known = new Pairs(2);
      var right = 0;
      var both = 0;
      for (var i = 0; i < PAIRS; i++) {
        var image = i;
        var captions = found.stream().map(texts -> texts.get(image)).toList();
        right += (int) captions.stream().filter(known.captions(i)::contains).count();
        both += captions.stream().distinct().count() > 1 ? 1 : 0;
      }
      assertThat(right).as("of %d", 5 * PAIRS).isGreaterThan(least);
      assertThat(both).as("images with both captions").isGreaterThan(PAIRS / 2);
    }
  }

  @Test
  void whatDoesNotFitIsNamedBeforeAnythingIsWritten() {
    assertThatThrownBy(() -> train(config("bits", "network.encoder.image_size=16"), 1))
        .isInstanceOf(ConfigurationException.class)
        .hasMessage("pairs: images are 8x8, but network.encoder.image_size is 16");
    assertThatThrownBy(() -> train(config("bits"), 0))
        .hasMessage(
            "pairs: image 0 has no caption; 'bitdiff data --help' says which sources have them");
    assertThatThrownBy(() -> config("bits", "training.flip=true"))
        .isInstanceOf(ConfigurationException.class)
        .hasMessageContaining("training.flip");
    assertThatThrownBy(
            () ->
                Trainer.start(
                    config("bits"), new Pairs(1), folder.resolve("x"), new Trainer.Listener() {}))
        .isInstanceOf(ConfigurationException.class)
        .hasMessage("pairs has no captions to learn from");
    assertThat(folder).isEmptyDirectory();
  }
}

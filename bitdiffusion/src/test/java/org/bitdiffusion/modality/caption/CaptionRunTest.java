package org.bitdiffusion.modality.caption;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import java.awt.image.BufferedImage;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import javax.imageio.ImageIO;
import org.bitdiffusion.ConfigurationException;
import org.bitdiffusion.data.Given;
import org.bitdiffusion.modality.Watch;
import org.bitdiffusion.model.AutoregressiveModel;
import org.bitdiffusion.model.DiffusionModel;
import org.bitdiffusion.model.Model;
import org.bitdiffusion.model.SampleRequest;
import org.bitdiffusion.run.Run;
import org.bitdiffusion.runtime.OneThread;
import org.bitdiffusion.sampling.BeamSearch;
import org.bitdiffusion.sampling.Known;
import org.bitdiffusion.sampling.Sampler;
import org.bitdiffusion.sampling.SamplerConfig;
import org.bitdiffusion.training.Trainer;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.extension.ExtendWith;
import org.junit.jupiter.api.io.TempDir;

@ExtendWith(OneThread.class)
class CaptionRunTest {
  @TempDir private Path folder;

  private static SamplerConfig tenSteps(double td) {
    return new SamplerConfig(10, "ddim", 0, td, "previous", 0, 0, "", 0);
  }

  @Test
  void bitsLearnPairsByHeart() {
    var run = Pairs.train(Pairs.config("bits", "training.steps=150"), 1, folder.resolve("bits"));
    try (var model = (DiffusionModel) run.model("float32");
        var renderer = (CaptionRenderer) run.renderer()) {
      var steps = new ArrayList<Integer>();
      var samples =
          model.sample(
              SampleRequest.of(tenSteps(0), 1, Pairs.COUNT, Pairs.images()),
              step -> {
                steps.add(model.symbols(step.estimate()).length);
                return true;
              });
      assertThat(renderer.texts(samples)).isEqualTo(Pairs.expected());
      assertThat(steps).hasSize(10).containsOnly(Pairs.COUNT * 7);
      try (var data = Pairs.data(run, 1, 7)) {
        assertThatThrownBy(() -> evaluate(run, data, Map.of("beams", "2")))
            .isInstanceOf(ConfigurationException.class)
            .hasMessageContaining("all tokens at once");
        assertThat(evaluate(run, data, Map.of())).containsEntry("exact_match", 1.0);
      }
    }
    assertThatThrownBy(() -> run.request(1))
        .isInstanceOf(ConfigurationException.class)
        .hasMessageContaining("need an image each");
  }

  private static Map<String, Object> evaluate(
      Run run, CaptionData data, Map<String, String> options) {
    try (var comparison = run.modality().evaluation().with(data, 0, options, Watch.NOBODY);
        var model = run.model("float32")) {
      return comparison.measure(run.subject(model), List.of(), Watch.NOBODY);
    }
  }

  @Test
  void autoregressiveDecodersLearnPairsByHeart() throws Exception {
    var path = folder.resolve("autoregressive");
    var run = Pairs.train(Pairs.config("autoregressive", "training.steps=120"), 1, path);
    try (var model = (AutoregressiveModel) run.model("float32");
        var renderer = (CaptionRenderer) run.renderer()) {
      for (var beams = 1; beams <= 3; beams++) {
        var found = model.search(new BeamSearch(beams, 0), Pairs.images(), Pairs.COUNT);
        assertThat(renderer.texts(found)).as("%d beams", beams).isEqualTo(Pairs.expected());
      }
      var request = SampleRequest.of(tenSteps(0), 1, Pairs.COUNT, Pairs.images());
      var samples = model.sample(request, Sampler.Listener.NONE);
      assertThat(renderer.texts(samples)).isEqualTo(Pairs.expected());
      var known = Optional.of(new Known(new boolean[7], new int[7], 1));
      var around = new SampleRequest(tenSteps(0), 1, 0, Pairs.COUNT, Pairs.images(), known);
      assertThatThrownBy(() -> model.sample(around, Sampler.Listener.NONE))
          .isInstanceOf(ConfigurationException.class)
          .hasMessageContaining("autoregressive");
      var few = SampleRequest.of(tenSteps(0), 1, 2, Given.pixels(new byte[192]));
      assertThatThrownBy(() -> model.sample(few, Sampler.Listener.NONE))
          .isInstanceOf(ConfigurationException.class)
          .hasMessage("2 examples need an image each of 8x8, and 192 bytes are given");
    }
    try (var data = Pairs.data(run, 1, 7)) {
      var file = folder.resolve("captions.jsonl");
      var scores = evaluate(run, data, Map.of("beams", "2", "captions", file.toString()));
      assertThat(scores).containsEntry("exact_match", 1.0).containsEntry("images", 20);
      assertThat(Files.readAllLines(file))
          .hasSize(20)
          .contains("{\"id\":3,\"text\":\"%s\"}".formatted(Pairs.expected().get(3)));
    }
  }

  /** Of each image one of its captions, whichever the noise chooses. */
  @Test
  void bitsLearnSeveralCaptionsOfAnImage() {
    var config = Pairs.config("bits", "training.steps=500");
    var run = Pairs.train(config, 2, folder.resolve("bits"));
    try (var model = run.model("float32");
        var renderer = (CaptionRenderer) run.renderer()) {
      assertDrawsBoth(model, renderer, 0, 60);
      assertDrawsBoth(model, renderer, 3, 85);
    }
  }

  private static void assertDrawsBoth(Model model, CaptionRenderer renderer, double td, int least) {
    var found = new ArrayList<List<String>>();
    for (var seed = 0; seed < 5; seed++) {
      var request = SampleRequest.of(tenSteps(td), seed, Pairs.COUNT, Pairs.images());
      found.add(renderer.texts(model.sample(request, Sampler.Listener.NONE)));
    }
    var known = new Pairs(2);
    var right = 0;
    var both = 0;
    for (var i = 0; i < Pairs.COUNT; i++) {
      var image = i;
      var captions = found.stream().map(texts -> texts.get(image)).toList();
      right += (int) captions.stream().filter(known.captions(i)::contains).count();
      both += captions.stream().distinct().count() > 1 ? 1 : 0;
    }
    assertThat(right).as("of %d, td %s", 5 * Pairs.COUNT, td).isGreaterThan(least);
    assertThat(both).as("images with both captions, td %s", td).isGreaterThan(Pairs.COUNT / 2);
  }

  @Test
  void whatDoesNotFitIsNamedBeforeAnythingIsWritten() {
    var run = folder.resolve("run");
    assertThatThrownBy(
            () -> Pairs.train(Pairs.config("bits", "network.encoder.image_size=16"), 1, run))
        .isInstanceOf(ConfigurationException.class)
        .hasMessage("the data's images are 8x8, but network.encoder.image_size is 16");
    assertThatThrownBy(() -> Pairs.config("bits", "modality.flip=true"))
        .isInstanceOf(ConfigurationException.class)
        .hasMessageContaining("modality.flip");
    assertThatThrownBy(
            () -> Run.start(Pairs.config("bits"), new Pairs(1), run, new Trainer.Listener() {}))
        .isInstanceOf(ConfigurationException.class)
        .hasMessage(
            "network.kind is captioner, which reads examples of shape [1, L] with one number of"
                + " values for all places; the data's are of shape [3, 8, 8]");
    assertThat(folder).isEmptyDirectory();
  }

  /** Pictures become squares as in training; runs of before padding have them cropped. */
  @Test
  void aRunGoesOnWithPicturesAsItBegan() throws Exception {
    var picture = new BufferedImage(16, 8, BufferedImage.TYPE_INT_RGB);
    var file = folder.resolve("a.png");
    ImageIO.write(picture, "png", file.toFile());
    var lines = folder.resolve("a.jsonl");
    Files.writeString(lines, "{\"image\": \"a.png\", \"caption\": \"a\"}");
    var config =
        Pairs.config(
            "bits",
            "data=captions:" + lines + ",size=8",
            "training.steps=1",
            "training.batch_size=2");
    var path = folder.resolve("run");
    try (var data = Run.data(config);
        var trainer = Run.start(config, data, path, new Trainer.Listener() {})) {
      trainer.run();
    }
    assertThat(last(path, file)).isEqualTo(new Last(77, 77)); // the lower half is no picture
    var yaml = path.resolve("config.yaml");
    var now = Files.readString(yaml);
    assertThat(now).contains("    fit: \"pad\"\n").contains("  details:\n");
    Files.writeString(
        yaml, now.replace("    fit: \"pad\"\n", "").replace("  details:\n", "  details: {}\n"));
    assertThat(last(path, file)).isEqualTo(new Last(0, 0));
    var run = Run.open(path);
    var more = run.config(Map.of("training.steps", "2"));
    try (var data = run.modality().open(more, Optional.of(path));
        var trainer = run.resume(more, data, new Trainer.Listener() {})) {
      trainer.run();
    }
  }

  /** The last pixel of a picture as the run's data has it, and as it is given to be described. */
  private record Last(int ofData, int given) {}

  private static Last last(Path path, Path file) {
    var run = Run.open(path);
    var pixels = new byte[3 * 8 * 8];
    try (var data = run.data();
        var renderer = run.renderer()) {
      data.readPixels(0, pixels, 0);
      var given = renderer.given(file.toString(), 1).pixels();
      return new Last(pixels[pixels.length - 1] & 255, given[given.length - 1] & 255);
    }
  }
}

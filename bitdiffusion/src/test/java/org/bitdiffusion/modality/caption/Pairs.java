package org.bitdiffusion.modality.caption;

import java.nio.file.Path;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.SplittableRandom;
import org.bitdiffusion.config.RunConfig;
import org.bitdiffusion.data.Given;
import org.bitdiffusion.modality.image.ImageFormat;
import org.bitdiffusion.modality.image.ImageSource;
import org.bitdiffusion.run.Configs;
import org.bitdiffusion.run.Run;
import org.bitdiffusion.text.Tokenizer;
import org.bitdiffusion.training.Trainer;

/** Random images, each with captions of its own, and runs that learn them. */
public record Pairs(int captionsEach) implements ImageSource {
  /** How many there are. */
  public static final int COUNT = 20;

  /** Of an image. */
  public static final int SIDE = 8;

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
    return COUNT;
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

  /** All images. */
  public static Given images() {
    var source = new Pairs(1);
    var size = 3 * SIDE * SIDE;
    var rgb = new byte[COUNT * size];
    for (var i = 0; i < COUNT; i++) {
      source.readRgb(i, rgb, i * size);
    }
    return Given.pixels(rgb);
  }

  /** The captions, of one each. */
  public static List<String> expected() {
    var captions = new ArrayList<String>();
    for (var i = 0; i < COUNT; i++) {
      captions.addAll(new Pairs(1).captions(i));
    }
    return captions;
  }

  /** A small captioner. */
  public static RunConfig config(String decoder, String... changes) {
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
                "modality.length", "7"));
    settings.put("training.steps", "250");
    settings.put("training.batch_size", "20");
    settings.put("training.learning_rate", "0.004");
    settings.put("training.warmup_steps", "20");
    settings.put("training.ema_decay", "0.9");
    settings.put("training.checkpoint_every", "1000");
    settings.put("training.precision", "float32");
    return Configs.of("scene-captions", settings, changes);
  }

  /** The data of a new run. */
  public static CaptionData data(int captionsEach) {
    var images = new Pairs(captionsEach);
    return new CaptionData(images, Tokenizer.of("words", CaptionData.captions(images), 100), 7);
  }

  /** The data of a run that exists. */
  public static CaptionData data(Run run, int captionsEach, int length) {
    var tokenizer = RunTokenizer.open(run.config(), run.path());
    return new CaptionData(new Pairs(captionsEach), tokenizer, length);
  }

  /** Trains a new run. */
  public static Run train(RunConfig config, int captionsEach, Path path) {
    try (var data = data(captionsEach);
        var trainer = Run.start(config, data, path, new Trainer.Listener() {})) {
      trainer.run();
    }
    return Run.open(path);
  }
}

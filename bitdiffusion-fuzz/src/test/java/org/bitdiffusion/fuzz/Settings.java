package org.bitdiffusion.fuzz;

import static java.nio.charset.StandardCharsets.UTF_8;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import java.util.Map;
import java.util.stream.Stream;
import org.bitdiffusion.cli.StudyFile;
import org.bitdiffusion.config.ConfigYaml;
import org.bitdiffusion.data.DataSpec;
import org.bitdiffusion.data.Given;
import org.bitdiffusion.modality.Modality;
import org.bitdiffusion.run.ConfigReader;
import org.bitdiffusion.storage.RunFolder;

/** Configurations, studies, lines of options, and what a run keeps beside its weights. */
final class Settings {
  private static final String STATE =
      """
      {"format": 1, "step": 6, "bit_order": "most significant first",
       "unlogged": {"steps": 1, "loss": 0.5, "gradient_norm": 2.0},
       "checksums": {"model.safetensors": 123}}
      """;
  private static final String METRICS =
      """
      {"step":10,"loss":0.5,"grad_norm":1.5,"learning_rate":1e-3,"examples_per_second":9.5,"memory_mb":100}
      {"step":20,"loss":0.4,"grad_norm":1.0,"learning_rate":1e-3,"images_per_second":9.5,"memory_mb":0}
      """;
  private static final String STRETCHES =
      """
      {"first":1,"precision":"float32","device":"cpu","engine":"libtorch 2.10","version":"0.1"}
      """;
  private static final String STUDY =
      """
      title: Self-conditioning
      preset: icons
      settings: {training.steps: 5, sampling.self_conditioning: none}
      variants:
        with: {}
        without: {diffusion.self_conditioning: none}
      sampling:
        10 steps: {sampling.steps: 10}
      baseline: with
      seeds: [0, 1]
      samples: 5
      metrics: [pair_total_variation]
      """;

  static final List<Target> TARGETS =
      List.of(
          Target.of("config", configs(), Settings::config),
          Target.file("study", "study.yaml", List.of(STUDY.getBytes(UTF_8)), StudyFile::read),
          Target.of("data", dataLines(), Settings::data),
          Target.of("class", List.of("cat".getBytes(UTF_8), "2".getBytes(UTF_8)), Settings::named),
          Target.of("metrics", List.of(METRICS.getBytes(UTF_8)), Settings::metrics),
          Target.of("stretches", List.of(STRETCHES.getBytes(UTF_8)), Settings::stretches),
          Target.of("state", List.of(STATE.getBytes(UTF_8)), Settings::state));

  private Settings() {}

  private static List<byte[]> configs() {
    return Stream.of("icons", "scene-captions")
        .map(preset -> ConfigYaml.text(ConfigReader.preset(preset, Map.of())).getBytes(UTF_8))
        .toList();
  }

  private static void config(byte[] input, Path folder) throws IOException {
    var config = ConfigReader.file(Files.write(folder.resolve("config.yaml"), input), Map.of());
    var again = ConfigReader.text("again", ConfigYaml.text(config), Map.of());
    Arrays.requireSame(again.equals(config), "configuration");
  }

  private static List<byte[]> dataLines() {
    return Stream.of(
            "icons,size=24,levels=2",
            "images:a/b, c,size=64,color=palette,palette=16,skip_bad=true",
            "idx:a.idx,levels=4,subset=3",
            "scenes,split=test,count=5")
        .map(line -> line.getBytes(UTF_8))
        .toList();
  }

  private static void data(byte[] input, Path folder) {
    var spec = DataSpec.parse(new String(input, UTF_8));
    Arrays.requireSame(DataSpec.parse(spec.toString()).equals(spec), "line");
    Modality.plan(spec); // opens no file
  }

  private static void named(byte[] input, Path folder) {
    Given.ofClasses(List.of("cat", "dog", "3"), new String(input, UTF_8), 2);
  }

  private static RunFolder run(Path folder) throws IOException {
    Files.writeString(folder.resolve("config.yaml"), "data: icons\n");
    return RunFolder.open(folder);
  }

  private static void metrics(byte[] input, Path folder) throws IOException {
    var run = run(folder);
    Files.write(run.metrics(), input);
    var lines = run.history();
    run.forgetAfter(Long.MAX_VALUE);
    Arrays.requireSame(run.history().equals(lines), "history");
  }

  private static void stretches(byte[] input, Path folder) throws IOException {
    var run = run(folder);
    Files.write(folder.resolve("stretches.jsonl"), input);
    var stretches = run.stretches();
    run.forgetAfter(Long.MAX_VALUE);
    Arrays.requireSame(run.stretches().equals(stretches), "stretches");
  }

  private static void state(byte[] input, Path folder) throws IOException {
    var run = run(folder);
    var checkpoint = Files.createDirectories(folder.resolve("checkpoints/step-00000006"));
    Files.write(checkpoint.resolve("state.json"), input);
    run.checkpoints().read(run.checkpoints().requireNewest(), Map.of());
  }
}

package org.bitdiffusion.cli;

import java.io.IOException;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.concurrent.Callable;
import java.util.stream.IntStream;
import org.bitdiffusion.data.DataSources;
import org.bitdiffusion.data.DataSpec;
import org.bitdiffusion.runtime.Compute;
import org.bitdiffusion.runtime.Engine;
import org.bitdiffusion.training.ConfigReader;
import org.bitdiffusion.training.Model;
import org.bitdiffusion.training.RunConfig;
import org.bytedeco.javacpp.Loader;
import picocli.CommandLine.Command;
import picocli.CommandLine.Model.CommandSpec;
import picocli.CommandLine.Option;
import picocli.CommandLine.Spec;

@Command(
    name = "info",
    description = "Shows versions, device, precision, native libraries, and what a preset holds.")
final class InfoCommand implements Callable<Integer> {
  @Spec private CommandSpec spec;

  @Option(
      names = "--preset",
      paramLabel = "NAME",
      description = "Also its resolved configuration and number of parameters.")
  private String preset;

  @Option(names = "--json", description = "Reports as JSON.")
  private boolean json;

  @Override
  public Integer call() throws IOException {
    var config = preset == null ? null : describe(preset);
    Engine.load();
    var report = new LinkedHashMap<String, Object>();
    report.put("version", Main.Version.version());
    report.put("java", System.getProperty("java.vm.name") + " " + Runtime.version());
    report.put("javacpp", Loader.getVersion());
    report.put("engine", "libtorch " + Engine.version());
    report.put("platform", Loader.getPlatform());
    var compute = Compute.choose("auto");
    report.put("device", compute.device().toString().toLowerCase(Locale.ROOT));
    report.put("threads", Engine.threads());
    report.put("precision", compute.precision().toString().toLowerCase(Locale.ROOT));
    report.put("precision_reason", compute.reason());
    report.put("presets", ConfigReader.presets());
    if (config != null) {
      try (var model = Model.create(config, Compute.PLAIN)) {
        report.put("preset", preset);
        report.put("parameters", model.network().parameters().count());
      }
      report.put("config", ConfigReader.tree(config));
    }
    report.put("native_libraries", Engine.libraries());
    print(report, config);
    return 0;
  }

  /** A preset's configuration with what its data would add, known without having the data. */
  static RunConfig describe(String preset) {
    var config = ConfigReader.preset(preset, Map.of());
    var example =
        switch (DataSpec.parse(config.data()).source()) {
          case "icons" -> {
            try (var icons = DataSources.open(DataSpec.parse(config.data()))) {
              yield config.forData(icons).example();
            }
          }
          case "idx" -> images(1, 28, 10);
          case "cifar10" -> images(3, 32, 10);
          case "imagenet64" -> images(3, 64, 1000);
          default ->
              new RunConfig.ExampleConfig(
                  List.of(1, config.captions().length()),
                  config.captions().vocabulary(),
                  List.of(),
                  List.of(),
                  0);
        };
    return config.withExample(example);
  }

  private static RunConfig.ExampleConfig images(int channels, int side, int classes) {
    return new RunConfig.ExampleConfig(
        List.of(channels, side, side), 256, numbers(classes), List.of(), null);
  }

  private static List<String> numbers(int count) {
    return IntStream.range(0, count).mapToObj(Integer::toString).toList();
  }

  private void print(Map<String, Object> report, RunConfig config) {
    var out = spec.commandLine().getOut();
    if (json) {
      out.println(Json.line(report));
      return;
    }
    report.forEach(
        (key, value) -> {
          if (value instanceof List<?> list) {
            out.println(key + ":");
            list.forEach(item -> out.println("  " + item));
          } else if (key.equals("config")) {
            out.println(key + ":");
            ConfigReader.yaml(config).lines().forEach(line -> out.println("  " + line));
          } else {
            out.println(key + ": " + value);
          }
        });
  }
}

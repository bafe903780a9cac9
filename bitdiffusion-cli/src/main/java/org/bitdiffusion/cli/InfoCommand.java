package org.bitdiffusion.cli;

import java.io.IOException;
import java.nio.file.Path;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.concurrent.Callable;
import org.bitdiffusion.Version;
import org.bitdiffusion.codec.Codec;
import org.bitdiffusion.config.ConfigYaml;
import org.bitdiffusion.config.RunConfig;
import org.bitdiffusion.modality.Modality;
import org.bitdiffusion.model.Model;
import org.bitdiffusion.nn.NetworkKind;
import org.bitdiffusion.run.ConfigReader;
import org.bitdiffusion.runtime.Compute;
import org.bitdiffusion.runtime.Engine;
import org.bitdiffusion.sampling.Solver;
import org.bytedeco.javacpp.Loader;
import picocli.CommandLine.ArgGroup;
import picocli.CommandLine.Command;
import picocli.CommandLine.Model.CommandSpec;
import picocli.CommandLine.Option;
import picocli.CommandLine.Spec;

@Command(
    name = "info",
    description = "Shows versions, device, precision, native libraries, and what a preset holds.")
final class InfoCommand implements Callable<Integer> {
  @Spec private CommandSpec spec;

  @ArgGroup(exclusive = true)
  private Described described;

  private static final class Described {
    @Option(
        names = "--preset",
        paramLabel = "NAME",
        completionCandidates = Names.Presets.class,
        description = "Also its resolved configuration and number of parameters.")
    private String preset;

    @Option(
        names = "--config",
        paramLabel = "FILE",
        description = "The same of a configuration file, such as the config.yaml of a run.")
    private Path config;

    private RunConfig read() {
      return preset != null
          ? ConfigReader.preset(preset, Map.of())
          : ConfigReader.file(config, Map.of());
    }
  }

  @Option(names = "--json", description = "Reports as JSON.")
  private boolean json;

  @Override
  public Integer call() throws IOException {
    var config = described == null ? null : describe(described.read());
    Engine.load();
    var report = new LinkedHashMap<String, Object>();
    report.put("version", Version.version());
    report.put("java", System.getProperty("java.vm.name") + " " + Runtime.version());
    report.put("javacpp", Loader.getVersion());
    report.put("engine", "libtorch " + Engine.version());
    report.put("platform", Loader.getPlatform());
    var compute = Compute.choose("auto");
    report.put("device", compute.device().toString().toLowerCase(Locale.ROOT));
    report.put("threads", Engine.threads());
    report.put("precision", compute.precision().toString());
    report.put("precision_reason", compute.reason());
    report.put("presets", ConfigReader.presets());
    report.put("kinds_of_data", Modality.ALL.names());
    report.put("kinds_of_network", NetworkKind.ALL.names());
    report.put("samplers", Solver.ALL.names());
    report.put("encodings", Codec.ENCODINGS);
    if (config != null) {
      try (var model = Model.create(config, Compute.PLAIN)) {
        if (described.preset != null) {
          report.put("preset", described.preset);
        }
        report.put("parameters", model.network().parameters().count());
      }
      report.put("config", ConfigYaml.tree(config));
    }
    report.put("native_libraries", Engine.libraries());
    print(report, config);
    return 0;
  }

  /** A preset's configuration with what its data would add, known without having the data. */
  static RunConfig describe(String preset) {
    return describe(ConfigReader.preset(preset, Map.of()));
  }

  /** A configuration with what its data would add, known without having the data. */
  static RunConfig describe(RunConfig config) {
    return config.schema() != null
        ? config
        : config.withSchema(Modality.of(config).expected(config));
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
            ConfigYaml.text(config).lines().forEach(line -> out.println("  " + line));
          } else {
            out.println(key + ": " + value);
          }
        });
  }
}

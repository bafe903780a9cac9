package org.bitdiffusion.cli;

import static org.assertj.core.api.Assertions.assertThat;

import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.ObjectMapper;
import java.awt.image.BufferedImage;
import java.io.IOException;
import java.nio.file.Files;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import javax.imageio.ImageIO;
import org.bitdiffusion.codec.Codec;
import org.bitdiffusion.io.Npy;
import org.bitdiffusion.modality.Modality;
import org.bitdiffusion.model.Model;
import org.bitdiffusion.nn.NetworkKind;
import org.bitdiffusion.run.ConfigReader;
import org.bitdiffusion.runtime.Compute;
import org.bitdiffusion.sampling.SamplerConfig;
import org.bitdiffusion.sampling.Solver;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.junit.jupiter.params.provider.MethodSource;
import org.junit.jupiter.params.provider.ValueSource;

class MainTest extends CommandTest {
  private void assertOneLine(String... parts) {
    assertThat(err.toString().lines()).hasSize(1);
    assertThat(err.toString()).startsWith("bitdiff: ").contains(parts);
    assertThat(out.toString()).isEmpty();
  }

  @ParameterizedTest
  @ValueSource(
      strings = {
        "",
        "quickstart",
        "quickstart table",
        "train",
        "sample",
        "fill",
        "data",
        "caption",
        "evaluate",
        "tokenizer",
        "tokenizer train",
        "tokenizer show",
        "features",
        "study",
        "features train",
        "metrics",
        "metrics captions",
        "metrics frechet",
        "metrics fid",
        "info",
        "doctor",
        "bench",
        "bench unet",
        "bench captions"
      })
  void everyCommandExplainsItself(String command) {
    assertThat(runLine((command + " --help").strip())).isZero();
    assertThat(out.toString()).startsWith("Usage: bitdiff " + command).contains("--debug");
    assertThat(err.toString()).isEmpty();
  }

  @Test
  void theVersionIsTheBuilds() {
    assertThat(run("--version")).isZero();
    assertThat(out.toString()).matches("bitdiff \\d+\\.\\d+\\.\\d+(-SNAPSHOT)?\\R");
  }

  @ParameterizedTest
  @CsvSource(
      delimiter = '|',
      quoteCharacter = '"',
      textBlock =
          """
          trian                                        | there is no command 'trian'; did you mean train?
          --versio                                     | there is no option '--versio'; did you mean --version?
          bench captions --preset icons                | preset icons makes no captions
          bench                                        | what to measure is missing
          bench unet --steps 0                         | --steps is 0; it must be at least 1
          bench unet --batch-size 1025                 | --batch-size is 1025; it must be in 1 .. 1024
          metrics                                      | what to measure is missing: bitdiff metrics captions, frechet or fid
          metrics captions --candidates a              | '--references=FILE'
          data                                         | SOURCE
          data icons --n 5                             | --n goes with --out
          data icons --out FOLDER/a.png extra          | the argument 'extra' is too many
          data icons --out FOLDER/a.png --skipbad      | did you mean --skip-bad?
          data icons --out FOLDER/a.png --n ten        | '--n': 'ten' is not a whole number (see
          data icons --n 9999999999                    | '--n': '9999999999' is too large (see
          train --steps 1e3 --out x                    | '--steps': '1e3' is not a whole number (see
          quickstart --minutes few                     | '--minutes': 'few' is not a number (see
          data icons --out FOLDER/a.png --n 0          | --n is 0; it must be at least 1
          data icons --out FOLDER/a.gif                | must end in .png or .npy, or be a folder, which must be there already if its name has an ending; or in .pack, to pack
          data icon --out FOLDER/a.png                 | icons, idx, cifar10
          data icons,sizes=3 --out FOLDER/a.png        | no option 'sizes'
          train --preset icons --config a --out FOLDER/r | are mutually exclusive
          train --out FOLDER/r                         | needs --preset or --config
          train --preset icon --out FOLDER/r           | preset 'icon' is unknown; use icons
          train --preset iconz --out FOLDER/r          | did you mean icons?
          train --preset icons --data icon --out FOLDER/r | data source 'icon' is unknown
          train --preset icons --data icon --out FOLDER/r | did you mean icons?
          train --preset icons --out FOLDER/r --set sampling.sampler=ddpn | sampling.sampler is 'ddpn', but no sampler
          train --preset icons --out FOLDER/r --set sampling.sampler=ddpn | did you mean ddpm?
          train --preset icons --out FOLDER/r --set training.step=1 | did you mean training.steps?
          train --preset icons --out FOLDER/r --set a  | should be in KEY=VALUE format
          train --preset icons --out FOLDER/r --set trainig.steps=1 | did you mean training.steps?
          train --preset icons --out FOLDER/r --threads 0 | --threads is 0; it must be at least 1
          train --preset icons --out FOLDER/r --threads 8000 | --threads is 8000; it must be at least 1
          train --preset icons --out FOLDER/r --steps 5 --set training.steps=4 | --steps and --set training.steps are the same setting; give one of them
          train --preset icons --out FOLDER/r --set network.kind=captioner | network.kind is unet, and all other settings there go with that; begin with a preset
          train --preset icons --data images:FOLDER/none --out FOLDER/r --precision fp16 | --precision (training.precision) 'fp16' is unknown; use auto, float32 or bfloat16
          train --preset icons --data images:FOLDER/none --out FOLDER/r --set codec.encoding=grey | codec.encoding 'grey' is unknown; use uint8, gray
          train --preset icons --data images:FOLDER/none --out FOLDER/r --set diffusion.loss=l1 | diffusion.loss 'l1' is unknown
          train --preset scene-captions --out FOLDER/r --encoder-weights a --set network.encoder.weights=b | --encoder-weights and --set network.encoder.weights are the same setting
          train --preset icons --out FOLDER/r --steps 0 | --steps (training.steps) is 0; it must be at least 1
          train --preset icons --out FOLDER/r --encoder-weights a | --encoder-weights (network.encoder.weights) is a setting, but of network.kind captioner, which this configuration is not
          train --resume --out FOLDER/r --encoder-weights a | leave --encoder-weights out
          train --resume --out FOLDER/r                | FOLDER/r does not exist
          sample --run FOLDER/r --out FOLDER/a.png     | FOLDER/r does not exist
          sample --run FOLDER/r --out FOLDER/a.png --n 0 | --n is 0; it must be at least 1
          info --preset cifar                          | preset 'cifar' is unknown
          quickstart --out FOLDER                      | exists already
          quickstart --out FOLDER/r --steps 5 --set training.steps=4 | --steps and --set training.steps are the same setting; give one of them
          quickstart --out FOLDER/r --steps 0          | --steps (training.steps) is 0; it must be at least 1
          """)
  void wrongUsageIsOneLineAndExitCode2(String line, String message) throws IOException {
    assertThat(runLine(line)).isEqualTo(2);
    assertOneLine(message.replace("FOLDER", folder.toString()));
    assertThat(folder).isEmptyDirectory();
  }

  @Test
  void anUnknownKindOfDataNamesTheNearest() throws IOException {
    Files.writeString(folder.resolve("a.yaml"), "modality: {kind: captions}");
    assertThat(runLine("train --config FOLDER/a.yaml --out FOLDER/r")).isEqualTo(2);
    assertOneLine("a.yaml: modality.kind is 'captions'", "did you mean caption?");
  }

  /** Names in help are the library's own. */
  @Test
  void helpListsAllThatThereIs() {
    assertThat(runLine("data --help")).isZero();
    for (var modality : Modality.ALL.all()) {
      for (var source : modality.sources()) {
        assertThat(out.toString()).contains("  " + source.usage().get(0));
      }
    }
    assertThat(runLine("train --help")).isZero();
    assertThat(out.toString()).contains(ConfigReader.presets());
    assertThat(runLine("sample --help")).isZero();
    assertThat(out.toString()).contains(Solver.ALL.names()).contains(SamplerConfig.MODES);
  }

  /** Of what is not on the PATH, the bare name would not be found. */
  @Test
  void whatIsToBePastedBeginsAsTheCommandWasCalled() {
    System.setProperty("bitdiff.command", "../a project/bitdiff");
    try {
      assertThat(run("train")).isEqualTo(2);
      assertThat(err.toString()).endsWith("(see ''../a project/bitdiff' train --help')\n");
      assertThat(run("sample", "--help")).isZero();
      assertThat(out.toString())
          .contains("Example: '../a project/bitdiff' sample --out icons.png")
          .startsWith("Usage: '../a project/bitdiff' sample");
      System.setProperty("bitdiff.command", "./bitdiff");
      assertThat(run("bench")).isEqualTo(2);
      assertThat(err.toString()).contains("is missing: ./bitdiff bench unet, ./bitdiff bench cap");
      assertThat(run("--help")).isZero();
      assertThat(out.toString()).contains("'./bitdiff COMMAND --help' explains");
      // and options are still told from settings
      assertThat(run("train", "--preset", "icons", "--steps", "-1", "--out", folder.resolve("r")))
          .isEqualTo(2);
      assertThat(err.toString()).startsWith("bitdiff: --steps (training.steps) is -1");
    } finally {
      System.clearProperty("bitdiff.command");
    }
  }

  @Test
  void noCommandIsWrongUsage() {
    assertThat(run()).isEqualTo(2);
    assertOneLine("a command is missing", "'bitdiff --help'");
  }

  @Test
  void aSubcommandsErrorNamesItsOwnHelp() {
    assertThat(run("data")).isEqualTo(2);
    assertOneLine("'bitdiff data --help'");
  }

  @Test
  void aMissingFolderIsAFailureOfTheData() {
    assertThat(runLine("data images:FOLDER/none --out FOLDER/a.png")).isEqualTo(1);
    assertOneLine(folder.resolve("none").toString());
  }

  @Test
  void anOutputThatCannotBeWrittenIsNamed() throws IOException {
    var file = Files.writeString(folder.resolve("file"), "");
    assertThat(runLine("data icons,subset=4 --out FOLDER/file/a.png")).isEqualTo(1);
    assertOneLine(file.resolve("a.png").toString(), "cannot be written");
    assertThat(folder.toFile().list()).containsExactly("file");
  }

  @Test
  void aRunFolderThatIsTakenIsRefusedBeforeDataIsOpened() throws IOException {
    Files.createFile(folder.resolve("file"));
    assertThat(runLine("train --preset icons --data images:FOLDER/none --out FOLDER")).isEqualTo(2);
    assertOneLine(folder + " exists and is not empty");
  }

  @Test
  void dataSaysHowManyClassesItDoesNotList() throws IOException {
    for (var c = 0; c < 103; c++) {
      var image = new BufferedImage(8, 8, BufferedImage.TYPE_INT_RGB);
      var file = folder.resolve("images/class%03d/a.png".formatted(c));
      Files.createDirectories(file.getParent());
      ImageIO.write(image, "png", file.toFile());
    }
    assertThat(runLine("data images:FOLDER/images,size=8 --out FOLDER/a.png"))
        .as(err.toString())
        .isZero();
    assertThat(out.toString().lines())
        .hasSize(103)
        .endsWith(
            "  class 99 class099: 1",
            "  and 3 classes more; --json lists all",
            "shown in " + folder.resolve("a.png"));
  }

  @Test
  void theStackTraceIsShownOnDemandOnly() {
    assertThat(runLine("data images:FOLDER/none --out FOLDER/a.png --debug")).isEqualTo(1);
    assertThat(err.toString()).contains("DataException").contains("\tat org.bitdiffusion.data.");
  }

  @Test
  void dataPaintsAGridAndReportsAsJson() throws IOException {
    assertThat(runLine("data icons,size=12,levels=4 --out FOLDER/a.png --n 6 --json")).isZero();

    var grid = ImageIO.read(folder.resolve("a.png").toFile());
    // 6 images in 3 columns and 2 rows, each enlarged to 60 pixels, with gaps of 2
    assertThat(grid.getWidth()).isEqualTo(3 * 62 + 2);
    assertThat(grid.getHeight()).isEqualTo(2 * 62 + 2);
    var report = new ObjectMapper().readTree(out.toString());
    assertThat(report.path("shape")).hasToString("[1,12,12]");
    assertThat(report.path("categories").intValue()).isEqualTo(4);
    assertThat(report.path("examples").intValue()).isEqualTo(5839);
    assertThat(err.toString()).isEmpty();
  }

  @Test
  void dataDescribesASourceThatItDoesNotShow() {
    assertThat(runLine("data icons,size=8,families=100")).isZero();
    assertThat(out.toString())
        .isEqualTo(
            String.join(
                System.lineSeparator(),
                "icons 8x8, 2 levels: 362 examples of shape [1, 8, 8], K = 2",
                "  class 0 alpha: 131",
                "  class 1 arrow: 111",
                "  class 2 file: 120",
                ""));
    assertThat(runLine("data icons,size=8 --json")).isZero();
    assertThat(out.toString()).contains("\"examples\":5839").doesNotContain("\"out\"");
    assertThat(folder).isEmptyDirectory();
  }

  @Test
  void dataWritesSymbols() {
    assertThat(runLine("data icons,size=8,levels=2 --out FOLDER/each --n 3")).isZero();
    assertThat(folder.resolve("each/000002.png")).exists();
    assertThat(runLine("data icons,size=8,levels=2 --out FOLDER/each --n 3")).isEqualTo(2);
    assertThat(runLine("data icons,size=8,levels=2 --out FOLDER/a.npy --n 5")).isZero();

    var array = Npy.read(folder.resolve("a.npy"));
    assertThat(array.shape()).containsExactly(5, 1, 8, 8);
    assertThat(array.values()).contains(0, 1).containsOnly(0, 1);
  }

  @ParameterizedTest
  @MethodSource("org.bitdiffusion.run.ConfigReader#presets")
  void infoOfEachPresetHasShapesAndParameters(String preset) throws IOException {
    assertThat(run("info", "--preset", preset, "--json")).as(err.toString()).isZero();
    var report = new ObjectMapper().readTree(out.toString());
    assertThat(report.path("parameters").longValue()).isGreaterThan(100_000);
    assertThat(report.path("config").path("schema").path("space").path("shape")).isNotEmpty();
  }

  /** Shapes and parameters are known without the files. */
  @ParameterizedTest
  @CsvSource(
      delimiter = '|',
      textBlock =
          """
          images:nowhere,size=32   | 3 | 256 | 0
          images:nowhere,palette=4 | 1 | 4   | 0
          cifar100:nowhere         | 3 | 256 | 100
          """)
  void describesDataThatIsNotThere(String data, int channels, int categories, int classes) {
    var settings =
        Map.of(
            "data",
            data,
            "network.width",
            "8",
            "network.head_width",
            "8",
            "diffusion.conditional",
            Boolean.toString(classes > 0));
    var config = InfoCommand.describe(ConfigReader.preset("cifar10-small", settings));
    var space = config.schema().space();
    assertThat(space.shape().get(0)).isEqualTo(channels);
    assertThat(space.mostCategories()).isEqualTo(categories);
    assertThat(config.condition().classes()).hasSize(classes);
    try (var model = Model.create(config, Compute.PLAIN)) {
      assertThat(model.network().parameters().count()).isGreaterThan(10_000);
    }
  }

  @Test
  void infoOfAPresetHasItsConfigurationAndParameters() throws IOException {
    assertThat(run("info", "--preset", "icons", "--json")).isZero();

    var report = new ObjectMapper().readTree(out.toString());
    assertThat(report.path("preset").textValue()).isEqualTo("icons");
    assertThat(report.path("parameters").longValue()).isEqualTo(1_043_873);
    assertThat(report.path("config").path("schema").path("space").path("shape"))
        .hasToString("[1,16,16]");
    assertThat(report.path("config").path("training").path("batch_size").intValue()).isEqualTo(48);
    assertThat(names(report.path("kinds_of_data"))).isEqualTo(Modality.ALL.names());
    assertThat(names(report.path("kinds_of_network"))).isEqualTo(NetworkKind.ALL.names());
    assertThat(names(report.path("samplers"))).isEqualTo(Solver.ALL.names());
    assertThat(names(report.path("encodings"))).isEqualTo(Codec.ENCODINGS);
    assertThat(report.path("engine").textValue()).startsWith("libtorch ");
    assertThat(report.path("native_libraries")).anyMatch(l -> l.textValue().contains("torch_cpu"));
    var compute = Compute.choose("auto");
    assertThat(report.path("precision_reason").textValue()).isEqualTo(compute.reason());
    assertThat(report.path("precision").textValue())
        .isEqualToIgnoringCase(compute.precision().toString());
  }

  private static List<String> names(JsonNode list) {
    var names = new ArrayList<String>();
    list.forEach(name -> names.add(name.textValue()));
    return names;
  }
}

package org.bitdiffusion.fuzz;

import static java.nio.charset.StandardCharsets.UTF_8;

import java.io.ByteArrayOutputStream;
import java.io.IOException;
import java.io.UncheckedIOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.StandardCopyOption;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.zip.GZIPOutputStream;
import org.bitdiffusion.config.RunConfig;
import org.bitdiffusion.data.DataSource;
import org.bitdiffusion.data.DataSpec;
import org.bitdiffusion.modality.Modality;
import org.bitdiffusion.run.ConfigReader;

/** Tables, and what a run or a user says of their columns. */
final class Tables {
  private static final String ROWS =
      """
      id,size,paid,born,wide,ok
      a1,"big, ""very""\",12.50,1990-01-31,1e-12,yes
      a2,?,0.00,1985-07-01,1000000000,no
      a3,"two
      lines",7.25,1990-01-31,0,yes
      """;

  private static final RunConfig CONFIG =
      ConfigReader.text("tables", "modality: {kind: table}", Map.of());

  static final List<Target> TARGETS =
      List.of(
          Target.of("table", List.of(ROWS.getBytes(UTF_8), other()), Tables::same),
          Target.of("table-packed", List.of(packed()), Tables::same),
          Target.of("table-columns", List.of(columns()), Tables::said),
          Target.of("table-run", List.of(columns()), Tables::run));

  private Tables() {}

  private static byte[] other() {
    return "a;b\n1,5;31.12.2023 10:00\n-2,25;01.01.2024 00:00\n;\n".getBytes(UTF_8);
  }

  private static byte[] packed() {
    var bytes = new ByteArrayOutputStream();
    try (var gzip = new GZIPOutputStream(bytes)) {
      gzip.write(ROWS.getBytes(UTF_8));
    } catch (IOException e) {
      throw new UncheckedIOException(e);
    }
    return bytes.toByteArray();
  }

  private static byte[] columns() {
    return Arrays.written(
        ".json",
        file -> {
          try {
            var folder = Files.createTempDirectory("bitdiff-tables-");
            open(Files.writeString(folder.resolve("t.csv"), ROWS), "").keep(folder);
            Files.move(folder.resolve("columns.json"), file, StandardCopyOption.REPLACE_EXISTING);
            Files.delete(folder.resolve("t.csv"));
            Files.delete(folder);
          } catch (IOException e) {
            throw new UncheckedIOException(e);
          }
        });
  }

  private static DataSource open(Path file, String options) {
    return Modality.plan(DataSpec.parse("table:" + file + options)).open();
  }

  /** What is read is the same by what a run keeps of it. */
  private static void same(byte[] input, Path folder) throws IOException {
    var file = Files.write(folder.resolve("t.csv"), input);
    var table = open(file, "");
    table.keep(folder);
    var again =
        Modality.ALL
            .get("kind", "table")
            .open(CONFIG.withData("table:" + file), Optional.of(folder));
    Arrays.requireSame(again.size() == table.size(), "rows");
    Arrays.requireSame(again.schema().equals(table.schema()), "schema");
    var places = table.schema().space().places();
    var symbols = new int[places];
    var others = new int[places];
    for (var i = 0; i < table.size(); i++) {
      table.read(i, symbols, 0);
      again.read(i, others, 0);
      Arrays.requireSame(java.util.Arrays.equals(symbols, others), "row " + i);
      table.schema().space().require(table.name(), i, symbols, 0);
    }
  }

  private static void said(byte[] input, Path folder) throws IOException {
    var file = Files.writeString(folder.resolve("t.csv"), ROWS);
    open(file, ",columns=" + Files.write(folder.resolve("said.json"), input));
  }

  private static void run(byte[] input, Path folder) throws IOException {
    var file = Files.writeString(folder.resolve("t.csv"), ROWS);
    Files.write(folder.resolve("columns.json"), input);
    var table =
        Modality.ALL
            .get("kind", "table")
            .open(CONFIG.withData("table:" + file + ",unseen=skip"), Optional.of(folder));
    table.facts();
  }
}

package org.bitdiffusion.cli;

import static org.assertj.core.api.Assertions.assertThat;

import java.io.IOException;
import java.nio.file.Files;
import java.util.List;
import java.util.Map;
import org.junit.jupiter.api.Test;

/** A table is looked at, trained on and drawn, through the command. */
class TableRunTest extends CommandTest {
  private void people() throws IOException {
    var rows = new StringBuilder("id,size,paid,born\n");
    for (var i = 0; i < 200; i++) {
      rows.append(
          "%d,%s,%s,19%02d-01-01\n"
              .formatted(i + 1, List.of("small", "large", "?").get(i % 3), i % 2, 50 + i % 40));
    }
    Files.writeString(folder.resolve("people.csv"), rows.toString());
    Files.writeString(
        folder.resolve("people.yaml"),
        """
        data: table:%s,target=paid
        modality: {kind: table}
        network: {kind: toy, width: 32, activation: hard_tanh}
        training:
          steps: 30
          batch_size: 16
          learning_rate: 0.005
          warmup_steps: 5
          precision: float32
          checkpoint_every: 30
        sampling: {steps: 5}
        """
            .formatted(folder.resolve("people.csv")));
  }

  private void succeeds(String line) {
    assertThat(runLine(line)).as(err.toString()).isZero();
  }

  @Test
  void isDescribed() throws IOException {
    people();
    succeeds("data table:FOLDER/people.csv");
    assertThat(out.toString().lines().map(String::strip).map(line -> line.replaceAll(" +", " ")))
        .endsWith(
            "column kind k bits missing examples",
            "id identifier 1 0 0 new: 201",
            "size category 3 2 0.33 large, small",
            "paid boolean 2 1 0 0, 1",
            "born datetime 14246 14 0 1950-01-01, 1951-01-01, 1952-01-01");
    succeeds("data table:FOLDER/people.csv --json");
    var parts = Json.parse(out.toString(), Map.class).get("parts").toString();
    assertThat(parts).contains("column=size, kind=category, k=3, bits=2");
    succeeds("data table:FOLDER/people.csv --n 200 --out FOLDER/again.csv");
    assertThat(Files.readAllLines(folder.resolve("again.csv")))
        .hasSize(201)
        .contains("id,size,paid,born", "201,small,0,1950-01-01", "203,?,0,1952-01-01");
  }

  @Test
  void isTrainedResumedAndDrawn() throws IOException {
    people();
    succeeds("train --config FOLDER/people.yaml --held-out 10% --out FOLDER/run");
    assertThat(folder.resolve("run/columns.json")).content().contains("\"name\": \"size\"");
    assertThat(folder.resolve("run/marginals.json")).exists();
    succeeds("sample --run FOLDER/run --n 50 --out FOLDER/new.csv");
    var lines = Files.readAllLines(folder.resolve("new.csv"));
    assertThat(lines).hasSize(51).startsWith("id,size,paid,born");
    assertThat(lines.subList(1, 51))
        .allMatch(line -> line.matches("2\\d\\d,(small|large|\\?),[01],19\\d\\d-\\d\\d-\\d\\d"));
    succeeds("train --resume --steps 40 --out FOLDER/run");
    succeeds("sample --run FOLDER/run --n 2 --out FOLDER/new.tsv");
    assertThat(folder.resolve("new.tsv")).content().contains("id\tsize\tpaid\tborn\n201\t");
    succeeds("evaluate --run FOLDER/run --n 20 --json");
  }

  /** By the preset, in few steps; what is asked for is kept exactly all the same. */
  @Test
  void rowsHaveWhatIsGiven() throws IOException {
    people();
    succeeds(
        "train --preset table --data table:FOLDER/people.csv --steps 20 --set training.batch_size=16"
            + " --set network.width=32 --precision float32 --out FOLDER/run");
    succeeds(
        "sample --run FOLDER/run --n 40 --steps 5 --out FOLDER/new.csv"
            + " --given paid=1,born=1950-01-01..1955-12-31,size=small|large");
    var lines = Files.readAllLines(folder.resolve("new.csv"));
    assertThat(lines).hasSize(41);
    assertThat(lines.subList(1, 41))
        .allMatch(line -> line.matches("2\\d\\d,(small|large),1,195[0-5]-\\d\\d-\\d\\d"));
    assertThat(runLine("sample --run FOLDER/run --out FOLDER/x.csv --given size=smal"))
        .isEqualTo(2);
    assertThat(err.toString())
        .contains("--given", "'size' has no value 'smal'", "did you mean small?");
    assertThat(folder.resolve("x.csv")).doesNotExist();
  }
}

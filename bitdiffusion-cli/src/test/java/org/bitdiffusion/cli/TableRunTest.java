package org.bitdiffusion.cli;

import static org.assertj.core.api.Assertions.assertThat;

import java.io.IOException;
import java.nio.file.Files;
import java.util.List;
import java.util.Map;
import java.util.stream.Stream;
import org.bitdiffusion.run.Run;
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

  private void peopleOfWhomSomeIsKnown() throws IOException {
    people();
    var config = folder.resolve("people.yaml"); // its own network is not told what is known
    Files.writeString(
        config,
        Files.readString(config)
            .replaceFirst(
                "network: .*",
                """
                network: {kind: mlp, width: 32, blocks: 1, embedding: 16}
                codec: {encoding: tree}
                diffusion: {known_rate: 0.5}\
                """));
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
  }

  @Test
  void aTimeBecomesANumberOfSteps() throws IOException {
    people();
    var train = "train --config FOLDER/people.yaml --log-every 1 --minutes ";
    succeeds(train + "0.02 --out FOLDER/run");
    assertThat(out.toString()).containsPattern("s a step: [0-9,]+ steps in all");
    var steps = Run.open(folder.resolve("run")).config().training().steps();
    assertThat(steps).isGreaterThan(5); // the warm-up, in which it is measured
    assertThat(out.toString()).contains("step %d is saved".formatted(steps));
    var other = "--out FOLDER/other";
    assertThat(runLine(train + "1 --steps 5 " + other)).isEqualTo(2);
    assertThat(err.toString()).contains("--steps and --minutes say the same");
    assertThat(runLine(train + "1 --set training.steps=5 " + other)).isEqualTo(2);
    assertThat(runLine(train + "-1 " + other)).isEqualTo(2);
    assertThat(err.toString()).contains("--minutes is -1.0; it must be above 0");
    assertThat(runLine(train + "1 --dry-run " + other)).isEqualTo(2);
    assertThat(folder.resolve("other")).doesNotExist();
    assertThat(runLine("train --resume --minutes 1 --out FOLDER/run")).isEqualTo(2);
    assertThat(err.toString()).contains("--minutes is for a new run; go on with --steps");
  }

  @Test
  void gapsAreFilled() throws IOException {
    peopleOfWhomSomeIsKnown();
    succeeds("train --config FOLDER/people.yaml --out FOLDER/run");
    var gaps = "id,paid,size,born\r\n7,1,,1960-01-01\r\n8,,?,\r\n9,0,\"small\",1970-01-01";
    Files.writeString(folder.resolve("gaps.csv"), gaps);
    succeeds("fill --run FOLDER/run --in FOLDER/gaps.csv --out FOLDER/filled.csv");
    assertThat(out.toString())
        .startsWith("filled fields of 2 of 3 rows: size 2, paid 1, born 1, in ")
        .endsWith("s; all is in " + folder.resolve("filled.csv") + "\n");
    assertThat(folder.resolve("filled.csv"))
        .content()
        .matches(
            "id,paid,size,born\r\n7,1,(small|large),1960-01-01\r\n8,[01],(small|large),19\\d\\d-\\d\\d-\\d\\d\r\n9,0,\"small\",1970-01-01");
    succeeds("fill --run FOLDER/run --in FOLDER/gaps.csv --out FOLDER/draw.csv --draws 3");
    assertThat(out.toString())
        .endsWith("3 fillings are in " + folder.resolve("draw-1.csv") + " to draw-3.csv\n");
    assertThat(folder.resolve("draw-1.csv")).hasSameTextualContentAs(folder.resolve("filled.csv"));
    assertThat(folder.resolve("draw-3.csv")).exists();
    succeeds("fill --run FOLDER/run --in FOLDER/gaps.csv --out FOLDER/e.csv --draws 3 --expected");
    assertThat(folder.resolve("e.csv")).content().contains("\r\n9,0,\"small\",1970-01-01");
    assertThat(runLine("fill --run FOLDER/run --in FOLDER/gaps.csv --out FOLDER/x.csv --expected"))
        .isEqualTo(2);
    assertThat(err.toString()).contains("prediction code_words", "add --draws 20");
    assertThat(folder.resolve("x.csv")).doesNotExist();
    succeeds("fill --run FOLDER/run --in FOLDER/gaps.csv --out FOLDER/empty.csv --empty-only");
    assertThat(folder.resolve("empty.csv")).content().matches("(?s).*\r\n8,[01],\\?,19.*");
  }

  @Test
  void whatIsExpectedIsFilledInWithoutDrawing() throws IOException {
    peopleOfWhomSomeIsKnown();
    succeeds(
        "train --config FOLDER/people.yaml --out FOLDER/run --set diffusion.prediction=code_words"
            + " --set diffusion.loss=softmax");
    Files.writeString(
        folder.resolve("gaps.csv"), "paid,size,born\n1,,1960-01-01\n,?,\n0,small,NA\n");
    var fill = "fill --run FOLDER/run --in FOLDER/gaps.csv --expected --out FOLDER/";
    succeeds(fill + "e.csv");
    assertThat(folder.resolve("e.csv"))
        .content()
        .matches(
            "paid,size,born\n1,(small|large),1960-01-01\n[01],(small|large),19\\d\\d-\\d\\d-\\d\\d\n0,small,19\\d\\d-\\d\\d-\\d\\d\n");
    succeeds(fill + "again.csv --seed 7"); // nothing is drawn
    assertThat(folder.resolve("again.csv")).hasSameTextualContentAs(folder.resolve("e.csv"));
    assertThat(
            (double)
                evaluate("--n 50 --held-out table:FOLDER/people.csv,target=paid --fill 30%")
                    .get("fill_accuracy"))
        .isPositive();
  }

  @Test
  void fillingIsMeasured() throws IOException {
    peopleOfWhomSomeIsKnown();
    succeeds("train --config FOLDER/people.yaml --held-out 20% --out FOLDER/run");
    var told = evaluate("--held-out 20% --fill 30%");
    for (var of : List.of("", "_of_usual", "_of_neighbours")) {
      assertThat((double) told.get("fill_accuracy" + of)).isBetween(0.1, 0.9);
      assertThat((double) told.get("fill_error" + of)).isBetween(0.1, 3.0);
    }
    // "paid" is 0 as often as 1, and of the three sizes one is missing, which is not masked.
    assertThat((double) told.get("fill_accuracy_of_usual")).isBetween(0.2, 0.8);
    assertThat(runLine("evaluate --run FOLDER/run --held-out 20% --fill lots")).isEqualTo(2);
    assertThat(err.toString()).contains("--fill is 'lots'; it must be a share of fields");
  }

  @Test
  void whatCannotBeFilledIsTold() throws IOException {
    people();
    succeeds("train --config FOLDER/people.yaml --out FOLDER/run");
    Files.writeString(folder.resolve("gaps.csv"), "size,paid\nhuge,\n");
    var fill = "fill --run FOLDER/run --in FOLDER/gaps.csv --out FOLDER/";
    assertThat(runLine(fill + "gaps.csv")).isEqualTo(2);
    assertThat(err.toString()).contains("--out is ", "which is read here, and would be lost");
    assertThat(runLine(fill + "filled.csv")).isEqualTo(1);
    assertThat(err.toString()).contains("gaps.csv line 2, column 'size': 'huge' never occurred");
    assertThat(folder.resolve("filled.csv")).doesNotExist();
    assertThat(runLine(fill + "filled.csv --expected")).isEqualTo(2);
    assertThat(err.toString()).contains("add --draws 20");
    succeeds(fill.replace("gaps.csv", "gaps.csv,unseen=missing") + "filled.csv");
    assertThat(err.toString())
        .contains("trained with diffusion.known_rate 0", "taken for unknown", "size 1");
    assertThat(folder.resolve("filled.csv")).content().matches("size,paid\nhuge,[01]\n");
  }

  private Map<?, ?> evaluate(String options) {
    succeeds("evaluate --run FOLDER/run --json " + options);
    return Json.parse(out.toString(), Map.class);
  }

  @Test
  void isMeasuredBesideRowsThatNeedNoModel() throws IOException {
    people();
    succeeds("train --config FOLDER/people.yaml --held-out 20% --out FOLDER/run");
    var report = evaluate("--held-out 20% --report FOLDER/report.html");
    var beside = List.of("", "_of_independent", "_of_smote", "_of_data");
    var names =
        Stream.of(
                "shape",
                "trend",
                "detection_logistic",
                "detection_xgboost",
                "efficacy_auc",
                "efficacy_f1",
                "alpha_precision",
                "beta_recall",
                "nearer_to_training",
                "copies")
            .flatMap(name -> beside.stream().map(name::concat))
            .filter(name -> !name.equals("nearer_to_training_of_data"));
    assertThat(report.keySet().stream().map(String::valueOf))
        .containsExactlyElementsOf(
            Stream.of(
                    Stream.of("compared_with"),
                    names,
                    Stream.of(
                        "samples", "seed", "network_evaluations_per_sample", "samples_per_second"))
                .flatMap(all -> all)
                .toList());
    assertThat(report.get("samples")).isEqualTo(160); // as many as were trained on
    assertThat(report.get("compared_with").toString()).startsWith("160 of ");
    assertThat((double) report.get("shape_of_independent")).isBetween(0.85, 1.0);
    assertThat((double) report.get("shape_of_data")).isBetween(0.8, 1.0);
    // Half of the columns is a function of the row's number, so all rows have equals.
    assertThat((double) report.get("copies_of_smote")).isPositive();
    assertThat(folder.resolve("report.html"))
        .content()
        .contains("run beside 160 of", "<figcaption>size", "<figcaption>born", "missing", "1950-");

    // What is there is not drawn again, and measured alike.
    var again = evaluate("--held-out 20%");
    assertThat(again.containsKey("samples_per_second")).isFalse();
    assertThat(again.get("detection_xgboost")).isEqualTo(report.get("detection_xgboost"));
    assertThat(evaluate("--held-out 20% --grid").get("efficacy_auc_of_data")).isNotNull();
  }

  /** What another program drew is measured as the run's own rows are: here, the data itself. */
  @Test
  void rowsFromElsewhereAreMeasured() throws IOException {
    people();
    succeeds("train --config FOLDER/people.yaml --out FOLDER/run");
    var report = evaluate("--rows table:FOLDER/people.csv --report FOLDER/report.html");
    assertThat(report.get("shape")).isEqualTo(1.0);
    assertThat(report.get("trend")).isEqualTo(1.0);
    assertThat((double) report.get("detection_logistic")).isGreaterThan(0.9);
    assertThat(report.get("copies")).isEqualTo(1.0);
    assertThat(report.get("samples")).isEqualTo(200);
    assertThat(report.get("rows").toString()).endsWith("people.csv");
    assertThat(report.keySet().stream().map(String::valueOf))
        .doesNotContain("seed", "network_evaluations_per_sample", "samples_per_second");
    assertThat(folder.resolve("report.html")).content().contains("people.csv beside ");
    fails(
        "evaluate --run FOLDER/run --rows table:FOLDER/people.csv --fill 30%",
        "--fill and --rows exclude each other");
    fails(
        "evaluate --run FOLDER/run --rows table:FOLDER/people.csv --n 20",
        "--n and --rows exclude each other");
    fails("evaluate --run FOLDER/run --rows icons", "--rows is icons, which is no table");
    Files.writeString(folder.resolve("one.csv"), "size,paid,born\nsmall,1,1950-01-01\n");
    fails(
        "evaluate --run FOLDER/run --rows table:FOLDER/one.csv",
        "one.csv has 1 rows that the run's columns can hold; measures of a table need 3");
  }

  @Test
  void whatCannotBeToldIsSaid() throws IOException {
    people();
    var config = folder.resolve("people.yaml");
    Files.writeString(config, Files.readString(config).replace(",target=paid", ""));
    succeeds("train --config FOLDER/people.yaml --out FOLDER/run");
    var report = evaluate("--n 20");
    assertThat(err.toString())
        .contains(
            "not told without held-out rows: efficacy, nearer_to_training, how gaps are filled, and what data has",
            "not told without a target among the run's columns: efficacy");
    assertThat(report.keySet().stream().map(String::valueOf))
        .contains("shape", "detection_xgboost_of_smote", "copies")
        .noneMatch(name -> name.startsWith("efficacy") || name.endsWith("_of_data"))
        .doesNotContain("nearer_to_training");
    assertThat(report.get("samples")).isEqualTo(20);

    Files.writeString(
        folder.resolve("other.csv"), "paid,size,born\n".concat("1,small,1950-01-01\n".repeat(9)));
    report = evaluate("--n 20 --held-out table:FOLDER/other.csv");
    assertThat((double) report.get("copies_of_data")).isZero(); // such a size is paid 0
    assertThat((double) report.get("shape_of_data")).isLessThan(0.7);

    fails("evaluate --run FOLDER/run --n 2", "--n is 2; measures of a table need 3 rows at least");
    fails("evaluate --run FOLDER/run --held-out icons", "--held-out is icons, which is no table");
    fails("evaluate --run FOLDER/run --report FOLDER/r.txt", "it must end in .html");
    fails("evaluate --run FOLDER/run --with grid=5", "grid is '5'; it must be true or false");
    Files.writeString(folder.resolve("bad.csv"), "size,paid,born\nhuge,1,1950-01-01\n");
    fails(
        "evaluate --run FOLDER/run --held-out table:FOLDER/bad.csv",
        "bad.csv: all rows are left out, as each has a value that the run's columns lack");
  }

  @Test
  void isMeasuredAtCheckpoints() throws IOException {
    people();
    var train = "train --config FOLDER/people.yaml --set training.measure.samples=50 --out FOLDER/";
    succeeds(train + "run --set training.measure.name=trend");
    assertThat(folder.resolve("run/metrics.jsonl")).content().contains("\"trend\":0.");
    assertThat(folder.resolve("run/checkpoints/best.json")).exists();
    fails(
        train + "other --set training.measure.name=copies",
        "copies', of which neither more nor less is better");
    fails(train + "other --set training.measure.name=efficacy_auc", "which is not measured here");
  }

  private void fails(String line, String message) {
    assertThat(runLine(line)).isNotZero();
    assertThat(err.toString()).contains(message);
  }

  /** By the preset, in few steps; what is asked for is kept exactly all the same. */
  @Test
  void rowsHaveWhatIsGiven() throws IOException {
    people();
    succeeds(
        "train --preset table --data table:FOLDER/people.csv --steps 20 --set training.batch_size=16"
            + " --set network.width=32 --set training.calibration_samples=10000 --precision float32"
            + " --out FOLDER/run");
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

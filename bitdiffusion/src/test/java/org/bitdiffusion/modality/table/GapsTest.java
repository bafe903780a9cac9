package org.bitdiffusion.modality.table;

import static java.nio.charset.StandardCharsets.UTF_16LE;
import static java.nio.charset.StandardCharsets.UTF_8;
import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import java.io.ByteArrayOutputStream;
import java.io.IOException;
import java.nio.charset.Charset;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.Random;
import java.util.zip.GZIPInputStream;
import java.util.zip.GZIPOutputStream;
import org.bitdiffusion.ConfigurationException;
import org.bitdiffusion.DataException;
import org.bitdiffusion.data.DataSpec;
import org.bitdiffusion.modality.Modality;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

class GapsTest {
  private static final List<String> JOBS =
      List.of("nurse", "a, b", "said \"no\"", "two\nlines", "groß");

  @TempDir private Path folder;
  private Columns columns;

  /** id, job (with some missing), age 20..59, country (constant), paid. */
  @BeforeEach
  void learn() throws IOException {
    var rows = new StringBuilder("id,job,age,country,paid\n");
    for (var i = 0; i < 200; i++) {
      var job = i % 10 == 9 ? "NA" : TableRenderer.quoted(JOBS.get(i % JOBS.size()));
      rows.append("%d,%s,%d,NL,%s\n".formatted(i, job, 20 + i % 40, i % 2 == 0 ? "yes" : "no"));
    }
    columns = open(write("people.csv", rows.toString(), UTF_8));
    assertThat(columns.places()).extracting(Column::name).containsExactly("job", "age", "paid");
  }

  private static Columns open(Path file) {
    return ((TableData) Modality.plan(DataSpec.parse("table:" + file)).open()).columns();
  }

  private Path write(String name, String text, Charset charset) throws IOException {
    return Files.write(folder.resolve(name), text.getBytes(charset));
  }

  private int symbol(String column, String cell) {
    return columns.get(column).symbol(cell);
  }

  private Gaps gaps(String text) throws IOException {
    return Gaps.read(write("gaps.csv", text, UTF_8).toString(), columns, false);
  }

  /** Fills each row with the same values. */
  private String filled(Gaps gaps, String job, String age, String paid) throws IOException {
    return new String(bytes(gaps, job, age, paid), UTF_8);
  }

  private byte[] bytes(Gaps gaps, String job, String age, String paid) throws IOException {
    var symbols = new int[gaps.rows() * 3];
    for (var i = 0; i < gaps.rows(); i++) {
      symbols[3 * i] = symbol("job", job);
      symbols[3 * i + 1] = symbol("age", age);
      symbols[3 * i + 2] = symbol("paid", paid);
    }
    gaps.write(folder.resolve("out.csv"), symbols);
    return Files.readAllBytes(folder.resolve("out.csv"));
  }

  @Test
  void whatIsThereIsKnownAndWhatIsMissingIsDrawn() throws IOException {
    var gaps = gaps("id,job,age,country,paid\n1,nurse,,NL,yes\n2,nurse,30,NL,no\n,NA,40,,\n");
    assertThat(gaps.size()).isEqualTo(3);
    assertThat(gaps.rows()).isEqualTo(2);
    assertThat(gaps.fields())
        .isEqualTo(Map.of("age", 1, "job", 1, "country", 1, "paid", 1)); // identifiers stay empty
    assertThat(gaps.fields().keySet()).containsExactly("job", "age", "country", "paid");
    assertThat(gaps.known().mask()).containsExactly(true, false, true, false, true, false);
    assertThat(gaps.known().symbols())
        .containsExactly(
            symbol("job", "nurse"), 0, symbol("paid", "yes"), 0, symbol("age", "40"), 0);
    assertThat(gaps.allowed()).hasSize(1); // the only column with missing values
    var job = gaps.allowed().get(0);
    assertThat(job.place()).isZero();
    assertThat(job.has(columns.get("job").missing())).isFalse();
    assertThat(job.has(symbol("job", "groß"))).isTrue();
    assertThat(filled(gaps, "a, b", "33", "no"))
        .isEqualTo(
            "id,job,age,country,paid\n1,nurse,33,NL,yes\n2,nurse,30,NL,no\n,\"a, b\",40,NL,no\n");
  }

  @Test
  void wordsAreGapsOrValues() throws IOException {
    var file = write("gaps.csv", "job,age\nNA,30\n,31\n", UTF_8).toString();
    assertThat(Gaps.read(file, columns, false).fields()).isEqualTo(Map.of("job", 2));
    var empty = Gaps.read(file, columns, true);
    assertThat(empty.fields()).isEqualTo(Map.of("job", 1));
    assertThat(empty.rows()).isEqualTo(1);
    var own = write("own.csv", "job,age\nnurse,unknown\n", UTF_8) + ",missing=unknown";
    assertThat(Gaps.read(own, columns, false).fields()).isEqualTo(Map.of("age", 1));
  }

  @Test
  void columnsMayBeInAnotherOrderLackingOrOthers() throws IOException {
    var gaps = gaps("note;paid;job\nhello;;nurse\n;no;\n");
    assertThat(gaps.known().mask()).containsExactly(true, false, false, false, false, true);
    assertThat(filled(gaps, "groß", "20", "yes"))
        .isEqualTo("note;paid;job\nhello;yes;nurse\n;no;groß\n");
  }

  /** All that is no gap stays: ends of lines, quotes, spaces, empty lines, what follows the end. */
  @Test
  void nothingElseOfTheFileChanges() throws IOException {
    for (var seed = 0; seed < 300; seed++) {
      var random = new Random(seed);
      var spaced = random.nextInt(4) == 0;
      var end = random.nextBoolean() ? "\n" : "\r\n";
      var in = new StringBuilder(random.nextInt(3) == 0 ? "\ufeff" : "");
      in.append(spaced ? "job, age, paid, other" : "job,age,paid,other").append(end);
      var out = new StringBuilder(in);
      var rows = 1 + random.nextInt(6);
      for (var row = 0; row < rows; row++) {
        for (var field = 0; field < 4; field++) {
          var between = field == 0 ? "" : spaced ? ", " : ",";
          in.append(between);
          out.append(between);
          var gap = field < 3 && random.nextInt(3) == 0;
          var quoted = random.nextInt(3) == 0;
          // A row of empty fields only is none where one space is all that tells.
          var cell = gap ? (random.nextBoolean() || spaced ? "NA" : "") : cell(field, random);
          var value = gap ? List.of("two\nlines", "44", "no").get(field) : cell;
          in.append(field(cell, quoted));
          out.append(gap ? field(value, quoted) : field(cell, quoted));
        }
        var tail = row == rows - 1 ? (random.nextBoolean() ? "" : end) : end;
        tail += row < rows - 1 && random.nextInt(4) == 0 ? end : "";
        in.append(tail);
        out.append(tail);
      }
      assertThat(filled(gaps(in.toString()), "two\nlines", "44", "no"))
          .as("seed %d", seed)
          .isEqualTo(out.toString());
    }
  }

  /** Only where all fields have spaces in front are quotes behind them quotes. */
  @Test
  void aQuoteWithinAFieldIsNone() throws IOException {
    var gaps = gaps("job,age,other,more\n,30, \"a,b\nnurse,,x, \"c\n");
    assertThat(filled(gaps, "groß", "20", "no"))
        .isEqualTo("job,age,other,more\ngroß,30, \"a,b\nnurse,20,x, \"c\n");
  }

  private static String cell(int field, Random random) {
    return switch (field) {
      case 0 -> JOBS.get(random.nextInt(JOBS.size()));
      case 1 -> String.valueOf(20 + random.nextInt(40));
      case 2 -> random.nextBoolean() ? "yes" : "no";
      default -> List.of("", "x", "äöü", "\"\"\n", "=1").get(random.nextInt(5));
    };
  }

  private static String field(String cell, boolean quoted) {
    return quoted || TableRenderer.isQuoted(cell, ',') ? TableRenderer.quoted(cell) : cell;
  }

  @Test
  void theEncodingStays() throws IOException {
    var latin = Charset.forName("windows-1252");
    var file = write("gaps.csv", "job,age,other\ngroß,,€\n,30,ä\n", latin);
    var gaps = Gaps.read(file + ",charset=windows-1252", columns, false);
    assertThat(gaps.known().mask()).containsExactly(true, false, false, false, true, false);
    assertThat(bytes(gaps, "groß", "21", "no"))
        .isEqualTo("job,age,other\ngroß,21,€\ngroß,30,ä\n".getBytes(latin));
    file = write("gaps16.csv", "\ufeffjob,age\ngroß,\n", UTF_16LE);
    gaps = Gaps.read(file.toString(), columns, false);
    assertThat(bytes(gaps, "nurse", "21", "no"))
        .isEqualTo("\ufeffjob,age\ngroß,21\n".getBytes(UTF_16LE));
  }

  @Test
  void aValueThatTheEncodingLacksLeavesNoFile() throws IOException {
    var file = write("gaps.csv", "job,age\n,30\n", UTF_8);
    var gaps = Gaps.read(file + ",charset=us-ascii", columns, false);
    var out = folder.resolve("out.csv");
    assertThatThrownBy(() -> gaps.write(out, symbol("job", "groß"), 0, 0))
        .isInstanceOf(DataException.class)
        .hasMessageContaining("out.csv");
    assertThat(out).doesNotExist();
  }

  @Test
  void packedFilesAreReadAndWritten() throws IOException {
    var packed = new ByteArrayOutputStream();
    try (var gz = new GZIPOutputStream(packed)) {
      gz.write("job,age\nnurse,\n".getBytes(UTF_8));
    }
    var file = Files.write(folder.resolve("gaps.csv.gz"), packed.toByteArray());
    var gaps = Gaps.read(file.toString(), columns, false);
    gaps.write(folder.resolve("out.csv.gz"), symbol("job", "nurse"), symbol("age", "25"), 0);
    try (var in = new GZIPInputStream(Files.newInputStream(folder.resolve("out.csv.gz")))) {
      assertThat(new String(in.readAllBytes(), UTF_8)).isEqualTo("job,age\nnurse,25\n");
    }
    gaps.write(folder.resolve("out.csv.xz"), symbol("job", "nurse"), symbol("age", "26"), 0);
    var again =
        CsvRows.open(
            folder.resolve("out.csv.xz"),
            new CsvRows.Format(Optional.empty(), Optional.empty(), true));
    assertThat(again.next()).containsExactly("nurse", "26");
    again.close();
  }

  @Test
  void ofSeveralDrawsTheMeanAndTheMostFrequentAreExpected() throws IOException {
    var gaps = gaps("job,age,paid\nnurse,,\n");
    var draws = new ArrayList<int[]>();
    for (var draw : List.of("22 yes", "25 no", "36 no")) {
      var cells = draw.split(" ");
      draws.add(
          new int[] {symbol("job", "nurse"), symbol("age", cells[0]), symbol("paid", cells[1])});
    }
    var expected = gaps.expected(draws); // (22 + 25 + 36) / 3 = 27.67
    assertThat(expected)
        .containsExactly(symbol("job", "nurse"), symbol("age", "28"), symbol("paid", "no"));
  }

  @Test
  void valuesThatTheRunLacksAreNamed() throws IOException {
    var file = write("gaps.csv", "job,age\nnurse,\npilot,\nclown,99\n", UTF_8).toString();
    assertThatThrownBy(() -> Gaps.read(file, columns, false))
        .isInstanceOf(DataException.class)
        .hasMessage(
            "%s line 3, column 'job': 'pilot' never occurred in the data of the run, nor did 2 other fields; say %s,unseen=missing to take such fields for unknown (they stay as they are), unseen=nearest for the nearest number, or unseen=skip to leave such rows as they are",
            file, file);
    var missing = Gaps.read(file + ",unseen=missing", columns, false);
    assertThat(missing.unseen()).isEqualTo(Map.of("job", 2, "age", 1));
    assertThat(missing.known().mask()).containsExactly(true, false, false, false, false, false);
    assertThat(filled(missing, "groß", "20", "no"))
        .isEqualTo("job,age\nnurse,20\npilot,20\nclown,99\n");
    var skipped = Gaps.read(file + ",unseen=skip", columns, false);
    assertThat(filled(skipped, "groß", "20", "no"))
        .isEqualTo("job,age\nnurse,20\npilot,\nclown,99\n");
    var number = write("number.csv", "job,age\n,99\n", UTF_8) + ",unseen=nearest";
    assertThat(Gaps.read(number, columns, false).known().symbols()[1])
        .isEqualTo(symbol("age", "59"));
  }

  @Test
  void nothingMissingIsNothingToDo() throws IOException {
    var gaps = gaps("job,age\nnurse,30\n");
    assertThat(gaps.rows()).isZero();
    assertThat(filled(gaps, "nurse", "20", "no")).isEqualTo("job,age\nnurse,30\n");
  }

  @ParameterizedTest
  @ValueSource(strings = {"target=age", "drop=age", "split=train", "columns=x.json"})
  void optionsOfOtherUsesAreRefused(String option) throws IOException {
    var file = write("gaps.csv", "job,age\nnurse,\n", UTF_8) + "," + option;
    assertThatThrownBy(() -> Gaps.read(file, columns, false))
        .isInstanceOf(ConfigurationException.class)
        .hasMessageContaining("it takes separator, charset, header, missing and unseen");
  }

  @Test
  void damagedFilesAreRefused() throws IOException {
    assertThatThrownBy(() -> gaps("job,age\nnurse\n")).hasMessageContaining("line 2 has 1 fields");
    assertThatThrownBy(() -> gaps("a,b\n1,2\n"))
        .hasMessageContaining("has none of the columns that the run has learned");
  }
}

package org.bitdiffusion.modality.table;

import static java.nio.charset.StandardCharsets.UTF_8;
import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import java.io.ByteArrayOutputStream;
import java.io.IOException;
import java.nio.charset.Charset;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.attribute.FileTime;
import java.util.ArrayList;
import java.util.List;
import java.util.stream.Collectors;
import java.util.stream.IntStream;
import java.util.zip.GZIPOutputStream;
import org.bitdiffusion.ConfigurationException;
import org.bitdiffusion.DataException;
import org.bitdiffusion.data.DataSpec;
import org.bitdiffusion.modality.Modality;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.junit.jupiter.params.provider.ValueSource;
import org.tukaani.xz.LZMA2Options;
import org.tukaani.xz.XZOutputStream;

/** Files of all usual forms, and of forms that are none. */
class TableFilesTest {
  private static final String ROWS = "a,b\n1,x\n2,y\n2,x\n";

  @TempDir Path folder;

  private Path file(String name, byte[] bytes) throws IOException {
    return Files.write(folder.resolve(name), bytes);
  }

  private static TableData open(Object file, String options) {
    return (TableData) Modality.plan(DataSpec.parse("table:" + file + options)).open();
  }

  private TableData of(String text, String options) throws IOException {
    return open(file("t.csv", text.getBytes(UTF_8)), options);
  }

  private static List<List<String>> rows(TableData table) {
    var places = table.columns().places();
    var rows = new ArrayList<List<String>>();
    var symbols = new int[places.size()];
    for (var i = 0; i < table.size(); i++) {
      table.read(i, symbols, 0);
      rows.add(
          IntStream.range(0, symbols.length)
              .mapToObj(p -> places.get(p).text(symbols[p]))
              .toList());
    }
    return rows;
  }

  private static final List<List<String>> AS_ROWS =
      List.of(List.of("1", "x"), List.of("2", "y"), List.of("2", "x"));

  @ParameterizedTest
  @ValueSource(strings = {",", ";", "\t", "|", ", ", " ; "})
  void separatorsAreTold(String separator) throws IOException {
    var table = of(ROWS.replace(",", separator), "");
    assertThat(rows(table)).isEqualTo(AS_ROWS);
    assertThat(table.columns().all().stream().map(Column::name)).containsExactly("a", "b");
    assertThat(table.columns().separator())
        .isEqualTo(separator.strip().isEmpty() ? '\t' : separator.strip().charAt(0));
  }

  @Test
  void packedAndMarkedAndOfOtherSystems() throws IOException {
    var packed = new ByteArrayOutputStream();
    try (var gzip = new GZIPOutputStream(packed)) {
      gzip.write(ROWS.getBytes(UTF_8));
    }
    var stronger = new ByteArrayOutputStream();
    try (var xz = new XZOutputStream(stronger, new LZMA2Options())) {
      xz.write(ROWS.getBytes(UTF_8));
    }
    for (var file :
        List.of(
            file("t.csv.gz", packed.toByteArray()),
            file("t.csv.xz", stronger.toByteArray()),
            file("marked.csv", ("\ufeff" + ROWS).getBytes(UTF_8)),
            file("windows.csv", ROWS.replace("\n", "\r\n").getBytes(UTF_8)),
            file("blank.csv", (ROWS + "\n\n").getBytes(UTF_8)),
            file("open.csv", ROWS.stripTrailing().getBytes(UTF_8)),
            file("utf16.csv", ("\ufeff" + ROWS).getBytes(Charset.forName("UTF-16LE"))),
            file("t.tsv", ROWS.replace(',', '\t').getBytes(UTF_8)))) {
      assertThat(rows(open(file, ""))).as(file.toString()).isEqualTo(AS_ROWS);
      assertThat(open(file, "").columns().all().get(0).name()).isEqualTo("a");
    }
  }

  @Test
  void quotesHoldSeparatorsQuotesAndLines() throws IOException {
    var table = of("a,b\n\"x,1\",\"say \"\"hi\"\"\"\n\"two\nlines\",u\n", "");
    assertThat(rows(table))
        .isEqualTo(List.of(List.of("x,1", "say \"hi\""), List.of("two\nlines", "u")));
  }

  @Test
  void namedCharsetHeaderAndSeparator() throws IOException {
    var latin = file("latin.csv", "naïve,b\né,1\nü,2\n".getBytes(Charset.forName("windows-1252")));
    assertThat(open(latin, ",charset=windows-1252").columns().get("naïve").text(0)).isEqualTo("é");
    assertThatThrownBy(() -> open(latin, "")).hasMessageContaining("latin.csv line 1 is no UTF-8");
    var later =
        file("later.csv", "a,b\nx,1\ny,2\n\u00e9,3\n".getBytes(Charset.forName("windows-1252")));
    assertThatThrownBy(() -> open(later, ""))
        .isInstanceOf(DataException.class)
        .hasMessageContaining("later.csv line 4 is no UTF-8; name its encoding, such as charset=");
    var table = of("1;x,y\n2;z,z\n", ",header=no,separator=semicolon");
    assertThat(rows(table)).isEqualTo(List.of(List.of("1", "x,y"), List.of("2", "z,z")));
    assertThat(table.columns().all().get(1).name()).isEqualTo("column_2");
    assertThatThrownBy(() -> open(latin, ",charset=klingon"))
        .hasMessageContaining("charset is 'klingon'");
    assertThatThrownBy(() -> open(latin, ",separator=dot"))
        .hasMessageContaining("comma, semicolon");
  }

  @Test
  void wordsForMissing() throws IOException {
    var text = "a,b\n1,-\nNA,y\n,y\n7,-\n";
    var usual = of(text, "");
    assertThat(usual.columns().get("a").missingCount()).isEqualTo(2);
    assertThat(usual.columns().get("b").missing()).isEqualTo(-1);
    var own = of(text, ",missing=-");
    assertThat(own.columns().get("b").missingCount()).isEqualTo(2);
    assertThat(own.columns().get("a").kind()).isEqualTo(ColumnKind.CATEGORY); // NA is a word now
  }

  @Test
  void rowsAreSplitByASeedOrByAColumn() throws IOException {
    var text =
        IntStream.range(0, 100)
            .mapToObj(i -> i + "," + (i % 4 == 0 ? "test" : "train"))
            .collect(Collectors.joining("\n", "a,part\n", "\n"));
    var train = rows(of(text, ",split=train,share=0.3,seed=5"));
    var test = rows(of(text, ",split=test,share=0.3,seed=5"));
    assertThat(train).hasSize(70).doesNotContainAnyElementsOf(test);
    assertThat(test).hasSize(30);
    assertThat(rows(of(text, ",split=test,share=0.3,seed=6"))).isNotEqualTo(test);
    var column = of(text, ",split_column=part,split=test");
    assertThat(column.size()).isEqualTo(25);
    assertThat(column.columns().all()).hasSize(1);
    assertThatThrownBy(() -> of(text, ",split_column=part,split=tst"))
        .hasMessageContaining("no row has split=tst in the column 'part', which has test, train");
    assertThatThrownBy(() -> of(text, ",share=0.3")).hasMessageContaining("share goes with split");
    assertThatThrownBy(() -> of(text, ",split=train,share=2"))
        .hasMessageContaining("between 0.0 and 1.0");
    assertThatThrownBy(() -> of(text, ",split=train,share=0.001"))
        .hasMessageContaining("leaves none");
    assertThatThrownBy(() -> of(text, ",split_column=part")).hasMessageContaining("split=VALUE");
  }

  private void isRefused(String text, String... reasons) throws IOException {
    isRefusedWith("", text, reasons);
  }

  private void isRefusedWith(String options, String text, String... reasons) throws IOException {
    var file = file("bad.csv", text.getBytes(UTF_8));
    assertThatThrownBy(() -> open(file, options))
        .isInstanceOfAny(DataException.class, ConfigurationException.class)
        .message()
        .contains("bad.csv")
        .contains(reasons)
        .doesNotContain("\n");
  }

  @Test
  void damagedTablesAreRefusedInALine() throws IOException {
    isRefused("", "is empty");
    isRefused("\n\n", "is empty");
    isRefused("\ufeff", "is empty");
    isRefused("a,b\n", "has no rows, only a header");
    isRefused("a,b\n1,2\n", "one row only");
    isRefused("a,b\n1,2\n3,4,5\n", "line 3 has 3 fields, but the header has 2");
    isRefused("a,b\n\"x\ny\",2\n\n3\n", "line 5 has 1 fields");
    isRefused("a,b\n\"x\r\ny\",2,3\n1,2\n", "line 2 has 3 fields");
    isRefused("a,b\n\n\"x\ny\",2,3", "line 3 has 3 fields");
    isRefused("a,b,a\n1,2,3\n", "columns 1 and 3 are both called 'a'");
    isRefused("1,2,1\n1,2,3\n", "header=no");
    isRefused("a,b\n1,2\na,b\n3,4\n", "line 3 is the header again");
    isRefused("a,b\n,\nNA,?\n", "all 2 columns are constant, empty or identifiers");
    isRefused("a,b\n1,2\n1,2\n", "nothing to learn");
    isRefused("a,b\n1,2\n\"x\"y,2\n", "line 3", "quote");
    isRefused("a,b\n1,2\n\"x,2\n3,4\n", "line 3", "quote");
    isRefused("a,b\n\0\0,2\n3,4\n", "no text");
    isRefused("PK\3\4whatever", "zip archive");
    isRefusedWith(",target=Paid", "a,paid\n1,2\n3,4\n", "no column 'Paid'", "did you mean paid?");
    isRefusedWith(",drop=b+c", "a,b\n1,2\n3,4\n", "no column 'c'; there are a, b");
    isRefusedWith(",drop=a+b", "a,b\n1,2\n3,4\n", "all columns are left out");
    isRefusedWith(",split_column=c,split=x", "a,b\n1,2\n3,4\n", "no column 'c'");
    assertThatThrownBy(() -> open(folder.resolve("none.csv"), ""))
        .hasMessageContaining("does not exist");
    assertThatThrownBy(() -> open(folder, "")).isInstanceOf(DataException.class);
    assertThatThrownBy(() -> of(ROWS, ",headr=no")).hasMessageContaining("has no option 'headr'");
  }

  @Test
  void aPackedFileThatEndsEarlyIsRefused() throws IOException {
    var packed = new ByteArrayOutputStream();
    try (var gzip = new GZIPOutputStream(packed)) {
      gzip.write("a,b\n".getBytes(UTF_8));
      for (var i = 0; i < 50_000; i++) {
        gzip.write("%d,%d\n".formatted(i, (long) i * i * 7919).getBytes(UTF_8));
      }
    }
    var bytes = java.util.Arrays.copyOf(packed.toByteArray(), packed.size() - 100);
    var file = file("cut.csv.gz", bytes);
    assertThatThrownBy(() -> open(file, ""))
        .isInstanceOf(DataException.class)
        .hasMessageContaining("cut.csv.gz cannot be read: it ends too early");
  }

  /** What one program writes while another reads is half the old and half the new. */
  @Test
  void aFileThatChangesIsRefused() throws IOException {
    var file = file("grows.csv", ROWS.getBytes(UTF_8));
    var rows =
        CsvRows.open(
            file, new CsvRows.Format(java.util.Optional.empty(), java.util.Optional.empty(), true));
    Files.setLastModifiedTime(file, FileTime.fromMillis(0));
    assertThatThrownBy(
            () -> {
              while (rows.next() != null) {
                assertThat(rows.position()).isPositive();
              }
            })
        .isInstanceOf(DataException.class)
        .hasMessageContaining("grows.csv was changed while it was read");
    rows.close();
  }

  @Test
  void tenThousandColumnsAndALongCell() throws IOException {
    var header = IntStream.range(0, 10_000).mapToObj(i -> "c" + i).collect(Collectors.joining(","));
    var wide = new StringBuilder(header).append('\n');
    for (var r = 0; r < 5; r++) {
      var row = r;
      wide.append(
              IntStream.range(0, 10_000)
                  .mapToObj(i -> "" + (i + row) % 3)
                  .collect(Collectors.joining(",")))
          .append('\n');
    }
    assertThat(of(wide.toString(), "").schema().space().places()).isEqualTo(10_000);
    var text = "x".repeat(10_000_000);
    var table = of("a,b\n1,%s\n2,y\n3,y\n".formatted(text), "");
    assertThat(rows(table).get(0)).containsExactly("1", text);
    assertThat(table.facts().toString()).hasSizeLessThan(1000);
  }

  @Test
  void emptyColumnsAreTold() throws IOException {
    assertThat(of("a,b\n1,\n2,\n", "").warning()).contains("b is missing in all rows");
  }

  @Test
  void aCellOfManyMegabytesIsKept() throws IOException {
    var large = "x".repeat(25_000_000);
    var table = of("a,b\n1," + large + "\n2,y\n3,z\n", "");
    table.keep(folder);
    assertThat(ColumnsFile.read(ColumnsFile.of(folder))).isEqualTo(table.columns());
  }

  // ---------------------------------------------------------------- columns.json, edited

  private Path columns(String text) throws IOException {
    return Files.writeString(folder.resolve("my.json"), text);
  }

  private static final String SIZES =
      "size,when,n,k\nbig,05.2024,1,u1\nsmall,06.2024,2,u2\nmid,05.2024,1,u3\n";

  @Test
  void whatTheUserSaysOfColumnsCounts() throws IOException {
    of(SIZES, "").keep(folder);
    var said =
        Files.readString(folder.resolve("columns.json"))
            .replace("\"target\": null", "\"target\": \"n\"")
            .replace(
                "\"name\": \"size\", \"kind\": \"category\"",
                "\"name\": \"size\", \"kind\": \"ordered\"")
            .replace("{\"big\":1,\"mid\":1,\"small\":1}", "[\"small\", \"mid\", \"big\"]")
            .replace(
                "\"name\": \"when\", \"kind\": \"category\"",
                "\"pattern\": \"MM.yyyy\", \"name\": \"when\", \"kind\": \"datetime\"")
            .replace(
                "\"name\": \"n\", \"kind\": \"integer\"", "\"name\": \"n\", \"kind\": \"category\"")
            .replace(
                "\"name\": \"k\", \"kind\": \"category\"",
                "\"name\": \"k\", \"kind\": \"identifier\", \"new\": \"key{000n}\"");
    var table = of(SIZES, ",columns=" + columns(said));
    assertThat(table.columns().all().stream().map(Column::kind))
        .containsExactly(
            ColumnKind.ORDERED, ColumnKind.DATETIME, ColumnKind.CATEGORY, ColumnKind.IDENTIFIER);
    assertThat(table.columns().get("size").text(0)).isEqualTo("small");
    assertThat(table.columns().get("when").text(1)).isEqualTo("06.2024");
    assertThat(table.columns().get("k").identifier(0)).isEqualTo("key0004");
    assertThat(table.schema().details()).containsEntry("target", "n");
    assertThat(table.reads(folder.resolve("my.json"))).isTrue();
    // What it says is kept, and is the same when it is read again.
    table.keep(folder);
    assertThat(ColumnsFile.read(ColumnsFile.of(folder))).isEqualTo(table.columns());
    var again = of(SIZES, ",columns=" + ColumnsFile.of(folder));
    assertThat(again.columns()).isEqualTo(table.columns());
  }

  @ParameterizedTest
  @CsvSource(
      delimiter = '!',
      quoteCharacter = '\0',
      value = {
        "{ ! my.json line 1 is no JSON",
        "[] ! holds no columns",
        "{\"colums\": []} ! my.json: 'colums' is unknown; there are",
        "{\"colums\": []} ! did you mean columns?",
        "{\"columns\": 3} ! columns is no list",
        "{\"columns\": [{\"kind\": \"category\"}]} ! has no name",
        "{\"columns\": [{\"name\": \"size\", \"knd\": 1}]} ! my.json, column 'size': 'knd' is unknown",
        "{\"columns\": [{\"name\": \"size\", \"kind\": \"text\"}]} ! column 'size': kind 'text' is unknown; use category, ordered",
        "{\"columns\": [{\"name\": \"n\"}, {\"name\": \"n\"}]} ! column 'n': it is there twice",
        "{\"columns\": [{\"name\": \"m\"}]} ! t.csv: there is no column 'm'",
        "{\"columns\": [{\"name\": \"size\", \"kind\": \"integer\"}]} ! t.csv line 2, column 'size': 'big' is no number",
        "{\"columns\": [{\"name\": \"when\", \"kind\": \"integer\"}]} ! t.csv line 2, column 'when': '05.2024' is no",
        "{\"columns\": [{\"name\": \"size\", \"kind\": \"datetime\"}]} ! t.csv line 2, column 'size': 'big' and all others are dates of no usual pattern",
        "{\"columns\": [{\"name\": \"n\", \"kind\": \"datetime\", \"pattern\": \"yyyy-MM-dd\"}]} ! column 'n': '1' is no date of the pattern yyyy-MM-dd",
        "{\"columns\": [{\"name\": \"n\", \"pattern\": \"bb\"}]} ! column 'n': pattern 'bb' is none",
        "{\"columns\": [{\"name\": \"size\", \"kind\": \"ordered\", \"values\": [\"small\", \"big\"]}]} ! t.csv line 4, column 'size': 'mid' is none of its values",
        "{\"columns\": [{\"name\": \"size\", \"kind\": \"ordered\", \"values\": [\"big\", \"big\"]}]} ! a value is there twice",
        "{\"columns\": [{\"name\": \"size\", \"kind\": \"ordered\", \"values\": [1]}]} ! it must be a list of texts",
        "{\"columns\": [{\"name\": \"size\", \"kind\": \"boolean\"}]} ! t.csv line 4, column 'size': 'mid' is a third value",
        "{\"columns\": [{\"name\": \"n\", \"kind\": \"constant\"}]} ! t.csv line 3, column 'n': '2' is a second value",
        "{\"columns\": [{\"name\": \"n\", \"missing\": \"x\"}]} ! missing is \"x\"; it must be a list",
        "{\"columns\": [{\"name\": \"k\", \"kind\": \"identifier\", \"new\": \"x\"}]} ! it needs {n} or {uuid}",
        "{\"target\": \"n\", \"dropped\": [\"n\"]} ! target 'n' is dropped as well",
        "{\"target\": 3} ! target is 3; it must be a text",
        "{\"dropped\": [\"x\"]} ! no column 'x'",
      })
  void whatCannotBeIsRefused(String json, String reason) throws IOException {
    var file = columns(json);
    assertThatThrownBy(() -> of(SIZES, ",columns=" + file))
        .isInstanceOfAny(DataException.class, ConfigurationException.class)
        .hasMessageContaining(reason)
        .message()
        .doesNotContain("\n");
  }

  /** Whatever is cut off or changed: a line, or columns that can be. */
  @Test
  void aDamagedFileOfARunSaysSo() throws IOException {
    of(SIZES, "").keep(folder);
    var whole = Files.readString(ColumnsFile.of(folder));
    for (var i = 0; i < whole.length() - 2; i += 7) {
      Files.writeString(ColumnsFile.of(folder), whole.substring(0, i));
      assertThatThrownBy(() -> ColumnsFile.read(ColumnsFile.of(folder)))
          .isInstanceOf(DataException.class);
      Files.writeString(
          ColumnsFile.of(folder), whole.substring(0, i) + "9" + whole.substring(i + 1));
      try {
        assertThat(ColumnsFile.read(ColumnsFile.of(folder)).all()).hasSize(4);
      } catch (DataException e) {
        assertThat(e).hasMessageContaining("columns.json");
      }
    }
  }
}

package org.bitdiffusion.modality.table;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import org.bitdiffusion.ConfigurationException;
import org.bitdiffusion.data.DataSpec;
import org.bitdiffusion.modality.Modality;
import org.bitdiffusion.model.Samples;
import org.bitdiffusion.run.ConfigReader;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

class TableDataTest {
  private static final String PEOPLE =
      """
      name,born,size,income,note,const
      "Miller, A.",1990-01-31,small,12.50,"say ""hi""\",x
      B,1985-07-01,large,0.00,,x
      C,1990-01-31,small,0.00,"two
      lines",x
      """;

  @TempDir Path folder;

  private TableData open(String name, String text, String options) throws IOException {
    var file = Files.writeString(folder.resolve(name), text);
    return (TableData) Modality.plan(DataSpec.parse("table:" + file + options)).open();
  }

  private static String written(TableData table) {
    var places = table.schema().space().places();
    var symbols = new int[table.size() * places];
    for (var i = 0; i < table.size(); i++) {
      table.read(i, symbols, i * places);
    }
    try (var renderer = new TableModality().renderer(table)) {
      return new String(
          renderer.render(".csv", new Samples(table.schema().space(), symbols), 0),
          java.nio.charset.StandardCharsets.UTF_8);
    }
  }

  @Test
  void whatIsReadIsWritten() throws IOException {
    var table = open("people.csv", PEOPLE, "");
    assertThat(written(table)).isEqualTo(PEOPLE);
    assertThat(table.columns().all().stream().map(Column::kind))
        .containsExactly(
            ColumnKind.CATEGORY,
            ColumnKind.DATETIME,
            ColumnKind.CATEGORY,
            ColumnKind.DECIMAL,
            ColumnKind.CATEGORY,
            ColumnKind.CONSTANT);
    assertThat(table.schema().space().shape()).isEqualTo(List.of(1, 5)); // without the constant
    assertThat(table.schema().marginals()).hasSize(5);
    assertThat(table.facts()).hasSize(6);
  }

  @Test
  void aRunsColumnsAreReadAsTheyWere() throws IOException {
    var wide = new StringBuilder("id,wide,when,word,day\n");
    for (var i = 0; i < 100; i++) {
      wide.append(
          "%d,%s,2024-01-01 00:00:%02d,w%d,\n"
              .formatted(i, i % 3 == 0 ? "1e-12" : "" + i * 1e8, i % 60, i % 7));
    }
    for (var text : List.of(PEOPLE, wide.toString())) {
      var table = open("t.csv", text, "");
      table.keep(folder);
      var columns = ColumnsFile.read(ColumnsFile.of(folder));
      assertThat(columns).isEqualTo(table.columns());
      assertThat(columns.schema()).isEqualTo(table.schema());
    }
  }

  /** What a spreadsheet would compute gets an apostrophe if that is asked for; numbers do not. */
  @Test
  void formulasAreEscapedOnDemand() throws IOException {
    var text = "a,b\n=1+1,-5\n@x,7\n-y,-5\nplain,8\n";
    var table = open("f.csv", text, "");
    assertThat(written(table)).isEqualTo(text);
    var symbols = new int[2 * table.size()];
    for (var i = 0; i < table.size(); i++) {
      table.read(i, symbols, 2 * i);
    }
    var escaped =
        new TableRenderer(table.columns(), true)
            .render(".csv", new Samples(table.schema().space(), symbols), 0);
    assertThat(new String(escaped, java.nio.charset.StandardCharsets.UTF_8))
        .isEqualTo("a,b\n'=1+1,-5\n'@x,7\n'-y,-5\nplain,8\n");
  }

  /** A line with nothing on it would be no row. */
  @Test
  void aTableOfOneColumnKeepsItsMissingRows() throws IOException {
    var text = "a\nx\n\"\"\ny\nx\n";
    assertThat(written(open("one.csv", text, ""))).isEqualTo(text);
  }

  @Test
  void targetAndDroppedColumns() throws IOException {
    var table = open("people.csv", PEOPLE, ",target=income,drop=note+const");
    assertThat(table.schema().details()).isEqualTo(Map.of("target", "income", "target_place", 3));
    assertThat(table.columns().all()).hasSize(4);
    assertThatThrownBy(() -> open("people.csv", PEOPLE, ",target=incom"))
        .isInstanceOf(ConfigurationException.class)
        .hasMessageContaining("there is no column 'incom'")
        .hasMessageContaining("did you mean income?");
    assertThatThrownBy(() -> open("people.csv", PEOPLE, ",target=const"))
        .hasMessageContaining("the same in all rows");
  }

  @Test
  void otherRowsAreReadWithTheColumnsOfARun() throws IOException {
    var table = open("people.csv", PEOPLE, "");
    table.keep(folder);
    var config = ConfigReader.text("t", "modality: {kind: table}", Map.of());
    var other = folder.resolve("other.csv");
    Files.writeString(
        other, "born,size,income,note,name\n1985-07-01,small,12.50,,B\n1970-01-01,large,99,,B\n");
    assertThatThrownBy(
            () -> new TableModality().open(config.withData("table:" + other), Optional.of(folder)))
        .hasMessageContaining("other.csv line 3, column 'born': '1970-01-01' never occurred")
        .hasMessageContaining("unseen=nearest");
    try (var nearest =
        new TableModality()
            .open(config.withData("table:" + other + ",unseen=nearest"), Optional.of(folder))) {
      assertThat(nearest.size()).isEqualTo(2);
      assertThat(written((TableData) nearest))
          .contains("B,1985-07-01,small,12.50,,x")
          .contains("B,1985-07-01,large,12.50,,x");
    }
    try (var skipped =
        new TableModality()
            .open(config.withData("table:" + other + ",unseen=skip"), Optional.of(folder))) {
      assertThat(skipped.size()).isEqualTo(1);
      assertThat(skipped.warning()).contains("1 rows are left out");
    }
  }

  /** The table that comes with the library is the published one. */
  @Test
  void adultIsThere() {
    try (var train = Modality.plan(DataSpec.parse("adult")).open();
        var test = Modality.plan(DataSpec.parse("adult,split=test")).open()) {
      assertThat(train.size()).isEqualTo(32_561);
      assertThat(test.size()).isEqualTo(16_281);
      var columns = ((TableData) train).columns();
      assertThat(columns.target()).contains("income");
      assertThat(columns.places()).hasSize(15);
      assertThat(columns.get("workclass").missingCount()).isEqualTo(1836);
      var income = columns.get("income");
      assertThat(income.marginal().count(income.symbol(">50K"))).isEqualTo(7841);
    }
  }
}

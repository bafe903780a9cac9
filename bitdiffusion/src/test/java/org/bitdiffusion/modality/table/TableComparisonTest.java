package org.bitdiffusion.modality.table;

import static org.assertj.core.api.Assertions.assertThat;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Map;
import org.bitdiffusion.data.DataSpec;
import org.bitdiffusion.modality.Modality;
import org.bitdiffusion.modality.Watch;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

class TableComparisonTest {
  @TempDir Path folder;

  private TableData rows() throws IOException {
    var text = new StringBuilder("word,paid,born,wide\n");
    for (var i = 0; i < 60; i++) {
      text.append(
          "%s,%d.%d,19%02d-03-0%d,%s\n"
              .formatted(
                  i % 4 == 0 ? "?" : "w" + i % 3,
                  i % 7,
                  i % 10,
                  40 + i % 50,
                  1 + i % 9,
                  i % 5 == 0 ? "" : i % 3 == 0 ? "1e-12" : i + "e9"));
    }
    var file = Files.writeString(folder.resolve("rows.csv"), text.toString());
    return (TableData) Modality.plan(DataSpec.parse("table:" + file + ",target=paid")).open();
  }

  @Test
  void reportsWriteValuesAsTheDataDoes() throws IOException {
    for (var column : rows().columns().places()) {
      var first = column.missing() + 1;
      var last = column.categories() - 1;
      for (var step = 0; step <= 100; step++) {
        var symbol = first + (int) ((long) (last - first) * step / 100);
        var value = column.kind().isNumber() ? column.number(symbol) : symbol - first;
        assertThat(Tables.text(column, value)).isEqualTo(column.text(symbol));
      }
    }
  }

  @Test
  void ofATargetOfNumbersTheErrorIsTheLessTheBetter() throws IOException {
    var table = rows();
    var heldOut = Map.of("held_out", "table:" + folder.resolve("rows.csv"));
    try (var comparison = new TableModality().evaluation().with(table, 0, heldOut, Watch.NOBODY)) {
      assertThat(comparison.measured(null)).contains("efficacy_rmse", "efficacy_r2");
      assertThat(comparison.higherIsBetter("efficacy_rmse")).isFalse();
      assertThat(comparison.higherIsBetter("efficacy_r2")).isTrue();
      assertThat(comparison.ranks("efficacy_rmse")).isTrue();
      assertThat(comparison.ranks("nearer_to_training")).isFalse();
    }
  }
}

package org.bitdiffusion.modality.table;

import java.util.ArrayList;
import org.bitdiffusion.data.DataSource;
import org.bitdiffusion.metrics.table.Table;
import org.bitdiffusion.metrics.table.Values.Categories;
import org.bitdiffusion.metrics.table.Values.Numbers;

/** Rows of symbols as measures see them: numbers and dates as numbers, all else as categories. */
final class Tables {
  private Tables() {}

  static Table of(Columns columns, DataSource source) {
    var rows = new int[source.size()][columns.places().size()];
    for (var row = 0; row < rows.length; row++) {
      source.read(row, rows[row], 0);
    }
    return of(columns, rows);
  }

  /**
   * @param rows [rows][places] of symbols
   */
  static Table of(Columns columns, int[][] rows) {
    return of(columns, rows, null);
  }

  /**
   * @param gaps [rows][places], what is missing whatever the symbols are; or null
   */
  static Table of(Columns columns, int[][] rows, boolean[][] gaps) {
    var places = columns.places();
    var all = new ArrayList<org.bitdiffusion.metrics.table.Values>();
    for (var place = 0; place < places.size(); place++) {
      var column = places.get(place);
      var values = new double[rows.length];
      for (var row = 0; row < values.length; row++) {
        var isMissing = gaps != null && gaps[row][place] || rows[row][place] == column.missing();
        values[row] = isMissing ? Double.NaN : value(column, rows[row][place]);
      }
      all.add(column.kind().isNumber() ? new Numbers(values) : categories(column, values));
    }
    return new Table(places.stream().map(Column::name).toList(), all);
  }

  private static double value(Column column, int symbol) {
    return column.kind().isNumber() ? finite(column.number(symbol)) : symbol - column.missing() - 1;
  }

  private static Categories categories(Column column, double... values) {
    var codes = new int[values.length];
    for (var row = 0; row < codes.length; row++) {
      codes[row] = Double.isNaN(values[row]) ? Categories.MISSING : (int) values[row];
    }
    return new Categories(codes, column.levels().count());
  }

  /** A cell such as 1e400 is no double; NaN stays. */
  private static double finite(double value) {
    return Math.max(-Float.MAX_VALUE, Math.min(Float.MAX_VALUE, value));
  }

  /** How a value of a table is written. */
  static String text(Column column, double value) {
    return column.text(
        column.kind().isNumber() ? column.atLeast(value) : column.missing() + 1 + (int) value);
  }
}

package org.bitdiffusion.modality.table;

import static java.nio.charset.StandardCharsets.UTF_8;

import java.util.List;
import org.bitdiffusion.ConfigurationException;
import org.bitdiffusion.data.Given;
import org.bitdiffusion.modality.Renderer;
import org.bitdiffusion.model.Samples;

/**
 * Rows as files of separated values (RFC 4180), with the data's header and columns. Identifiers are
 * new ones, numbered from the first row of the file on.
 *
 * @param escapeFormulas whether texts that a spreadsheet would compute get an apostrophe in front
 */
public record TableRenderer(Columns columns, boolean escapeFormulas) implements Renderer {
  private static final String COMMAS = ".csv";
  private static final String TABS = ".tsv";

  /** With one of these a spreadsheet's formula begins. */
  private static final String FORMULA = "=+-@\t\r";

  @Override
  public List<String> endings() {
    return List.of(COMMAS, TABS);
  }

  @Override
  public String mediaType(String ending) {
    return ending.equals(COMMAS)
        ? "text/csv; charset=utf-8"
        : "text/tab-separated-values; charset=utf-8";
  }

  @Override
  public byte[] render(String ending, Samples samples, int ofNoMeaning) {
    var separator =
        ending.equals(TABS) ? '\t' : columns.separator() == '\t' ? ',' : columns.separator();
    return text(separator, samples, new boolean[samples.symbols().length]).getBytes(UTF_8);
  }

  /**
   * Rows as text, of which some fields are empty.
   *
   * @param separator between fields
   * @param empty which ones are, as many as there are symbols
   */
  public String text(char separator, Samples samples, boolean... empty) {
    var written = columns.all().stream().filter(Column::isWritten).toList();
    var places = columns.placesByName();
    var text = new StringBuilder();
    if (columns.header()) {
      for (var i = 0; i < written.size(); i++) {
        field(text, i, written.size(), separator, written.get(i).name());
      }
    }
    var size = samples.space().places();
    for (var row = 0; row < samples.count(); row++) {
      for (var i = 0; i < written.size(); i++) {
        var column = written.get(i);
        var place = places.get(column.name());
        var at = place == null ? -1 : row * size + place;
        var cell =
            at >= 0
                ? empty[at] ? "" : cell(column, samples.symbols()[at])
                : column.kind() == ColumnKind.CONSTANT ? column.text(0) : column.identifier(row);
        field(text, i, written.size(), separator, cell);
      }
    }
    return text.toString();
  }

  private String cell(Column column, int symbol) {
    var text = column.text(symbol);
    var isFormula =
        escapeFormulas
            && !column.kind().isNumber()
            && !text.isEmpty()
            && FORMULA.indexOf(text.charAt(0)) >= 0;
    return isFormula ? "'" + text : text;
  }

  private static void field(StringBuilder to, int i, int count, char separator, String cell) {
    if (i > 0) {
      to.append(separator);
    }
    // A line with nothing on it would be no row.
    if (isQuoted(cell, separator) || count == 1 && cell.isEmpty()) {
      to.append(quoted(cell));
    } else {
      to.append(cell);
    }
    if (i == count - 1) {
      to.append('\n');
    }
  }

  /** A field in quotes. */
  static String quoted(String cell) {
    return '"' + cell.replace("\"", "\"\"") + '"';
  }

  /** Whether a field needs quotes. */
  static boolean isQuoted(String cell, char separator) {
    return cell.indexOf(separator) >= 0
        || cell.indexOf('"') >= 0
        || cell.indexOf('\n') >= 0
        || cell.indexOf('\r') >= 0
        || !cell.equals(cell.strip());
  }

  @Override
  public Given given(String text, int count) {
    throw new ConfigurationException("rows of a table are drawn without classes or images");
  }

  @Override
  public Wanted wanted(String text) {
    return new Conditions(columns).parse(text);
  }
}

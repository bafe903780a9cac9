package org.bitdiffusion.modality.table;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Comparator;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.stream.Collectors;
import java.util.stream.IntStream;
import org.bitdiffusion.data.DataSource;
import org.bitdiffusion.data.Schema;

/**
 * Rows of a table, each an example of shape [1, columns] of those columns of which something is to
 * be learned.
 */
public final class TableData implements DataSource {
  /** Values of a column that are told. */
  private static final int EXAMPLES = 3;

  private static final int LONGEST = 20;

  private final String name;
  private final Columns columns;
  private final int[][] rows;
  private final String warning;
  private final List<Path> files;
  private final Schema schema;

  /**
   * @param name of the file or database
   * @param rows [size][places] of symbols; not copied
   * @param warning what a user should know of it, or empty
   * @param files that it was read from
   */
  TableData(String name, Columns columns, int[][] rows, String warning, List<Path> files) {
    this.name = name;
    this.columns = columns;
    this.rows = rows;
    this.warning = warning;
    this.files = List.copyOf(files);
    schema = columns.schema();
  }

  /** The columns, also those of which nothing is to be learned. */
  public Columns columns() {
    return columns;
  }

  @Override
  public String name() {
    return name;
  }

  @Override
  public int size() {
    return rows.length;
  }

  @Override
  public Schema schema() {
    return schema;
  }

  @Override
  public void read(int index, int[] target, int offset) {
    System.arraycopy(rows[index], 0, target, offset, rows[index].length);
  }

  /** Writes {@code columns.json}. */
  @Override
  public void keep(Path run) {
    ColumnsFile.write(ColumnsFile.of(run), columns);
  }

  @Override
  public boolean reads(Path file) {
    for (var own : files) {
      try {
        if (Files.exists(own) && Files.exists(file) && Files.isSameFile(own, file)) {
          return true;
        }
      } catch (IOException e) {
        // it is not there any more
      }
    }
    return false;
  }

  @Override
  public String warning() {
    return warning;
  }

  /** A column each: its kind, K, bits, how often it is missing, and some values. */
  @Override
  public List<Map<String, Object>> facts() {
    var all = new ArrayList<Map<String, Object>>();
    for (var column : columns.all()) {
      var k = column.categories();
      var facts = new LinkedHashMap<String, Object>();
      facts.put("column", column.name());
      facts.put("kind", column.kind().text());
      facts.put("k", k);
      facts.put("bits", Integer.SIZE - Integer.numberOfLeadingZeros(k - 1));
      facts.put("missing", (double) column.missingCount() / column.marginal().total());
      facts.put("examples", column.kind().isPlace() ? examples(column) : alone(column));
      all.add(facts);
    }
    return all;
  }

  private static String alone(Column column) {
    if (column.kind() == ColumnKind.CONSTANT) {
      return shortened(column.text(0));
    }
    return column.isWritten() ? "new: " + shortened(column.identifier(0)) : "left out";
  }

  /** The most frequent values, of words with an order the first. */
  private static String examples(Column column) {
    return (column.kind().isNumber() ? frequent(column) : first(column))
        .limit(EXAMPLES)
        .mapToObj(symbol -> shortened(column.text(symbol)))
        .collect(Collectors.joining(", "));
  }

  private static IntStream first(Column column) {
    return IntStream.range(column.missing() + 1, column.categories());
  }

  private static IntStream frequent(Column column) {
    var marginal = column.marginal();
    return IntStream.range(0, marginal.segments())
        .boxed()
        .filter(s -> marginal.start(s) != column.missing() && marginal.count(s) > 0)
        .sorted(Comparator.comparingDouble(s -> -often(column, s)))
        .mapToInt(s -> middle(column, s));
  }

  private static int middle(Column column, int segment) {
    var start = column.marginal().start(segment);
    return start + (column.marginal().start(segment + 1) - start) / 2;
  }

  private static double often(Column column, int segment) {
    var marginal = column.marginal();
    var values = marginal.start(segment + 1) - marginal.start(segment);
    return (double) marginal.count(segment) / values;
  }

  private static String shortened(String text) {
    var line = text.replaceAll("\\s+", " ");
    return line.length() <= LONGEST ? line : line.substring(0, LONGEST - 3) + "...";
  }
}

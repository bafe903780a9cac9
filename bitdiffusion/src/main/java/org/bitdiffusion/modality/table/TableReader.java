package org.bitdiffusion.modality.table;

import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.stream.IntStream;
import org.bitdiffusion.ConfigurationException;
import org.bitdiffusion.DataException;
import org.bitdiffusion.data.Split;

/** Reads a table once, from its first row to its last one, and holds it as numbers. */
final class TableReader {
  private final Rows source;
  private final Reading reading;
  private final List<String> names;
  private final Cells[] cells;
  private final List<int[]> rows = new ArrayList<>();
  private int[] positions = new int[1024];

  private TableReader(Rows source, Reading reading) {
    this.source = source;
    this.reading = reading;
    names = source.names();
    cells = new Cells[names.size()];
    Arrays.setAll(cells, i -> new Cells());
  }

  /**
   * The table, with columns that are inferred from the rows that are wanted.
   *
   * @param source closed by the caller
   * @param files that were named besides, such as that of choices
   * @throws DataException if a row is damaged, or a cell is not what the user said of its column
   * @throws ConfigurationException if a column is named that there is not, or nothing is to be
   *     learned
   */
  static TableData read(Rows source, Reading reading, List<Path> files) {
    return new TableReader(source, reading).infer(files);
  }

  /**
   * The table as one of a run, with its columns.
   *
   * @throws DataException if the table lacks a column, or has a value that its column lacks
   */
  static TableData read(Rows source, Reading reading, Columns columns, List<Path> files) {
    return new TableReader(source, reading).as(columns, files);
  }

  private void gather() {
    for (var row = source.next(); row != null; row = source.next()) {
      var numbers = new int[row.length];
      for (var i = 0; i < numbers.length; i++) {
        numbers[i] = cells[i].number(row[i] == null ? "" : row[i]);
      }
      if (rows.size() == positions.length) {
        positions = Arrays.copyOf(positions, positions.length * 2);
      }
      positions[rows.size()] = source.position();
      rows.add(numbers);
    }
    if (rows.isEmpty()) {
      throw new DataException(
          source.name() + " has no rows" + (source.header() ? ", only a header" : ""));
    }
  }

  private int index(String column) {
    var index = names.indexOf(column);
    if (index < 0) {
      throw new ConfigurationException(
          source.name() + ": " + Columns.unknown(column, names).getMessage());
    }
    return index;
  }

  // ---------------------------------------------------------------- rows that are wanted

  /** Leaves the rows that are wanted. */
  private void select() {
    var part = reading.part();
    if (part.column().isPresent()) {
      var column = index(part.column().get());
      var value =
          IntStream.range(0, cells[column].size())
              .filter(i -> cells[column].text(i).equals(part.value()))
              .findFirst()
              .orElseThrow(() -> noSuchPart(column));
      keep(IntStream.range(0, rows.size()).filter(i -> rows.get(i)[column] == value).toArray());
    } else if (part.share() > 0) {
      var size = rows.size();
      var tested = (int) Math.round(part.share() * size);
      if (tested < 1 || tested >= size) {
        throw new ConfigurationException(
            "%s: share=%s of its %,d rows leaves none for the one part or the other"
                .formatted(source.name(), part.share(), size));
      }
      var split = Split.of(size, tested, part.seed());
      keep(part.test() ? split.validation() : split.training());
    }
  }

  private ConfigurationException noSuchPart(int column) {
    var values =
        IntStream.range(0, Math.min(10, cells[column].size()))
            .mapToObj(cells[column]::text)
            .toList();
    return new ConfigurationException(
        "%s: no row has split=%s in the column '%s', which has %s%s"
            .formatted(
                source.name(),
                reading.part().value(),
                names.get(column),
                String.join(", ", values),
                cells[column].size() > 10 ? " and others" : ""));
  }

  private void keep(int... wanted) {
    for (var i = 0; i < wanted.length; i++) {
      rows.set(i, rows.get(wanted[i]));
      positions[i] = positions[wanted[i]];
    }
    rows.subList(wanted.length, rows.size()).clear();
  }

  private long[] occurrences(int column) {
    var counts = new long[cells[column].size()];
    for (var row : rows) {
      counts[row[column]]++;
    }
    return counts;
  }

  /** Names of columns that are not looked at. */
  private List<String> dropped() {
    var dropped = new ArrayList<>(reading.drop());
    reading.part().column().filter(name -> !dropped.contains(name)).ifPresent(dropped::add);
    return dropped;
  }

  // ---------------------------------------------------------------- new columns

  private TableData infer(List<Path> files) {
    reading.drop().forEach(this::index);
    reading.target().ifPresent(this::index);
    reading.choices().keySet().forEach(this::index);
    gather();
    select();
    if (rows.size() < 2) {
      throw new DataException(
          source.name() + " has one row only; there is nothing to learn from one");
    }
    var dropped = dropped();
    var columns = new ArrayList<Column>();
    for (var i = 0; i < cells.length; i++) {
      if (!dropped.contains(names.get(i))) {
        columns.add(column(i));
      }
    }
    Columns all;
    try {
      all = new Columns(columns, reading.target(), dropped, source.separator(), source.header());
    } catch (ConfigurationException e) {
      throw new ConfigurationException(source.name() + ": " + e.getMessage(), e);
    }
    var empty =
        columns.stream()
            .filter(c -> c.kind() == ColumnKind.CONSTANT && c.missing() == 0)
            .map(Column::name)
            .toList();
    var warning =
        empty.isEmpty()
            ? ""
            : "%s: %s %s in all rows, and written so"
                .formatted(
                    source.name(),
                    empty.size() > 10 ? empty.size() + " columns" : String.join(", ", empty),
                    empty.size() == 1 ? "is missing" : "are missing");
    return encoded(all, warning, files);
  }

  private Column column(int i) {
    var choice = reading.choices().getOrDefault(names.get(i), Choice.NONE);
    try {
      return Inference.column(
          names.get(i),
          cells[i],
          occurrences(i),
          choice,
          reading.missing(),
          source.separator() == ';');
    } catch (BadCell e) {
      throw bad(i, e.number(), e.getMessage());
    }
  }

  private DataException bad(int column, int number, String message) {
    var first =
        IntStream.range(0, rows.size())
            .filter(i -> rows.get(i)[column] == number)
            .findFirst()
            .orElse(0);
    return new DataException(
        "%s %s, column '%s': %s"
            .formatted(
                source.name(),
                source.where(positions[first]),
                names.get(column),
                message.formatted(shortened(cells[column].text(number)))));
  }

  private static String shortened(String cell) {
    return cell.length() <= 60 ? cell : cell.substring(0, 60) + "...";
  }

  // ---------------------------------------------------------------- columns of a run

  private TableData as(Columns columns, List<Path> files) {
    for (var column : columns.places()) {
      index(column.name());
    }
    gather();
    select();
    return encoded(columns, "", files);
  }

  private TableData encoded(Columns columns, String warning, List<Path> files) {
    var places = columns.places();
    var indexes = places.stream().mapToInt(column -> index(column.name())).toArray();
    var symbols = new int[places.size()][];
    for (var p = 0; p < symbols.length; p++) {
      symbols[p] = symbols(places.get(p), indexes[p]);
    }
    var skipped = 0;
    for (var r = 0; r < rows.size(); r++) {
      var row = rows.get(r);
      var encoded = new int[symbols.length];
      var isKnown = true;
      for (var p = 0; p < symbols.length; p++) {
        encoded[p] = symbols[p][row[indexes[p]]];
        isKnown &= encoded[p] >= 0;
      }
      rows.set(r, isKnown ? encoded : null);
      skipped += isKnown ? 0 : 1;
    }
    rows.removeIf(row -> row == null);
    if (rows.isEmpty()) {
      throw new DataException(
          "%s: all rows are left out, as each has a value that the run's columns lack"
              .formatted(source.name()));
    }
    var told =
        skipped == 0
            ? warning
            : "%s: %,d rows are left out, as they have values that the run's columns lack"
                .formatted(source.name(), skipped);
    return new TableData(source.name(), columns, rows.toArray(int[][]::new), told, files);
  }

  /** The symbol of each cell; -1 of one whose row is left out. */
  private int[] symbols(Column column, int index) {
    var occurrences = occurrences(index);
    var symbols = new int[occurrences.length];
    for (var i = 0; i < symbols.length; i++) {
      if (occurrences[i] == 0) {
        continue;
      }
      var cell = cells[index].text(i);
      symbols[i] = column.symbol(cell);
      if (symbols[i] < 0) {
        symbols[i] = unseen(column, index, i, cell);
      }
    }
    return symbols;
  }

  private int unseen(Column column, int index, int number, String cell) {
    var symbol =
        switch (reading.unseen()) {
          case STOP, SKIP -> -1;
          case NEAREST, NEAREST_OR_SKIP -> column.nearestSymbol(cell);
          case MISSING -> column.missing();
        };
    if (symbol >= 0
        || reading.unseen() == Reading.Unseen.SKIP
        || reading.unseen() == Reading.Unseen.NEAREST_OR_SKIP) {
      return symbol;
    }
    var choices = column.kind().isNumber() ? "unseen=nearest, unseen=skip" : "unseen=skip";
    throw bad(
        index,
        number,
        (column.isMissing(cell) ? "'%s' is missing, which" : "'%s'")
            + " never occurred in the data of the run; leave such rows out or change them by "
            + choices
            + (column.missing() >= 0 && reading.unseen() != Reading.Unseen.MISSING
                ? ", unseen=missing"
                : ""));
  }
}

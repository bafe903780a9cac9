package org.bitdiffusion.modality.table;

import java.io.BufferedWriter;
import java.io.IOException;
import java.io.OutputStream;
import java.io.OutputStreamWriter;
import java.nio.charset.Charset;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.Comparator;
import java.util.HashSet;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.Set;
import java.util.TreeMap;
import java.util.concurrent.CancellationException;
import java.util.function.IntPredicate;
import java.util.zip.GZIPOutputStream;
import org.bitdiffusion.ConfigurationException;
import org.bitdiffusion.DataException;
import org.bitdiffusion.codec.IntervalCodec;
import org.bitdiffusion.codec.ValuePosterior;
import org.bitdiffusion.data.Allowed;
import org.bitdiffusion.data.DataSpec;
import org.bitdiffusion.data.Given;
import org.bitdiffusion.diffusion.Objective;
import org.bitdiffusion.io.WholeFile;
import org.bitdiffusion.modality.Modality;
import org.bitdiffusion.model.DiffusionModel;
import org.bitdiffusion.model.Model;
import org.bitdiffusion.model.SampleRequest;
import org.bitdiffusion.sampling.Known;
import org.tukaani.xz.LZMA2Options;
import org.tukaani.xz.XZOutputStream;

/**
 * A file of separated values in which some are missing, to be drawn given the others of their rows.
 * It may lack columns of the run and have others. All of it that is no gap stays as it is, byte for
 * byte; the text of the file is held in memory.
 */
public final class Gaps {
  private static final char BYTE_ORDER_MARK = '\ufeff';
  private static final String GZ = ".gz";
  private static final String XZ = ".xz";

  /**
   * A field that is to be filled.
   *
   * @param row among those that are drawn
   * @param from its first character in the text
   * @param to behind its last one
   */
  private record Gap(int row, Column column, int place, int from, int to) {}

  private final String name;
  private final int size;
  private final String text;
  private final Charset charset;
  private final char separator;
  private final Columns columns;
  private final List<Column> places;
  private final List<Gap> gaps;
  private final Known known;
  private final int rows;
  private final Map<String, Integer> unseen;

  private Gaps(Reader reader, CsvRows file) {
    name = file.name();
    size = reader.size;
    text = reader.text;
    charset = file.charset();
    separator = file.separator();
    columns = reader.columns;
    places = reader.places;
    gaps = List.copyOf(reader.gaps);
    rows = reader.symbols.size();
    unseen = reader.unseen;
    var mask = new boolean[rows * places.size()];
    var symbols = new int[mask.length];
    for (var i = 0; i < mask.length; i++) {
      var symbol = reader.symbols.get(i / places.size())[i % places.size()];
      mask[i] = symbol >= 0;
      symbols[i] = Math.max(0, symbol);
    }
    known = new Known(mask, symbols, 1);
  }

  /**
   * Reads a file.
   *
   * @param file with options of a table where it needs some: {@code separator}, {@code charset},
   *     {@code header}, {@code missing} and {@code unseen} (what becomes of a value that the run
   *     does not have: {@code missing} takes it for unknown, but lets it stand)
   * @param columns of the run
   * @param emptyOnly whether words such as NA are values, if the run has them as such, and no gaps
   * @throws ConfigurationException if an option is not possible, or no column is the run's
   * @throws DataException if the file cannot be read, or has a value that the run does not have
   */
  public static Gaps read(String file, Columns columns, boolean emptyOnly) {
    var spec = DataSpec.parse(file.startsWith("table:") ? file : "table:" + file);
    var plan = (TableSources.Plan) Modality.plan(spec);
    var reading = plan.reading();
    if (reading.target().isPresent()
        || !reading.drop().isEmpty()
        || plan.said().isPresent()
        || !reading.part().equals(Reading.Part.WHOLE)) {
      throw new ConfigurationException(
          "%s: gaps are filled in the whole file; of the options of a table it takes separator, charset, header, missing and unseen"
              .formatted(file));
    }
    try (var rows = (CsvRows) plan.rows().get()) {
      var reader = new Reader(rows, reading, columns, emptyOnly);
      reader.read();
      return new Gaps(reader, rows);
    }
  }

  /** One reading. */
  private static final class Reader {
    private final CsvRows rows;
    private final Reading reading;
    private final Columns columns;
    private final List<Column> places;
    private final boolean emptyOnly;
    private final Set<String> words;
    private final String text;
    private final List<Gap> gaps = new ArrayList<>();

    /** Of each row with gaps its symbols, -1 where unknown. */
    private final List<int[]> symbols = new ArrayList<>();

    private final Map<String, Integer> unseen = new LinkedHashMap<>();
    private String firstUnseen;
    private int size;

    Reader(CsvRows rows, Reading reading, Columns columns, boolean emptyOnly) {
      this.rows = rows;
      this.reading = reading;
      this.columns = columns;
      this.emptyOnly = emptyOnly;
      places = columns.places();
      words = reading.missing() == Missing.USUAL ? Set.of() : new HashSet<>(reading.missing());
      text = rows.text();
    }

    void read() {
      var columnOf = new Column[rows.names().size()];
      var placeOf = new int[columnOf.length];
      for (var i = 0; i < columnOf.length; i++) {
        var at = i;
        columnOf[i] =
            columns.all().stream()
                .filter(column -> column.name().equals(rows.names().get(at)))
                .findFirst()
                .orElse(null);
        placeOf[i] = places.indexOf(columnOf[i]);
      }
      if (Arrays.stream(placeOf).allMatch(place -> place < 0)) {
        throw new ConfigurationException(
            "%s has none of the columns that the run has learned: it has %s, the run %s"
                .formatted(
                    rows.name(),
                    String.join(", ", rows.names()),
                    String.join(", ", places.stream().map(Column::name).toList())));
      }
      var mark = text.startsWith(String.valueOf(BYTE_ORDER_MARK)) ? 1 : 0;
      for (var row = rows.next(); row != null; row = rows.next()) {
        size++;
        row(row, Math.toIntExact(rows.start() + mark), columnOf, placeOf);
      }
      if (firstUnseen != null && reading.unseen() != Reading.Unseen.MISSING) {
        var all = unseen.values().stream().mapToInt(n -> n).sum();
        throw new DataException(
            "%s never occurred in the data of the run%s; say %s,unseen=missing to take such fields for unknown (they stay as they are), unseen=nearest for the nearest number, or unseen=skip to leave such rows as they are"
                .formatted(
                    firstUnseen,
                    all > 1 ? ", nor did %,d other fields".formatted(all - 1) : "",
                    rows.name()));
      }
    }

    private void row(String[] cells, int from, Column[] columnOf, int[] placeOf) {
      var known = new int[places.size()];
      Arrays.fill(known, -1);
      var missing = new ArrayList<Integer>();
      var skipped = false;
      for (var i = 0; i < cells.length; i++) {
        var column = columnOf[i];
        if (column == null || column.kind() == ColumnKind.IDENTIFIER) {
          continue;
        }
        if (isGap(cells[i], column)) {
          missing.add(i);
        } else if (placeOf[i] >= 0) {
          known[placeOf[i]] = symbol(cells[i], column);
          skipped |= known[placeOf[i]] < 0 && reading.unseen() == Reading.Unseen.SKIP;
        }
      }
      if (missing.isEmpty() || skipped) {
        return;
      }
      var fields = fields(from, cells);
      var before = gaps.size();
      for (var i : missing) {
        var field = fields.get(i);
        if (placeOf[i] >= 0 || !columnOf[i].isMissing(columnOf[i].text(0))) {
          gaps.add(new Gap(symbols.size(), columnOf[i], placeOf[i], field.from(), field.to()));
        }
      }
      if (gaps.size() > before) {
        symbols.add(known);
      }
    }

    private boolean isGap(String cell, Column column) {
      return cell.isEmpty() || !emptyOnly && (column.isMissing(cell) || words.contains(cell));
    }

    /** -1 of one that the run does not have. */
    private int symbol(String cell, Column column) {
      var symbol =
          reading.unseen() == Reading.Unseen.NEAREST
              ? column.nearestSymbol(cell)
              : column.symbol(cell);
      if (symbol < 0) {
        unseen.merge(column.name(), 1, Integer::sum);
        if (firstUnseen == null && reading.unseen() != Reading.Unseen.SKIP) {
          firstUnseen =
              "%s %s, column '%s': '%s'"
                  .formatted(
                      rows.name(),
                      rows.where(rows.position()),
                      column.name(),
                      cell.length() <= 60 ? cell : cell.substring(0, 60) + "...");
        }
      }
      return symbol;
    }

    private record Field(int from, int to) {}

    /** Where the fields of a row are, with their quotes, but without spaces that are not theirs. */
    private List<Field> fields(int start, String[] cells) {
      var fields = new ArrayList<Field>();
      var at = start;
      while (at < text.length() && isEnd(text.charAt(at))) {
        at++; // an empty line
      }
      while (true) {
        var end = end(at);
        var cell = cells[fields.size()];
        var raw = text.substring(at, end);
        var isSpaced = !raw.equals(cell);
        var from = isSpaced ? at + raw.length() - raw.stripLeading().length() : at;
        var to = isSpaced ? Math.max(from, at + raw.stripTrailing().length()) : end;
        if (!unquoted(text.substring(from, to)).equals(cell)) {
          throw new DataException(
              "%s %s: its fields cannot be told apart"
                  .formatted(rows.name(), rows.where(rows.position())));
        }
        fields.add(new Field(from, to));
        if (fields.size() == cells.length) {
          return fields;
        }
        at = end + 1;
      }
    }

    /** Behind the last character of a field. */
    private int end(int from) {
      var at = from;
      while (rows.spaced() && at < text.length() && text.charAt(at) == ' ') {
        at++; // otherwise a quote behind a space is a character like others
      }
      if (at < text.length() && text.charAt(at) == '"') {
        at++;
        while (text.charAt(at) != '"' || at + 1 < text.length() && text.charAt(at + 1) == '"') {
          at += text.charAt(at) == '"' ? 2 : 1;
        }
      }
      while (at < text.length() && text.charAt(at) != rows.separator() && !isEnd(text.charAt(at))) {
        at++;
      }
      return at;
    }

    private static boolean isEnd(char c) {
      return c == '\n' || c == '\r';
    }
  }

  private static String unquoted(String field) {
    return field.length() >= 2 && field.startsWith("\"") && field.endsWith("\"")
        ? field.substring(1, field.length() - 1).replace("\"\"", "\"")
        : field;
  }

  /** The number of all rows of the file. */
  public int size() {
    return size;
  }

  /** How many of them have gaps. */
  public int rows() {
    return rows;
  }

  /** The number of gaps in each column that has some, in the order of the run's columns. */
  public Map<String, Integer> fields() {
    var fields = new LinkedHashMap<String, Integer>();
    gaps.stream()
        .sorted(Comparator.comparingInt(gap -> columns.all().indexOf(gap.column())))
        .forEach(gap -> fields.merge(gap.column().name(), 1, Integer::sum));
    return fields;
  }

  /** The number of fields in each column whose values the run does not have. */
  public Map<String, Integer> unseen() {
    return unseen;
  }

  /** What the rows with gaps have, one after the other, as a model is told it. */
  public Known known() {
    return known;
  }

  /** What gaps may be filled with: all that is a value. */
  public List<Allowed> allowed() {
    var byPlace = new TreeMap<Integer, Column>();
    gaps.stream()
        .filter(gap -> gap.place() >= 0)
        .forEach(gap -> byPlace.put(gap.place(), gap.column()));
    return byPlace.entrySet().stream()
        .flatMap(place -> values(place.getValue(), place.getKey()).stream())
        .toList();
  }

  /** All values of a column that has missing ones too. */
  static Optional<Allowed> values(Column column, int place) {
    return column.missing() < 0 ? Optional.empty() : Optional.of(allValues(column, place));
  }

  private static Allowed allValues(Column column, int place) {
    return new Allowed(
        place, List.of(new Allowed.Span(column.missing() + 1, column.categories() - 1)));
  }

  /**
   * What is expected of several fillings: of each gap the mean of its numbers, as the nearest value
   * that the column has, or the most frequent one of its categories (the first one of several).
   *
   * @param draws symbols of all rows with gaps each, row after row
   */
  public int[] expected(List<int[]> draws) {
    return expected(places, known, draws);
  }

  static int[] expected(List<Column> places, Known known, List<int[]> draws) {
    var expected = draws.get(0).clone();
    for (var i = 0; i < expected.length; i++) {
      if (known.mask()[i]) {
        continue;
      }
      var at = i;
      var column = places.get(i % places.size());
      var drawn = draws.stream().mapToInt(draw -> draw[at]).toArray();
      expected[i] =
          column.kind().isNumber()
              ? column.nearestSymbol(
                  Arrays.stream(drawn).mapToDouble(column::number).average().orElseThrow())
              : mode(drawn);
    }
    return expected;
  }

  /**
   * What a model expects of each gap, given its row, at once and without drawing: what {@link
   * #expected(List)} of endlessly many draws would be, if the network were exact. A trained one is
   * less sure at once than step by step, above all where columns determine each other.
   *
   * @param model of the run
   * @param batch rows that are computed at a time
   * @param progress is told how many rows are done; returns whether to go on
   * @return symbols of all rows with gaps, row after row
   * @throws ConfigurationException unless the run has {@code diffusion.prediction: code_words}, and
   *     was trained with known values
   * @throws CancellationException if it was told not to go on
   */
  public int[] expected(Model model, int batch, IntPredicate progress) {
    if (!(model instanceof DiffusionModel diffusion) || !diffusion.diffusion().knowsLogOdds()) {
      throw new ConfigurationException(
          "what is expected without drawing is known to runs with diffusion.prediction code_words"
              + " and a diffusion.known_rate above 0 only; draw several times");
    }
    var codec = (IntervalCodec) diffusion.diffusion().codec();
    var words = ((Objective.CodeWordPosterior) diffusion.diffusion().objective()).words();
    var posteriors = new ArrayList<ValuePosterior>();
    for (var place = 0; place < places.size(); place++) {
      posteriors.add(codec.posterior(words, allValues(places.get(place), place)));
    }
    var expected = new int[known.mask().length];
    known.copyTo(expected);
    var rows = expected.length / places.size();
    for (var first = 0; first < rows; first += batch) {
      var count = Math.min(batch, rows - first);
      var request =
          new SampleRequest(
              model.config().sampling(),
              0,
              first,
              count,
              Given.NONE,
              Optional.of(known.part(first, count, rows, places.size())));
      var odds = diffusion.logOdds(request);
      for (var place = 0; place < places.size(); place++) {
        var column = places.get(place);
        var posterior = posteriors.get(place);
        var symbols =
            column.kind().isNumber()
                ? Arrays.stream(posterior.means(odds, column::number))
                    .mapToInt(column::nearestSymbol)
                    .toArray()
                : posterior.modes(odds);
        for (var row = 0; row < count; row++) {
          var at = (first + row) * places.size() + place;
          expected[at] = known.mask()[at] ? expected[at] : symbols[row];
        }
      }
      if (!progress.test(first + count)) {
        throw new CancellationException("filling was stopped");
      }
    }
    return expected;
  }

  private static int mode(int... drawn) {
    var counts = new LinkedHashMap<Integer, Integer>();
    for (var symbol : drawn) {
      counts.merge(symbol, 1, Integer::sum);
    }
    var best = drawn[0];
    for (var symbol : counts.keySet()) {
      best = counts.get(symbol) > counts.get(best) ? symbol : best;
    }
    return best;
  }

  /**
   * Writes the file with its gaps filled, packed where its name ends in .gz or .xz.
   *
   * @param symbols of all rows with gaps, row after row
   * @throws DataException if it cannot be written, or a value has a character that its encoding
   *     lacks
   */
  public void write(Path out, int... symbols) {
    WholeFile.write(
        out,
        stream -> {
          var packed = packed(out, stream);
          var encoder = charset.newEncoder(); // which complains of what it cannot write
          var writer = new BufferedWriter(new OutputStreamWriter(packed, encoder), 1 << 16);
          var done = 0;
          for (var gap : gaps) {
            writer.write(text, done, gap.from() - done);
            var symbol = gap.place() < 0 ? 0 : symbols[gap.row() * places.size() + gap.place()];
            var cell = gap.column().text(symbol);
            var isQuoted = text.startsWith("\"", gap.from());
            writer.write(
                isQuoted || TableRenderer.isQuoted(cell, separator)
                    ? TableRenderer.quoted(cell)
                    : cell);
            done = gap.to();
          }
          writer.write(text, done, text.length() - done);
          writer.flush();
          if (packed instanceof GZIPOutputStream gz) {
            gz.finish();
          } else if (packed instanceof XZOutputStream xz) {
            xz.finish();
          }
        });
  }

  private static OutputStream packed(Path out, OutputStream stream) throws IOException {
    if (out.toString().endsWith(GZ)) {
      return new GZIPOutputStream(stream, 1 << 16);
    }
    return out.toString().endsWith(XZ) ? new XZOutputStream(stream, new LZMA2Options()) : stream;
  }

  @Override
  public String toString() {
    return "%s: %d gaps in %d of %d rows".formatted(name, gaps.size(), rows, size);
  }
}

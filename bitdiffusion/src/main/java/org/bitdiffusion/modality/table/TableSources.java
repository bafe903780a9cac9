package org.bitdiffusion.modality.table;

import java.io.IOException;
import java.nio.charset.Charset;
import java.nio.charset.IllegalCharsetNameException;
import java.nio.charset.UnsupportedCharsetException;
import java.nio.file.Path;
import java.util.Arrays;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.Optional;
import java.util.function.Function;
import java.util.function.Supplier;
import java.util.regex.Pattern;
import org.bitdiffusion.ConfigurationException;
import org.bitdiffusion.DataException;
import org.bitdiffusion.data.DataSpec;
import org.bitdiffusion.data.Options;
import org.bitdiffusion.data.Schema;
import org.bitdiffusion.data.SourceKind;
import org.bitdiffusion.data.Space;
import org.bitdiffusion.io.TextFile;

/**
 * The sources of tables by name. All take {@code target=COLUMN}, {@code drop=A+B}, {@code
 * columns=FILE} (a columns.json that the user has edited), {@code missing=A+B} (cells that mean
 * missing), {@code unseen=stop|nearest|missing|skip} (what becomes of values that the columns of a
 * run do not have) and parts: {@code split=train|test,share=0.2,seed=0} of rows that are drawn, or
 * {@code split_column=COLUMN,split=VALUE}.
 */
public final class TableSources {
  /** All of them. */
  public static final List<SourceKind> ALL =
      List.of(
          new Kind(
              "table",
              List.of(
                  "table:FILE.csv,separator=SNIFFED,header=yes,charset=utf-8",
                  "rows of separated values, also packed (.gz, .xz): a column is a category, a number, a date ..."),
              TableSources::file),
          new Kind(
              "jdbc",
              List.of(
                  "jdbc:URL,table=NAME,user=NAME,password_env=VARIABLE",
                  "jdbc:URL,query=SELECT ... (to the end of the line), or query=@FILE.sql",
                  "rows of a database whose driver is on the class path, such as jdbc:sqlite:people.db",
                  "of tables and databases: target=COLUMN, drop=A+B, columns=FILE.json (a run's columns.json, edited), missing=A+B",
                  "split=train|test,share=0.2,seed=0 for rows that are drawn; or split_column=COLUMN,split=VALUE",
                  "unseen=stop|nearest|missing|skip for values that the data of a run did not have"),
              TableSources::database),
          new Kind(
              "adult",
              List.of(
                  "adult,split=train|test",
                  "Adult, of the census of the USA in 1994: 48,842 people (Becker and Kohavi 1996, CC BY 4.0)"),
              TableSources::adult));

  /** Begins a query that may have commas: all behind it is the query's. */
  private static final String QUERY = ",query=";

  private static final int LONGEST_QUERY = 1 << 20;
  private static final Pattern PASSWORD =
      Pattern.compile("(?i)(?:password|passwd|pwd)=|//[^/?]*:[^/?@]*@");

  private TableSources() {}

  private record Kind(String name, List<String> usage, Function<Options, Plan> options)
      implements SourceKind {
    @Override
    public Plan plan(Options given) {
      return options.apply(given);
    }
  }

  /**
   * A table that can be opened.
   *
   * @param rows of it
   * @param reading what the options say
   * @param said the file in which the user says more, if any
   * @param files that are read besides
   */
  record Plan(Supplier<Rows> rows, Reading reading, Optional<Path> said, List<Path> files)
      implements SourceKind.Plan {
    /** A stand-in: a table is known when it is read. */
    @Override
    public Schema expected() {
      return Schema.of(Space.of(List.of(1, 16), 256));
    }

    @Override
    public TableData open() {
      // What a user says is checked before a long table is read.
      var wanted = said.map(file -> reading.with(ColumnsFile.said(file))).orElse(reading);
      try (var opened = rows.get()) {
        return TableReader.read(opened, wanted, files);
      }
    }

    /**
     * Opens what is only compared with: a value that the columns do not have does not stop it,
     * unless the user says otherwise.
     */
    TableData openToCompare(Columns columns) {
      try (var opened = rows.get()) {
        return TableReader.read(
            opened, reading.orUnseen(Reading.Unseen.NEAREST_OR_SKIP), columns, files);
      }
    }

    /** Opens it with the columns of a run, whatever the user said of them then. */
    TableData open(Columns columns) {
      try (var opened = rows.get()) {
        return TableReader.read(opened, reading, columns, files);
      }
    }
  }

  private static Plan file(Options options) {
    var separator = options.text("separator").map(TableSources::separator);
    var charset = options.text("charset").map(TableSources::charset);
    var header = options.word("header", "yes", "yes", "no").equals("yes");
    var format = new CsvRows.Format(separator, charset, header);
    return plan(options, () -> CsvRows.open(options.path(), format));
  }

  /** The table that comes with the library, split as its authors did. */
  private static Plan adult(Options options) {
    var part = options.word("split", "train", "train", "test");
    var reading =
        new Reading(
            options.text("drop").map(TableSources::names).orElse(List.of()),
            Optional.of(options.text("target").orElse("income")),
            Missing.USUAL,
            Map.of(),
            Reading.Part.WHOLE,
            unseen(options));
    var said = options.text("columns").map(Path::of);
    return new Plan(
        () -> CsvRows.ofLibrary("adult-%s.csv.xz".formatted(part)),
        reading,
        said,
        said.stream().toList());
  }

  private static char separator(String name) {
    return switch (name) {
      case "comma" -> ',';
      case "semicolon", ";" -> ';';
      case "tab" -> '\t';
      case "pipe", "|" -> '|';
      case "space" -> ' ';
      default ->
          throw new ConfigurationException(
              "data table: separator is '%s'; it must be one of comma, semicolon, tab, pipe, space"
                  .formatted(name));
    };
  }

  private static Charset charset(String name) {
    try {
      return Charset.forName(name);
    } catch (IllegalCharsetNameException | UnsupportedCharsetException e) {
      throw new ConfigurationException(
          "data table: charset is '%s', which is none; use one such as utf-8, iso-8859-1, windows-1252"
              .formatted(name),
          e);
    }
  }

  /** A query with commas seems to be of the URL, with all options that stand before it. */
  private static Plan database(Options options) {
    var at = options.line().indexOf(QUERY);
    if (at < 0) {
      return database(options, Optional.empty());
    }
    var query = options.line().substring(at + QUERY.length());
    var line = DataSpec.parse("jdbc:" + options.line().substring(0, at));
    for (var option : options.spec().options().entrySet()) {
      line = line.with(option.getKey(), option.getValue());
    }
    var all = options.of(line);
    var plan = database(all, Optional.of(query));
    all.rejectOthers();
    return plan;
  }

  private static Plan database(Options options, Optional<String> withCommas) {
    var url = "jdbc:" + options.line();
    if (PASSWORD.matcher(url).find()) {
      throw new ConfigurationException(
          "data jdbc: the URL has a password, which the run would keep for all to read; give"
              + " user=NAME and password_env=VARIABLE, the name of an environment variable that has it");
    }
    var given = options.text("query");
    var query = withCommas.or(() -> given);
    var table = options.text("table");
    if (withCommas.isPresent() && given.isPresent() || query.isPresent() == table.isPresent()) {
      throw new ConfigurationException(
          "data jdbc: give one of table=NAME, query=SELECT ..., query=@FILE.sql");
    }
    var user = options.text("user");
    var password = options.text("password_env");
    return plan(
        options,
        () ->
            JdbcRows.open(
                new JdbcRows.Query(
                    url,
                    query.map(TableSources::sql),
                    table,
                    user,
                    password.map(TableSources::secret))));
  }

  private static String secret(String variable) {
    var value = System.getenv(variable);
    if (value == null) {
      throw new ConfigurationException(
          "data jdbc: password_env is %s, but there is no such environment variable"
              .formatted(variable));
    }
    return value;
  }

  /** A query, or that of a file. */
  private static String sql(String query) {
    if (!query.startsWith("@")) {
      return query;
    }
    var file = Path.of(query.substring(1));
    try {
      return TextFile.read(file, LONGEST_QUERY).strip().replaceAll(";\\s*$", "");
    } catch (IOException e) {
      throw DataException.cannotRead(file, e);
    }
  }

  private static Plan plan(Options options, Supplier<Rows> rows) {
    var said = options.text("columns").map(Path::of);
    var reading =
        new Reading(
            options.text("drop").map(TableSources::names).orElse(List.of()),
            options.text("target"),
            options.text("missing").map(TableSources::names).orElse(Missing.USUAL),
            Map.of(),
            part(options),
            unseen(options));
    return new Plan(rows, reading, said, said.stream().toList());
  }

  private static List<String> names(String text) {
    return Arrays.asList(text.split("\\+", -1));
  }

  private static Reading.Unseen unseen(Options options) {
    var word = options.word("unseen", "stop", "stop", "nearest", "missing", "skip");
    return Reading.Unseen.valueOf(word.toUpperCase(Locale.ROOT));
  }

  private static Reading.Part part(Options options) {
    var column = options.text("split_column");
    if (column.isPresent()) {
      var value = options.text("split");
      if (value.isEmpty()) {
        throw new ConfigurationException(
            "data table: split_column is %s; split=VALUE says which of its rows are wanted"
                .formatted(column.get()));
      }
      return new Reading.Part(column, value.get(), false, 0, 0);
    }
    if (!options.given("split")) {
      for (var key : List.of("share", "seed")) {
        if (options.text(key).isPresent()) {
          throw new ConfigurationException(
              "data table: %s goes with split=train or split=test".formatted(key));
        }
      }
      options.text("split");
      return Reading.Part.WHOLE;
    }
    var test = options.word("split", "train", "train", "test").equals("test");
    var share = options.between("share", 0.2, 0, 1);
    var seed = options.integer("seed", 0, 0, Integer.MAX_VALUE);
    return new Reading.Part(column, "", test, share, seed);
  }
}

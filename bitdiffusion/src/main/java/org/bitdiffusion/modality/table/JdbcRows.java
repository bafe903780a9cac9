package org.bitdiffusion.modality.table;

import java.math.BigDecimal;
import java.sql.Connection;
import java.sql.DriverManager;
import java.sql.ResultSet;
import java.sql.ResultSetMetaData;
import java.sql.SQLException;
import java.sql.Statement;
import java.sql.Timestamp;
import java.sql.Types;
import java.time.LocalDateTime;
import java.time.OffsetDateTime;
import java.time.ZoneOffset;
import java.time.format.DateTimeFormatter;
import java.util.ArrayList;
import java.util.HashSet;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.Optional;
import java.util.Properties;
import org.bitdiffusion.DataException;

/**
 * What a query gives, row by row. Values become the texts that a file would have: numbers as the
 * database writes them, with all decimals that their type has; dates and times as ISO 8601 does.
 */
final class JdbcRows implements Rows {
  /**
   * What is asked for.
   *
   * @param url of the database, without a password
   * @param query or
   * @param table whose rows are all wanted
   * @param password as the environment has it
   */
  record Query(
      String url,
      Optional<String> query,
      Optional<String> table,
      Optional<String> user,
      Optional<String> password) {
    /** Without the password, which is nobody's to read. */
    @Override
    public String toString() {
      return url + query.or(() -> table).map(of -> " (" + of + ")").orElse("");
    }
  }

  /** Rows that a driver fetches at a time; all at once would not fit into the memory. */
  private static final int FETCHED = 1000;

  private static final Map<String, Map.Entry<String, String>> MUST_EXIST =
      Map.of(
          "jdbc:sqlite:", Map.entry("open_mode", "1"), // SQLITE_OPEN_READONLY
          "jdbc:h2:", Map.entry("IFEXISTS", "TRUE"),
          "jdbc:hsqldb:", Map.entry("ifexists", "true"));

  private static final DateTimeFormatter SECONDS =
      DateTimeFormatter.ofPattern("uuuu-MM-dd HH:mm:ss");
  private static final DateTimeFormatter MICROS =
      DateTimeFormatter.ofPattern("uuuu-MM-dd HH:mm:ss.SSSSSS");
  private static final DateTimeFormatter TIME = DateTimeFormatter.ofPattern("HH:mm:ss");

  private final Query query;
  private final Connection connection;
  private final Statement statement;
  private final ResultSet rows;
  private final int[] types;
  private final List<String> names;
  private int row;

  private JdbcRows(Query query, Connection connection, Statement statement, ResultSet rows)
      throws SQLException {
    this.query = query;
    this.connection = connection;
    this.statement = statement;
    this.rows = rows;
    var columns = rows.getMetaData();
    types = new int[columns.getColumnCount()];
    names = names(query, columns);
    for (var i = 0; i < types.length; i++) {
      types[i] = columns.getColumnType(i + 1);
    }
  }

  /**
   * Asks a database.
   *
   * @throws DataException if there is no driver, no database, no such user or table
   */
  static JdbcRows open(Query query) {
    var login = new Properties();
    query.user().ifPresent(user -> login.setProperty("user", user));
    query.password().ifPresent(password -> login.setProperty("password", password));
    // Some databases are files, which they would make where there are none.
    MUST_EXIST.forEach(
        (url, property) -> {
          if (query.url().startsWith(url)) {
            login.setProperty(property.getKey(), property.getValue());
          }
        });
    Connection connection = null;
    Statement statement = null;
    try {
      connection = DriverManager.getConnection(query.url(), login);
      prepare(connection);
      statement =
          connection.createStatement(ResultSet.TYPE_FORWARD_ONLY, ResultSet.CONCUR_READ_ONLY);
      statement.setFetchSize(FETCHED);
      var text =
          query.query().isPresent()
              ? query.query().get()
              : "SELECT * FROM " + quoted(connection, query.table().orElseThrow());
      return new JdbcRows(query, connection, statement, statement.executeQuery(text));
    } catch (SQLException e) {
      close(statement);
      close(connection);
      throw connection == null ? noConnection(query, e) : failed(query, e);
    } catch (RuntimeException | Error e) {
      close(statement);
      close(connection);
      throw e;
    }
  }

  /**
   * A query is to change nothing, and some databases send rows bit by bit in a transaction only.
   */
  private static void prepare(Connection connection) throws SQLException {
    try {
      connection.setReadOnly(true);
    } catch (SQLException e) {
      // this driver cannot be told, or not any more
    }
    connection.setAutoCommit(false);
  }

  /** A name as the database quotes it; each part of one with a schema. */
  private static String quoted(Connection connection, String table) throws SQLException {
    var quote = connection.getMetaData().getIdentifierQuoteString().strip();
    if (quote.isEmpty()) {
      return table;
    }
    // What the database wrote in its own case is found without quotes alone.
    return table.matches("[A-Za-z_][A-Za-z0-9_.]*")
        ? table
        : quote + table.replace(quote, quote + quote) + quote;
  }

  private static DataException noConnection(Query query, SQLException e) {
    return e.getMessage() != null && e.getMessage().startsWith("No suitable driver")
        ? new DataException(
            "%s: no driver of that URL is on the class path; add its jar, as by BITDIFF_CLASSPATH=driver.jar"
                .formatted(query.url()),
            e)
        : new DataException(
            "%s cannot be opened%s: %s"
                .formatted(
                    query.url(),
                    query.user().map(user -> " as " + user).orElse(""),
                    reason(query, e)),
            e);
  }

  private static DataException failed(Query query, SQLException e) {
    return new DataException("%s: %s".formatted(query, reason(query, e)), e);
  }

  /** The first line of what the database says, without the password. */
  private static String reason(Query query, SQLException e) {
    var message = e.getMessage() == null ? "error " + e.getErrorCode() : e.getMessage();
    var line = message.lines().findFirst().orElse("").strip();
    return query
        .password()
        .filter(password -> !password.isEmpty())
        .map(password -> line.replace(password, "***"))
        .orElse(line);
  }

  private static List<String> names(Query query, ResultSetMetaData columns) throws SQLException {
    var names = new ArrayList<String>();
    for (var i = 1; i <= columns.getColumnCount(); i++) {
      names.add(columns.getColumnLabel(i));
    }
    var before = new HashSet<String>();
    for (var name : names) {
      if (!before.add(name)) {
        throw new DataException(
            "%s: two columns are called '%s'; name one otherwise by AS".formatted(query, name));
      }
    }
    return names;
  }

  @Override
  public String[] next() {
    try {
      if (!rows.next()) {
        if (row == 0) {
          throw new DataException(query + " gives no rows");
        }
        return null;
      }
      row++;
      var cells = new String[types.length];
      for (var i = 0; i < cells.length; i++) {
        cells[i] = text(i + 1);
      }
      return cells;
    } catch (SQLException e) {
      throw failed(query, e);
    }
  }

  /** A value as text; null where there is none. */
  private String text(int column) throws SQLException {
    switch (types[column - 1]) {
      case Types.DECIMAL, Types.NUMERIC:
        // A database that knows types of single values only may have a text here.
        var value = rows.getObject(column);
        return value instanceof BigDecimal number ? number.toPlainString() : plain(value);
      case Types.BIT, Types.BOOLEAN:
        var bit = rows.getObject(column);
        return bit instanceof Boolean || bit == null ? plain(bit) : rows.getString(column);
      case Types.DATE, Types.TIME, Types.TIMESTAMP, Types.TIMESTAMP_WITH_TIMEZONE:
        return time(column);
      case Types.BINARY, Types.VARBINARY, Types.LONGVARBINARY, Types.BLOB:
        throw new DataException(
            "%s, column '%s': it holds bytes; leave it out of the query"
                .formatted(query, names.get(column - 1)));
      case Types.FLOAT, Types.REAL, Types.DOUBLE:
        return plain(rows.getObject(column));
      default:
        return rows.getString(column);
    }
  }

  private static String plain(Object value) {
    if (value instanceof Double || value instanceof Float) {
      var number = ((Number) value).doubleValue();
      return Double.isNaN(number) || Double.isInfinite(number)
          ? "" // which is no number
          : Numbers.text(new BigDecimal(value.toString()));
    }
    return value == null ? null : value.toString();
  }

  private String time(int column) throws SQLException {
    var value = rows.getObject(column);
    if (value instanceof Timestamp timestamp) {
      return written(timestamp.toLocalDateTime());
    }
    if (value instanceof LocalDateTime dateTime) {
      return written(dateTime);
    }
    if (value instanceof OffsetDateTime moment) {
      return written(moment.withOffsetSameInstant(ZoneOffset.UTC).toLocalDateTime());
    }
    if (value instanceof java.sql.Date date) {
      return date.toLocalDate().toString();
    }
    if (value instanceof java.sql.Time time) {
      return TIME.format(time.toLocalTime());
    }
    return value == null ? null : rows.getString(column); // where dates are texts or numbers
  }

  private static String written(LocalDateTime value) {
    return value.getNano() == 0 ? SECONDS.format(value) : MICROS.format(value);
  }

  @Override
  public String name() {
    return query.toString();
  }

  @Override
  public List<String> names() {
    return names;
  }

  @Override
  public int position() {
    return row;
  }

  @Override
  public String where(int position) {
    return String.format(Locale.ROOT, "row %d", position);
  }

  @Override
  public char separator() {
    return ',';
  }

  @Override
  public boolean header() {
    return true;
  }

  @Override
  public void close() {
    close(rows);
    close(statement);
    close(connection);
  }

  private static void close(AutoCloseable what) {
    if (what != null) {
      try {
        what.close();
      } catch (Exception e) {
        // it was only read
      }
    }
  }
}

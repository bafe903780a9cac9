package org.bitdiffusion.modality.table;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.sql.DriverManager;
import java.sql.SQLException;
import java.util.List;
import java.util.stream.IntStream;
import org.bitdiffusion.ConfigurationException;
import org.bitdiffusion.DataException;
import org.bitdiffusion.data.DataSpec;
import org.bitdiffusion.modality.Modality;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/** Tables of SQLite and H2. */
class JdbcTest {
  /** An environment variable that is there, so that its value is the password. */
  private static final String PASSWORD = "PATH";

  @TempDir Path folder;
  private String sqlite;
  private String h2;

  @BeforeEach
  void fill() throws SQLException {
    sqlite = "jdbc:sqlite:" + folder.resolve("people.db");
    fill(sqlite, "", "REAL", "TEXT", "INTEGER");
    h2 = "jdbc:h2:" + folder.resolve("people");
    fill(h2, System.getenv(PASSWORD), "DECIMAL(10,2)", "TIMESTAMP", "BOOLEAN");
  }

  private static void fill(String url, String password, String number, String time, String bool)
      throws SQLException {
    try (var connection = DriverManager.getConnection(url, "anna", password);
        var statement = connection.createStatement()) {
      statement.execute(
          "CREATE TABLE people (id INTEGER, name VARCHAR(20), paid %s, born DATE, seen %s, well %s)"
              .formatted(number, time, bool));
      statement.execute("CREATE TABLE none (a INTEGER)");
      for (var i = 1; i <= 60; i++) {
        statement.execute(
            "INSERT INTO people VALUES (%d, %s, %s, '19%02d-03-01', '2024-01-01 10:00:%02d%s', %s)"
                .formatted(
                    i,
                    i % 5 == 0 ? "NULL" : "'n" + i % 3 + "'",
                    i % 2 == 0 ? "12.5" : "0",
                    40 + i % 30,
                    i % 60,
                    i % 4 == 0 ? ".250000" : "",
                    bool.equals("BOOLEAN") ? i % 2 == 0 ? "TRUE" : "FALSE" : i % 2));
      }
    }
  }

  private static TableData open(String line) {
    return (TableData) Modality.plan(DataSpec.parse(line)).open();
  }

  private static List<ColumnKind> kinds(TableData table) {
    return table.columns().all().stream().map(Column::kind).toList();
  }

  private static List<String> texts(TableData table, String name) {
    var column = table.columns().get(name);
    return IntStream.range(0, column.categories())
        .mapToObj(column::text)
        .filter(text -> column.symbol(text) >= 0)
        .toList();
  }

  @Test
  void sqliteIsRead() {
    var table = open(sqlite + ",table=people,user=anna");
    assertThat(table.size()).isEqualTo(60);
    assertThat(kinds(table))
        .containsExactly(
            ColumnKind.IDENTIFIER,
            ColumnKind.CATEGORY,
            ColumnKind.DECIMAL,
            ColumnKind.DATETIME,
            ColumnKind.DATETIME,
            ColumnKind.BOOLEAN);
    assertThat(texts(table, "name")).containsExactly("", "n0", "n1", "n2");
    assertThat(texts(table, "paid")).containsExactly("0.0", "12.5");
  }

  @Test
  void typesOfTheDatabaseAreThoseOfTheColumns() {
    var table = open(h2 + ",table=people,user=anna,password_env=" + PASSWORD);
    assertThat(kinds(table))
        .containsExactly(
            ColumnKind.IDENTIFIER,
            ColumnKind.CATEGORY,
            ColumnKind.DECIMAL,
            ColumnKind.DATETIME,
            ColumnKind.DATETIME,
            ColumnKind.BOOLEAN);
    assertThat(texts(table, "PAID")).containsExactly("0.00", "12.50");
    assertThat(texts(table, "WELL")).containsExactly("false", "true");
    assertThat(texts(table, "SEEN")).contains("2024-01-01 10:00:04.250000");
    assertThat(texts(table, "SEEN")).contains("2024-01-01 10:00:01");
  }

  @Test
  void queriesMayHaveCommas() throws IOException {
    var two = sqlite + ",query=SELECT name, paid FROM people WHERE id > 10";
    assertThat(open("jdbc" + two.substring(4)).size()).isEqualTo(50);
    assertThat(DataSpec.parse(DataSpec.parse(two).toString())).isEqualTo(DataSpec.parse(two));
    var target = sqlite + ",target=paid,query=SELECT name, paid FROM people,drop=name";
    assertThat(open(target).columns().all()).hasSize(1);
    var file =
        Files.writeString(folder.resolve("q.sql"), "SELECT name,\n paid AS x FROM people;\n");
    assertThat(open(sqlite + ",query=@" + file).columns().get("x").kind())
        .isEqualTo(ColumnKind.DECIMAL);
  }

  private void isRefused(String line, String... reasons) {
    assertThatThrownBy(() -> open(line))
        .isInstanceOfAny(DataException.class, ConfigurationException.class)
        .message()
        .contains(reasons)
        .doesNotContain("secret", System.getenv(PASSWORD), "\n");
  }

  @Test
  void whatCannotBeReadIsToldInALine() throws IOException {
    isRefused(sqlite + ",table=peeple", "people.db (peeple)", "no such table: peeple");
    isRefused(sqlite + ",table=none", "people.db (none) gives no rows");
    isRefused(sqlite + ",query=SELECT 1 WHERE 0", "(SELECT 1 WHERE 0) gives no rows");
    isRefused(sqlite + ",query=SELECT name, name FROM people", "two columns are called 'name'");
    isRefused(sqlite + ",query=SELECT nam FROM people", "nam");
    isRefused(sqlite + ",query=SELECT x'00', id FROM people", "bytes");
    isRefused("jdbc:nosuch:x,table=a", "no driver of that URL");
    isRefused(sqlite, "table=NAME");
    isRefused(sqlite + ",table=people,query=SELECT 1", "give one of");
    isRefused(h2 + ";PASSWORD=secret,table=people", "the URL has a password", "password_env");
    isRefused("jdbc:postgresql://anna:secret@host/db,table=people", "the URL has a password");
    isRefused(h2 + ",table=people,user=anna,password_env=NOT_THERE_AT_ALL", "no such environment");
    isRefused(sqlite + ",query=@" + folder.resolve("none.sql"), "none.sql cannot be read");
    var wrong =
        System.getenv().entrySet().stream()
            .filter(e -> e.getKey().matches("[A-Z_]+") && e.getValue().length() > 3)
            .filter(e -> !e.getKey().equals(PASSWORD))
            .findFirst()
            .orElseThrow();
    isRefused(
        h2 + ",table=people,user=anna,password_env=" + wrong.getKey(), "cannot be opened as anna");
    // Nothing is made where nothing is.
    isRefused("jdbc:sqlite:" + folder.resolve("other.db") + ",table=people", "other.db");
    isRefused("jdbc:h2:" + folder.resolve("other") + ",table=people", "other");
    assertThat(folder.resolve("other.db")).doesNotExist();
    assertThat(folder.resolve("other.mv.db")).doesNotExist();
  }
}

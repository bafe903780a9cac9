package org.bitdiffusion.modality.table;

import static org.assertj.core.api.Assertions.assertThat;

import java.util.ArrayList;
import java.util.List;
import java.util.Optional;
import java.util.stream.IntStream;
import org.junit.jupiter.api.Test;

class InferenceTest {
  private static Column column(String name, List<String> values) {
    return column(name, values, Choice.NONE, false);
  }

  private static Column column(String name, List<String> values, Choice choice, boolean commas) {
    var cells = new Cells();
    var numbers = values.stream().mapToInt(cells::number).toArray();
    var occurrences = new long[cells.size()];
    for (var number : numbers) {
      occurrences[number]++;
    }
    return Inference.column(name, cells, occurrences, choice, Missing.USUAL, commas);
  }

  private static Column column(String... values) {
    return column("c", List.of(values));
  }

  /** Each cell comes back as it was, and symbols are those of 0 .. K-1. */
  private static void requireRoundTrip(Column column, List<String> values) {
    for (var value : values) {
      var symbol = column.symbol(value);
      assertThat(symbol).as(value).isBetween(0, column.categories() - 1);
      assertThat(column.text(symbol)).isEqualTo(value);
    }
  }

  @Test
  void categoriesByFrequency() {
    var column = column("a", "c", "b", "c", "b", "c", "d");
    assertThat(column.kind()).isEqualTo(ColumnKind.CATEGORY);
    assertThat(IntStream.range(0, 4).mapToObj(column::text)).containsExactly("c", "b", "a", "d");
    assertThat(column.symbol("e")).isEqualTo(-1);
    assertThat(column.missing()).isEqualTo(-1);
    assertThat(column.symbol("")).isEqualTo(-1);
    assertThat(column.number(0)).isNaN();
    assertThat(column.marginal().segments()).isEqualTo(3); // a and d are as frequent
  }

  @Test
  void missingIsTheFirstSymbolAndWrittenAsTheFileDoes() {
    var column = column("x", "?", "y", "?", "NA", "y");
    assertThat(column.missing()).isZero();
    assertThat(column.text(0)).isEqualTo("?");
    assertThat(column.symbol("NA")).isZero();
    assertThat(column.symbol("")).isZero();
    assertThat(column.missingCount()).isEqualTo(3);
    assertThat(column.categories()).isEqualTo(3);
  }

  @Test
  void wholeNumbersOnAGrid() {
    var column = column("-20", "100", "40", "40", "");
    assertThat(column.kind()).isEqualTo(ColumnKind.INTEGER);
    assertThat(column.categories()).isEqualTo(1 + 120 / 60 + 1); // -20, 40, 100
    assertThat(column.number(column.symbol("40"))).isEqualTo(40);
    assertThat(column.number(0)).isNaN();
    assertThat(column.symbol("41")).isEqualTo(-1);
    assertThat(column.nearestSymbol("41")).isEqualTo(column.symbol("40"));
    assertThat(column.nearestSymbol("-500")).isEqualTo(column.symbol("-20"));
    assertThat(column.nearestSymbol("1e9")).isEqualTo(column.symbol("100"));
    requireRoundTrip(column, List.of("-20", "100", "40", ""));
  }

  @Test
  void whatLiesBetweenAtomsIsNeverHad() {
    var column = column("0", "0", "7", "10", "10", "100");
    assertThat(column.symbol("3")).isEqualTo(-1);
    assertThat(column.nearestSymbol("2")).isEqualTo(column.symbol("0"));
    assertThat(column.nearestSymbol("3")).isEqualTo(column.symbol("4")); // of 7, seen once
    assertThat(column.symbol("60")).isEqualTo(60); // 100 was seen once
  }

  @Test
  void decimalsAsTheFileWritesThem() {
    var fixed = List.of("12.50", "0.00", "3.99", "-1.10");
    assertThat(column("c", fixed).kind()).isEqualTo(ColumnKind.DECIMAL);
    requireRoundTrip(column("c", fixed), fixed);
    var python = List.of("1.0", "2.25", "10.0", "0.0");
    requireRoundTrip(column("c", python), python);
    var shortest = List.of("1", "2.25", "10", "0");
    requireRoundTrip(column("c", shortest), shortest);
  }

  @Test
  void commasOnlyWhereTheyMayBe() {
    var values = List.of("1,5", "2,25", "-3,75", "1,5");
    assertThat(column("c", values).kind()).isEqualTo(ColumnKind.CATEGORY);
    var column = column("c", values, Choice.NONE, true);
    assertThat(column.kind()).isEqualTo(ColumnKind.DECIMAL);
    assertThat(column.number(column.symbol("2,25"))).isEqualTo(2.25);
    assertThat(column.text(column.symbol("1,5"))).isEqualTo("1,50".substring(0, 3));
  }

  @Test
  void aCodeWithZerosInFrontIsNoNumber() {
    var column = column("007", "012", "007", "100");
    assertThat(column.kind()).isEqualTo(ColumnKind.CATEGORY);
    requireRoundTrip(column, List.of("007", "012", "100"));
  }

  @Test
  void numbersTooFarApartAreFloats() {
    var values =
        List.of(
            "0.000000000001", "1000000000", "0", "3.25", "3.25", "123456789.123", "123456789.123");
    var column = column("c", values);
    assertThat(column.kind()).isEqualTo(ColumnKind.DECIMAL);
    assertThat(column.categories()).isLessThan(1 << 30);
    for (var value : List.of("3.25", "123456789.123", "1000000000", "0")) {
      assertThat(Double.parseDouble(column.text(column.symbol(value))))
          .isEqualTo(Double.parseDouble(value));
    }
    // In the order of the numbers, from end to end.
    var before = Double.NEGATIVE_INFINITY;
    for (var level = 0; level < column.categories(); level += 1_000_003) {
      var number = column.number(level);
      assertThat(number).isGreaterThanOrEqualTo(before).isBetween(0.0, 1e9);
      before = number;
    }
  }

  @Test
  void numbersBeyondAllUse() {
    for (var values :
        List.of(List.of("1e-100", "2e-100"), List.of("-1e300", "1e300"), List.of("1e999", "1"))) {
      var column = column("c", values);
      for (var value : values) {
        assertThat(column.number(column.symbol(value))).isEqualTo(Double.parseDouble(value));
      }
    }
  }

  @Test
  void largeWholeNumbersStayWhole() {
    var values = List.of("1700000000000", "1", "1", "5000000000", "5000000000", "77");
    var column = column("c", values);
    assertThat(column.kind()).isEqualTo(ColumnKind.INTEGER);
    for (var level = 0; level < column.categories(); level += 999_983) {
      assertThat(column.text(level)).matches("[0-9]+");
    }
    assertThat(column.text(column.symbol("5000000000"))).isEqualTo("5000000000");
  }

  @Test
  void datesAndTimes() {
    var days = List.of("2024-02-29", "2023-12-31", "2024-02-29");
    var column = column("c", days);
    assertThat(column.kind()).isEqualTo(ColumnKind.DATETIME);
    requireRoundTrip(column, days);
    assertThat(column.number(column.symbol("2024-02-29"))).isEqualTo(19782);
    assertThat(column.symbol("2024-02-30")).isEqualTo(-1);

    for (var values :
        List.of(
            List.of("31.12.2023 23:59:07", "01.01.2024 00:00:00"),
            List.of("2024-01-01T10:00:00.250Z", "2024-01-01T10:00:01.000Z"),
            List.of("12/31/2023", "01/02/2024"),
            List.of("31/12/2023", "01/02/2024"),
            List.of("07:30", "23:15"),
            List.of("12/31/2023 11:59:07 PM", "01/01/2024 12:00:00 AM"),
            List.of("2023-05", "2024-01"),
            List.of("1/2/2023 7:05", "12/30/2023 17:05"))) {
      var times = column("c", values);
      assertThat(times.kind()).as(values.toString()).isEqualTo(ColumnKind.DATETIME);
      requireRoundTrip(times, values);
    }
    var seconds =
        column("c", List.of("1970-01-02 00:00:01", "1970-01-02 00:00:03", "1970-01-02 00:00:01"));
    assertThat(seconds.number(0)).isEqualTo(86401);
    assertThat(seconds.categories()).isEqualTo(2); // two seconds apart
  }

  @Test
  void whatIsNoDateForAllIsWords() {
    assertThat(column("2024-02-29", "soon").kind()).isEqualTo(ColumnKind.CATEGORY);
    assertThat(column("2024-02-29", "2023-02-29").kind()).isEqualTo(ColumnKind.CATEGORY);
  }

  @Test
  void yesAndNoInTheFilesOwnWords() {
    var column = column("Yes", "No", "No", "Yes", "Yes");
    assertThat(column.kind()).isEqualTo(ColumnKind.BOOLEAN);
    assertThat(column.text(0)).isEqualTo("No");
    assertThat(column.text(1)).isEqualTo("Yes");
    assertThat(column("1", "0", "1").kind()).isEqualTo(ColumnKind.BOOLEAN);
    assertThat(column("1", "2", "1").kind()).isEqualTo(ColumnKind.INTEGER);
  }

  @Test
  void identifiersAreMadeAnew() {
    var numbers = IntStream.rangeClosed(1, 60).mapToObj(Integer::toString).toList();
    var numbering = column("nr", numbers);
    assertThat(numbering.kind()).isEqualTo(ColumnKind.IDENTIFIER);
    assertThat(numbering.identifier(0)).isEqualTo("61");
    var codes = IntStream.rangeClosed(1, 60).mapToObj("A-%05d/x"::formatted).toList();
    assertThat(column("code", codes).identifier(39)).isEqualTo("A-00100/x");
    var names = new ArrayList<String>();
    IntStream.range(0, 60).forEach(i -> names.add("name " + (char) ('A' + i)));
    assertThat(column("who", names).identifier(1)).isEqualTo("who-62");
    var few = column("account_id", List.of("17", "5", "99"));
    assertThat(few.kind()).isEqualTo(ColumnKind.IDENTIFIER);
    var sparse = IntStream.rangeClosed(1, 60).mapToObj(i -> "" + i * i).toList();
    assertThat(column("area", sparse).kind()).isEqualTo(ColumnKind.INTEGER);
  }

  @Test
  void constantsAndEmptyColumns() {
    var constant = column("a", "a");
    assertThat(constant.kind()).isEqualTo(ColumnKind.CONSTANT);
    assertThat(constant.text(0)).isEqualTo("a");
    var empty = column("", "NA", "NA");
    assertThat(empty.kind()).isEqualTo(ColumnKind.CONSTANT);
    assertThat(empty.text(0)).isEqualTo("NA");
    assertThat(column("a", "").kind()).isEqualTo(ColumnKind.CATEGORY);
  }

  @Test
  void theUserMayKnowBetter() {
    var values = List.of("small", "large", "medium", "large");
    var order =
        new Choice(
            Optional.of(ColumnKind.ORDERED),
            List.of("small", "medium", "large"),
            Optional.empty(),
            Optional.empty(),
            Optional.empty());
    var column = column("c", values, order, false);
    assertThat(IntStream.range(0, 3).mapToObj(column::text))
        .containsExactly("small", "medium", "large");
    var category =
        new Choice(
            Optional.of(ColumnKind.CATEGORY),
            List.of(),
            Optional.empty(),
            Optional.empty(),
            Optional.empty());
    assertThat(column("c", List.of("1", "2", "1"), category, false).kind())
        .isEqualTo(ColumnKind.CATEGORY);
  }
}

package org.bitdiffusion.modality.table;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import org.bitdiffusion.ConfigurationException;
import org.bitdiffusion.data.Allowed;
import org.bitdiffusion.data.Allowed.Span;
import org.bitdiffusion.data.DataSpec;
import org.bitdiffusion.modality.Modality;
import org.bitdiffusion.modality.Renderer.Wanted;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

class ConditionsTest {
  @TempDir Path folder;
  private Columns columns;

  @BeforeEach
  void people() throws IOException {
    var text = new StringBuilder("id,sex,age,paid,day,town\n");
    for (var i = 0; i < 60; i++) {
      text.append(
          "%d,%s,%s,%s,2024-01-%02d,%s\n"
              .formatted(
                  i,
                  List.of("Female", "Male", "Female").get(i % 3),
                  i % 10 == 9 ? "" : 20 + i % 10 * 2,
                  i % 4 == 0 ? "0.5" : "2.25",
                  1 + i % 20,
                  List.of("\"York, UK\"", "Rome", "a..b").get(i % 3)));
    }
    var file = Files.writeString(folder.resolve("people.csv"), text.toString());
    columns = ((TableData) Modality.plan(DataSpec.parse("table:" + file)).open()).columns();
  }

  private Wanted parse(String text) {
    return new Conditions(columns).parse(text);
  }

  private int symbol(String column, String cell) {
    return columns.get(column).symbol(cell);
  }

  @Test
  void singleValuesAreKnown() {
    var wanted = parse("sex=Female, age=24,town=\"York, UK\"");
    assertThat(wanted.allowed()).isEmpty();
    var known = wanted.known().orElseThrow();
    assertThat(known.mask()).containsExactly(true, true, false, false, true);
    assertThat(known.symbols()[0]).isEqualTo(symbol("sex", "Female"));
    assertThat(known.symbols()[1]).isEqualTo(symbol("age", "24"));
    assertThat(known.symbols()[4]).isEqualTo(symbol("town", "York, UK"));
    assertThat(parse("town=\"a..b\"").known().orElseThrow().symbols()[4])
        .isEqualTo(symbol("town", "a..b"));
    // A missing one is a value too.
    assertThat(parse("age=").known().orElseThrow().symbols()[1]).isZero();
  }

  @Test
  void rangesAndListsAreAllowed() {
    var wanted = parse("age=23..30,day=2024-01-05..,town=Rome|a..b".replace("a..b", "\"a..b\""));
    assertThat(wanted.known()).isEmpty();
    var days = columns.get("day");
    assertThat(wanted.allowed())
        .containsExactlyInAnyOrder(
            new Allowed(1, List.of(new Span(symbol("age", "24"), symbol("age", "30")))),
            new Allowed(3, List.of(new Span(symbol("day", "2024-01-05"), days.categories() - 1))),
            new Allowed(
                4,
                List.of(
                    new Span(symbol("town", "Rome"), symbol("town", "Rome")),
                    new Span(symbol("town", "a..b"), symbol("town", "a..b")))));
    // Up to a value: without the missing ones.
    assertThat(parse("age=..22").allowed().get(0).spans())
        .containsExactly(new Span(symbol("age", "20"), symbol("age", "22")));
    assertThat(parse("paid=0.1..1").known().orElseThrow().symbols()[2])
        .isEqualTo(symbol("paid", "0.5"));
  }

  @ParameterizedTest
  @CsvSource(
      delimiter = ';',
      quoteCharacter = '`',
      value = {
        "age; 'age' is no condition; say COLUMN=VALUE, such as sex=Female",
        "agee=3; there is no column 'agee'; there are id, sex, age, paid, day, town; did you mean age?",
        "sex=Femal; 'sex' has no value 'Femal'; it has Female, Male; did you mean Female?",
        "sex=A..B; sex=A..B: 'sex' is ",
        "age=25; 'age' has no value '25'; the nearest is 2",
        "age=50..60; age=50..60: no value of 'age' is there; the data has 20 to 36",
        "age=30..20; age=30..20 goes from more to less; write age=20..30",
        "age=x..20; 'x' is no value of 'age', which is integer",
        "age=20,age=22; 'age' is asked for twice",
        "id=3; 'id' is identifier, which is not learned",
        "town=\"York; a quote is not closed"
      })
  void whatCannotBeAskedForIsTold(String text, String message) {
    assertThatThrownBy(() -> parse(text))
        .isInstanceOf(ConfigurationException.class)
        .hasMessageContaining(message);
  }
}

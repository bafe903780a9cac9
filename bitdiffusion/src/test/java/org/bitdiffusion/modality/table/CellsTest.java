package org.bitdiffusion.modality.table;

import static org.assertj.core.api.Assertions.assertThat;

import java.util.HashSet;
import java.util.List;
import java.util.stream.IntStream;
import net.jqwik.api.ForAll;
import net.jqwik.api.Property;
import net.jqwik.api.constraints.Chars;
import net.jqwik.api.constraints.StringLength;
import org.junit.jupiter.api.Test;

class CellsTest {
  /** Whether it is packed or not, each cell keeps its number and comes back letter by letter. */
  @Property(tries = 300)
  void everyCellComesBack(
      @ForAll List<@Chars({'0', '1', '9', '.', '-', 'a'}) @StringLength(max = 20) String> texts) {
    var cells = new Cells();
    var numbers = texts.stream().mapToInt(cells::number).toArray();
    assertThat(cells.known("x")).isEqualTo(-1);
    assertThat(cells.size()).isEqualTo(new HashSet<>(texts).size());
    for (var i = 0; i < numbers.length; i++) {
      assertThat(cells.text(numbers[i])).isEqualTo(texts.get(i));
      assertThat(cells.known(texts.get(i))).isEqualTo(numbers[i]);
      assertThat(cells.number(texts.get(i))).isEqualTo(numbers[i]);
    }
  }

  @Test
  void manyNumbers() {
    var cells = new Cells();
    IntStream.range(0, 200_000)
        .forEach(i -> assertThat(cells.number("-0." + (i + 100_000))).isEqualTo(i));
    assertThat(cells.text(123_456)).isEqualTo("-0.223456");
  }
}

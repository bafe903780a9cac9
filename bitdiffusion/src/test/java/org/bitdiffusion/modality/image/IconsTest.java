package org.bitdiffusion.modality.image;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import java.util.ArrayList;
import java.util.Arrays;
import java.util.HashSet;
import java.util.List;
import java.util.stream.IntStream;
import org.bitdiffusion.ConfigurationException;
import org.junit.jupiter.api.Test;

class IconsTest {
  @Test
  void areOneBitImagesUnlessToldOtherwise() throws Exception {
    try (var icons = ImageSourcesTest.open("icons")) {
      assertThat(icons.schema().space().shape()).containsExactly(1, 24, 24);
      assertThat(icons.schema().space().categories()).containsExactly(2);
      assertThat(icons.size()).isEqualTo(5_839);
      assertThat(icons.classes()).isEmpty();
      assertThat(icons.label(17)).isEqualTo(-1);
      assertThat(icons.format().palette()).isEmpty();
      var seen = new HashSet<List<Integer>>();
      for (var i = 0; i < icons.size(); i++) {
        var symbols = ImageSourcesTest.read(icons, i);
        assertThat(Arrays.stream(symbols).allMatch(s -> s == 0 || s == 1)).isTrue();
        assertThat(Arrays.stream(symbols).sum()).as("icon %d", i).isPositive();
        seen.add(Arrays.stream(symbols).boxed().toList());
      }
      assertThat(seen).hasSize(5_817); // real pictures: hardly any two are the same
      ImageSourcesTest.assertSafeForSeveralThreads(icons);
    }
  }

  @Test
  void captionsAreTheIconsNames() {
    try (var icons = ImageSourcesTest.open("icons,size=8")) {
      var captions =
          IntStream.range(0, icons.size()).mapToObj(i -> icons.captions(i).get(0)).toList();
      assertThat(captions)
          .isSorted()
          .doesNotHaveDuplicates()
          .contains("account alert", "home", "minus", "numeric 9 box")
          .allMatch(caption -> caption.matches("[a-z0-9 ]+"));
    }
  }

  @Test
  void familiesShareTheFirstWordOfTheirNames() {
    try (var icons = ImageSourcesTest.open("icons,size=8,families=40")) {
      assertThat(icons.classes()).isSorted().contains("battery", "wifi").hasSize(21);
      var counts = new int[icons.classes().size()];
      for (var i = 0; i < icons.size(); i++) {
        var name = icons.captions(i).get(0) + " ";
        assertThat(name).startsWith(icons.classes().get(icons.label(i)) + " ");
        counts[icons.label(i)]++;
      }
      assertThat(counts).contains(44, 131);
      assertThat(Arrays.stream(counts).min()).hasValue(40);
    }
    assertThatThrownBy(() -> ImageSourcesTest.open("icons,size=8,families=132"))
        .isInstanceOf(ConfigurationException.class)
        .hasMessage("data icons: families is 132, but the largest family has 131 icons");
  }

  /** The icon's outline on the designers' grid of 24 is the rectangle from (5, 11) to (19, 13). */
  @Test
  void edgesOnTheGridFallBetweenPixels() {
    var expected = new int[24][24];
    for (var y = 11; y < 13; y++) {
      Arrays.fill(expected[y], 5, 19, 1);
    }
    assertThat(icon("icons,size=24", "minus")).isDeepEqualTo(expected);
    Arrays.stream(expected).forEach(row -> Arrays.setAll(row, x -> row[x] * 15));
    assertThat(icon("icons,size=24,levels=16", "minus")).isDeepEqualTo(expected);
  }

  /** At a size of 12, it covers x from 2.5 to 9.5 and y from 5.5 to 6.5: halves and quarters. */
  @Test
  void levelsAreTheShareOfAPixelThatIsCovered() {
    var expected = new int[12][12];
    for (var y : new int[] {5, 6}) {
      Arrays.fill(expected[y], 3, 9, 8); // a half of 16
      expected[y][2] = 4;
      expected[y][9] = 4;
    }
    assertThat(icon("icons,size=12,levels=17", "minus")).isDeepEqualTo(expected);
  }

  private static int[][] icon(String line, String caption) {
    try (var icons = ImageSourcesTest.open(line)) {
      var index =
          IntStream.range(0, icons.size())
              .filter(i -> icons.captions(i).equals(List.of(caption)))
              .findFirst()
              .orElseThrow();
      var symbols = ImageSourcesTest.read(icons, index);
      var width = icons.format().width();
      var rows = new ArrayList<int[]>();
      for (var y = 0; y < icons.format().height(); y++) {
        rows.add(Arrays.copyOfRange(symbols, y * width, (y + 1) * width));
      }
      return rows.toArray(int[][]::new);
    }
  }
}

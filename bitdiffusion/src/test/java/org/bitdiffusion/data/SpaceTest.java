package org.bitdiffusion.data;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import com.fasterxml.jackson.databind.ObjectMapper;
import java.util.Arrays;
import java.util.List;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

class SpaceTest {
  @Test
  void oneNumberGoesForAllPlaces() {
    var space = Space.of(List.of(1, 2, 3), 7);
    assertThat(space.places()).isEqualTo(6);
    assertThat(space.uniform()).isTrue();
    assertThat(space.mostCategories()).isEqualTo(7);
    for (var place = 0; place < 6; place++) {
      assertThat(space.categories(place)).isEqualTo(7);
    }
    assertThatThrownBy(() -> space.categories(6)).isInstanceOf(IndexOutOfBoundsException.class);
  }

  @Test
  void placesMayDiffer() {
    var space = new Space(List.of(1, 3), List.of(2, 1, 300));
    assertThat(space.uniform()).isFalse();
    assertThat(space.mostCategories()).isEqualTo(300);
    assertThat(List.of(space.categories(0), space.categories(1), space.categories(2)))
        .containsExactly(2, 1, 300);
  }

  @Test
  void asManyThatAreTheSameAreOne() {
    assertThat(new Space(List.of(2, 2), List.of(5, 5, 5, 5))).isEqualTo(Space.of(List.of(2, 2), 5));
  }

  /** Checkpoints keep it: nothing but the two lists, and back. */
  @Test
  void itIsWrittenAsItsTwoLists() throws Exception {
    var json = new ObjectMapper();
    var space = new Space(List.of(1, 3), List.of(2, 1, 300));
    var written = json.writeValueAsString(space);
    assertThat(written).isEqualTo("{\"shape\":[1,3],\"categories\":[2,1,300]}");
    assertThat(json.readValue(written, Space.class)).isEqualTo(space);
  }

  @ParameterizedTest
  @CsvSource({
    "'', 2, shape",
    "'0', 2, shape",
    "'3,-1', 2, shape",
    "'65536,65536', 2, too large",
    "'2147483647,2147483647,4', 2, too large",
    "'3', '', 0 numbers of categories",
    "'3', '2,3', 2 numbers of categories",
    "'3', '2,0,3', 0 categories",
    "'3', '1', single",
    "'1', '1', single",
    "'3', '1,1,1', single"
  })
  void whatMakesNoSenseIsRefused(String shape, String categories, String message) {
    assertThatThrownBy(() -> new Space(numbers(shape), numbers(categories)))
        .isInstanceOf(IllegalArgumentException.class)
        .hasMessageContaining(message);
  }

  private static List<Integer> numbers(String list) {
    return list.isEmpty()
        ? List.of()
        : Arrays.stream(list.split(",")).map(Integer::valueOf).toList();
  }
}

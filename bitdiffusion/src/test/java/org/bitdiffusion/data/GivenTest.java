package org.bitdiffusion.data;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import java.util.List;
import org.bitdiffusion.ConfigurationException;
import org.junit.jupiter.api.Test;

class GivenTest {
  private static final List<String> CLASSES = List.of("cat", "dog", "tench, Tinca tinca", "7");

  @Test
  void classesAreNamedAndDrawnInTurn() {
    assertThat(labels("dog", 3)).containsExactly(1, 1, 1);
    assertThat(labels("dog,cat", 5)).containsExactly(1, 0, 1, 0, 1);
    assertThat(labels("2,dog,7", 4)).containsExactly(2, 1, 3, 2);
    assertThat(labels("tench, Tinca tinca", 2)).containsExactly(2, 2);
    assertThat(labels("cat,dog", 1)).containsExactly(0);
  }

  @Test
  void whatIsNoClassIsNamed() {
    for (var text : List.of("", "cat,", ",", "4", "-1", "cat,,dog")) {
      assertThatThrownBy(() -> labels(text, 2))
          .isInstanceOf(ConfigurationException.class)
          .hasMessageContaining("is none of the classes cat, dog");
    }
    assertThatThrownBy(() -> labels("cat,dig", 2)).hasMessageContaining("'dig' is none", "dog");
  }

  private static long[] labels(String text, int count) {
    return Given.ofClasses(CLASSES, text, count).labels();
  }
}

package org.bitdiffusion.data;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import java.math.BigInteger;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import org.bitdiffusion.config.ConfigYaml;
import org.junit.jupiter.api.Test;

class SchemaTest {
  private static Schema with(Map<String, Object> details) {
    return new Schema(Space.of(List.of(2), 3), Condition.NONE, Schema.NO_END, details);
  }

  /** Else a run of such data could not be resumed. */
  @Test
  void detailsAreAsAFileGivesThemBack() throws Exception {
    var details = new LinkedHashMap<String, Object>();
    details.put("z", 5L);
    details.put("long", 1L << 40);
    details.put("huge", BigInteger.ONE.shiftLeft(70));
    details.put("float", 0.1f);
    details.put("short", (short) 7);
    details.put("list", List.of(1L, "x", Map.of("inner", 2.5f)));
    details.put("flag", true);
    var schema = with(details);
    var mapper = ConfigYaml.newMapper();
    var yaml = mapper.writeValueAsString(schema);
    assertThat(mapper.readValue(yaml, Schema.class)).isEqualTo(schema);
    assertThat(schema.details().keySet())
        .containsExactly("z", "long", "huge", "float", "short", "list", "flag");
    assertThat(schema.details()).containsEntry("float", 0.1).containsEntry("z", 5);
  }

  @Test
  void whatAFileCannotGiveBackIsRefused() {
    assertThatThrownBy(() -> with(Map.of("d", new int[] {1})))
        .isInstanceOf(IllegalArgumentException.class)
        .hasMessageContaining("texts, numbers, lists and maps");
  }
}

package org.bitdiffusion.diffusion;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;
import static org.assertj.core.api.Assertions.within;

import com.fasterxml.jackson.databind.ObjectMapper;
import org.bitdiffusion.ConfigurationException;
import org.bitdiffusion.runtime.Engine;
import org.bytedeco.javacpp.PointerScope;
import org.bytedeco.pytorch.Tensor;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

class NoiseScheduleTest {
  private static final String FIXTURE = "/org/bitdiffusion/noise-schedules.json";

  @BeforeAll
  static void loadEngine() {
    Engine.load();
  }

  @ParameterizedTest
  @ValueSource(
      strings = {
        "cosine",
        "cosine@0.2,1,1",
        "cosine@0,1,2",
        "sigmoid@-3,3,1",
        "sigmoid@-3,3,0.9",
        "linear"
      })
  void equalsTheFixture(String name) throws Exception {
    var fixture = new ObjectMapper().readTree(getClass().getResource(FIXTURE));
    var schedule = NoiseSchedule.parse(name);
    for (var i = 0; i < fixture.get("t").size(); i++) {
      var t = fixture.get("t").get(i).asDouble();
      var expected = fixture.get(name).get(i).asDouble();
      assertThat(schedule.gamma(t)).as("gamma(%s)", t).isCloseTo(expected, within(1e-12));
      try (var scope = new PointerScope()) {
        var ofTensor = schedule.gamma(Tensor.create(new double[] {t}, 1)).item_double();
        assertThat(ofTensor).as("tensor gamma(%s)", t).isCloseTo(expected, within(1e-12));
        var ofFloat = schedule.gamma(Tensor.create(new float[] {(float) t}, 1)).item_float();
        assertThat((double) ofFloat).as("float gamma(%s)", t).isCloseTo(expected, within(1e-6));
      }
    }
  }

  @ParameterizedTest
  @ValueSource(strings = {"cosine", "cosine@0.1,0.9,0.5", "sigmoid@-3,3,0.3", "linear"})
  void fallsAndIsReadBackFromItsName(String name) {
    var schedule = NoiseSchedule.parse(name);
    for (var t = 0.0; t < 0.999; t += 0.001) {
      assertThat(schedule.gamma(t + 0.001)).isLessThan(schedule.gamma(t));
    }
    assertThat(NoiseSchedule.parse(schedule.toString())).isEqualTo(schedule);
  }

  @ParameterizedTest
  @ValueSource(
      strings = {
        "cos",
        "",
        "linear@1,2,3",
        "cosine@1",
        "cosine@0,1,x",
        "cosine@1,0,1",
        "cosine@0,1,0",
        "cosine@0,2,1",
        "sigmoid",
        "sigmoid@-3,3,-1",
        "sigmoid@-50,-40,1",
        "cosine@0,1e-9,1",
        "cosine@0,1,1,",
        "cosine@0,1,Infinity"
      })
  void namesOfNoScheduleAreRefused(String name) {
    assertThatThrownBy(() -> NoiseSchedule.parse(name))
        .isInstanceOf(ConfigurationException.class)
        .hasMessageContaining("'" + name + "'")
        .hasMessageContaining("sigmoid@start,end,tau");
  }

  @Test
  void theTypeOfTimesIsKept() {
    try (var scope = new PointerScope()) {
      var t = Tensor.create(new float[] {0.5f}, 1);
      assertThat(new NoiseSchedule.Cosine().gamma(t).scalar_type().intern())
          .isEqualTo(t.scalar_type().intern());
    }
  }
}

package org.bitdiffusion.cli;

import static org.assertj.core.api.Assertions.assertThat;

import java.util.Map;
import org.junit.jupiter.api.Test;

class FlagsTest {
  private static final Flags STEPS = new Flags(Map.of("sampling.steps", "--steps"));

  @Test
  void settingsThatWereGivenByAnOptionAreCalledByIt() {
    assertThat(STEPS.translated("sampling.steps is 0")).isEqualTo("--steps (sampling.steps) is 0");
    assertThat(STEPS.translated("'sampling.steps' is no setting"))
        .isEqualTo("--steps (sampling.steps) is no setting");
    assertThat(STEPS.translated("set sampling.steps.")).isEqualTo("set --steps (sampling.steps).");
    assertThat(new Flags(Map.of("n", "--n")).translated("not enough, and n is 1"))
        .isEqualTo("not enough, and --n is 1");
  }

  @Test
  void otherSettingsAndWhatNamesTheOptionAlreadyStay() {
    for (var message :
        new String[] {
          "sampling.steps_more is 0",
          "sampling.steps.more is 0",
          "my.sampling.steps is 0",
          "--steps and --set sampling.steps are the same setting"
        }) {
      assertThat(STEPS.translated(message)).isEqualTo(message);
    }
    assertThat(STEPS.translated("--steps-more needs sampling.steps"))
        .isEqualTo("--steps-more needs --steps (sampling.steps)");
  }
}

package org.bitdiffusion.sampling;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.within;

import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.ObjectMapper;
import java.util.stream.Stream;
import java.util.stream.StreamSupport;
import org.bitdiffusion.diffusion.NoiseSchedule;
import org.bitdiffusion.runtime.Engine;
import org.bytedeco.javacpp.PointerScope;
import org.bytedeco.pytorch.Scalar;
import org.bytedeco.pytorch.Tensor;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.MethodSource;

class TransitionTest {
  @BeforeAll
  static void loadEngine() {
    Engine.load();
  }

  static Stream<JsonNode> fixtures() throws Exception {
    var file = TransitionTest.class.getResource("/org/bitdiffusion/transition-steps.json");
    var steps = new ObjectMapper().readTree(file).get("steps");
    return StreamSupport.stream(steps.spliterator(), false);
  }

  @ParameterizedTest
  @MethodSource("fixtures")
  void equalsTheFixture(JsonNode step) {
    var schedule = new NoiseSchedule.Cosine();
    try (var scope = new PointerScope()) {
      Transition transition =
          switch (step.get("sampler").asText()) {
            case "ddim" -> Transition::ddim;
            case "ddpm-large" -> Transition::ddpm;
            case "ddpm-small" -> Transition::ddpmSmall;
            default -> throw new AssertionError(step);
          };
      var next =
          transition.step(
              value(step, "x_t"),
              value(step, "x0_hat"),
              schedule.gamma(step.get("t_now").asDouble()),
              schedule.gamma(step.get("t_next").asDouble()),
              () -> value(step, "noise"));
      assertThat(next.item_double()).isCloseTo(step.get("x_next").asDouble(), within(1e-6));
    }
  }

  private static Tensor value(JsonNode step, String name) {
    return Tensor.create(new double[] {step.get(name).asDouble()}, 1);
  }

  /** The first step of DPM-Solver++ is DDIM. */
  @Test
  void aFirstOrderStepIsDdim() {
    try (var scope = new PointerScope();
        var solver = new DpmSolver(1)) {
      var xt = Tensor.create(new double[] {0.7}, 1);
      var x0 = Tensor.create(new double[] {-0.4}, 1);
      assertThat(solver.step(xt, x0, 0.2, 0.6, () -> null).item_double())
          .isCloseTo(Transition.ddim(xt, x0, 0.2, 0.6, () -> null).item_double(), within(1e-12));
    }
  }

  /**
   * Gaussian data of variance s^2: E[x_0 | x_t] = sqrt(g) s^2 x_t / (g s^2 + 1 - g), and the
   * deterministic process keeps x_t / sqrt(g s^2 + 1 - g) constant. Halving the steps must quarter
   * the error of the second-order solver, and halve that of DDIM.
   */
  @Test
  void theSolverIsOfSecondOrder() {
    try (var scope = new PointerScope()) {
      assertThat(error(40, true) / error(80, true)).isBetween(3.5, 5.0);
      assertThat(error(40, false) / error(80, false)).isBetween(1.8, 2.2);
      assertThat(error(40, true)).isLessThan(error(40, false) / 5);
    }
  }

  private static double error(int steps, boolean secondOrder) {
    var s2 = 0.1;
    // From log-SNR -3 to 3 in even steps.
    var xt = Tensor.create(new double[] {1.3}, 1);
    try (var solver = new DpmSolver(2)) {
      for (var k = 0; k < steps; k++) {
        var g = gamma(-1.5 + 3.0 * k / steps);
        var gNext = gamma(-1.5 + 3.0 * (k + 1) / steps);
        var x0 = xt.mul(new Scalar(Math.sqrt(g) * s2 / (g * s2 + 1 - g)));
        xt =
            secondOrder
                ? solver.step(xt, x0, g, gNext, () -> null)
                : Transition.ddim(xt, x0, g, gNext, () -> null);
      }
      var start = gamma(-1.5);
      var end = gamma(1.5);
      var exact = 1.3 * Math.sqrt((end * s2 + 1 - end) / (start * s2 + 1 - start));
      return Math.abs(xt.item_double() - exact);
    }
  }

  /** gamma at half of a logarithm of the signal-to-noise ratio. */
  private static double gamma(double lambda) {
    return 1 / (1 + Math.exp(-2 * lambda));
  }
}

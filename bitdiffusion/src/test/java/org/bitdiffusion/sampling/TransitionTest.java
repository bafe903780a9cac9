package org.bitdiffusion.sampling;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.within;

import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.ObjectMapper;
import java.util.List;
import java.util.function.DoubleUnaryOperator;
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
   * The second step by the formulas of arXiv 2211.01095, algorithm 2: D = (1 + 1/(2r)) D_1 - 1/(2r)
   * D_0 with r the ratio of the last step in lambda to this one. A last step drops D_0.
   */
  @Test
  void aSecondOrderStepByHand() {
    var g0 = 0.1;
    var g1 = 0.3;
    var g2 = 0.7;
    var h = lambda(g2) - lambda(g1);
    var r = (lambda(g1) - lambda(g0)) / h;
    var d0 = -0.4;
    var d1 = 0.9;
    var x1 = 0.35;
    var extrapolated = (1 + 1 / (2 * r)) * d1 - 1 / (2 * r) * d0;
    for (var last : new boolean[] {false, true}) {
      try (var scope = new PointerScope();
          var solver = new DpmSolver(last ? g2 : 1)) {
        solver.step(scalar(0.2), scalar(d0), g0, g1, () -> null);
        var expected =
            Math.sqrt((1 - g2) / (1 - g1)) * x1
                - Math.sqrt(g2) * (Math.exp(-h) - 1) * (last ? d1 : extrapolated);
        assertThat(solver.step(scalar(x1), scalar(d1), g1, g2, () -> null).item_double())
            .isCloseTo(expected, within(1e-12));
      }
    }
  }

  private static Tensor scalar(double value) {
    return Tensor.create(new double[] {value}, 1);
  }

  private static double lambda(double g) {
    return Math.log(Math.sqrt(g) / Math.sqrt(1 - g));
  }

  /**
   * Gaussian data of variance s^2: E[x_0 | x_t] = sqrt(g) s^2 x_t / (g s^2 + 1 - g), and the
   * deterministic process keeps x_t / sqrt(g s^2 + 1 - g) constant. Halving the steps must quarter
   * the error of the second-order solver, and halve that of DDIM.
   */
  @Test
  void theSolverIsOfSecondOrder() {
    // Even steps in time are uneven ones in lambda, where the ratio r of the formula is not 1.
    DoubleUnaryOperator evenInTime = u -> new NoiseSchedule.Cosine().gamma(0.9 - 0.8 * u);
    DoubleUnaryOperator evenInLambda = u -> 1 / (1 + Math.exp(3 - 6 * u));
    try (var scope = new PointerScope()) {
      for (var grid : List.of(evenInTime, evenInLambda)) {
        assertThat(error(grid, 80, true) / error(grid, 160, true)).isBetween(3.6, 4.4);
        assertThat(error(grid, 80, false) / error(grid, 160, false)).isBetween(1.8, 2.2);
        assertThat(error(grid, 80, true)).isLessThan(error(grid, 80, false) / 5);
      }
    }
  }

  private static double error(DoubleUnaryOperator gamma, int steps, boolean secondOrder) {
    var s2 = 0.1;
    var xt = Tensor.create(new double[] {1.3}, 1);
    try (var solver = new DpmSolver(2)) {
      for (var k = 0; k < steps; k++) {
        var g = gamma.applyAsDouble((double) k / steps);
        var gNext = gamma.applyAsDouble((k + 1.0) / steps);
        var x0 = xt.mul(new Scalar(Math.sqrt(g) * s2 / (g * s2 + 1 - g)));
        xt =
            secondOrder
                ? solver.step(xt, x0, g, gNext, () -> null)
                : Transition.ddim(xt, x0, g, gNext, () -> null);
      }
      var start = gamma.applyAsDouble(0);
      var end = gamma.applyAsDouble(1);
      var exact = 1.3 * Math.sqrt((end * s2 + 1 - end) / (start * s2 + 1 - start));
      return Math.abs(xt.item_double() - exact);
    }
  }
}

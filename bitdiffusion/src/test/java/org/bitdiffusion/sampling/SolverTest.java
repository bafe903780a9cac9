package org.bitdiffusion.sampling;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.within;
import static org.bytedeco.pytorch.global.torch.full_like;

import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.ObjectMapper;
import java.util.ArrayList;
import java.util.List;
import java.util.function.DoubleUnaryOperator;
import java.util.stream.Stream;
import java.util.stream.StreamSupport;
import org.bitdiffusion.diffusion.NoiseSchedule;
import org.bitdiffusion.runtime.Engine;
import org.bitdiffusion.runtime.Noise;
import org.bytedeco.javacpp.PointerScope;
import org.bytedeco.pytorch.Device;
import org.bytedeco.pytorch.Scalar;
import org.bytedeco.pytorch.Tensor;
import org.bytedeco.pytorch.global.torch;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.junit.jupiter.params.provider.MethodSource;
import org.junit.jupiter.params.provider.ValueSource;

class SolverTest {
  private static final Solver.Ask NEVER =
      (x, g) -> {
        throw new AssertionError("asked");
      };

  @BeforeAll
  static void loadEngine() {
    Engine.load();
  }

  private static Solver.Solving begin(String name, double eta, double lastGamma) {
    return Solver.ALL.get("sampling.sampler", name).begin(eta, lastGamma);
  }

  @Test
  void theRegistryHasThemInOrder() {
    assertThat(Solver.ALL.names()).containsExactly("ddim", "ddpm", "ddpm_small", "dpm++", "heun");
  }

  static Stream<JsonNode> fixtures() throws Exception {
    var file = SolverTest.class.getResource("/org/bitdiffusion/transition-steps.json");
    var steps = new ObjectMapper().readTree(file).get("steps");
    return StreamSupport.stream(steps.spliterator(), false);
  }

  @ParameterizedTest
  @MethodSource("fixtures")
  void equalsTheFixture(JsonNode step) {
    var schedule = new NoiseSchedule.Cosine();
    try (var scope = new PointerScope()) {
      var name =
          switch (step.get("sampler").asText()) {
            case "ddim" -> "ddim";
            case "ddpm-large" -> "ddpm";
            case "ddpm-small" -> "ddpm_small";
            default -> throw new AssertionError(step);
          };
      var next =
          begin(name, 0, 1)
              .step(
                  value(step, "x_t"),
                  value(step, "x0_hat"),
                  schedule.gamma(step.get("t_now").asDouble()),
                  schedule.gamma(step.get("t_next").asDouble()),
                  () -> value(step, "noise"),
                  NEVER);
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
        var solving = begin("dpm++", 0, 1)) {
      var xt = scalar(0.7);
      var x0 = scalar(-0.4);
      assertThat(solving.step(xt, x0, 0.2, 0.6, () -> null, NEVER).item_double())
          .isCloseTo(Ddim.step(xt, x0, 0.2, 0.6).item_double(), within(1e-12));
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
          var solving = begin("dpm++", 0, last ? g2 : 1)) {
        solving.step(scalar(0.2), scalar(d0), g0, g1, () -> null, NEVER);
        var expected =
            Math.sqrt((1 - g2) / (1 - g1)) * x1
                - Math.sqrt(g2) * (Math.exp(-h) - 1) * (last ? d1 : extrapolated);
        assertThat(solving.step(scalar(x1), scalar(d1), g1, g2, () -> null, NEVER).item_double())
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

  /** The trapezoid for y = x_t / sqrt(1 - g) over rho = sqrt(g / (1 - g)). */
  @Test
  void aStepOfHeunByHand() {
    var g = 0.2;
    var gNext = 0.7;
    var asked = new ArrayList<Double>();
    Solver.Ask ask =
        (x, gamma) -> {
          asked.add(x.item_double());
          asked.add(gamma);
          return scalar(0.9);
        };
    try (var scope = new PointerScope();
        var solving = begin("heun", 0, 1)) {
      var next = solving.step(scalar(0.35), scalar(-0.4), g, gNext, () -> null, ask).item_double();
      var y = 0.35 / Math.sqrt(1 - g);
      var h = Math.exp(lambda(gNext)) - Math.exp(lambda(g));
      assertThat(asked.get(0)).isCloseTo((y + h * -0.4) * Math.sqrt(1 - gNext), within(1e-12));
      assertThat(asked.get(1)).isEqualTo(gNext);
      assertThat(asked).hasSize(2);
      assertThat(next).isCloseTo((y + h * (-0.4 + 0.9) / 2) * Math.sqrt(1 - gNext), within(1e-12));
    }
  }

  /** With eta 0 no noise is asked for: this would fail. */
  @Test
  void ddimIsDeterministicWithEta0() {
    try (var scope = new PointerScope()) {
      var next = begin("ddim", 0, 1).step(scalar(0.7), scalar(-0.4), 0.2, 0.6, () -> null, NEVER);
      assertThat(next.item_double())
          .isEqualTo(Ddim.step(scalar(0.7), scalar(-0.4), 0.2, 0.6).item_double());
    }
  }

  /** The same noise gives the same x; also where the schedule is flat, or cut at an end. */
  @ParameterizedTest
  @CsvSource({"0.2, 0.6", "1e-9, 0.001", "1e-9, 1e-9", "0.999, 0.9999", "0.3, 1", "0.4, 0.4"})
  void ddimWithEta1IsDdpmSmall(double g, double gNext) {
    try (var scope = new PointerScope()) {
      var xt = scalar(0.7);
      var x0 = scalar(-0.4);
      assertThat(begin("ddim", 1, 1).step(xt, x0, g, gNext, () -> scalar(1.3), NEVER).item_double())
          .isCloseTo(
              begin("ddpm_small", 0, 1)
                  .step(xt, x0, g, gNext, () -> scalar(1.3), NEVER)
                  .item_double(),
              within(1e-8));
    }
  }

  /**
   * If the estimate is right, x at t_next has the mean sqrt(g') x_0 and the variance 1 - g' for any
   * eta, and its noise has the correlation sqrt(1 - s^2 / (1 - g')) with that of x_t.
   */
  @ParameterizedTest
  @ValueSource(doubles = {0, 0.3, 0.7, 1})
  void theMomentsOfAStepOfDdim(double eta) {
    var g = 0.3;
    var gNext = 0.5;
    var n = 200_000;
    try (var scope = new PointerScope();
        var noise = new Noise.OfBatch(3, new Device(torch.DeviceType.CPU))) {
      var eps = noise.normal(n);
      var x0 = full_like(eps, new Scalar(0.8));
      var xt = Solver.combine(x0, Math.sqrt(g), eps, Math.sqrt(1 - g));
      var next = begin("ddim", eta, 1).step(xt, x0, g, gNext, () -> noise.normal(n), NEVER);
      var left =
          Solver.combine(next, 1, x0, -Math.sqrt(gNext)).div(new Scalar(Math.sqrt(1 - gNext)));
      var s2 = eta * eta * (1 - gNext) / (1 - g) * (1 - g / gNext);
      // Four standard deviations.
      assertThat((double) left.mean().item_float()).isCloseTo(0, within(4 / Math.sqrt(n)));
      assertThat((double) left.square().mean().item_float())
          .isCloseTo(1, within(4 * Math.sqrt(2.0 / n)));
      assertThat((double) left.mul(eps).mean().item_float())
          .isCloseTo(Math.sqrt(1 - s2 / (1 - gNext)), within(4 * Math.sqrt(2.0 / n)));
    }
  }

  /**
   * Gaussian data of variance s^2: E[x_0 | x_t] = sqrt(g) s^2 x_t / (g s^2 + 1 - g), and the
   * deterministic process keeps x_t / sqrt(g s^2 + 1 - g) constant. Halving the steps must quarter
   * the error of a second-order solver, and halve that of DDIM.
   */
  @ParameterizedTest
  @ValueSource(strings = {"dpm++", "heun"})
  void theSolverIsOfSecondOrder(String name) {
    // Even steps in time are uneven ones in lambda, where the ratio r of the formula is not 1.
    DoubleUnaryOperator evenInTime = u -> new NoiseSchedule.Cosine().gamma(0.9 - 0.8 * u);
    DoubleUnaryOperator evenInLambda = u -> 1 / (1 + Math.exp(3 - 6 * u));
    try (var scope = new PointerScope()) {
      for (var grid : List.of(evenInTime, evenInLambda)) {
        assertThat(error(grid, 80, name) / error(grid, 160, name)).isBetween(3.6, 4.4);
        assertThat(error(grid, 80, "ddim") / error(grid, 160, "ddim")).isBetween(1.8, 2.2);
        assertThat(error(grid, 80, name)).isLessThan(error(grid, 80, "ddim") / 5);
      }
    }
  }

  private static double error(DoubleUnaryOperator gamma, int steps, String name) {
    var s2 = 0.1;
    Solver.Ask exact = (x, g) -> x.mul(new Scalar(Math.sqrt(g) * s2 / (g * s2 + 1 - g)));
    var xt = scalar(1.3);
    try (var solving = begin(name, 0, 2)) {
      for (var k = 0; k < steps; k++) {
        var g = gamma.applyAsDouble((double) k / steps);
        var gNext = gamma.applyAsDouble((k + 1.0) / steps);
        xt = solving.step(xt, exact.estimate(xt, g), g, gNext, () -> null, exact);
      }
      var start = gamma.applyAsDouble(0);
      var end = gamma.applyAsDouble(1);
      var path = 1.3 * Math.sqrt((end * s2 + 1 - end) / (start * s2 + 1 - start));
      return Math.abs(xt.item_double() - path);
    }
  }
}

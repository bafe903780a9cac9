package org.bitdiffusion.training;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.within;

import org.bitdiffusion.nn.Conv2d;
import org.bitdiffusion.nn.Parameters;
import org.bitdiffusion.runtime.Compute;
import org.bitdiffusion.runtime.Engine;
import org.bytedeco.javacpp.PointerScope;
import org.bytedeco.pytorch.Scalar;
import org.junit.jupiter.api.Test;

/** Adam as its paper states it, number by number. */
class AdamTest {
  @Test
  void followsTheFormulasOverThreeSteps() {
    Engine.load();
    var builder = new Parameters.Builder(0);
    new Conv2d(builder, 1, 1, 1, 1, 1); // a weight and a bias
    try (var parameters = builder.build(Compute.PLAIN);
        var adam = new Adam(parameters, 0.9, 0.99, 1e-3, 0.1);
        var scope = new PointerScope()) {
      parameters.values().fill_(new Scalar(2.0));
      double weight = 2;
      double m = 0;
      double v = 0;
      double[] gradients = {0.5, -1, 0.25};
      for (var t = 1; t <= 3; t++) {
        var g = gradients[t - 1];
        parameters.gradients().fill_(new Scalar(g));
        adam.step(t, 0.01);

        weight -= 0.01 * 0.1 * weight;
        m = 0.9 * m + 0.1 * g;
        v = 0.99 * v + 0.01 * g * g;
        var mHat = m / (1 - Math.pow(0.9, t));
        var vHat = v / (1 - Math.pow(0.99, t));
        weight -= 0.01 * mHat / (Math.sqrt(vHat) + 1e-3);
        assertThat((double) parameters.values().select(0, 0).item_float())
            .isCloseTo(weight, within(1e-6));
      }
    }
  }
}
